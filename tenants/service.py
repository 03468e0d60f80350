"""Commands of a company about itself: profile, sharing with the group, places, device tokens.

People and their roles: `people_service.py`. A company is created at the console: `create_company`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any, Final
from zoneinfo import available_timezones

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from kernel.actor import Kind
from kernel.db import Work
from kernel.errors import Conflict, NotFound
from kernel.ids import CONSOLE, PersonId, PlaceId, SourceId, TenantId, new_id
from tenants import access, audit, tokens, uscc
from tenants.errors import (
    CodeTaken,
    NoSuchSource,
    PlaceHasPlacesBelow,
    PlaceRetired,
    SiteNeedsClock,
    TokenLastsTooLong,
    UsccInvalid,
    WrongParent,
)
from tenants.ids import DeviceTokenId, GrantId, ShareId
from tenants.models import (
    DeviceToken,
    GroupShare,
    GroupShareLevel,
    LocalAccount,
    Membership,
    Person,
    Place,
    PlaceParent,
    RoleGrant,
    Tenant,
)
from tenants.passwords import first_password, hash_password
from tenants.permissions import Permission
from tenants.roles import OF_GROUP, CompanyKind, Role
from tenants.words import CompanyState, KpiProfile, Level, Origin

LONGEST_TOKEN: Final = timedelta(days=365)
_CODE_CONSTRAINT: Final = "uq__place__tenant_id_code"


def change_profile(
    work: Work,
    *,
    version: int,
    name_zh: str,
    name_en: str,
    segment: str | None,
    region: str | None,
    kpi_profile: KpiProfile | None,
) -> None:
    """Change what the company says of itself. Raises `Conflict` if it was changed meanwhile."""
    tenant = _own_tenant_for_update(work)
    if tenant.version != version:
        raise Conflict
    values = {
        "name_zh": name_zh,
        "name_en": name_en,
        "segment": segment,
        "region": region,
        "kpi_profile": kpi_profile,
    }
    changed = [field for field, value in values.items() if getattr(tenant, field) != value]
    for field in changed:
        setattr(tenant, field, values[field])
    if work.actor.kind is Kind.TENANT:
        top = _place_for_update(work, access.company_place_id(work))
        top.name_zh, top.name_en = name_zh, name_en
    audit.record(work, "tenants.profile.change", "tenant", work.tenant_id, fields=changed)


def set_sharing(work: Work, *, level: Level | None) -> None:
    """Let the group see the company's figures down to `level`; None ends all sharing at once."""
    _own_tenant_for_update(work)  # one decision at a time: the last one is what holds
    work.session.add(
        GroupShare(
            id=ShareId(new_id()),
            tenant_id=work.tenant_id,
            level=level,
            set_by=_person(work),
            effective_at=work.now,
        )
    )
    work.session.execute(delete(GroupShareLevel).where(GroupShareLevel.tenant_id == work.tenant_id))
    shared = [each for each in Level if level is not None and each.rank <= level.rank]
    work.session.add_all(GroupShareLevel(tenant_id=work.tenant_id, level=each) for each in shared)
    audit.record(work, "tenants.sharing.set", "tenant", work.tenant_id, levels=len(shared))


def add_place(
    work: Work,
    *,
    parent_id: PlaceId,
    level: Level,
    code: str,
    name_zh: str,
    name_en: str,
    zone: str | None = None,
    day_start: time | None = None,
) -> PlaceId:
    """Add a place below another; a site brings its time zone and the start of its day.

    Raises as `access.require` for the parent, `WrongParent`, `PlaceRetired`, `SiteNeedsClock`,
    `CodeTaken`.
    """
    access.require(work, Permission.TENANTS_PLACE_WRITE, parent_id)
    parent = _place_for_update(work, parent_id)
    if level.rank <= parent.level.rank:
        raise WrongParent(field="level")
    if parent.retired_at is not None:
        raise PlaceRetired
    _require_clock(level, zone, day_start)
    place = Place(
        id=PlaceId(new_id()),
        tenant_id=work.tenant_id,
        level=level,
        code=code,
        name_zh=name_zh,
        name_en=name_en,
        zone=zone,
        day_start=day_start,
        created_at=work.now,
    )
    _insert_place(work, place)
    work.session.add(
        PlaceParent(
            tenant_id=work.tenant_id,
            place_id=place.id,
            place_rank=level.rank,
            parent_id=parent.id,
            parent_rank=parent.level.rank,
            valid_from=work.now,
        )
    )
    audit.record(work, "tenants.place.add", "place", place.id, level=level.value)
    return place.id


