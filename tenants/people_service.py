"""Commands about people: who belongs to the company, and who holds which role where."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from kernel.db import Work
from kernel.errors import NotFound
from kernel.ids import PersonId, PlaceId, new_id
from tenants import access, audit, queries
from tenants.errors import (
    GrantEnded,
    GrantExists,
    GrantToOneself,
    LastAdministrator,
    MembershipEnded,
    NameTaken,
    RoleDoesNotFit,
)
from tenants.ids import GrantId
from tenants.models import LocalAccount, Membership, Person, RoleGrant
from tenants.passwords import Passwords, first_password
from tenants.permissions import Permission
from tenants.roles import Role, fitting
from tenants.sessions import end_sessions_of


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person just added; the first password is shown once and has to be changed."""

    person_id: PersonId
    login_name: str
    password: str


def add_person(
    work: Work,
    passwords: Passwords,
    *,
    login: str,
    name_zh: str,
    name_en: str,
    email: str | None,
    role: Role,
    place_id: PlaceId,
) -> NewPerson:
    """Add a person with a first role at a place; her sign-in name begins with the company's code.

    Raises as `access.require` for the place, `RoleDoesNotFit`, `NameTaken`, `Unavailable`.
    """
    access.require(work, Permission.TENANTS_PERSON_WRITE, place_id)
    company = queries.own_company(work)
    _require_fitting(company, role)
    person_id, password = PersonId(new_id()), first_password()
    login_name = f"{company.code}/{login}".lower()
    person = {
        "id": person_id,
        "name_zh": name_zh,
        "name_en": name_en,
        "email": email.lower() if email else None,
        "login_name": login_name,
        "made_in": work.id,
        "created_at": work.now,
    }
    account = {
        "person_id": person_id,
        "password_hash": passwords.hash(password),
        "changed_at": work.now,
        "must_change": True,
    }
    # Names are unique over all companies: the constraint decides, and it is not said whose it is.
    try:
        with work.session.begin_nested():
            work.session.execute(insert(Person).values(**person))
    except IntegrityError as broken:
        raise NameTaken(field="login") from broken
    work.session.execute(
        insert(Membership).values(
            tenant_id=work.tenant_id, person_id=person_id, made_in=work.id, created_at=work.now
        )
    )
    work.session.execute(insert(LocalAccount).values(**account))
    audit.record(work, "tenants.person.add", "person", person_id)
    _insert_grant(work, company, person_id, place_id, role, None)
    return NewPerson(person_id, login_name, password)


def grant_role(
    work: Work,
    *,
    person_id: PersonId,
    place_id: PlaceId,
    role: Role,
    valid_until: datetime | None = None,
) -> GrantId:
    """Give a colleague a role at a place within one's own reach.

    Raises as `access.require` for the place, `GrantToOneself`, `NotFound`, `MembershipEnded`,
    `RoleDoesNotFit`, `GrantExists`.
    """
    if person_id == work.actor.person_id:
        raise GrantToOneself
    access.require(work, Permission.TENANTS_GRANT_WRITE, place_id)
    company = queries.own_company(work)
    _require_fitting(company, role)
    _live_membership_for_update(work, person_id)
    return _insert_grant(work, company, person_id, place_id, role, valid_until)


def revoke_role(work: Work, grant_id: GrantId) -> None:
    """Take a role from a colleague, from the next request on.

    Raises as `access.require` for its place, `NotFound`, `GrantToOneself`, `GrantEnded`,
    `LastAdministrator`.
    """
    administrators = _administrators_for_update(work)
    grant = work.session.scalars(
        select(RoleGrant).where(RoleGrant.id == grant_id).with_for_update()
    ).one_or_none()
    if grant is None:
        raise NotFound
    if grant.person_id == work.actor.person_id:
        raise GrantToOneself
    access.require(work, Permission.TENANTS_GRANT_WRITE, grant.place_id)
    if grant.revoked_at is not None:
        raise GrantEnded
    _require_others_remain(administrators, grant.person_id if grant in administrators else None)
    _revoke(work, grant)


