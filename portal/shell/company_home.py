"""What a company's home shows: to do, yesterday's figures, the sources, what is left to set up.

Everything is read here, as the actor may: no figure outside the places where he may read facts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import ngettext

from kernel.db import Work
from kernel.operations import Operation, list_operations
from portal.credit import queries as credit
from portal.production import door_queries as door
from portal.production import queries as production
from portal.production import sheet_queries as sheets
from portal.production.labels import source_word
from portal.production.oee import Kpis, kpis
from portal.production.rows import SourceRow
from portal.production.sums import Bucket, OutputSums
from portal.production.worktime import production_day
from portal.ui.periods import Period
from portal.ui.viewstate import ViewState
from tenants import access
from tenants import queries as tenants
from tenants.permissions import Permission as P
from tenants.queries import PlaceRow
from tenants.words import Level

TREND_DAYS: Final = 14
_BOARDS: Final = {Level.COMPANY: "company", Level.LINE: "line", Level.UNIT: "machine"}


@dataclass(frozen=True, slots=True)
class ToDo:
    """Something that waits for the actor: a kind of status, a sentence, one action."""

    kind: str
    title: str
    why: str
    href: str
    action: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of setting up, ticked by facts."""

    title: str
    done: bool
    href: str


@dataclass(frozen=True, slots=True)
class DayFigures:
    """One production day of a place: figures, the day before, the trend of OEE."""

    place: PlaceRow
    day: date
    kpis: Kpis
    output: OutputSums
    energy_kwh: float | None
    before: Kpis | None
    trend: Sequence[float | None]
    newest_at: datetime | None

    @property
    def board(self) -> str:
        """The board of the place on this day; a site or area is shown on its company's."""
        return self._view(None).href(f"/boards/tenant/{_BOARDS.get(self.place.level, 'company')}")

    def how(self, metric: str) -> str:
        """Where a figure of this day is opened: formula, sums, facts."""
        return self._view(metric).href("/boards/tenant/figure")

    def _view(self, metric: str | None) -> ViewState:
        has_board = metric is not None or self.place.level in _BOARDS
        return ViewState(
            node=self.place.id if has_board else self.place.path[0],
            period=Period.CUSTOM,
            first=self.day,
            last=self.day,
            metric=metric or "",
        )


@dataclass(frozen=True, slots=True)
class CompanyHome:
    """Everything the page shows. `figures` is None where the actor may not see any."""

    company: str
    zone: str | None
    to_do: Sequence[ToDo]
    sees_figures: bool
    figures: DayFigures | None
    sources: Sequence[SourceRow]
    steps: Sequence[Step]
    operations: Sequence[Operation]

    @property
    def heard(self) -> bool:
        """Whether anything has ever come in."""
        return any(source.last_seen_at for source in self.sources)

    @property
    def late(self) -> Sequence[SourceRow]:
        """The sources that should have sent something by now."""
        return [source for source in self.sources if source.silent_since]


def read(work: Work) -> CompanyHome:
    """Read the home of the actor's company."""
    company = tenants.own_company(work)
    may_read = work.actor.may(P.PRODUCTION_FACT_READ)
    place = _highest_place(work) if may_read else None
    sources = door.list_sources(work) if may_read else ()
    return CompanyHome(
        company=company.name(),
        zone=tenants.site_clock(place).zone if place else None,
        to_do=_to_do(work, sources),
        sees_figures=may_read,
        figures=_figures(work, place) if place else None,
        sources=sources,
        steps=_steps(work, sources),
        operations=list_operations(work, limit=5),
    )


def _highest_place(work: Work) -> PlaceRow | None:
    within = access.places_under(work, P.PRODUCTION_FACT_READ)
    places = [
        place
        for place in tenants.list_places(work, tenant_id=work.tenant_id)
        if within is None or place.id in within
    ]
    return min(places, key=lambda place: (place.level.rank, place.code), default=None)


def _figures(work: Work, place: PlaceRow) -> DayFigures | None:
    clock = tenants.site_clock(place)
    day = production_day(
        work.now, zone=ZoneInfo(clock.zone), day_start=clock.day_start
    ) - timedelta(days=1)
    rows = production.sums_by_day(
        work,
        level=place.level,
        first=day - timedelta(days=TREND_DAYS - 1),
        last=day,
        under=place.id,
    )
    days = {row.production_day: row.bucket for row in rows if row.place_id == place.id}
    if not days:
        return None
    shown = max(days)
    bucket = days[shown]
    before = days.get(shown - timedelta(days=1))
    return DayFigures(
        place=place,
        day=shown,
        kpis=_kpis(bucket),
        output=bucket.output,
        energy_kwh=bucket.time.energy_kwh,
        before=_kpis(before) if before else None,
        trend=[
            _oee(days.get(shown - timedelta(days=back))) for back in reversed(range(TREND_DAYS))
        ],
        newest_at=max((b.newest_fact_at for b in days.values() if b.newest_fact_at), default=None),
    )


