"""Profile, sharing, places: it works · no role · another company · a bank."""

from uuid import uuid4

import pytest

from tests.cast import GAO_YAN, HE_JING, KE_LAN, KONG_KUN, KUANG_DA, MA_RUI, PAN_LI


@pytest.fixture
def place_id(admin):
    def find(code, company="kestrel"):
        row = admin.execute(
            "SELECT p.id FROM place p JOIN tenant t ON t.id = p.tenant_id"
            " WHERE p.code = %s AND t.code = %s",
            [code, company],
        ).fetchone()
        return row[0] if row else None

    return find


@pytest.fixture
def name_of(admin):
    def find(place_id):
        statement = "SELECT name_en FROM place WHERE id = %s"
        return admin.execute(statement, [place_id]).fetchone()[0]

    return find


NAMES = {"name_zh": "新", "name_en": "Renamed"}


def rename(opened, place):
    return opened.post(f"/company/places/{place}/rename", NAMES)


def test_a_place_is_added_and_renamed(enter, place_id, name_of):
    opened = enter(KE_LAN)
    new = {"parent_id": place_id("CZ1"), "level": "line", "code": "L90", **NAMES}
    assert opened.post("/company/places/new", new).status_code == 303
    made = place_id("L90")
    assert name_of(made) == "Renamed"
    assert (
        opened.post(
            f"/company/places/{made}/rename", {"name_zh": "乙", "name_en": "Other"}
        ).status_code
        == 303
    )
    assert name_of(made) == "Other"
    assert opened.get(f"/company/places/{made}/retire").status_code == 200
    assert opened.post(f"/company/places/{made}/retire").status_code == 303
    assert "Retired" in opened.get("/company/places").text


def test_a_colleague_without_the_role_is_told_so(enter, place_id, name_of):
    line = place_id("L2")
    assert rename(enter(KUANG_DA), line).status_code == 403
    assert name_of(line) != "Renamed"


def test_another_company_cannot_tell_it_from_a_missing_one(enter, place_id, name_of):
    stranger, line = enter(PAN_LI), place_id("L2")
    foreign, missing = rename(stranger, line), rename(stranger, uuid4())
    assert (foreign.status_code, foreign.data) == (404, missing.data)
    assert name_of(line) != "Renamed"


def test_a_bank_gets_nothing(enter, place_id, name_of):
    assert rename(enter(GAO_YAN), place_id("L2")).status_code == 403
    assert name_of(place_id("L2")) != "Renamed"


def test_the_companys_own_place_is_not_renamed_here(enter, place_id):
    assert rename(enter(KONG_KUN), place_id("kestrel")).status_code == 404


def test_a_faulty_form_comes_back_with_its_values(enter, place_id):
    opened = enter(KONG_KUN)
    taken = {"parent_id": place_id("CZ1"), "level": "line", "code": "L2", **NAMES}
    answer = opened.post("/company/places/new", taken)
    assert answer.status_code == 409
    assert "Renamed" in answer.text
    assert "in use already" in answer.text
    empty = opened.post("/company/places/new", {"code": "x y"})
    assert empty.status_code == 422
    assert empty.text.count("Fill this in.") >= 2


def test_somebody_at_one_line_sees_that_line(enter):
    page = enter(KUANG_DA).get("/company/places").text
    assert "L2-07" in page
    assert "L1-01" not in page


def test_an_executive_sees_the_groups_own_places_here(enter):
    page = enter(HE_JING).get("/company/places").text
    assert "heron" in page
    assert "kestrel" not in page


def test_the_profile_is_changed_once(enter):
    opened = enter(KONG_KUN)
    fields = {
        "version": "1", "name_zh": "红隼精工", "name_en": "Kestrel Fine", "segment": "machining",
        "region": "CN-JS", "kpi_profile": "discrete",
    }  # fmt: skip
    assert opened.post("/company/profile", fields).status_code == 303
    assert "Kestrel Fine" in opened.get("/company").text
    late = opened.post("/company/profile", {**fields, "name_en": "Late"})
    assert late.status_code == 409
    assert "Late" not in opened.get("/company").text


@pytest.mark.parametrize("person", [KE_LAN, GAO_YAN, HE_JING])
def test_only_an_administrator_changes_the_profile(enter, person):
    opened = enter(person)
    assert opened.get("/company").status_code == 200
    assert opened.post("/company/profile", {"version": "1"}).status_code == 403


def test_sharing_shows_before_and_after_and_holds_at_once(enter, work_as):
    from tenants import queries

    opened = enter(KONG_KUN)
    confirm = opened.get("/company/sharing?level=site").text
    assert "The group sees now" in confirm
    assert opened.post("/company/sharing", {"level": "site"}).status_code == 303
    with work_as(HE_JING, read_only=True) as work:
        seen = {
            p.level.value for p in queries.list_places(work, tenant_id=KONG_KUN.seats[0].company.id)
        }
    assert seen == {"company", "site"}
    assert opened.post("/company/sharing", {"level": "galaxy"}).status_code == 422


@pytest.mark.parametrize("person", [KE_LAN, PAN_LI, GAO_YAN, HE_JING, MA_RUI])
def test_nobody_else_decides_what_is_shared(enter, person):
    assert enter(person).post("/company/sharing", {"level": "none"}).status_code == 403
