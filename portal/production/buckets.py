"""From what one unit reported to its intervals and its sums per hour and production day.

One call derives any run of days of a unit; one long run gives the same as many short ones, as long
as what lies around each day is handed in with it. Output belongs to the span that ends with its
moment: a count at 08:00:00 was made in the hour before.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise, takewhile
from typing import Final

from .counters import Booking
from .daylines import DayLine, DayLines, UnitRules
from .energy import EnergyShare, EnergyStep, share
from .output import Quantity, Rate, best_grade, bucket_outputs, place, touches
from .states import CALENDAR_STATES, MachineState
from .sums import OutputSums, TimeSums, total_output, total_time
from .timeline import Interval, OffSpan, StateReport
from .worktime import Workday

__all__ = ["BucketSums", "UnitDay", "UnitFacts", "UnitRules", "time_sums", "unit_days"]

_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """All that a unit reported in and around the days to derive; any order, repeated or not.

    `bookings` holds by kind (produced, good, scrap, rework) what `counters.count` made of its
    counters: every booking whose span touches the days. Reports and `heard_at` must cover those
    spans, and `timeline.look_around` beyond the days. `told` are further kinds that the unit is
    known to report: without a fact they are 0, not unknown. `energy` is None without a meter.
    """

    reports: Sequence[StateReport] = ()
    heard_at: Sequence[datetime] = ()
    bookings: Mapping[str, Sequence[Booking]] = field(default_factory=dict)
    quantities: Sequence[Quantity] = ()
    told: frozenset[str] = frozenset()
    energy: Sequence[EnergyStep] | None = None


@dataclass(frozen=True, slots=True)
class BucketSums:
    """The sums of one span of one unit; the output also by product (None: not said)."""

    starts_at: datetime
    time: TimeSums
    output: OutputSums
    by_product: Mapping[str | None, OutputSums] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnitDay:
    """One production day of one unit, up to `until` (its end, or as far as it is known).

    A day with declared shares has no hours: nobody said when in the shift they were.
    `scrap_without_piece` is scrap for which no piece of the day is known: it is in no sum.
    """

    workday: Workday
    until: datetime
    intervals: tuple[Interval, ...]
    hours: tuple[BucketSums, ...]
    day: BucketSums
    scrap_without_piece: float = 0.0


def unit_days(
    days: Iterable[date],
    facts: UnitFacts,
    *,
    calendar: Callable[[date], Workday],
    rules: UnitRules,
    rate: Rate,
    until: datetime | None = None,
) -> list[UnitDay]:
    """Return the intervals and sums of each of `days`, in order.

    `calendar` compiles any production day of the unit's site. `until` is the end of what can be
    said (`timeline.open_until`): a day that has not begun by then is left out, a running one ends
    there.
    """
    lines = DayLines(facts.reports, facts.heard_at, calendar=calendar, rules=rules, until=until)
    told = _Told(facts, counts=rules.counts)
    drawn = (lines.on(day) for day in sorted(set(days)))
    return [_unit_day(line, lines, told, rules, rate) for line in drawn if line is not None]


class _Told:
    """The facts of a unit but its states, in order: a day looks only at those around it."""

    def __init__(self, facts: UnitFacts, *, counts: bool) -> None:
        bookings = facts.bookings if counts else {}
        self.kinds = facts.told | bookings.keys()
        self._bookings = {
            kind: sorted(of_kind, key=_at) for kind, of_kind in sorted(bookings.items())
        }
        self._quantities = sorted(facts.quantities, key=_at)
        self._longest = timedelta(seconds=max((q.over_s for q in facts.quantities), default=0.0))
        self.has_meter = facts.energy is not None
        self._energy = sorted(facts.energy or (), key=_starts_at)
        lengths = (step.ends_at - step.starts_at for step in self._energy)
        self._longest_step = max(lengths, default=timedelta())

    def bookings(self, first: datetime, last: datetime) -> dict[str, list[Booking]]:
        """Return by kind what was counted in a span that touches this one."""
        near = {}
        for kind, of_kind in self._bookings.items():
            later = of_kind[bisect_right(of_kind, first, key=_at) :]
            near[kind] = list(takewhile(lambda b: touches(b.from_at, b.at, first, last), later))
        return near

    def quantities(self, first: datetime, last: datetime) -> list[Quantity]:
        begin = bisect_right(self._quantities, first, key=_at)
        end = bisect_right(self._quantities, last + self._longest, key=_at)
        return self._quantities[begin:end]

    def energy(self, first: datetime, last: datetime) -> list[EnergyStep]:
        """Return the steps that can touch a span; those of several meters may overlap."""
        begin = bisect_left(self._energy, first - self._longest_step, key=_starts_at)
        return self._energy[begin : bisect_left(self._energy, last, key=_starts_at)]


def _at(fact: Booking | Quantity) -> datetime:
    return fact.at


def _starts_at(step: EnergyStep) -> datetime:
    return step.starts_at


def _unit_day(line: DayLine, lines: DayLines, told: _Told, rules: UnitRules, rate: Rate) -> UnitDay:
    span = (line.workday.starts_at, line.workday.ends_at)
    bookings = told.bookings(*span)
    counted = {kind: [b.at for b in of_kind] for kind, of_kind in bookings.items()}
    quantities = best_grade(told.quantities(*span), counted, span=span)
    declared = any(i.declared for i in line.intervals) or any(q.declared for q in quantities)
    edges = (line.edges[0], line.until) if declared else line.edges
    placed = place(bookings, quantities, edges=edges, lines=lines, rules=rules, rate=rate)
    made, lost = bucket_outputs(placed, edges[:-1], rate=rate, told=told.kinds)
    buckets = [
        BucketSums(start, time, total_output(products.values()), products)
        for start, time, products in zip(edges, _times(line, edges, told), made, strict=False)
    ]
    day = BucketSums(
        starts_at=line.workday.starts_at,
        time=total_time(bucket.time for bucket in buckets),
        output=total_output(bucket.output for bucket in buckets),
        by_product=_sum_by_product(buckets),
    )
    hours = () if declared else tuple(buckets)
    return UnitDay(line.workday, line.until, line.intervals, hours, day, lost)


def _sum_by_product(buckets: Iterable[BucketSums]) -> dict[str | None, OutputSums]:
    sums: dict[str | None, OutputSums] = {}
    for bucket in buckets:
        for product, made in bucket.by_product.items():
            sums[product] = sums[product] + made if product in sums else made
    return sums


def _times(line: DayLine, edges: Sequence[datetime], told: _Told) -> list[TimeSums]:
    energy: Sequence[EnergyShare | None] = [None] * (len(edges) - 1)
    if told.has_meter:
        idle = [
            (i.started_at, i.ended_at)
            for i in line.intervals
            if i.state not in (MachineState.PRODUCING, MachineState.UNKNOWN)
        ]
        energy = share(told.energy(edges[0], edges[-1]), edges, idle)
    times, at = [], 0
    for bucket, (start, end) in enumerate(pairwise(edges)):
        inside = at
        while inside < len(line.intervals) and line.intervals[inside].ended_at <= end:
            inside += 1
        times.append(
            time_sums(
                line.intervals[at:inside],
                starts_at=start,
                ends_at=end,
                off=line.workday.off,
                energy=energy[bucket],
            )
        )
        at = inside
    return times


_FIELDS: Final = {
    MachineState.PRODUCING: "apt_s",
    MachineState.SETUP: "aust_s",
    MachineState.MINOR_STOP: "minor_s",
    MachineState.DOWN: "down_s",
    MachineState.STARVED: "starved_s",
    MachineState.BLOCKED: "blocked_s",
    MachineState.IDLE: "idle_s",
    MachineState.MAINT_PLANNED: "maint_s",
    MachineState.ENGINEERING: "eng_s",
    MachineState.UNKNOWN: "unk_s",
}


def time_sums(
    intervals: Iterable[Interval],
    *,
    starts_at: datetime,
    ends_at: datetime,
    off: Iterable[OffSpan] = (),
    energy: EnergyShare | None = None,
) -> TimeSums:
    """Return the time elements of a span from the intervals that tile it.

    Planned busy time is the sum of what the machine did in it, so what it produced outside the
    calendar (`overtime_s`) is in both, and availability stays at or below 1.
    """
    spent = dict.fromkeys(_FIELDS.values(), 0.0)
    overtime = declared = 0.0
    stops = {MachineState.MINOR_STOP: 0, MachineState.DOWN: 0}
    for interval in intervals:
        if interval.state in CALENDAR_STATES:
            continue
        seconds = interval.seconds
        spent[_FIELDS[interval.state]] += seconds
        overtime += seconds if interval.overtime else 0.0
        declared += seconds if interval.declared else 0.0
        if interval.state in stops:
            stops[interval.state] += interval.stops
    planned = {MachineState.PLANNED_STOP: 0.0, MachineState.NOT_SCHEDULED: 0.0}
    for span in off:
        seconds = (min(span.ended_at, ends_at) - max(span.started_at, starts_at)) / _SECOND
        planned[span.state] += max(seconds, 0.0)
    return TimeSums(
        cal_s=(ends_at - starts_at) / _SECOND,
        not_scheduled_s=planned[MachineState.NOT_SCHEDULED],
        planned_stop_s=planned[MachineState.PLANNED_STOP],
        overtime_s=overtime,
        pbt_s=sum(spent.values()),
        declared_s=declared,
        minor_count=stops[MachineState.MINOR_STOP],
        down_count=stops[MachineState.DOWN],
        energy_kwh=energy.used_kwh if energy else None,
        idle_kwh=energy.idle_kwh if energy else None,
        **spent,
    )
