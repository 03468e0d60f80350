"""People, grants, tokens: it works · no role · another company · a bank."""

import re
from uuid import UUID, uuid4

import pytest

from tenants.people_web import DATA_SOURCES
from tests.cast import GAO_YAN, HU_BO, KE_LAN, KONG_KUN, KUANG_DA, NIE_ZHEN, PAN_LI

SOURCE = UUID("00000000-0000-7000-8000-00000000beef")


@pytest.fixture(autouse=True)
def _sources(app):
    def of(work):
        return [(SOURCE, "MES")] if work.tenant_id == KONG_KUN.seats[0].company.id else []

    app.extensions[DATA_SOURCES] = of


@pytest.fixture
def home(admin):
    row = admin.execute(
        "SELECT id FROM place WHERE code = 'kestrel' AND level = 'company'"
    ).fetchone()
    return str(row[0])


@pytest.fixture
def grants(admin):
    def of(person):
        rows = admin.execute(
            "SELECT id, role FROM role_grant WHERE person_id = %s AND revoked_at IS NULL",
            [person.id],
        ).fetchall()
        return {role: grant_id for grant_id, role in rows}

    return of


def grant(opened, person_id, place, role="process_engineer"):
    return opened.post(f"/company/people/{person_id}/grants", {"role": role, "place_id": place})


def test_a_role_is_granted_shown_and_revoked(enter, home, grants):
    opened = enter(KONG_KUN)
    assert grant(opened, KE_LAN.id, home).status_code == 303
    given = grants(KE_LAN)["process_engineer"]
    page = opened.get(f"/company/people/{KE_LAN.id}").text
    assert "Has this through" in page
    assert str(given) in page
    assert opened.get(f"/company/grants/{given}/revoke").status_code == 200
    assert opened.post(f"/company/grants/{given}/revoke").status_code == 303
    assert "process_engineer" not in grants(KE_LAN)
    again = opened.post(f"/company/grants/{given}/revoke")
    assert again.status_code == 409


def test_a_colleague_without_the_role_is_told_so(enter, home, grants):
    opened = enter(KE_LAN)
    assert grant(opened, KUANG_DA.id, home).status_code == 403
    assert opened.get("/company/people").status_code == 403
    assert "process_engineer" not in grants(KUANG_DA)


def test_another_company_cannot_tell_a_person_or_grant_from_a_missing_one(enter, home, grants):
    stranger = enter(NIE_ZHEN)
    own = grants(KE_LAN)["planner"]
    pairs = [
        (stranger.get(f"/company/people/{KE_LAN.id}"), stranger.get(f"/company/people/{uuid4()}")),
        (grant(stranger, KE_LAN.id, home), grant(stranger, uuid4(), str(uuid4()))),
        (
            stranger.post(f"/company/grants/{own}/revoke"),
            stranger.post(f"/company/grants/{uuid4()}/revoke"),
        ),
        (
            stranger.post(f"/company/people/{KE_LAN.id}/end"),
            stranger.post(f"/company/people/{uuid4()}/end"),
        ),
    ]
    assert [(foreign.status_code, foreign.data == missing.data) for foreign, missing in pairs] == [
        (404, True)
    ] * 4
    assert grants(KE_LAN)["planner"] == own


def test_a_bank_gets_nothing(enter, home, grants):
    opened = enter(GAO_YAN)
    assert opened.get("/company/people").status_code == 403
    assert grant(opened, KE_LAN.id, home).status_code == 403
    assert "process_engineer" not in grants(KE_LAN)


def test_own_roles_are_changed_by_somebody_else(enter, home):
    opened = enter(KONG_KUN)
    assert grant(opened, KONG_KUN.id, home).status_code == 403
    assert 'name="role"' not in opened.get(f"/company/people/{KONG_KUN.id}").text


def test_a_role_that_does_not_fit_comes_back_with_the_form(enter, home):
    answer = grant(enter(KONG_KUN), KE_LAN.id, home, role="reviewer")
    assert answer.status_code == 422
    assert "does not exist in a company of this kind" in answer.text