def _kpis(bucket: Bucket) -> Kpis:
    return kpis(bucket.time, bucket.output)


def _oee(bucket: Bucket | None) -> float | None:
    return _kpis(bucket).oee if bucket else None


def _to_do(work: Work, sources: Sequence[SourceRow]) -> Sequence[ToDo]:
    return [
        *_requests(work),
        *_consents(work),
        *_sheets(work),
        *_signatures(work),
        *_set_aside(work),
        *_silent(work, sources),
    ]


def _requests(work: Work) -> Sequence[ToDo]:
    if not work.actor.may(P.CREDIT_CONSENT_PREPARE):
        return ()
    count = credit.count_requests(work)
    if not count:
        return ()
    title = ngettext("%(num)s bank asks for consent", "%(num)s banks ask for consent", count)
    why = _("Until you answer, a bank sees nothing and is told nothing.")
    return (ToDo("wait", title, why, "/consents", _("Answer")),)


def _consents(work: Work) -> Sequence[ToDo]:
    if not work.actor.may(P.CREDIT_CONSENT_APPROVE):
        return ()
    count = credit.count_to_approve(work)
    if not count:
        return ()
    title = ngettext(
        "%(num)s consent waits for approval", "%(num)s consents wait for approval", count
    )
    why = _("A colleague has prepared it. A second person approves or denies.")
    return (ToDo("wait", title, why, "/consents", _("Look")),)


def _sheets(work: Work) -> Sequence[ToDo]:
    if not work.actor.may(P.PRODUCTION_SHEET_WRITE):
        return ()
    reach = access.places_under(work, P.PRODUCTION_SHEET_WRITE)
    due = sheets.list_due(work, unit_ids=reach)
    if not due:
        return ()
    title = ngettext("%(num)s shift sheet is due", "%(num)s shift sheets are due", len(due))
    kind = "watch" if any(each.missing for each in due) else "wait"
    why = _("What a shift made without sensors counts only once its sheet is in.")
    return (ToDo(kind, title, why, "/production/shift-sheets", _("Fill in")),)


def _signatures(work: Work) -> Sequence[ToDo]:
    if not work.actor.may(P.PRODUCTION_SHEET_SIGN):
        return ()
    reach = access.places_under(work, P.PRODUCTION_SHEET_SIGN)
    count = sheets.count_to_sign(work, unit_ids=reach)
    if not count:
        return ()
    title = ngettext(
        "%(num)s shift sheet waits for a signature",
        "%(num)s shift sheets wait for a signature",
        count,
    )
    why = _("Somebody else has entered it; a second person signs.")
    return (ToDo("wait", title, why, "/production/shift-sheets", _("Look")),)


def _set_aside(work: Work) -> Sequence[ToDo]:
    if not work.actor.may(P.PRODUCTION_QUARANTINE_WRITE):
        return ()
    count = door.count_open_quarantine(work)
    if not count:
        return ()
    title = ngettext(
        "%(num)s line of data was set aside", "%(num)s lines of data were set aside", count
    )
    why = _("They count nowhere until they are mended and replayed, or dismissed with a reason.")
    return (ToDo("watch", title, why, "/production/quarantine", _("Look")),)


def _silent(work: Work, sources: Sequence[SourceRow]) -> Sequence[ToDo]:
    late = [source for source in sources if source.silent_since]
    if not late or not work.actor.may(P.PRODUCTION_SOURCE_WRITE):
        return ()
    title = ngettext("%(num)s source is silent", "%(num)s sources are silent", len(late))
    why = ", ".join(source_word(source.name) for source in late[:3])
    return (ToDo("stale", title, why, "/production/sources", _("Look")),)


def _steps(work: Work, sources: Sequence[SourceRow]) -> Sequence[Step]:
    if not work.actor.may(P.TENANTS_PROFILE_WRITE):
        return ()
    levels = {place.level for place in tenants.list_places(work, tenant_id=work.tenant_id)}
    return (
        Step(_("Site with its time zone"), Level.SITE in levels, "/company/places"),
        Step(_("Machines"), Level.UNIT in levels, "/company/places"),
        Step(
            _("Data arrives"),
            any(source.last_seen_at for source in sources),
            "/production/sources",
        ),
        Step(_("Sharing with the group decided"), bool(tenants.list_shares(work)), "/company"),
    )
