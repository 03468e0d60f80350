"""Signing in, switching, proving again, signing out."""

import re
from datetime import timedelta

import pytest

from kernel import clock
from tests.cast import (
    GAO_YAN,
    HE_JING,
    KAN_ZOU,
    KE_LAN,
    KONG_KUN,
    KUANG_DA,
    OUYANG_QING,
    PASSWORD,
    PEOPLE,
)
from tests.conftest import NOW

MINUTE = timedelta(minutes=1)
WRONG = "wrong password 1"


def without_tokens(page):
    """The page without what differs in every answer, and without the demo's list of names."""
    return re.sub(r'value="[^"]{40,}"', "", page.partition('class="door-demo"')[0])


def test_the_right_password_leads_in(browser):
    opened = browser()
    answer = opened.sign_in(KE_LAN.login_name)
    assert (answer.status_code, answer.location) == (303, "/")
    assert "Ke Lan" in opened.get("/me").text


def test_it_leads_on_to_where_the_person_wanted_to_go(browser):
    opened = browser()
    asked = opened.get("/company/places?x=1")
    assert asked.location == "/sign-in?next=%2Fcompany%2Fplaces%3Fx%3D1"
    assert opened.sign_in(KE_LAN.login_name, next="/company/places?x=1").location == (
        "/company/places?x=1"
    )


@pytest.mark.parametrize(
    "evil",
    ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example", "evil"],
)
def test_it_leads_to_no_other_host(browser, evil):
    assert browser().sign_in(KE_LAN.login_name, next=evil).location == "/"


def test_every_kind_of_no_is_the_same_answer(browser):
    names = (KE_LAN.login_name, "nobody/at.all", KAN_ZOU.login_name)
    answers = [browser().sign_in(name, WRONG) for name in names]
    assert {answer.status_code for answer in answers} == {422}
    pages = {without_tokens(a.text).replace(n, "NAME") for a, n in zip(answers, names, strict=True)}
    assert len(pages) == 1
    assert "do not belong together" in pages.pop()


def test_a_password_never_comes_back_in_a_page(browser):
    assert WRONG not in browser().sign_in(KE_LAN.login_name, WRONG).text


def test_too_many_failures_wait_whether_or_not_the_name_exists(browser):
    def tries(name):
        opened = browser()
        opened.client.environ_base["REMOTE_ADDR"] = "203.0.113.9"
        return [opened.sign_in(name, WRONG) for _ in range(6)][-1]

    known, unknown = tries(KUANG_DA.login_name), tries("nobody/here")
    assert (known.status_code, unknown.status_code) == (429, 429)
    assert known.headers["Retry-After"] == unknown.headers["Retry-After"] == "901"
    assert without_tokens(known.text) == without_tokens(unknown.text)


def test_a_form_from_elsewhere_is_refused(browser):
    opened = browser()
    answer = opened.post("/sign-in", {"name": KE_LAN.login_name, "password": PASSWORD}, token="x")
    assert answer.status_code == 400
    assert opened.get("/me").status_code == 303


def test_an_unknown_field_is_refused(browser):
    assert browser().sign_in(KE_LAN.login_name, tenant_id="1").status_code == 422


@pytest.mark.parametrize("person", [p for p in PEOPLE if not p.left], ids=lambda p: p.name_en)
def test_one_click_takes_in_every_person_of_the_demo(enter, person):
    assert person.name_en in enter(person).get("/me").text


def test_who_is_no_person_of_the_demo_is_not_taken_in(browser):
    opened = browser()
    assert opened.post("/sign-in/demo", {"login_name": KAN_ZOU.login_name}).status_code == 404


def test_without_the_demo_there_are_no_buttons(make_app, browser):
    live = type(browser())(make_app(demo=False))
    page = live.get("/sign-in").text
    assert KE_LAN.login_name not in page
    assert "/sign-in/demo" not in page
    assert live.post("/sign-in/demo", {"login_name": KE_LAN.login_name}).status_code == 404


def test_the_cookie_holds_no_person_and_is_out_of_reach_of_scripts(browser):
    cookie = browser().sign_in(KE_LAN.login_name).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert str(KE_LAN.id) not in cookie