def end_membership(work: Work, person_id: PersonId) -> None:
    """End a colleague's membership: her roles and sessions here end with it.

    Raises as `access.require` for each place where she holds a role, `NotFound`,
    `GrantToOneself`, `MembershipEnded`, `LastAdministrator`.
    """
    if person_id == work.actor.person_id:
        raise GrantToOneself
    work.require(Permission.TENANTS_PERSON_WRITE)
    administrators = _administrators_for_update(work)
    membership = _live_membership_for_update(work, person_id)
    grants = work.session.scalars(
        select(RoleGrant)
        .where(RoleGrant.person_id == person_id, RoleGrant.revoked_at.is_(None))
        .order_by(RoleGrant.id)
        .with_for_update()
    ).all()
    for place_id in {grant.place_id for grant in grants}:
        access.require(work, Permission.TENANTS_PERSON_WRITE, place_id)
    _require_others_remain(administrators, person_id)
    for grant in grants:
        _revoke(work, grant)
    membership.ended_at, membership.ended_by = work.now, work.actor.person_id
    ended = end_sessions_of(work, person_id)
    audit.record(work, "tenants.membership.end", "person", person_id, sessions=ended)


def _require_fitting(company: queries.CompanyRow, role: Role) -> None:
    if role not in fitting(company.kind):
        raise RoleDoesNotFit(field="role")


def _live_membership_for_update(work: Work, person_id: PersonId) -> Membership:
    statement = select(Membership).where(
        Membership.tenant_id == work.tenant_id, Membership.person_id == person_id
    )
    membership = work.session.scalars(statement.with_for_update()).one_or_none()
    if membership is None:
        raise NotFound
    if membership.ended_at is not None:
        raise MembershipEnded
    return membership


def _insert_grant(
    work: Work,
    company: queries.CompanyRow,
    person_id: PersonId,
    place_id: PlaceId,
    role: Role,
    valid_until: datetime | None,
) -> GrantId:
    grant_id = GrantId(new_id())
    # Two administrators may grant the same at once: the partial index lets one through.
    try:
        with work.session.begin_nested():
            work.session.execute(
                insert(RoleGrant).values(
                    id=grant_id,
                    tenant_id=company.id,
                    tenant_kind=company.kind,
                    person_id=person_id,
                    place_id=place_id,
                    role=role,
                    granted_by=work.actor.person_id,
                    granted_at=work.now,
                    valid_until=valid_until,
                )
            )
    except IntegrityError as broken:
        if "uq__role_grant__live" not in str(broken.orig):
            raise
        raise GrantExists(field="role") from broken
    audit.record(work, "tenants.grant.add", "role_grant", grant_id, role=role.value)
    return grant_id


def _administrators_for_update(work: Work) -> list[RoleGrant]:
    # All of them, in id order: two administrators who revoke each other at once meet here, and the
    # second finds herself the last one.
    statement = (
        select(RoleGrant)
        .where(
            RoleGrant.tenant_id == work.tenant_id,
            RoleGrant.place_id == access.company_place_id(work),
            RoleGrant.role == Role.ADMINISTRATOR,
            RoleGrant.revoked_at.is_(None),
            (RoleGrant.valid_until.is_(None)) | (RoleGrant.valid_until > work.now),
        )
        .order_by(RoleGrant.id)
        .with_for_update()
    )
    return list(work.session.scalars(statement))


def _require_others_remain(administrators: list[RoleGrant], leaving: PersonId | None) -> None:
    leaves = any(grant.person_id == leaving for grant in administrators)
    if leaves and all(grant.person_id == leaving for grant in administrators):
        raise LastAdministrator


def _revoke(work: Work, grant: RoleGrant) -> None:
    grant.revoked_at, grant.revoked_by = work.now, work.actor.person_id
    audit.record(work, "tenants.grant.revoke", "role_grant", grant.id, role=grant.role.value)