def rename_place(work: Work, place_id: PlaceId, *, name_zh: str, name_en: str) -> None:
    """Give a place other names. The company's own place is named in its profile.

    Raises as `access.require`, `NotFound` for the company's own place.
    """
    place = _writable_place(work, place_id)
    place.name_zh, place.name_en = name_zh, name_en
    audit.record(work, "tenants.place.rename", "place", place_id)


def retire_place(work: Work, place_id: PlaceId) -> None:
    """Take a place out of use; what was recorded there stays.

    Raises as `access.require`, `PlaceRetired`, `PlaceHasPlacesBelow`.
    """
    place = _writable_place(work, place_id)
    if place.retired_at is not None:
        raise PlaceRetired
    below = access.own_tree(work).reach((place_id,)) - {place_id}
    at_work = select(Place.id).where(Place.id.in_(below), Place.retired_at.is_(None))
    count = len(work.session.scalars(at_work).all())
    if count:
        raise PlaceHasPlacesBelow(count=count)
    place.retired_at = work.now
    audit.record(work, "tenants.place.retire", "place", place_id)


def make_device_token(
    work: Work, *, source_id: SourceId, name: str, days: int, sources: Collection[SourceId]
) -> str:
    """Return a new token for one of the company's data `sources`, to be shown once.

    Raises `NoSuchSource`, `TokenLastsTooLong`.
    """
    if source_id not in sources:
        raise NoSuchSource(field="source_id")
    if not timedelta(0) < timedelta(days=days) <= LONGEST_TOKEN:
        raise TokenLastsTooLong(field="days", limit_days=LONGEST_TOKEN.days)
    made = tokens.new_device_token()
    token_id = DeviceTokenId(new_id())
    # Core, not the ORM: the secret's column may be written by the company but never read.
    work.session.execute(
        insert(DeviceToken).values(
            id=token_id,
            tenant_id=work.tenant_id,
            source_id=source_id,
            name=name,
            public_id=made.public_id,
            secret_sha256=made.secret_sha256,
            made_by=_person(work),
            created_at=work.now,
            expires_at=work.now + timedelta(days=days),
        )
    )
    audit.record(work, "tenants.token.make", "device_token", token_id, days=days)
    return made.shown


def revoke_device_token(work: Work, token_id: DeviceTokenId) -> None:
    """Make a token worthless from the next request on. Raises `NotFound`; twice is once."""
    statement = (
        select(DeviceToken.id, DeviceToken.revoked_at)
        .where(DeviceToken.id == token_id)
        .with_for_update()
    )
    row = work.session.execute(statement).one_or_none()
    if row is None:
        raise NotFound
    if row.revoked_at is None:
        change = DeviceToken.__table__.update().where(DeviceToken.id == token_id)  # type: ignore[attr-defined]
        work.session.execute(change.values(revoked_at=work.now, revoked_by=_person(work)))
        audit.record(work, "tenants.token.revoke", "device_token", token_id)


@dataclass(frozen=True, slots=True)
class FirstPerson:
    """Who can sign in to a new company first, with which role."""

    login: str
    name_zh: str
    name_en: str
    email: str | None
    role: Role


@dataclass(frozen=True, slots=True)
class NewCompany:
    """A company just made; the first password is told once and has to be changed."""

    tenant_id: TenantId
    login_name: str
    password: str


