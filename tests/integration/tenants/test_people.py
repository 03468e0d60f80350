from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy.exc import ProgrammingError

from kernel.errors import Forbidden, NotFound, Unauthenticated
from kernel.ids import PersonId
from tenants import people_queries, people_service, queries
from tenants.errors import (
    GrantEnded,
    GrantExists,
    GrantToOneself,
    LastAdministrator,
    MembershipEnded,
    NameTaken,
    OutOfReach,
    RoleDoesNotFit,
)
from tenants.passwords import Passwords
from tenants.permissions import Permission
from tenants.roles import Role
from tests.cast import GAO_YAN, KAN_ZOU, KE_LAN, KONG_KUN, PAN_LI, WU_ZHE
from tests.conftest import NOW


@pytest.fixture
def passwords(tmp_path):
    return Passwords(tmp_path)


@pytest.fixture
def place_of(work_as):
    def find(code, *, person=KONG_KUN):
        with work_as(person, read_only=True) as work:
            return {each.code: each.id for each in queries.list_places(work)}[code]

    return find


@pytest.fixture
def make_person(work_as, passwords, place_of):
    def make(*, login, role=Role.PLANNER, place="kestrel"):
        place_id = place_of(place)
        with work_as(KONG_KUN) as work:
            return people_service.add_person(
                work, passwords, login=login, name_zh="新人", name_en="New One",
                email=f"{login}@kestrel.example", role=role, place_id=place_id,
            )  # fmt: skip

    return make


@pytest.fixture
def grants_of(work_as):
    def find(person_id):
        with work_as(KONG_KUN, read_only=True) as work:
            return people_queries.get_person(work, person_id).grants

    return find


@pytest.fixture
def work_of(db, work_as):
    """A work of somebody who is not of the cast."""
    from kernel.actor import AUTHN
    from tenants.identity import actor_of
    from tests.cast import KESTREL

    def work(person_id):
        with db.work(AUTHN) as authn:
            actor = actor_of(authn, person_id=person_id, tenant_id=KESTREL.id)
        return db.work(actor)

    return work


def test_a_person_is_added_with_account_role_and_audit_row(make_person, grants_of, admin):
    made = make_person(login="added")
    (grant,) = grants_of(made.person_id)
    assert (made.login_name, grant.role) == ("kestrel/added", Role.PLANNER)
    account = admin.execute(
        "SELECT must_change, password_hash FROM local_account WHERE person_id = %s",
        [made.person_id],
    ).fetchone()
    assert account[0] is True
    assert made.password not in account[1]
    acts = admin.execute(
        "SELECT action FROM audit_log WHERE object_id = %s", [str(made.person_id)]
    ).fetchall()
    assert ("tenants.person.add",) in acts


def test_a_name_of_any_company_cannot_be_used_twice(make_person, work_as, passwords, place_of):
    make_person(login="twice")
    with pytest.raises(NameTaken):
        make_person(login="twice")
    home = place_of("kestrel")
    with pytest.raises(NameTaken), work_as(KONG_KUN) as work:
        people_service.add_person(
            work, passwords, login="other", name_zh="乙", name_en="B", email=PAN_LI.email,
            role=Role.PLANNER, place_id=home,
        )  # fmt: skip


def test_an_existing_person_cannot_be_pulled_into_a_company(work_as):
    insert = "INSERT INTO membership (tenant_id, person_id, created_at) VALUES (:t, :p, :now)"
    from sqlalchemy import text

    with pytest.raises(ProgrammingError, match="row-level security"), work_as(KONG_KUN) as work:
        work.session.execute(text(insert), {"t": work.tenant_id, "p": PAN_LI.id, "now": work.now})


def test_a_password_of_an_existing_person_cannot_be_given(work_as, admin):
    from sqlalchemy import text

    with pytest.raises(ProgrammingError, match="row-level security"), work_as(KONG_KUN) as work:
        work.session.execute(
            text("INSERT INTO local_account VALUES (:p, 'x', :now, false)"),
            {"p": KE_LAN.id, "now": work.now},
        )


def test_a_role_is_granted_and_revoked(work_as, place_of, grants_of):
    line = place_of("L1")
    with work_as(KONG_KUN) as work:
        grant_id = people_service.grant_role(
            work, person_id=KE_LAN.id, place_id=line, role=Role.OPERATOR
        )
    assert grant_id in {grant.id for grant in grants_of(KE_LAN.id)}
    with pytest.raises(GrantExists), work_as(KONG_KUN) as work:
        people_service.grant_role(work, person_id=KE_LAN.id, place_id=line, role=Role.OPERATOR)
    with work_as(KONG_KUN) as work:
        people_service.revoke_role(work, grant_id)
    assert grant_id not in {grant.id for grant in grants_of(KE_LAN.id)}
    with pytest.raises(GrantEnded), work_as(KONG_KUN) as work:
        people_service.revoke_role(work, grant_id)


