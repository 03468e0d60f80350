from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from kernel.actor import Kind
from kernel.ids import PlaceId, TenantId
from tenants.permissions import HOLDERS, OF_MAKERS, Permission
from tenants.roles import CompanyKind, Role, fitting
from tenants.seats import Held, expand, idle_until, is_stepped_up, lasting, seats_of

NOW = datetime(2026, 11, 24, 0, 5, tzinfo=UTC)
COMPANY, LINE = PlaceId(UUID(int=1)), PlaceId(UUID(int=2))


def held(*roles, at_company=True):
    return [Held(role, COMPANY if at_company else LINE, at_company) for role in roles]


def seats(kind, *roles):
    return seats_of(
        TenantId(UUID(int=9)),
        company_kind=kind,
        code="heron",
        name_zh="苍鹭集团",
        name_en="Heron Group",
        held=held(*roles),
    )


def test_a_company_gives_one_seat_with_all_roles():
    (seat,) = seats(CompanyKind.SUBSIDIARY, Role.FINANCE, Role.ADMINISTRATOR)
    assert (seat.kind, seat.roles) == (Kind.TENANT, (Role.ADMINISTRATOR, Role.FINANCE))


def test_the_group_gives_one_seat_for_each_role():
    found = seats(CompanyKind.GROUP, Role.EXECUTIVE, Role.AUDITOR)
    assert {seat.kind: seat.roles for seat in found} == {
        Kind.GROUP: (Role.EXECUTIVE,),
        Kind.AUDITOR: (Role.AUDITOR,),
    }


def test_a_member_without_a_role_sits_in_a_company_but_not_in_the_group():
    assert len(seats(CompanyKind.PARTNER)) == 1
    assert seats(CompanyKind.GROUP) == ()


def test_a_bank_sits_as_a_bank():
    (seat,) = seats(CompanyKind.BANK, Role.REVIEWER)
    assert (seat.kind, seat.key) == (Kind.BANK, "heron:bank")


@pytest.mark.parametrize("kind", list(CompanyKind))
def test_every_role_that_fits_a_company_has_a_seat_there(kind):
    assert all(len(seats(kind, role)) == 1 for role in fitting(kind))


def test_a_permission_is_held_where_its_role_was_granted():
    grants = expand(held(Role.OPERATOR, at_company=False), Kind.TENANT)
    assert grants[Permission.PRODUCTION_SHEET_WRITE] == {LINE}
    assert Permission.TENANTS_GRANT_WRITE not in grants


def test_what_binds_the_whole_company_needs_the_role_at_the_company():
    at_line = expand(held(Role.ADMINISTRATOR, at_company=False), Kind.TENANT)
    assert Permission.TENANTS_SHARING_WRITE not in at_line
    assert at_line[Permission.TENANTS_GRANT_WRITE] == {LINE}
    assert expand(held(Role.ADMINISTRATOR), Kind.TENANT)[Permission.TENANTS_SHARING_WRITE] == {
        COMPANY
    }


@pytest.mark.parametrize(
    ("kind", "roles", "idle", "absolute"),
    [
        (Kind.TENANT, {Role.PLANNER}, timedelta(minutes=30), timedelta(hours=10)),
        (Kind.GROUP, {Role.EXECUTIVE}, timedelta(minutes=30), timedelta(hours=10)),
        (Kind.TENANT, {Role.OPERATOR}, timedelta(hours=8), timedelta(hours=12)),
        (Kind.TENANT, {Role.OPERATOR, Role.FINANCE}, timedelta(minutes=30), timedelta(hours=10)),
        (Kind.BANK, {Role.REVIEWER}, timedelta(minutes=15), timedelta(hours=8)),
        (Kind.PLATFORM, {Role.PLATFORM_OPERATOR}, timedelta(minutes=15), timedelta(hours=8)),
        (Kind.AUDITOR, {Role.AUDITOR}, timedelta(minutes=15), timedelta(hours=8)),
    ],
)
def test_sessions_last_as_long_as_their_seat_allows(kind, roles, idle, absolute):
    limits = lasting(kind, roles)
    assert (limits.idle, limits.absolute) == (idle, absolute)


def test_use_never_prolongs_a_session_beyond_its_absolute_end():
    limits = lasting(Kind.TENANT, {Role.PLANNER})
    end = NOW + timedelta(minutes=5)
    assert idle_until(NOW, limits=limits, absolute_until=end) == end


def test_a_proof_of_identity_is_fresh_for_a_quarter_of_an_hour():
    assert is_stepped_up(NOW - timedelta(minutes=15), now=NOW)
    assert not is_stepped_up(NOW - timedelta(minutes=15, seconds=1), now=NOW)
    assert not is_stepped_up(None, now=NOW)


def test_every_permission_has_holders():
    assert set(HOLDERS) == set(Permission)
    assert all(HOLDERS.values())


def test_a_banks_administrator_has_no_machines_to_look_after():
    grants = expand(held(Role.ADMINISTRATOR), Kind.BANK)
    assert Permission.TENANTS_PERSON_WRITE in grants
    assert not {each.value for each in OF_MAKERS} & set(grants)
