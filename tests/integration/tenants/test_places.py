from datetime import time
from uuid import uuid4

import pytest

from kernel.errors import Forbidden, NotFound
from kernel.ids import PlaceId
from tenants import access, queries, service
from tenants.errors import (
    CodeTaken,
    OutOfReach,
    PlaceHasPlacesBelow,
    PlaceRetired,
    SiteNeedsClock,
    WrongParent,
)
from tenants.permissions import Permission
from tenants.words import Level
from tests.cast import HE_JING, KE_LAN, KONG_KUN, KUANG_DA, PAN_LI


@pytest.fixture
def place_of(work_as):
    def find(code, *, person=KONG_KUN):
        with work_as(person, read_only=True) as work:
            found = {each.code: each for each in queries.list_places(work, include_retired=True)}
            return found[code]

    return find


def add(work, parent, code, *, level=Level.LINE, **more):
    return service.add_place(
        work, parent_id=parent, level=level, code=code, name_zh="新", name_en="New", **more
    )


def test_a_place_is_added_below_its_parent(work_as, place_of):
    with work_as(KE_LAN) as work:
        made = add(work, place_of("CZ1").id, "L77")
    found = place_of("L77")
    assert (found.id, found.path[-2], found.zone) == (made, place_of("CZ1").id, "Asia/Shanghai")


def test_a_site_brings_its_clock_and_all_below_it_live_by_it(work_as, place_of):
    with work_as(KONG_KUN) as work:
        site = add(work, place_of("kestrel").id, "UR1", level=Level.SITE, zone="Asia/Urumqi",
                   day_start=time(10))  # fmt: skip
        line = add(work, site, "UL1")
    with work_as(KONG_KUN, read_only=True) as work:
        clock = queries.site_clock(queries.get_place(work, line))
    assert clock == queries.SiteClock("Asia/Urumqi", time(10))


@pytest.mark.parametrize(
    ("level", "zone", "start"),
    [
        (Level.SITE, None, None),
        (Level.SITE, "Asia/Atlantis", time(8)),
        (Level.LINE, "Asia/Shanghai", time(8)),
    ],
)
def test_a_site_and_only_a_site_has_a_clock(work_as, place_of, level, zone, start):
    with pytest.raises(SiteNeedsClock), work_as(KONG_KUN) as work:
        add(work, place_of("kestrel").id, "X1", level=level, zone=zone, day_start=start)


def test_a_line_cannot_stand_below_a_machine(work_as, place_of):
    with pytest.raises(WrongParent), work_as(KONG_KUN) as work:
        add(work, place_of("L2-07").id, "X2")


def test_a_code_is_used_once_in_a_company(work_as, place_of):
    with pytest.raises(CodeTaken), work_as(KONG_KUN) as work:
        add(work, place_of("CZ1").id, "L2")


def test_a_retired_place_is_gone_from_lists_but_keeps_its_code(work_as, place_of):
    with work_as(KONG_KUN) as work:
        made = add(work, place_of("CZ1").id, "L78")
        service.retire_place(work, made)
    assert place_of("L78").retired_at is not None
    with work_as(KONG_KUN, read_only=True) as work:
        assert "L78" not in {each.code for each in queries.list_places(work)}
    with pytest.raises(PlaceRetired), work_as(KONG_KUN) as work:
        service.retire_place(work, made)


def test_a_place_with_machines_at_work_cannot_be_retired(work_as, place_of):
    with pytest.raises(PlaceHasPlacesBelow), work_as(KONG_KUN) as work:
        service.retire_place(work, place_of("L2").id)
    assert place_of("L2").retired_at is None


def test_a_colleague_without_the_permission_changes_nothing(work_as, place_of):
    with pytest.raises(Forbidden), work_as(KUANG_DA) as work:
        service.rename_place(work, place_of("L2").id, name_zh="甲", name_en="A")
    assert place_of("L2").name_en != "A"


def test_another_companys_place_is_missing(work_as, place_of):
    line = place_of("L2").id
    for place in (line, PlaceId(uuid4())):
        with pytest.raises(NotFound), work_as(PAN_LI) as work:
            service.rename_place(work, place, name_zh="甲", name_en="A")
    assert place_of("L2").name_en != "A"


def test_an_operator_of_one_line_reaches_it_and_its_machines(work_as, place_of):
    line, machine, other = place_of("L2"), place_of("L2-07"), place_of("L1")
    read = Permission.PRODUCTION_FACT_READ
    with work_as(KUANG_DA, read_only=True) as work:
        reach = access.places_under(work, read)
        access.require(work, read, machine.id)
        with pytest.raises(OutOfReach):
            access.require(work, read, other.id)
    assert {line.id, machine.id} <= reach
    assert other.id not in reach


def test_a_person_of_the_whole_company_reaches_all(work_as):
    with work_as(KE_LAN, read_only=True) as work:
        assert access.places_under(work, Permission.PRODUCTION_FACT_READ) is None
        assert access.places_under(work, Permission.CREDIT_CASE_READ) == frozenset()


def test_the_group_sees_places_of_the_levels_that_are_shared(work_as, place_of):
    with work_as(KONG_KUN) as work:
        service.set_sharing(work, level=Level.LINE)
    company = place_of("kestrel")
    with work_as(HE_JING, read_only=True) as work:
        shared = queries.list_places(work, under=company.id)
    assert {each.level for each in shared} == {Level.COMPANY, Level.SITE, Level.LINE}
    assert shared[0].id == company.id


def test_a_company_that_shares_nothing_has_no_places_for_the_group(work_as, place_of):
    company = place_of("kestrel")
    with work_as(KONG_KUN) as work:
        service.set_sharing(work, level=None)
        assert queries.shared_levels(work) == frozenset()
    with work_as(HE_JING, read_only=True) as work:
        assert queries.list_places(work, under=company.id) == []
        with pytest.raises(NotFound):
            queries.get_place(work, company.id)
    with work_as(KONG_KUN) as work:
        service.set_sharing(work, level=Level.UNIT)
        assert queries.list_shares(work)[0].level is Level.UNIT


def test_the_list_can_be_cut_to_a_level_and_a_place(work_as, place_of):
    with work_as(KONG_KUN, read_only=True) as work:
        machines = queries.list_places(work, under=place_of("L2").id, level="unit")
        path = queries.place_path(work, place_of("L2-07").id)
    assert "L2-07" in {each.code for each in machines}
    assert {each.level for each in machines} == {Level.UNIT}
    assert [each.code for each in path] == ["kestrel", "CZ1", "L2", "L2-07"]
