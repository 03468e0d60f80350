"""What machines did, as lanes of segments: for strips in tables, timelines and lists of stops."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from dashboards.boards.scope import Scope
from dashboards.hours import Hour, hours
from dashboards.thinning import Segment
from kernel.actor import Kind
from kernel.db import Work
from kernel.ids import PlaceId
from portal.production import queries as production
from portal.production.board_queries import list_reasons
from portal.production.states import CALENDAR_STATES, MachineState
from portal.production.sums import Bucket
from portal.ui.filters import locale_code

_DAY: Final = timedelta(days=1)
_NO_STOP: Final = frozenset({MachineState.PRODUCING, *CALENDAR_STATES})


@dataclass(frozen=True, slots=True)
class Lanes:
    """The lanes of several machines over one span. A machine without intervals has an empty one."""

    start: datetime
    end: datetime
    by_unit: Mapping[PlaceId, Sequence[Segment]]


def last_day(work: Work, scope: Scope, units: Iterable[PlaceId]) -> Lanes:
    """Return the last 24 hours, or the window's last production day when it lies in the past."""
    start, end = (scope.now - _DAY, scope.now) if scope.is_recent else scope.day_span
    return lanes(work, units, start, end)


def shown_day(work: Work, scope: Scope, units: Iterable[PlaceId]) -> Lanes:
    """Return the span that charts of one day show, until now where it has not ended."""
    start, end = scope.day_span
    return lanes(work, units, start, max(min(end, scope.now), start))


def lanes(work: Work, units: Iterable[PlaceId], start: datetime, end: datetime) -> Lanes:
    """Return what `units` did from `start` to `end`."""
    wanted = list(units)
    by_unit: dict[PlaceId, list[Segment]] = {unit: [] for unit in wanted}
    names = _reason_names(work)
    for row in production.intervals(work, wanted, start, end) if wanted else ():
        by_unit[row.unit_id].append(
            Segment(
                row.state,
                row.started_at,
                row.ended_at,
                names.get(row.reason_code or "", row.reason_code or ""),
            )
        )
    return Lanes(start, end, by_unit)


def _reason_names(work: Work) -> Mapping[str, str]:
    # A company's words are its own; the group sees the code that stands in the interval.
    if work.actor.kind is not Kind.TENANT:
        return {}
    return {row.code: row.name(locale_code()) for row in list_reasons(work)}


def stops(lane: Sequence[Segment], *, least_s: float) -> list[Segment]:
    """Return the stops of a lane of at least `least_s` seconds, the newest first."""
    found = [each for each in lane if each.state not in _NO_STOP and each.seconds >= least_s]
    return sorted(found, key=lambda each: each.start, reverse=True)


def day_hours(work: Work, scope: Scope, units: Iterable[PlaceId]) -> list[Hour]:
    """Return the hours of the span of one day over `units` together."""
    start, end = scope.day_span
    by_unit = production.sums_by_hour(work, list(units), start, end)
    buckets: list[Bucket] = [bucket for found in by_unit.values() for bucket in found]
    return hours([each for each in buckets if each.bucket_start and each.bucket_start < scope.now])
