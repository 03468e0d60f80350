"""The way in, the homes, long actions, choices of the browser, health."""

import re
from uuid import uuid4

import pytest

from kernel import operations
from kernel.db import worker
from portal.shell.frame import opens
from portal.shell.navigation import ITEMS
from tests.cast import (
    GAO_YAN,
    HE_JING,
    HU_BO,
    HUO_AN,
    KANG_YI,
    KE_LAN,
    KONG_KUN,
    KUANG_DA,
    PAN_LI,
)

STAFF = (HE_JING, HU_BO, HUO_AN, KONG_KUN, KE_LAN, KUANG_DA, KANG_YI, GAO_YAN)
PUBLIC = ("/about", "/help", "/licences")


def test_the_first_address_leads_to_the_door_or_home(app, sign_in):
    assert app.test_client().get("/").location == "/sign-in"
    assert sign_in(KE_LAN).get("/").location == "/home"


def test_home_is_for_who_is_signed_in(app):
    assert app.test_client().get("/home").location == "/sign-in?next=%2Fhome"


@pytest.mark.parametrize("person", STAFF, ids=lambda person: person.login_name)
def test_everybody_has_a_home(sign_in, person):
    answer = sign_in(person).get("/home", follow_redirects=True)
    assert answer.status_code == 200
    assert person.name_zh in answer.text


def test_a_bank_begins_with_its_cases(sign_in):
    assert sign_in(GAO_YAN).get("/home").location == "/bank/cases"


def links(page: str) -> list[str]:
    navigation = page.partition('<ul class="nav-main">')[2].partition("</nav>")[0]
    return re.findall(r'<a href="([^"]+)"', navigation)


@pytest.mark.parametrize("person", STAFF, ids=lambda person: person.login_name)
def test_every_entry_of_the_navigation_opens(sign_in, person):
    client = sign_in(person)
    shown = links(client.get("/home", follow_redirects=True).text)
    assert shown
    answers = {path: client.get(path, follow_redirects=True).status_code for path in shown}
    assert answers == dict.fromkeys(shown, 200)


@pytest.mark.parametrize("person", STAFF, ids=lambda person: person.login_name)
def test_what_is_not_in_the_navigation_is_refused(sign_in, person):
    client = sign_in(person)
    shown = set(links(client.get("/home", follow_redirects=True).text))
    items = [each for kind in ITEMS for item in ITEMS[kind] for each in (item, *item.below)]
    hidden = {item.path for item in items} - shown
    # Pages below an entry that is not open are listed only there.
    refused = {path: client.get(path).status_code for path in hidden}
    wrong = {
        path: code for path, code in refused.items() if code not in (403, 404) and path != "/home"
    }
    assert {path for path in wrong if not _is_listed_below(path, shown)} == set()


def _is_listed_below(path: str, shown: set[str]) -> bool:
    items = [item for kind in ITEMS for item in ITEMS[kind]]
    return any(
        path in {child.path for child in item.below}
        and ({item.path} | {child.path for child in item.below}) & shown
        for item in items
    )


def test_a_page_that_is_not_in_this_release_has_no_entry(app, work_as):
    with app.test_request_context("/"), work_as(KE_LAN) as work:
        assert opens(work.actor, "/home")
        assert not opens(work.actor, "/exchange")
        assert not opens(work.actor, "/bank/cases")


@pytest.fixture
def start(work_as):
    def begin(person):
        with work_as(person) as work:
            return operations.start(work, "production.import_archive", params={}, total=10)

    return begin


@pytest.fixture
def state_of(admin):
    def read(operation_id):
        row = admin.execute("SELECT state FROM operation WHERE id = %s", [operation_id]).fetchone()
        return row[0]

    return read


def test_a_long_action_is_shown_with_its_progress(sign_in, start):
    operation_id = start(KONG_KUN)
    client = sign_in(KONG_KUN)
    page = client.get(f"/operations/{operation_id}").text
    assert "0 / 10" in page
    assert f'hx-get="/operations/{operation_id}/progress"' in page
    part = client.get(f"/operations/{operation_id}/progress")
    assert part.text.lstrip().startswith('<div class="operation"')
    assert "HX-Refresh" not in part.headers
    assert f"/operations/{operation_id}" in client.get("/home").text