def create_company(
    work: Work,
    *,
    kind: CompanyKind,
    code: str,
    name_zh: str,
    name_en: str,
    first: FirstPerson,
    registered: str | None = None,
    kpi_profile: KpiProfile | None = None,
    segment: str | None = None,
    region: str | None = None,
) -> NewCompany:
    """Put a company into the cloud, with its own place and its first person.

    `work` is the console's: an actor of kind platform whose person is `CONSOLE`; policies refuse
    everybody else. Raises `UsccInvalid`, `Conflict` for a code, name or number that exists.
    """
    if registered is not None and not uscc.is_valid(registered):
        raise UsccInvalid(uscc=registered)
    tenant_id, place_id, person_id = TenantId(new_id()), PlaceId(new_id()), PersonId(new_id())
    login_name, password = f"{code}/{first.login}".lower(), first_password()
    made = {"created_at": work.now}
    rows: tuple[tuple[Any, dict[str, Any]], ...] = (
        (
            Tenant,
            {
                **made, "id": tenant_id, "kind": kind, "code": code, "name_zh": name_zh,
                "name_en": name_en, "uscc": registered, "segment": segment, "region": region,
                "kpi_profile": kpi_profile, "origin": Origin.LIVE, "state": CompanyState.ACTIVE,
                "version": 1,
            },
        ),
        (
            Place,
            {
                **made, "id": place_id, "tenant_id": tenant_id, "level": Level.COMPANY,
                "code": code, "name_zh": name_zh, "name_en": name_en,
            },
        ),
        (
            Person,
            {
                **made, "id": person_id, "name_zh": first.name_zh, "name_en": first.name_en,
                "email": first.email.lower() if first.email else None, "login_name": login_name,
                "made_in": work.id,
            },
        ),
        (
            Membership,
            {**made, "tenant_id": tenant_id, "person_id": person_id, "made_in": work.id},
        ),
        (
            LocalAccount,
            {
                "person_id": person_id, "password_hash": hash_password(password),
                "changed_at": work.now, "must_change": True,
            },
        ),
        (
            RoleGrant,
            {
                "id": GrantId(new_id()), "tenant_id": tenant_id, "tenant_kind": kind,
                "person_id": person_id, "place_id": place_id, "role": first.role,
                "granted_by": CONSOLE, "granted_at": work.now,
            },
        ),
    )  # fmt: skip
    # Core, not the ORM: the console may write these rows but not read a foreign company's back.
    try:
        with work.session.begin_nested():
            for table, values in rows:
                work.session.execute(insert(table).values(**values))
    except IntegrityError as broken:
        raise Conflict from broken
    roles = "group" if first.role in OF_GROUP else "company"
    audit.record(
        work, "tenants.company.create", "tenant", tenant_id, tenant_id=tenant_id, seat=roles
    )
    return NewCompany(tenant_id, login_name, password)


def _own_tenant_for_update(work: Work) -> Tenant:
    statement = select(Tenant).where(Tenant.id == work.tenant_id).with_for_update()
    return work.session.scalars(statement).one()


def _place_for_update(work: Work, place_id: PlaceId) -> Place:
    statement = select(Place).where(Place.id == place_id).with_for_update()
    place = work.session.scalars(statement).one_or_none()
    if place is None:
        raise NotFound
    return place


def _writable_place(work: Work, place_id: PlaceId) -> Place:
    access.require(work, Permission.TENANTS_PLACE_WRITE, place_id)
    place = _place_for_update(work, place_id)
    if place.level is Level.COMPANY:
        raise NotFound
    return place


def _require_clock(level: Level, zone: str | None, day_start: time | None) -> None:
    is_site = level is Level.SITE
    if is_site != (zone is not None) or is_site != (day_start is not None):
        raise SiteNeedsClock(field="zone")
    if zone is not None and zone not in available_timezones():
        raise SiteNeedsClock(field="zone")


def _insert_place(work: Work, place: Place) -> None:
    # Two people may add the same code at once: the constraint decides, its name tells which it was.
    try:
        with work.session.begin_nested():
            work.session.add(place)
    except IntegrityError as broken:
        if _CODE_CONSTRAINT not in str(broken.orig):
            raise
        raise CodeTaken(field="code", place_code=place.code) from broken


def _person(work: Work) -> PersonId:
    assert work.actor.person_id is not None
    return work.actor.person_id
