"""Who sees which board, and that pages, charts and files show one and the same."""

import base64
import csv
import gzip
import hashlib
import io
import json
import re
from uuid import uuid4

import openpyxl
import pytest

from tests.cast import GAO_YAN, HE_JING, HU_BO, HUO_AN, KE_LAN, KUANG_DA, MA_RUI, PAN_LI
from tests.web.dashboards.conftest import hrefs

FILES = re.compile(r'(?:src|href)="(/(?:static|boards)/[^"]+[.](?:js|css|svg)[^"]*)"')
PAGES = [("company", "kestrel"), ("line", "L2"), ("machine", "L2-07")]


@pytest.mark.parametrize(("page", "code"), PAGES)
@pytest.mark.parametrize(("person", "audience"), [(KE_LAN, "tenant"), (HE_JING, "group")])
def test_a_board_opens(sign_in, place, person, audience, page, code):
    node = place("kestrel", code)
    answer = sign_in(person).get(f"/boards/{audience}/{page}?node={node}&period=30d")
    assert answer.status_code == 200
    assert 'id="react-entry-point"' in answer.text


@pytest.mark.parametrize("page", ["company", "figure"])
def test_without_a_place_a_company_s_boards_begin_at_the_company(sign_in, page):
    assert sign_in(KE_LAN).get(f"/boards/tenant/{page}").status_code == 200


@pytest.mark.parametrize("page", ["company", "figure", "facts", "export/trend.csv"])
def test_a_role_without_the_permission_is_refused(sign_in, page):
    assert sign_in(MA_RUI).get(f"/boards/tenant/{page}").status_code == 403


@pytest.mark.parametrize("person", [GAO_YAN, HU_BO, HUO_AN], ids=["bank", "platform", "auditor"])
@pytest.mark.parametrize("audience", ["tenant", "group"])
def test_other_kinds_of_actor_find_no_board(sign_in, person, audience):
    assert sign_in(person).get(f"/boards/{audience}/company").status_code == 404


def test_each_audience_has_its_own_app(sign_in):
    assert sign_in(KE_LAN).get("/boards/group/company").status_code == 404
    assert sign_in(HE_JING).get("/boards/tenant/company").status_code == 404


@pytest.mark.parametrize("page", ["company", "line", "machine", "figure", "facts"])
def test_a_foreign_place_is_like_a_missing_one(sign_in, place, page):
    client = sign_in(PAN_LI)
    foreign = client.get(f"/boards/tenant/{page}?node={place('kestrel', 'L2-07')}")
    missing = client.get(f"/boards/tenant/{page}?node={uuid4()}")
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert foreign.data == missing.data


def test_the_group_finds_nothing_of_a_company_that_does_not_share(sign_in, place):
    node = place("wren", "wren")
    assert sign_in(HE_JING).get(f"/boards/group/company?node={node}").status_code == 404


def test_the_boards_of_an_operator_begin_at_his_line(sign_in, place):
    client = sign_in(KUANG_DA)
    begun = client.get("/boards/tenant/company?period=30d")
    assert begun.status_code == 303
    assert begun.location == f"/boards/tenant/line?node={place('kestrel', 'L2')}&period=30d"
    assert client.get(begun.location).status_code == 200


@pytest.mark.parametrize(("page", "code"), [("company", "kestrel"), ("line", "G1")])
def test_an_operator_reads_nothing_outside_his_line(sign_in, place, call, page, code):
    client = sign_in(KUANG_DA)
    search = f"?node={place('kestrel', code)}"
    assert client.get(f"/boards/tenant/{page}{search}").status_code == 403
    assert client.get(f"/boards/tenant/export/trend.csv{search}").status_code == 403
    assert call(client, "tenant", "trend", page=page, search=search).status_code == 403


def test_a_place_of_another_level_is_not_found(sign_in, place):
    node = place("kestrel", "L2")
    assert sign_in(KE_LAN).get(f"/boards/tenant/machine?node={node}").status_code == 404


@pytest.mark.parametrize("query", ["node=x", "period=never", "first=1", "last=', '", "metric=%00"])
def test_a_bad_address_shows_the_default_view(sign_in, query):
    assert sign_in(KE_LAN).get(f"/boards/tenant/company?{query}").status_code == 200


