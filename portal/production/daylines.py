"""The timeline of one unit, day by day, drawn on demand.

Deriving a day can need others: what a counter shows after a weekend was made before it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby, takewhile

from .counters import Stretch
from .states import MachineState
from .timeline import Interval, StateReport, intervals, look_around
from .worktime import Workday

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class UnitRules:
    """How the reports of one unit are read. `counts`: it has a count source at all."""

    min_stop_s: int = 120
    heartbeat_s: int = 60
    counts: bool = True


@dataclass(frozen=True, slots=True)
class DayLine:
    """The intervals of one production day up to `until`, split at `edges`: its hours, its end."""

    workday: Workday
    until: datetime
    edges: tuple[datetime, ...]
    intervals: tuple[Interval, ...]


class DayLines:
    """All day lines of one unit. `calendar` compiles any production day of its site."""

    def __init__(
        self,
        reports: Iterable[StateReport],
        heard_at: Iterable[datetime],
        *,
        calendar: Callable[[date], Workday],
        rules: UnitRules,
        until: datetime | None = None,
    ) -> None:
        reports = list(reports)
        self._open = sorted((r for r in reports if r.ended_at is None), key=_started_at)
        self._open_at = [report.started_at for report in self._open]
        self._closed = [r for r in reports if r.ended_at is not None]
        self._heard_at = sorted({*heard_at, *self._open_at})
        self._calendar, self._rules, self._until = calendar, rules, until
        self._days: dict[date, DayLine | None] = {}

    def on(self, day: date) -> DayLine | None:
        """Return the line of a production day; None where it begins at or after `until`."""
        if day not in self._days:
            self._days[day] = self._draw(self._calendar(day))
        return self._days[day]

    def stretches(self, from_at: datetime, at: datetime) -> list[Stretch]:
        """Return what is known of (`from_at`, `at`] by hour, in order: produced, or unknown."""
        days: list[DayLine] = []
        day = at.date() + _DAY
        while True:
            line = self.on(day)
            if line is not None and line.workday.starts_at < at:
                days.append(line)
            if self._calendar(day).starts_at <= from_at:
                break
            day -= _DAY
        return [s for line in reversed(days) for s in _stretches(line, from_at, at)]

    def _draw(self, workday: Workday) -> DayLine | None:
        until = min(workday.ends_at, self._until or workday.ends_at)
        if until <= workday.starts_at:
            return None
        rules = self._rules
        near = look_around(min_stop_s=rules.min_stop_s, heartbeat_s=rules.heartbeat_s)
        first, last = workday.starts_at - near, until + near
        # From the report that holds at `first`: with several of one moment, all of them.
        begin = max(bisect_right(self._open_at, first) - 1, 0)
        begin = bisect_left(self._open_at, self._open_at[begin]) if self._open else 0
        closed = (r for r in self._closed if r.ended_at is not None and r.ended_at > first)
        edges = (*(hour for hour in workday.hours if hour < until), until)
        drawn = intervals(
            [
                *self._open[begin : bisect_right(self._open_at, last)],
                *(r for r in closed if r.started_at < last),
            ],
            starts_at=workday.starts_at,
            ends_at=until,
            min_stop_s=rules.min_stop_s,
            heartbeat_s=rules.heartbeat_s,
            heard_at=_between(self._heard_at, first, last),
            off=workday.off,
            cuts=edges,
        )
        return DayLine(workday, until, edges, tuple(drawn))


def _started_at(report: StateReport) -> datetime:
    return report.started_at


def _ended_at(interval: Interval) -> datetime:
    return interval.ended_at


def _between(moments: Sequence[datetime], first: datetime, last: datetime) -> Sequence[datetime]:
    return moments[bisect_left(moments, first) : bisect_right(moments, last)]


def _stretches(line: DayLine, from_at: datetime, at: datetime) -> Iterator[Stretch]:
    first = bisect_right(line.intervals, from_at, key=_ended_at)
    touched = takewhile(lambda i: i.started_at < at, line.intervals[first:])
    for edge, parts in groupby(touched, key=lambda i: bisect_left(line.edges, i.ended_at)):
        spent = {MachineState.PRODUCING: 0.0, MachineState.UNKNOWN: 0.0}
        for part in parts:
            if part.state in spent:
                span = min(part.ended_at, at) - max(part.started_at, from_at)
                spent[part.state] += span / _SECOND
        yield Stretch(
            min(line.edges[edge], at),
            spent[MachineState.PRODUCING],
            spent[MachineState.UNKNOWN],
        )