def test_a_role_ends_by_itself_when_it_was_granted_for_a_time(work_as, db, place_of):
    from kernel import clock

    home = place_of("kestrel")
    with work_as(KONG_KUN) as work:
        people_service.grant_role(
            work, person_id=KE_LAN.id, place_id=home, role=Role.FINANCE,
            valid_until=NOW + timedelta(days=1),
        )  # fmt: skip
    with work_as(KE_LAN, read_only=True) as work:
        assert work.actor.may(Permission.CREDIT_PROFILE_READ)
    clock.freeze(NOW + timedelta(days=1, seconds=1))
    with work_as(KE_LAN, read_only=True) as work:
        assert not work.actor.may(Permission.CREDIT_PROFILE_READ)


def test_nobody_changes_her_own_roles(work_as, place_of, grants_of):
    before = grants_of(KONG_KUN.id)
    home = place_of("kestrel")
    with pytest.raises(GrantToOneself), work_as(KONG_KUN) as work:
        people_service.grant_role(work, person_id=KONG_KUN.id, place_id=home, role=Role.FINANCE)
    with pytest.raises(GrantToOneself), work_as(KONG_KUN) as work:
        people_service.revoke_role(work, before[0].id)
    assert grants_of(KONG_KUN.id) == before


@pytest.mark.parametrize("role", [Role.EXECUTIVE, Role.REVIEWER])
def test_a_role_of_another_kind_of_company_does_not_fit(work_as, place_of, role):
    home = place_of("kestrel")
    with pytest.raises(RoleDoesNotFit), work_as(KONG_KUN) as work:
        people_service.grant_role(work, person_id=KE_LAN.id, place_id=home, role=role)


def test_an_administrator_of_a_site_grants_there_and_nowhere_else(
    work_of, make_person, place_of, grants_of
):
    site_admin = make_person(login="site.admin", role=Role.ADMINISTRATOR, place="CZ2")
    inside, outside = place_of("A1"), place_of("L2")
    with work_of(site_admin.person_id) as work:
        given = people_service.grant_role(
            work, person_id=KE_LAN.id, place_id=inside, role=Role.OPERATOR
        )
    with pytest.raises(OutOfReach), work_of(site_admin.person_id) as work:
        people_service.grant_role(work, person_id=KE_LAN.id, place_id=outside, role=Role.OPERATOR)
    with pytest.raises(OutOfReach), work_of(site_admin.person_id) as work:
        people_service.end_membership(work, KE_LAN.id)
    placed = {grant.place_id for grant in grants_of(KE_LAN.id) if grant.id == given}
    assert placed == {inside}


def test_the_last_administrator_stays(work_of, work_as, make_person, grants_of):
    second = make_person(login="second.admin", role=Role.ADMINISTRATOR)
    (own,) = [g for g in grants_of(KONG_KUN.id) if g.role is Role.ADMINISTRATOR]
    with work_of(second.person_id) as work:
        # As if the second's role ended in the same moment: she still acts, but holds nothing.
        work.session.connection().exec_driver_sql(
            "UPDATE role_grant SET revoked_at = now(), revoked_by = %s"
            " WHERE person_id = %s AND revoked_at IS NULL",
            (second.person_id, second.person_id),
        )
        with pytest.raises(LastAdministrator):
            people_service.revoke_role(work, own.id)
        with pytest.raises(LastAdministrator):
            people_service.end_membership(work, KONG_KUN.id)
    assert own in grants_of(KONG_KUN.id)


def test_who_leaves_is_out_at_the_next_request(work_of, work_as, make_person):
    leaver = make_person(login="leaver")
    with work_as(KONG_KUN) as work:
        people_service.end_membership(work, leaver.person_id)
    with pytest.raises(Unauthenticated):
        work_of(leaver.person_id)
    with work_as(KONG_KUN, read_only=True) as work:
        row = people_queries.get_person(work, leaver.person_id)
    assert (row.ended_at, row.grants) == (NOW, ())
    with pytest.raises(MembershipEnded), work_as(KONG_KUN) as work:
        people_service.end_membership(work, leaver.person_id)


def test_who_has_left_is_given_no_role(work_as, place_of):
    home = place_of("kestrel")
    with pytest.raises(MembershipEnded), work_as(KONG_KUN) as work:
        people_service.grant_role(work, person_id=KAN_ZOU.id, place_id=home, role=Role.PLANNER)


def test_a_planner_grants_nothing(work_as, place_of):
    home = place_of("kestrel")
    with pytest.raises(Forbidden), work_as(KE_LAN) as work:
        people_service.grant_role(work, person_id=PAN_LI.id, place_id=home, role=Role.PLANNER)


@pytest.mark.parametrize("person_id", [PAN_LI.id, PersonId(uuid4())], ids=["foreign", "missing"])
def test_a_stranger_is_not_found(work_as, place_of, person_id):
    home = place_of("kestrel")
    with pytest.raises(NotFound), work_as(KONG_KUN) as work:
        people_service.grant_role(work, person_id=person_id, place_id=home, role=Role.PLANNER)


def test_people_of_other_companies_are_not_seen(work_as):
    with work_as(WU_ZHE, read_only=True) as work:
        seen = {each.id for each in people_queries.list_people(work)}
        names = queries.names_of(work, [KE_LAN.id, WU_ZHE.id, None])
    assert (seen, set(names)) == ({WU_ZHE.id}, {WU_ZHE.id})
    with work_as(GAO_YAN, read_only=True) as work:
        assert KE_LAN.id not in {each.id for each in people_queries.list_people(work)}
