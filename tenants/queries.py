"""Reads, for our pages and for other packages. Whose rows come back, row-level security says."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Label, Row, Select, select

from kernel.db import Work
from kernel.errors import NotFound
from kernel.ids import PersonId, PlaceId, TenantId
from tenants.models import GroupShare, GroupShareLevel, Person, Place, PlaceParent, Tenant
from tenants.roles import CompanyKind
from tenants.words import CompanyState, KpiProfile, Level, Origin, localised


@dataclass(frozen=True, slots=True)
class CompanyRow:
    """A company as others may see it."""

    id: TenantId
    kind: CompanyKind
    code: str
    name_zh: str
    name_en: str
    uscc: str | None
    segment: str | None
    region: str | None
    holding_ratio: Decimal | None
    kpi_profile: KpiProfile | None
    origin: Origin
    state: CompanyState
    created_at: datetime
    version: int

    def name(self, locale: object = None) -> str:
        """The name in the reader's language."""
        return localised(self.name_zh, self.name_en, locale)


@dataclass(frozen=True, slots=True)
class SiteClock:
    """The clock that people at a place live by: IANA zone, start of the production day."""

    zone: str
    day_start: time


DEFAULT_CLOCK: Final = SiteClock("Asia/Shanghai", time(0))
"""Of a company whose sites are not known to the reader."""


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A place. Zone and day start are those of its site; a company has its first site's.

    `path` leads from the company (or the highest place the reader sees) down to this one.
    """

    id: PlaceId
    tenant_id: TenantId
    level: Level
    code: str
    name_zh: str
    name_en: str
    zone: str | None
    day_start: time | None
    retired_at: datetime | None
    parent_id: PlaceId | None
    path: tuple[PlaceId, ...]

    def name(self, locale: object = None) -> str:
        """The name in the reader's language."""
        return localised(self.name_zh, self.name_en, locale)


@dataclass(frozen=True, slots=True)
class NameRow:
    """How a person is called."""

    id: PersonId
    name_zh: str
    name_en: str

    def name(self, locale: object = None) -> str:
        """The name in the reader's language."""
        return localised(self.name_zh, self.name_en, locale)


@dataclass(frozen=True, slots=True)
class ShareRow:
    """A decision about what the group may see: down to `level`, or nothing."""

    level: Level | None
    set_by: PersonId
    effective_at: datetime


_COMPANY: Final = (
    Tenant.id,
    Tenant.kind,
    Tenant.code,
    Tenant.name_zh,
    Tenant.name_en,
    Tenant.uscc,
    Tenant.segment,
    Tenant.region,
    Tenant.holding_ratio,
    Tenant.kpi_profile,
    Tenant.origin,
    Tenant.state,
    Tenant.created_at,
    Tenant.version,
)


def find_tenant(work: Work, tenant_id: TenantId) -> CompanyRow | None:
    """Return a company that the actor may see, or None."""
    row = work.session.execute(select(*_COMPANY).where(Tenant.id == tenant_id)).one_or_none()
    return CompanyRow(**row._mapping) if row else None


def get_tenant(work: Work, tenant_id: TenantId) -> CompanyRow:
    """Return a company that the actor may see. Raises `NotFound`."""
    found = find_tenant(work, tenant_id)
    if found is None:
        raise NotFound
    return found


def own_company(work: Work) -> CompanyRow:
    """Return the actor's company."""
    return get_tenant(work, work.tenant_id)


def find_tenant_by_uscc(work: Work, uscc: str) -> CompanyRow | None:
    """Return the company of this registered code, or None. For the worker, who sees them all."""
    row = work.session.execute(select(*_COMPANY).where(Tenant.uscc == uscc)).one_or_none()
    return CompanyRow(**row._mapping) if row else None


def list_companies(
    work: Work, *, kinds: Collection[CompanyKind] = tuple(CompanyKind)
) -> Sequence[CompanyRow]:
    """Return the companies that the actor may see, by code."""
    statement = select(*_COMPANY).where(Tenant.kind.in_(kinds)).order_by(Tenant.code)
    return [CompanyRow(**row._mapping) for row in work.session.execute(statement)]


def list_banks(work: Work) -> Sequence[CompanyRow]:
    """Return the banks in the cloud, by code; every company may see them."""
    return list_companies(work, kinds=(CompanyKind.BANK,))


def list_places(
    work: Work,
    *,
    under: PlaceId | None = None,
    level: Level | str | None = None,
    down_to: Level | None = None,
    tenant_id: TenantId | None = None,
    tenant_ids: Collection[TenantId] | None = None,
    include_retired: bool = False,
) -> Sequence[PlaceRow]:
    """Return the places that the actor may see, each before those below it, by code.

    `under` cuts to a place and what stands below it, `level` to one level, `down_to` to one and
    those above it, `tenant_id` or `tenant_ids` to companies (for those who see several). An
    unknown `under` gives an empty list.
    """
    statement = _places(work)
    if tenant_id is not None:
        statement = statement.where(Place.tenant_id == tenant_id)
    if tenant_ids is not None:
        statement = statement.where(Place.tenant_id.in_(tenant_ids))
    if under is not None:
        owner = select(Place.tenant_id).where(Place.id == under).scalar_subquery()
        statement = statement.where(Place.tenant_id == owner)
    wanted = Level(level) if level is not None else None
    lowest = wanted or down_to
    if lowest is not None:
        # Ancestors have smaller ranks; sites always, because a company shows the clock of one.
        statement = statement.where(Place.rank <= max(lowest.rank, Level.SITE.rank))
    found = _arrange(work, statement)
    return [
        place
        for place in found
        if (wanted is None or place.level is wanted)
        and (down_to is None or place.level.rank <= down_to.rank)
        and (under is None or under in place.path)
        and (include_retired or place.retired_at is None)
    ]


