"""Audit log, matrix, companies of the cloud, own sessions."""

import csv
import io
import re

import pytest

from tenants import audit
from tests.cast import (
    DING_NING,
    GAO_YAN,
    GUO_SHI,
    HE_JING,
    HU_BO,
    HUO_AN,
    KANG_YI,
    KE_LAN,
    KONG_KUN,
    PAN_LI,
)


@pytest.fixture
def write(work_as):
    def note(person, action, **detail):
        with work_as(person) as work:
            audit.record(work, action, "thing", "x", **detail)

    return note


def test_a_company_reads_its_own_page(enter, write):
    write(KE_LAN, "test.kestrel.act")
    write(PAN_LI, "test.pelican.act")
    page = enter(KONG_KUN).get("/audit").text
    assert "test.kestrel.act" in page
    assert "test.pelican.act" not in page


def test_the_auditor_reads_all_and_names_the_page(enter, write):
    write(KE_LAN, "test.all.act")
    page = enter(HUO_AN).get("/audit?action=test.all").text
    assert "test.all.act" in page
    assert "Ke Lan" in page
    assert "on the page of Kestrel" in page


def test_finance_reads_credit_alone(enter, write):
    write(KE_LAN, "credit.test.act")
    write(KE_LAN, "test.not_credit.act")
    page = enter(KANG_YI).get("/audit").text
    assert "credit.test.act" in page
    assert "test.not_credit.act" not in page


@pytest.mark.parametrize("person", [KE_LAN, PAN_LI, GAO_YAN, HE_JING])
def test_others_are_told_that_it_is_not_theirs(enter, person):
    opened = enter(person)
    assert opened.get("/audit").status_code == 403
    assert opened.get("/audit/export").status_code == 403


def test_a_bank_and_an_operator_read_their_own_page(enter, write):
    write(KE_LAN, "test.kestrel.act")
    assert "test.kestrel.act" not in enter(GUO_SHI).get("/audit").text
    assert "test.kestrel.act" not in enter(HU_BO).get("/audit").text


def test_the_pages_follow_each_other(enter, work_as):
    with work_as(KE_LAN) as work:
        for number in range(60):
            audit.record(work, f"test.paged.act{number:02}")
    opened, path, seen = enter(KONG_KUN), "/audit?action=test.paged", []
    while path:
        page = opened.get(path).text
        seen += re.findall(r"test\.paged\.act\d\d(?=<)", page.split("<tbody>")[1])
        older = re.search(r'href="([^"]+)" rel="next"', page)
        path = older[1].replace("&amp;", "&") if older else None
    assert sorted(seen) == [f"test.paged.act{number:02}" for number in range(60)]
    assert len(seen) == 60


def test_a_hand_made_filter_does_not_fail(enter):
    bad = "/audit?person=x&since=0001-01-01&until=9999-12-31&outcome=?&before=y&_external=1"
    assert enter(KONG_KUN).get(bad).status_code == 200


def test_the_export_says_the_same_and_is_written_down(enter, write, admin):
    write(KE_LAN, "test.exported.act", sign="=1+1")
    answer = enter(KONG_KUN).get("/audit/export?action=test.exported")
    (row,) = csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert (row["action"], row["who"], row["outcome"]) == ("test.exported.act", "Ke Lan", "ok")
    assert answer.mimetype == "text/csv"
    count = "SELECT count(*) FROM audit_log WHERE action = 'tenants.audit.export'"
    assert admin.execute(count).fetchone()[0] == 1


def test_a_cell_that_a_spreadsheet_would_run_is_defused(enter, write):
    write(KE_LAN, "=cmd")
    text = enter(KONG_KUN).get("/audit/export?action=%3Dcmd").data.decode("utf-8-sig")
    assert ",'=cmd," in text


def test_the_matrix_shows_all_roles_to_the_auditor_and_own_ones_to_others(enter):
    assert "Reviewer" in enter(HUO_AN).get("/permissions").text
    page = enter(KONG_KUN).get("/permissions").text
    assert "Planner" in page
    assert "Reviewer" not in page
    assert enter(KE_LAN).get("/permissions").status_code == 403


@pytest.mark.parametrize("person", [HU_BO, HE_JING, HUO_AN])
def test_the_group_sees_the_companies_of_the_cloud(enter, person):
    page = enter(person).get("/platform/companies").text
    assert "Pelican Fibres" in page
    assert "Granite Bank" in page


@pytest.mark.parametrize("person", [KONG_KUN, GAO_YAN])
def test_for_others_there_is_no_such_page(enter, person):
    opened = enter(person)
    asked, missing = opened.get("/platform/companies"), opened.get("/no/such/page")
    assert (asked.status_code, asked.data) == (404, missing.data)


def test_a_person_ends_her_other_sessions(enter):
    one, two, foreign = enter(KE_LAN), enter(KE_LAN), enter(PAN_LI)
    page = two.get("/me/sessions").text
    first = re.findall(r"/me/sessions/([0-9a-f-]{36})/end", page)
    assert foreign.post(f"/me/sessions/{first[0]}/end").status_code == 404
    assert one.get("/me").status_code == 200
    assert two.post("/me/sessions/end-others").status_code == 303
    assert one.get("/me").location.startswith("/sign-in")
    assert two.get("/me").status_code == 200


def test_a_person_ends_one_session(enter):
    one, two = enter(DING_NING), enter(DING_NING)
    (first,) = re.findall(r"/me/sessions/([0-9a-f-]{36})/end", two.get("/me/sessions").text)
    assert two.post(f"/me/sessions/{first}/end").status_code == 303
    assert one.get("/me").status_code == 303


@pytest.mark.parametrize("person", [KONG_KUN, HU_BO, HUO_AN, HE_JING, GUO_SHI])
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_page_that_opens_can_be_drawn(enter, person, language):
    opened = enter(person, language=language)
    paths = [
        "/me", "/me/sessions", "/switch", "/auth/step-up", "/company", "/company/profile",
        "/company/sharing?level=line", "/company/places", "/company/places/new",
        "/company/people", "/company/people/new", f"/company/people/{KE_LAN.id}",
        "/company/tokens", "/company/tokens/new", "/audit", "/permissions",
        "/platform/companies",
    ]  # fmt: skip
    found = {path: opened.get(path).status_code for path in paths}
    assert set(found.values()) <= {200, 403, 404}
    assert found["/me"] == found["/company"] == 200
