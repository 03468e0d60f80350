"""Reads about people, their roles and the company's tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from kernel.actor import Kind
from kernel.db import Work
from kernel.errors import NotFound
from kernel.ids import PersonId, PlaceId, SourceId
from tenants.ids import DeviceTokenId, GrantId
from tenants.models import AuthSession, DeviceToken, Membership, Person, RoleGrant
from tenants.roles import Role
from tenants.words import localised


@dataclass(frozen=True, slots=True)
class GrantRow:
    """A live role at a place."""

    id: GrantId
    person_id: PersonId
    role: Role
    place_id: PlaceId
    granted_by: PersonId
    granted_at: datetime
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person of the actor's company with what she holds now; `seen_at` None if not known."""

    id: PersonId
    name_zh: str
    name_en: str
    email: str | None
    login_name: str
    joined_at: datetime
    ended_at: datetime | None
    seen_at: datetime | None
    grants: tuple[GrantRow, ...]

    def name(self, locale: object = None) -> str:
        """The name in the reader's language."""
        return localised(self.name_zh, self.name_en, locale)


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A device token without its secret."""

    id: DeviceTokenId
    name: str
    public_id: str
    source_id: SourceId
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


def list_people(work: Work, *, person_id: PersonId | None = None) -> Sequence[PersonRow]:
    """Return the people of the actor's company by sign-in name, those who left after the others."""
    statement = (
        select(
            Person.id,
            Person.name_zh,
            Person.name_en,
            Person.email,
            Person.login_name,
            Membership.created_at.label("joined_at"),
            Membership.ended_at,
        )
        .join(Membership, Membership.person_id == Person.id)
        .where(Membership.tenant_id == work.tenant_id)
        .order_by(Membership.ended_at.is_not(None), Person.login_name)
        .limit(1_000)
    )
    if person_id is not None:
        statement = statement.where(Person.id == person_id)
    seen, grants = _last_seen(work), _grants(work)
    return [
        PersonRow(**row._mapping, seen_at=seen.get(row.id), grants=tuple(grants.get(row.id, ())))
        for row in work.session.execute(statement)
    ]


def get_person(work: Work, person_id: PersonId) -> PersonRow:
    """Return a person of the actor's company. Raises `NotFound`."""
    for person in list_people(work, person_id=person_id):
        return person
    raise NotFound


def get_grant(work: Work, grant_id: GrantId) -> GrantRow:
    """Return a live grant of the actor's company. Raises `NotFound`."""
    for grants in _grants(work).values():
        for grant in grants:
            if grant.id == grant_id:
                return grant
    raise NotFound


def list_device_tokens(work: Work) -> Sequence[TokenRow]:
    """Return the company's device tokens, the newest first."""
    statement = (
        select(
            DeviceToken.id,
            DeviceToken.name,
            DeviceToken.public_id,
            DeviceToken.source_id,
            DeviceToken.created_at,
            DeviceToken.expires_at,
            DeviceToken.last_used_at,
            DeviceToken.revoked_at,
        )
        .order_by(DeviceToken.created_at.desc(), DeviceToken.id.desc())
        .limit(500)
    )
    return [TokenRow(**row._mapping) for row in work.session.execute(statement)]


def _grants(work: Work) -> dict[PersonId, list[GrantRow]]:
    statement = (
        select(
            RoleGrant.id,
            RoleGrant.person_id,
            RoleGrant.role,
            RoleGrant.place_id,
            RoleGrant.granted_by,
            RoleGrant.granted_at,
            RoleGrant.valid_until,
        )
        .where(
            RoleGrant.tenant_id == work.tenant_id,
            RoleGrant.revoked_at.is_(None),
            (RoleGrant.valid_until.is_(None)) | (RoleGrant.valid_until > work.now),
        )
        .order_by(RoleGrant.granted_at, RoleGrant.id)
    )
    found: dict[PersonId, list[GrantRow]] = {}
    for row in work.session.execute(statement):
        found.setdefault(row.person_id, []).append(GrantRow(**row._mapping))
    return found


def _last_seen(work: Work) -> dict[PersonId, datetime]:
    # Other kinds see their own sessions only; half an answer would be a wrong one.
    if work.actor.kind not in (Kind.TENANT, Kind.BANK):
        return {}
    statement = (
        select(AuthSession.person_id, func.max(AuthSession.seen_at).label("seen_at"))
        .where(AuthSession.tenant_id == work.tenant_id)
        .group_by(AuthSession.person_id)
    )
    return {row.person_id: row.seen_at for row in work.session.execute(statement)}