def test_a_new_person_signs_in_with_a_password_of_her_own(enter, browser, home):
    fields = {
        "login": "new.comer", "name_zh": "新人", "name_en": "New Comer", "role": "planner",
        "place_id": home,
    }  # fmt: skip
    page = enter(KONG_KUN).post("/company/people/new", fields).text
    (password,) = re.findall(r"<dd>([a-z0-9]{5}(?:-[a-z0-9]{5}){3})</dd>", page)
    opened = browser()
    assert opened.sign_in("kestrel/new.comer", password).location == "/sign-in/new-password"
    opened.page = "/sign-in/new-password"
    own = "seven copper kettles in rain"
    changed = opened.post(
        "/sign-in/new-password",
        {"name": "kestrel/new.comer", "password": password, "new_password": own, "again": own},
    )
    assert changed.status_code == 303
    assert "New Comer" in opened.get("/me").text


def test_who_is_ended_is_out_at_the_next_request(enter, home, admin):
    administrator = enter(KONG_KUN)
    leaver = enter(KUANG_DA)
    assert leaver.get("/me").status_code == 200
    assert administrator.get(f"/company/people/{KUANG_DA.id}/end").status_code == 200
    assert administrator.post(f"/company/people/{KUANG_DA.id}/end").status_code == 303
    assert leaver.get("/me").location.startswith("/sign-in")
    admin.execute(
        "UPDATE membership SET ended_at = NULL, ended_by = NULL WHERE person_id = %s",
        [KUANG_DA.id],
    )


def test_a_token_is_shown_once_and_revoked(enter, db, admin):
    from tenants.identity import authenticate_device

    opened = enter(KONG_KUN)
    made = opened.post(
        "/company/tokens/new", {"source_id": str(SOURCE), "name": "Gateway 1", "days": "30"}
    ).text
    (token,) = re.findall(r"gyd_[0-9a-f]{8}_[\w-]{43}", made)
    assert authenticate_device(db, f"Bearer {token}").source_id == SOURCE
    listed = opened.get("/company/tokens").text
    assert "Gateway 1" in listed
    assert token not in listed
    (token_id,) = re.findall(r"/company/tokens/([0-9a-f-]{36})/revoke", listed)
    stranger = enter(NIE_ZHEN)
    foreign = stranger.post(f"/company/tokens/{token_id}/revoke")
    missing = stranger.post(f"/company/tokens/{uuid4()}/revoke")
    assert (foreign.status_code, foreign.data) == (404, missing.data)
    assert authenticate_device(db, f"Bearer {token}") is not None
    assert opened.post(f"/company/tokens/{token_id}/revoke").status_code == 303
    assert authenticate_device(db, f"Bearer {token}") is None


@pytest.mark.parametrize("person", [KE_LAN, PAN_LI, GAO_YAN, HU_BO])
def test_nobody_else_makes_tokens(enter, person):
    opened = enter(person)
    assert opened.get("/company/tokens").status_code == 403
    sent = {"source_id": str(SOURCE), "name": "x", "days": "1"}
    assert opened.post("/company/tokens/new", sent).status_code == 403


def test_a_token_needs_one_of_the_companys_sources(enter):
    opened = enter(KONG_KUN)
    sent = {"source_id": str(uuid4()), "name": "x", "days": "1"}
    assert opened.post("/company/tokens/new", sent).status_code == 422
    too_long = {"source_id": str(SOURCE), "name": "x", "days": "366"}
    assert opened.post("/company/tokens/new", too_long).status_code == 422


def test_an_operator_of_the_cloud_sees_the_groups_people_and_changes_none(enter, home):
    opened = enter(HU_BO)
    page = opened.get("/company/people").text
    assert "He Jing" in page
    assert "Ke Lan" not in page
    assert opened.get("/company/people/new").status_code == 403
