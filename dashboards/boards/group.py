"""The group's board: every company that shares, worst first, the whole group as Σ/Σ.

Bounded whatever the group's size: company level for the figures, line level for the last days'
freshness, machine level only inside the worst line of the few worst companies.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from dashboards.comparison import (
    Figures,
    baseline_window,
    compare,
    figures,
    figures_of,
    of_sums,
)
from dashboards.exception import Deviation, Score, Status, rank_key
from dashboards.lateness import is_late, longest_silence
from dashboards.profiles import Kpi, measures_of
from kernel.db import Work
from kernel.ids import PlaceId, TenantId
from portal.production import queries as production
from portal.production.board_queries import newest_by_place, sums_of, totals_by_day
from portal.production.sums import Bucket, TimeSums
from portal.ui.periods import Window
from tenants import queries as tenants
from tenants.queries import CompanyRow, PlaceRow
from tenants.words import Level

FRESH_DAYS: Final = 3
SPARK_DAYS: Final = 14
MOST_EXCEPTIONS: Final = 10
WORST_COMPANIES: Final = 3
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LateLine:
    """A line whose facts are overdue; `newest` is None where the last days have none at all."""

    company: CompanyRow
    place: PlaceRow
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class CompanyLine:
    """One company on the group's board. Without shared sums `now` is None."""

    company: CompanyRow
    place: PlaceRow
    now: Figures | None
    bucket: Bucket | None
    score: Score
    newest: datetime | None
    late: Sequence[LateLine]

    @property
    def lost_s(self) -> float:
        """Planned machine time without good output, for ties of the score."""
        return self.now.lost_s if self.now else 0.0


@dataclass(frozen=True, slots=True)
class Freshness:
    """The newest fact and the overdue lines of each company, from the last days' lines."""

    newest: Mapping[TenantId, datetime]
    late: Mapping[TenantId, Sequence[LateLine]]


@dataclass(frozen=True, slots=True)
class ExceptionLine:
    """A machine of one of the worst companies, and its measure that is furthest off."""

    company: CompanyRow
    place: PlaceRow
    worst: Deviation
    now: Figures
    points: float


@dataclass(frozen=True, slots=True)
class GroupBoard:
    """All that the page, its tables and its exports show.

    `rated` is Σ/Σ over the companies of which OEE says something and can be computed: a boiler
    house has none, and one product without a planned run time must not blank the whole group's.
    """

    companies: Sequence[CompanyLine]
    silent_companies: Sequence[CompanyRow]
    now: Figures
    before: Figures
    base: Figures
    rated: Figures
    rated_base: Figures
    rated_companies: int
    days: Mapping[date, Figures]
    late: Sequence[LateLine]
    lines: int
    exceptions: Sequence[ExceptionLine]
    newest: datetime | None


def read(work: Work, window: Window) -> GroupBoard:
    """Return the group's board for the days of `window`."""
    companies = {row.id: row for row in tenants.list_companies(work)}
    places = tenants.list_places(work, down_to=Level.LINE)
    lines = [place for place in places if place.level is Level.LINE]
    now = _sums(work, window.first, window.last)
    base = _sums(work, *baseline_window(window.first))
    days = _days(work, min(window.before_first, _first_spark(window)), window.last)
    fresh = _freshness(work, companies, lines, window.today)
    rows = [
        _company(companies[place.tenant_id], place, now, base, fresh)
        for place in places
        if place.id in now or place.id in base
    ]
    rows.sort(key=lambda row: rank_key(row.score, lost_s=row.lost_s, code=row.company.code))
    seen = {row.company.id for row in rows}
    silent = [row for row in companies.values() if _should_share(row) and row.id not in seen]
    return GroupBoard(
        companies=rows,
        silent_companies=silent,
        now=figures(now.values()),
        before=figures(
            days[day] for day in days if window.before_first <= day <= window.before_last
        ),
        base=figures(base.values()),
        days={day: days[day] for day in days if day >= _first_spark(window)},
        rated=figures(now[row.place.id] for row in rows if _has_oee(row)),
        rated_base=figures(
            base[row.place.id] for row in rows if _has_oee(row) and row.place.id in base
        ),
        rated_companies=sum(1 for row in rows if _has_oee(row)),
        late=[each for row in rows for each in row.late],
        lines=len(lines),
        exceptions=_exceptions(work, rows, window, lines),
        newest=max((row.newest for row in rows if row.newest), default=None),
    )


def _sums(work: Work, first: date, last: date) -> Mapping[PlaceId, Bucket]:
    return production.sums_by_place(work, level=Level.COMPANY, first=first, last=last)