def test_raw_facts_are_not_shared_with_the_group_and_it_is_told_so(sign_in, place):
    client = sign_in(HE_JING)
    node = place("kestrel", "L2-07")
    assert client.get(f"/boards/group/facts?node={node}").status_code == 404
    assert client.get(f"/boards/group/export/facts.csv?node={node}").status_code == 404
    client.set_cookie("gongyun_locale", "en")
    page = client.get(f"/boards/group/machine?node={node}").text
    assert "not shared with the group" in page


def test_from_the_group_to_a_machine_in_three_clicks_and_the_period_survives(sign_in):
    client = sign_in(HE_JING)
    home = client.get("/home?period=30d").text
    company = client.get(hrefs(home, "/boards/group/company")[0]).text
    line = client.get(hrefs(company, "/boards/group/line")[0]).text
    machine = hrefs(line, "/boards/group/machine")[0]
    assert "period=30d" in machine
    assert client.get(machine).status_code == 200


def test_a_figure_opens_down_to_its_days_and_facts(sign_in, place):
    client = sign_in(KE_LAN)
    client.set_cookie("gongyun_locale", "en")
    node = place("kestrel", "L2-07")
    page = client.get(f"/boards/tenant/figure?node={node}&metric=oee&period=7d").text
    assert "Σ(PRI·GQ) / ΣPBT" in page
    day = hrefs(page, "/boards/tenant/figure?first=")[0]
    opened = client.get(day).text
    assert "version 1" in opened
    facts = hrefs(opened, "/boards/tenant/facts")[0]
    assert client.get(facts).status_code == 200


def test_an_unknown_figure_is_not_found(sign_in):
    assert sign_in(KE_LAN).get("/boards/tenant/figure?metric=money").status_code == 404


def test_page_csv_and_xlsx_say_the_same(sign_in):
    client = sign_in(KE_LAN)
    client.set_cookie("gongyun_locale", "en")
    page = client.get("/boards/tenant/company?period=7d").text
    text = client.get("/boards/tenant/export/lines.csv?period=7d").get_data().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    book = openpyxl.load_workbook(
        io.BytesIO(client.get("/boards/tenant/export/lines.xlsx?period=7d").data)
    )
    sheet = list(book.worksheets[0].values)
    assert rows
    assert [[_plain(cell) for cell in row] for row in sheet[1:]] == [
        [_plain(cell) for cell in row.values()] for row in rows
    ]
    assert all(f"{float(row['OEE (%)']):.1f}%" in page for row in rows)


def test_a_chart_and_its_file_say_the_same(sign_in, call):
    client = sign_in(KE_LAN)
    answer = call(client, "tenant", "trend", page="company", search="?period=7d")
    drawn = json.loads(answer.data)["response"]["trend-figure"]["figure"]["data"][0]
    text = client.get("/boards/tenant/export/trend.csv?period=7d").get_data().decode("utf-8-sig")
    column = [row[2] for row in csv.reader(io.StringIO(text))][1:]
    assert [f"{value:.1f}" for value in drawn["y"] if value is not None] == [
        f"{float(value):.1f}" for value in column if value
    ]


def test_a_chart_has_its_table(sign_in, call):
    client = sign_in(KE_LAN)
    answer = call(client, "tenant", "trend", page="company", search="?period=30d")
    source = json.loads(answer.data)["response"]["trend-table"]["data-src"]
    table = client.get(source)
    assert source == "/boards/tenant/export/trend.html?period=30d"
    assert table.text.count("<tr>") == 12  # a heading and the eleven whole days
    assert client.get("/boards/tenant/export/trend.exe").status_code == 404