def test_an_ended_action_asks_no_more_and_says_why_it_failed(sign_in, start, jobs_db):
    operation_id = start(KONG_KUN)
    with jobs_db.work(worker()) as work:
        found = work.session.get(operations.Operation, operation_id)
        found.state, found.finished_at = operations.OperationState.FAILED, work.now
        found.error_code = "worker_lost"
    client = sign_in(KONG_KUN)
    client.set_cookie("gongyun_locale", "en")
    part = client.get(f"/operations/{operation_id}/progress")
    assert part.headers["HX-Refresh"] == "true"
    assert "hx-get" not in part.text
    assert "lost three times" in client.get(f"/operations/{operation_id}").text


@pytest.mark.parametrize("stranger", [PAN_LI, GAO_YAN, HE_JING], ids=lambda each: each.login_name)
@pytest.mark.parametrize("part", ["", "/progress"])
def test_another_company_cannot_tell_an_action_from_a_missing_one(sign_in, start, stranger, part):
    client = sign_in(stranger)
    foreign = client.get(f"/operations/{start(KONG_KUN)}{part}")
    missing = client.get(f"/operations/{uuid4()}{part}")
    assert (foreign.status_code, foreign.data) == (404, missing.data)


def test_who_started_an_action_calls_it_off(sign_in, start, state_of):
    operation_id = start(KONG_KUN)
    answer = sign_in(KONG_KUN).post(f"/operations/{operation_id}/cancel")
    assert answer.location == f"/operations/{operation_id}"
    assert state_of(operation_id) == "cancelled"


@pytest.mark.parametrize(
    ("person", "status"),
    [(KE_LAN, 403), (PAN_LI, 404), (GAO_YAN, 404), (HE_JING, 404)],
    ids=lambda each: str(getattr(each, "login_name", each)),
)
def test_nobody_else_calls_it_off(sign_in, start, state_of, person, status):
    operation_id = start(KONG_KUN)
    assert sign_in(person).post(f"/operations/{operation_id}/cancel").status_code == status
    assert state_of(operation_id) == "queued"


def test_language_and_theme_are_kept_and_the_page_is_shown_again(app):
    client = app.test_client()
    answer = client.post("/language/en", headers={"Referer": "http://localhost/about?a=b"})
    assert (answer.status_code, answer.location) == (303, "/about?a=b")
    assert 'lang="en"' in client.get("/about").text
    client.post("/theme/dark")
    assert 'data-bs-theme="dark"' in client.get("/about").text


@pytest.mark.parametrize("path", ["/language/fr", "/theme/pink"])
def test_only_what_is_there_can_be_chosen(app, path):
    answer = app.test_client().post(path)
    assert answer.status_code == 404
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "referrer",
    ["https://evil.example//evil.example/x", "http://localhost//evil.example", "/\\evil.example"],
)
def test_the_way_back_stays_in_the_portal(app, referrer):
    answer = app.test_client().post("/theme/dark", headers={"Referer": referrer})
    assert re.match(r"/[^/\\]", answer.location)


@pytest.mark.parametrize("path", PUBLIC)
def test_public_pages_open_to_everybody(app, sign_in, path):
    assert app.test_client().get(path).status_code == 200
    assert KE_LAN.name_zh in sign_in(KE_LAN).get(path).text
    assert sign_in(GAO_YAN).get(path).status_code == 200


def test_the_about_page_says_what_is_real_and_what_is_invented(app):
    client = app.test_client()
    client.set_cookie("gongyun_locale", "en")
    page = client.get("/about").text
    assert "NIST" in page
    assert "invented" in page


def test_alive_says_one_word(app):
    assert app.test_client().get("/healthz").json == {"status": "ok"}


def test_ready_only_with_a_worker_that_beats(app, admin):
    client = app.test_client()
    admin.execute("DELETE FROM worker_beat")
    silent = client.get("/readyz")
    admin.execute("INSERT INTO worker_beat VALUES ('w', '2026-11-24 00:04:30+00')")
    beating = client.get("/readyz")
    admin.execute("UPDATE worker_beat SET beat_at = '2026-11-24 00:03:50+00'")
    lost = client.get("/readyz")
    assert [silent.status_code, beating.status_code, lost.status_code] == [503, 200, 503]
    assert silent.json == lost.json == {"status": "unavailable"}
