"""Planned time: the production day, and calendar rules compiled to UTC spans.

A production day begins at a site's local `day_start` and bears the date on which it begins; on the
two days of the clock change it has 23 and 25 hours, because everything is computed in UTC.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from .states import MachineState
from .timeline import OffSpan

EVERY_DAY: Final = 0b111_1111
"""All weekdays as a mask; Monday is bit 0."""

_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)


class RuleKind(StrEnum):
    """What a line of the calendar is: a shift is planned time, the others are taken out of it."""

    SHIFT = "shift"
    BREAK = "break"
    PLANNED_MAINTENANCE = "planned_maintenance"
    MEETING = "meeting"


@dataclass(frozen=True, slots=True)
class CalendarRule:
    """A span of local time that returns on the weekdays of its mask (Monday is bit 0).

    An end that is not after the start lies on the next day; the weekday is that of the start.
    `valid_until` is the first date on which the rule no longer holds.
    """

    kind: RuleKind
    local_start: time
    local_end: time
    weekdays: int = EVERY_DAY
    shift_code: str | None = None
    valid_from: date = date.min
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class Shift:
    """One planned shift of one production day, in UTC."""

    code: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Workday:
    """One production day of one place in UTC: its span, its shifts, and what is not planned."""

    day: date
    starts_at: datetime
    ends_at: datetime
    shifts: tuple[Shift, ...] = ()
    off: tuple[OffSpan, ...] = ()

    @property
    def hours(self) -> tuple[datetime, ...]:
        """The starts of its hours, counted from the start of the day: 23, 24 or 25."""
        count = -(-(self.ends_at - self.starts_at) // _HOUR)
        return tuple(self.starts_at + _HOUR * place for place in range(count))


def production_day(at: datetime, *, zone: ZoneInfo, day_start: time) -> date:
    """Return the production day that an aware moment belongs to."""
    day = at.astimezone(zone).date()
    if at < _begin(day, zone, day_start):
        return day - _DAY
    return day + _DAY if at >= _begin(day + _DAY, zone, day_start) else day


def day_span(day: date, *, zone: ZoneInfo, day_start: time) -> tuple[datetime, datetime]:
    """Return the start and the end of a production day in UTC."""
    return _begin(day, zone, day_start), _begin(day + _DAY, zone, day_start)


def workday(
    day: date, *, zone: ZoneInfo, day_start: time, rules: Iterable[CalendarRule] = ()
) -> Workday:
    """Return a production day with its shifts and unplanned spans, in order.

    Where no shift is ever planned the plant runs around the clock: all of the day is planned.
    Breaks, meetings and maintenance are planned stops inside shifts and nothing outside.
    """
    starts_at, ends_at = day_span(day, zone=zone, day_start=day_start)
    rules = list(rules)
    shifts = _shifts(rules, day, zone, starts_at, ends_at)
    planned = _united((shift.starts_at, shift.ends_at) for shift in shifts)
    if not any(rule.kind is RuleKind.SHIFT for rule in rules):
        planned = [(starts_at, ends_at)]
    off = [
        OffSpan(start, end, MachineState.NOT_SCHEDULED)
        for start, end in _without([(starts_at, ends_at)], planned)
    ]
    taken = planned
    for rule in sorted((r for r in rules if r.kind is not RuleKind.SHIFT), key=_rule_order):
        stops = _within(taken, _united(_spans([rule], day, zone)))
        off.extend(OffSpan(a, b, MachineState.PLANNED_STOP, str(rule.kind)) for a, b in stops)
        taken = _without(taken, stops)
    off.sort(key=lambda span: span.started_at)
    return Workday(day, starts_at, ends_at, tuple(shifts), tuple(off))


def _begin(day: date, zone: ZoneInfo, day_start: time) -> datetime:
    return datetime.combine(day, day_start, zone).astimezone(UTC)


def _rule_order(rule: CalendarRule) -> tuple[time, time, str]:
    return (rule.local_start, rule.local_end, rule.kind)


def _shifts(
    rules: Iterable[CalendarRule], day: date, zone: ZoneInfo, first: datetime, last: datetime
) -> list[Shift]:
    shifts = []
    for rule in rules:
        if rule.kind is RuleKind.SHIFT:
            for start, end in _within([(first, last)], _spans([rule], day, zone)):
                shifts.append(Shift(rule.shift_code or "", start, end))
    return sorted(shifts, key=lambda shift: (shift.starts_at, shift.ends_at, shift.code))


def _spans(
    rules: Iterable[CalendarRule], day: date, zone: ZoneInfo
) -> list[tuple[datetime, datetime]]:
    """Return the spans of `rules` that can touch a production day: it reaches into the next date,
    and a shift of the date before reaches into it."""
    spans = []
    for rule in rules:
        for on in (day - _DAY, day, day + _DAY):
            if not rule.weekdays >> on.weekday() & 1 or on < rule.valid_from:
                continue
            if rule.valid_until is not None and on >= rule.valid_until:
                continue
            until = on if rule.local_end > rule.local_start else on + _DAY
            start, end = _begin(on, zone, rule.local_start), _begin(until, zone, rule.local_end)
            if start < end:
                spans.append((start, end))
    return sorted(spans)


def _within(
    spans: Sequence[tuple[datetime, datetime]], limits: Iterable[tuple[datetime, datetime]]
) -> list[tuple[datetime, datetime]]:
    limits = list(limits)
    parts = ((max(a, c), min(b, d)) for a, b in spans for c, d in limits)
    return sorted((start, end) for start, end in parts if start < end)


def _united(
    spans: Iterable[tuple[datetime, datetime]],
) -> list[tuple[datetime, datetime]]:
    """Join what overlaps or touches: where two shifts overlap, a second is planned once."""
    united: list[tuple[datetime, datetime]] = []
    for start, end in sorted(spans):
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], end))
        else:
            united.append((start, end))
    return united


def _without(
    spans: Iterable[tuple[datetime, datetime]], holes: Iterable[tuple[datetime, datetime]]
) -> list[tuple[datetime, datetime]]:
    left = list(spans)
    for start, end in holes:
        left = [
            part
            for a, b in left
            for part in ((a, min(b, start)), (max(a, end), b))
            if part[0] < part[1]
        ]
    return sorted(left)