@pytest.mark.parametrize("chart", ["trend", "states", "hours", "energy"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_chart_draws_only_what_the_bundle_knows(sign_in, call, place, chart, theme):
    search = f"?node={place('kestrel', 'L2-07')}&period=yesterday"
    answer = call(sign_in(KE_LAN), "tenant", chart, page="machine", search=search, theme=theme)
    assert answer.status_code == 200
    assert len(answer.data) < 60_000
    data = json.loads(answer.data)["response"][f"{chart}-figure"]["figure"]["data"]
    assert {trace["type"] for trace in data} <= {"scatter", "bar"}


def test_a_callback_finds_no_foreign_place(sign_in, call, place):
    search = f"?node={place('kestrel', 'L2-07')}"
    answer = call(sign_in(PAN_LI), "tenant", "states", page="machine", search=search)
    assert answer.status_code == 404
    missing = call(sign_in(PAN_LI), "tenant", "states", page="machine", search=f"?node={uuid4()}")
    assert answer.data == missing.data


@pytest.mark.parametrize("person", [GAO_YAN, HE_JING, HU_BO])
def test_a_callback_of_another_audience_is_not_found(sign_in, call, person):
    answer = call(sign_in(person), "tenant", "trend", page="company", search="")
    assert answer.status_code == 404


def test_a_callback_needs_the_session_s_own_token(sign_in, call):
    client = sign_in(KE_LAN)
    with_token = call(client, "tenant", "trend", page="company", search="")
    without = call(client, "tenant", "trend", page="company", search="", token="made up")
    assert (with_token.status_code, without.status_code) == (200, 400)


def test_a_made_up_callback_is_not_found(sign_in):
    client = sign_in(KE_LAN)
    answer = client.post(
        "/boards/tenant/_dash-update-component",
        json={"output": "x.y", "inputs": []},
    )
    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["", "x", "_reload-hash", "_favicon.ico", "losses", "company/"])
def test_pages_are_a_closed_list(sign_in, path):
    assert sign_in(KE_LAN).get(f"/boards/tenant/{path}").status_code == 404


def test_a_made_up_file_is_not_found_and_names_none(sign_in):
    answer = sign_in(KE_LAN).get("/boards/tenant/_dash-component-suites/dash/dcc/secret.js")
    assert answer.status_code == 404
    assert "dash_core_components" not in answer.text


def test_every_inline_script_of_a_board_is_in_its_policy(sign_in):
    answer = sign_in(KE_LAN).get("/boards/tenant/company")
    policy = answer.headers["Content-Security-Policy"]
    inline = re.findall(
        r"<script(?![^>]*(?:src=|application/json))[^>]*>(.*?)</script>", answer.text, re.DOTALL
    )
    assert inline
    for script in inline:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_a_board_names_no_version_and_no_other_host(sign_in):
    answer = sign_in(KE_LAN).get("/boards/tenant/company")
    config = re.search(r'id="_dash-config"[^>]*>(.*?)</script>', answer.text, re.DOTALL)
    told = json.loads(config.group(1))
    assert (told["dash_version"], told["python_version"], told["plotly_version"]) == ("", "", "")
    assert "http" not in config.group(1)


def test_versioned_files_are_kept_and_pages_are_not(sign_in):
    client = sign_in(KE_LAN)
    page = client.get("/boards/tenant/company")
    assert page.headers["Cache-Control"] == "no-store"
    scripts = re.findall(r'<script src="(/boards/[^"]+)"', page.text)
    kept = []
    for each in scripts:
        with client.get(each.replace("&amp;", "&")) as answer:
            kept.append(answer.headers["Cache-Control"])
    assert len(kept) > 5
    assert {each for each in kept if "immutable" not in each} == set()


def test_a_board_weighs_little_enough(sign_in):
    client = sign_in(KE_LAN)
    page = client.get("/boards/tenant/company")
    files = {each.replace("&amp;", "&").partition("#")[0] for each in FILES.findall(page.text)}
    files.add("/boards/tenant/_dash-component-suites/dash/dcc/async-graph.js")
    weight = len(gzip.compress(page.data, 6))
    for each in sorted(files):
        # Only the chart bundle lies there packed; of the others gzip's size is the upper bound.
        packed = "plotly" in each
        with client.get(each, headers={"Accept-Encoding": "br" if packed else ""}) as answer:
            assert answer.headers.get("Content-Encoding") == ("br" if packed else None)
            weight += len(answer.data if packed else gzip.compress(answer.data, 6))
    assert len(files) > 10
    assert weight <= 850_000


def test_the_group_home_asks_the_same_number_of_questions_for_any_group(sign_in, count_queries):
    client = sign_in(HE_JING)
    client.get("/home")
    with count_queries() as asked:
        assert client.get("/home").status_code == 200
    assert asked.total <= 48


def _plain(cell):
    if cell is None or cell == "":
        return ""
    try:
        return f"{float(cell):.4f}"
    except ValueError:
        return str(cell)