def get_place(work: Work, place_id: PlaceId) -> PlaceRow:
    """Return a place, retired or not. Raises `NotFound` if missing or not the actor's to see."""
    for place in list_places(work, under=place_id, include_retired=True):
        if place.id == place_id:
            return place
    raise NotFound


def place_path(work: Work, place_id: PlaceId) -> Sequence[PlaceRow]:
    """Return the places from the top down to this one. Raises `NotFound`."""
    owner = select(Place.tenant_id).where(Place.id == place_id).scalar_subquery()
    by_id = {row.id: row for row in _arrange(work, _places(work).where(Place.tenant_id == owner))}
    if place_id not in by_id:
        raise NotFound
    return [by_id[step] for step in by_id[place_id].path]


def company_place(work: Work) -> PlaceRow:
    """Return the place of the actor's company itself."""
    for place in list_places(work, level=Level.COMPANY, tenant_id=work.tenant_id):
        return place
    raise NotFound


def site_clock(place: PlaceRow) -> SiteClock:
    """Return the clock of the place's site."""
    if place.zone is None or place.day_start is None:
        return DEFAULT_CLOCK
    return SiteClock(place.zone, place.day_start)


def parents_of(work: Work, tenant_id: TenantId) -> Mapping[PlaceId, PlaceId | None]:
    """Return each place of one company with its present parent, retired places included."""
    statement = select(Place.id, _present_parent(work)).where(Place.tenant_id == tenant_id)
    return {row.id: row.parent_id for row in work.session.execute(statement)}


def names_of(work: Work, people: Collection[PersonId | None]) -> Mapping[PersonId, NameRow]:
    """Return the names of those of `people` whom the actor may know."""
    wanted = {person for person in people if person is not None}
    statement = select(Person.id, Person.name_zh, Person.name_en).where(Person.id.in_(wanted))
    return {row.id: NameRow(*row) for row in work.session.execute(statement)} if wanted else {}


def shared_levels(work: Work) -> frozenset[Level]:
    """Return the levels of the actor's company that the group may see now."""
    statement = select(GroupShareLevel.level).where(GroupShareLevel.tenant_id == work.tenant_id)
    return frozenset(work.session.scalars(statement))


def list_shares(work: Work) -> Sequence[ShareRow]:
    """Return the company's decisions about sharing, the newest first; the first one holds."""
    statement = (
        select(GroupShare.level, GroupShare.set_by, GroupShare.effective_at)
        .order_by(GroupShare.effective_at.desc(), GroupShare.id.desc())
        .limit(50)
    )
    return [ShareRow(*row) for row in work.session.execute(statement)]


def _present_parent(work: Work) -> Label[PlaceId]:
    # Of each place by itself: it then costs as much as what is asked for, not as the whole group.
    return (
        select(PlaceParent.parent_id)
        .where(
            PlaceParent.tenant_id == Place.tenant_id,
            PlaceParent.place_id == Place.id,
            PlaceParent.valid_from <= work.now,
        )
        .order_by(PlaceParent.valid_from.desc())
        .limit(1)
        .correlate(Place)
        .scalar_subquery()
        .label("parent_id")
    )


_Row = Row[*tuple[Any, ...]]
_Standing = tuple[tuple[PlaceId, ...], tuple[str, ...], _Row | None]


def _places(work: Work) -> Select[*tuple[object, ...]]:
    return select(
        Place.id,
        Place.tenant_id,
        Place.level,
        Place.code,
        Place.name_zh,
        Place.name_en,
        Place.zone,
        Place.day_start,
        Place.retired_at,
        _present_parent(work),
    )


def _arrange(work: Work, statement: Select[*tuple[object, ...]]) -> list[PlaceRow]:
    """Return places with their paths and clocks, each before those below it, by code.

    What a place takes from above is looked up once: a group's tree has thousands.
    """
    rows = {row.id: row for row in work.session.execute(statement)}
    first_site: dict[TenantId, _Row] = {}
    for row in rows.values():
        if row.level is Level.SITE and row.retired_at is None:
            known = first_site.get(row.tenant_id)
            if known is None or row.code < known.code:
                first_site[row.tenant_id] = row
    standings: dict[PlaceId, _Standing] = {}

    def stand(row: _Row) -> _Standing:
        found = standings.get(row.id)
        if found is None:
            # A parent that is not shared with the reader begins the path below it.
            above = rows.get(row.parent_id)
            path, codes, site = stand(above) if above is not None else ((), (), None)
            site = row if row.level is Level.SITE else site
            found = standings[row.id] = ((*path, row.id), (*codes, row.code), site)
        return found

    found = []
    for row in rows.values():
        path, codes, site = stand(row)
        clock = site or first_site.get(row.tenant_id)
        place = PlaceRow(
            id=row.id,
            tenant_id=row.tenant_id,
            level=row.level,
            code=row.code,
            name_zh=row.name_zh,
            name_en=row.name_en,
            zone=clock.zone if clock else None,
            day_start=clock.day_start if clock else None,
            retired_at=row.retired_at,
            parent_id=row.parent_id,
            path=path,
        )
        found.append((row.tenant_id.bytes, codes, place))
    found.sort(key=itemgetter(0, 1))
    return [place for _, _, place in found]
