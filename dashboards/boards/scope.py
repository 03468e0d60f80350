"""What a board is asked for: a place that the actor may see, and the days to show of it.

Everything in the address is a selector: row-level security and the grant decide what is found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from dashboards.audience import TENANT, Audience
from kernel.db import Work
from kernel.errors import NotFound
from kernel.ids import PlaceId
from portal.production.worktime import day_span, production_day
from portal.ui.periods import Window, window
from portal.ui.viewstate import ViewState
from tenants import access
from tenants import queries as tenants
from tenants.queries import CompanyRow, PlaceRow, SiteClock
from tenants.words import Level

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Scope:
    """One place, its company and clock, and the window of production days."""

    audience: Audience
    view: ViewState
    place: PlaceRow
    path: Sequence[PlaceRow]
    company: CompanyRow
    clock: SiteClock
    window: Window
    now: datetime

    @property
    def day(self) -> date:
        """The production day that charts of one day show: the window's last."""
        return self.window.last

    @property
    def is_recent(self) -> bool:
        """Whether the window ends with the day that runs, or with the last whole one."""
        return self.window.last >= self.window.today - _DAY

    @property
    def is_rolling(self) -> bool:
        """Whether charts of one day show the last 24 hours: a recent window of several days."""
        return self.is_recent and self.window.days > 1

    @property
    def day_span(self) -> tuple[datetime, datetime]:
        """The UTC span that charts of one day show, from a full hour on."""
        if self.is_rolling:
            start = (self.now - _DAY).replace(minute=0, second=0, microsecond=0)
            return start, self.now
        return day_span(self.day, zone=ZoneInfo(self.clock.zone), day_start=self.clock.day_start)

    @property
    def is_live(self) -> bool:
        """Whether the window reaches into the present."""
        return self.window.last >= self.window.today


def open_scope(work: Work, audience: Audience, view: ViewState, level: Level | None) -> Scope:
    """Return the scope of a view. Raises `NotFound` for a place of another level or company,
    `OutOfReach` for one outside the actor's grant.
    """
    place_id = PlaceId(view.node) if view.node else _own_place(work, audience)
    path = tenants.place_path(work, place_id)
    place = path[-1]
    access.require(work, audience.permission, place.id)
    if level is not None and place.level is not level:
        raise NotFound
    clock = tenants.site_clock(place)
    today = production_day(work.now, zone=ZoneInfo(clock.zone), day_start=clock.day_start)
    return Scope(
        audience=audience,
        view=view,
        place=place,
        path=path,
        company=tenants.get_tenant(work, place.tenant_id),
        clock=clock,
        window=window(view, today),
        now=work.now,
    )


def first_place(work: Work, audience: Audience) -> PlaceRow:
    """Return the highest place where the actor may read: where his boards begin.

    Raises `NotFound` where there is none; the group's boards begin at its home.
    """
    if audience is not TENANT:
        raise NotFound
    within = access.places_under(work, audience.permission)
    places = tenants.list_places(work, tenant_id=work.tenant_id)
    seen = [place for place in places if within is None or place.id in within]
    if not seen:
        raise NotFound
    return min(seen, key=lambda place: (place.level.rank, place.code))


def machines_under(work: Work, place_id: PlaceId) -> Sequence[PlaceRow]:
    """Return the machines at and below a place, by line and code."""
    return tenants.list_places(work, under=place_id, level=Level.UNIT)


def _own_place(work: Work, audience: Audience) -> PlaceId:
    if audience is not TENANT:
        raise NotFound
    return tenants.company_place(work).id