def _first_spark(window: Window) -> date:
    return window.last - (SPARK_DAYS - 1) * _DAY


def has_oee(company: CompanyRow, bucket: Bucket) -> bool:
    """Say whether OEE is in the company's profile and can be computed from the sums."""
    measured = any(each.kpi is Kpi.OEE for each in measures_of(company.kpi_profile))
    return measured and bucket.output.pq is not None and bucket.output.norate_pq == 0


def is_exception(part: Deviation) -> bool:
    """Say whether a measure is out of tolerance; missing data are said elsewhere, as late."""
    return part.status in (Status.WATCH, Status.OFF) and part.kpi is not Kpi.COVERAGE


def _has_oee(row: CompanyLine) -> bool:
    return row.bucket is not None and has_oee(row.company, row.bucket)


def _should_share(company: CompanyRow) -> bool:
    return company.kind.value == "subsidiary"


def _company(
    company: CompanyRow,
    place: PlaceRow,
    now: Mapping[PlaceId, Bucket],
    base: Mapping[PlaceId, Bucket],
    fresh: Freshness,
) -> CompanyLine:
    bucket = now.get(place.id)
    current = figures_of(bucket)
    overdue = fresh.late.get(company.id, ())
    return CompanyLine(
        company=company,
        place=place,
        now=current,
        bucket=bucket,
        score=compare(
            company.kpi_profile, current, figures_of(base.get(place.id)), silent=len(overdue)
        ),
        newest=fresh.newest.get(company.id) or (bucket.newest_fact_at if bucket else None),
        late=overdue,
    )


def _freshness(
    work: Work,
    companies: Mapping[TenantId, CompanyRow],
    lines: Sequence[PlaceRow],
    today: date,
) -> Freshness:
    recent = newest_by_place(
        work, level=Level.LINE, first=today - FRESH_DAYS * _DAY, last=today + _DAY
    )
    newest: dict[TenantId, datetime] = {}
    late: dict[TenantId, list[LateLine]] = {}
    for place in lines:
        company = companies[place.tenant_id]
        at, time = recent.get(place.id, (None, TimeSums()))
        if at is not None:
            newest[company.id] = max(newest.get(company.id, at), at)
        if is_late(at, now=work.now, longest=longest_silence(company.origin, time)):
            late.setdefault(company.id, []).append(LateLine(company, place, at))
    return Freshness(newest, late)


def _days(work: Work, first: date, last: date) -> Mapping[date, Figures]:
    days = totals_by_day(work, level=Level.COMPANY, first=first, last=last)
    return {day: of_sums(time, output) for day, (time, output) in days.items()}


def _exceptions(
    work: Work, rows: Sequence[CompanyLine], window: Window, lines: Sequence[PlaceRow]
) -> Sequence[ExceptionLine]:
    """Return the worst machines of the worst line of each of the worst companies.

    Company, then line, then machine: so few rows are read however large the group is.
    """
    worst = {row.company.id: row.company for row in rows[:WORST_COMPANIES] if row.score.total > 0}
    asked = [line for line in lines if line.tenant_id in worst]
    found: dict[TenantId, ExceptionLine] = {}
    for each in _judge(work, worst, asked, Level.LINE, window):
        known = found.get(each.company.id)
        if known is None or _by_points(each) < _by_points(known):
            found[each.company.id] = each
    worst_lines = {each.place.id for each in found.values()}
    machines = [
        machine
        for machine in tenants.list_places(work, tenant_ids=found.keys(), level=Level.UNIT)
        if not worst_lines.isdisjoint(machine.path)
    ]
    judged = _judge(work, worst, machines, Level.UNIT, window)
    return sorted(judged, key=_by_points)[:MOST_EXCEPTIONS]


def _judge(
    work: Work,
    companies: Mapping[TenantId, CompanyRow],
    places: Sequence[PlaceRow],
    level: Level,
    window: Window,
) -> Sequence[ExceptionLine]:
    first, _ = baseline_window(window.first)
    sums = sums_of(work, places, level=level, first=first, since=window.first, last=window.last)
    found: list[ExceptionLine] = []
    for place in places:
        now, base = sums.get((place.id, True)), sums.get((place.id, False))
        if now is None:
            continue
        company, current = companies[place.tenant_id], of_sums(*now)
        usual = of_sums(*base) if base is not None else None
        judged = compare(company.kpi_profile, current, usual)
        worst = [part for part in judged.worst() if is_exception(part)]
        if worst:
            found.append(ExceptionLine(company, place, worst[0], current, judged.total))
    return found


def _by_points(line: ExceptionLine) -> tuple[float, str, str]:
    return (-round(line.points, 6), line.company.code, line.place.code)