def test_a_sign_in_changes_sid_and_token(browser):
    opened = browser()
    before = opened.token()
    opened.sign_in(KE_LAN.login_name)
    old_form = opened.post("/switch", {"seat": "kestrel:tenant"}, token=before)
    assert old_form.status_code == 400


def test_a_stolen_cookie_is_dead_after_sign_out(enter):
    opened = enter(KE_LAN)
    stolen = opened.client.get_cookie("gongyun").value
    answer = opened.post("/sign-out")
    assert answer.location == "/sign-in"
    assert "cache" in answer.headers["Clear-Site-Data"]
    opened.client.set_cookie("gongyun", stolen)
    assert opened.get("/me").location.startswith("/sign-in")


def test_a_switch_leads_to_the_other_company_and_an_old_tab_is_refused(enter):
    opened = enter(OUYANG_QING)
    before, page = opened.token(), opened.get("/switch").text
    (other,) = re.findall(r'name="seat" value="([^"]+)"', page)
    assert opened.post("/switch", {"seat": other}).status_code == 303
    company = {"kestrel": "Kestrel Precision", "oriole": "Oriole Solar"}[other.split(":")[0]]
    assert company in opened.get("/me").text
    assert opened.post("/me/sessions/end-others", token=before).status_code == 400


def test_a_seat_of_somebody_else_is_missing(enter):
    opened = enter(OUYANG_QING)
    foreign, missing = (opened.post("/switch", {"seat": s}) for s in ("granite:bank", "none:x"))
    assert (foreign.status_code, foreign.data) == (404, missing.data)


def test_what_binds_others_asks_for_a_fresh_proof(enter):
    opened = enter(KONG_KUN)
    assert opened.get("/company/people/new").status_code == 200
    clock.freeze(NOW + 16 * MINUTE)
    asked = opened.get("/company/people/new")
    assert asked.location == "/auth/step-up?next=%2Fcompany%2Fpeople%2Fnew"
    opened.page = "/auth/step-up"
    wrong = opened.post("/auth/step-up", {"password": WRONG, "next": "/company/people/new"})
    assert wrong.status_code == 422
    assert opened.get("/company/people/new").status_code == 303
    right = opened.post("/auth/step-up", {"password": PASSWORD, "next": "/company/people/new"})
    assert right.location == "/company/people/new"
    assert opened.get("/company/people/new").status_code == 200


def test_live_the_demos_button_proves_nothing(browser, make_app):
    live = type(browser())(make_app(demo=False))
    live.sign_in(KONG_KUN.login_name)
    assert live.post("/auth/step-up", {"next": "/"}).status_code == 422


def test_the_first_page_without_a_session_needs_no_database(browser, db):
    from sqlalchemy import event

    seen = []
    listener = lambda *arguments: seen.append(arguments[2])  # noqa: E731
    event.listen(db.engine, "before_cursor_execute", listener)
    try:
        assert browser().get("/sign-in").status_code == 200
    finally:
        event.remove(db.engine, "before_cursor_execute", listener)
    assert seen == []


def test_the_password_is_changed_on_its_own_page(browser):
    opened = browser()
    opened.page = "/sign-in/new-password"
    fields = {
        "name": GAO_YAN.login_name,
        "password": PASSWORD,
        "new_password": "nine grey stones by the door",
        "again": "nine grey stones by the door",
    }
    typo = opened.post("/sign-in/new-password", {**fields, "again": "nine grey"})
    weak = opened.post(
        "/sign-in/new-password",
        {**fields, "new_password": "granite-granite", "again": "granite-granite"},
    )
    assert (typo.status_code, weak.status_code) == (422, 422)
    assert opened.post("/sign-in/new-password", fields).status_code == 303
    assert "Gao Yan" in opened.get("/me").text
    assert browser().sign_in(GAO_YAN.login_name).status_code == 422


def test_a_bearer_token_is_nothing_outside_the_api_and_a_cookie_nothing_inside(enter):
    opened = enter(HE_JING)
    assert opened.get("/api/v1/anything").status_code == 404
    bare = opened.client.application.test_client()
    answer = bare.get("/me", headers={"Authorization": "Bearer gyd_00000000_" + "a" * 43})
    assert answer.location.startswith("/sign-in")
