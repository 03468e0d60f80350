"""From the facts around a run of days of one unit to its days: what the derivation computes.

Pure. Facts come as loaded rows; what comes out depends on their set alone, and for each day only on
what lies in and around it, so that one long run gives the same as many short ones.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, NamedTuple
from uuid import UUID

from portal.production import counters, energy, mtconnect
from portal.production.buckets import UnitDay, UnitFacts, unit_days
from portal.production.counters import Booking, Counter, Doubted, Reading
from portal.production.energy import EnergyStep, MeterReading, ReadingKind
from portal.production.mtconnect import CONDITION, ItemEvent
from portal.production.output import PRODUCED, Quantity, quantity_order
from portal.production.placing import STATE
from portal.production.states import Rank
from portal.production.timeline import StateReport, look_around, open_until
from portal.production.unitsetup import UnitSetup
from portal.production.words import CountsFrom
from portal.production.worktime import Workday

FARTHEST_BACK: Final = timedelta(days=10)
"""Pieces of one reading are laid over at most the time since then."""

HEAD_READINGS: Final = 4
"""The first readings of a day also tell what was made and used at the end of the day before."""

SHEET_MISSING_AFTER: Final = timedelta(hours=4)

BEARING_ITEMS: Final = frozenset({"EXECUTION", "EMERGENCY_STOP", "CONTROLLER_MODE"})
PART_COUNT: Final = "PART_COUNT"


class StateSaid(NamedTuple):
    """A state fact as loaded."""

    occurred_at: datetime
    id: UUID
    item: str
    value: str
    ended_at: datetime | None
    reason_code: str | None
    rank: int
    declared_s: float | None
    stops: int | None
    recorded_at: datetime


class CountSaid(NamedTuple):
    """A count fact as loaded."""

    occurred_at: datetime
    id: UUID
    kind: str
    product_code: str | None
    counter: float | None
    qty: float | None
    over_s: float | None
    baseline: bool
    declared: bool
    batch_id: UUID
    source_id: UUID
    recorded_at: datetime


class EnergySaid(NamedTuple):
    """An energy fact as loaded."""

    occurred_at: datetime
    id: UUID
    meter: str
    kind: str
    kwh: float
    over_s: float | None
    recorded_at: datetime


@dataclass(slots=True)
class Run:
    """Days of one unit that follow each other, with the facts loaded for them.

    `heard` are the moments of its counts and readings, which tell that its source is alive.
    """

    setup: UnitSetup
    days: tuple[date, ...]
    states: list[StateSaid] = field(default_factory=list)
    counts: list[CountSaid] = field(default_factory=list)
    energy: list[EnergySaid] = field(default_factory=list)
    heard: list[datetime] = field(default_factory=list)
    counters: dict[str, Counter] = field(default_factory=dict)
    counted: "Counts | None" = None

    @property
    def starts_at(self) -> datetime:
        """The start of the first day."""
        return self.setup.calendar(self.days[0]).starts_at

    @property
    def ends_at(self) -> datetime:
        """The end of the last day."""
        return self.setup.calendar(self.days[-1]).ends_at

    @property
    def near(self) -> timedelta:
        """How far around a day states must be known."""
        rules = self.setup.rules
        return look_around(min_stop_s=rules.min_stop_s, heartbeat_s=rules.heartbeat_s)


@dataclass(frozen=True, slots=True)
class Counts:
    """What the counters of a run came to: bookings by kind, marks by day and kind, doubts."""

    bookings: Mapping[str, Sequence[Booking]]
    marks: Mapping[tuple[date, str], Counter]
    doubted: Sequence[tuple[str, Doubted]]
    moved_on: Mapping[date, frozenset[str]]
    readings_on: Mapping[date, frozenset[str]]

    def span(self) -> tuple[datetime, datetime] | None:
        """Return the span that the bookings reach over; None without bookings."""
        all_of = [b for of_kind in self.bookings.values() for b in of_kind]
        if not all_of:
            return None
        return min(b.from_at for b in all_of), max(b.at for b in all_of)


@dataclass(frozen=True, slots=True)
class DerivedDay:
    """One unit's day, ready to be written. `fact_count`: facts that occurred in it.

    `head_recorded_at` is when the newest of those facts came that also tell of the day before.
    """

    run: Run
    day: UnitDay
    inputs_sha256: bytes
    fact_count: int
    newest_fact_at: datetime | None
    head_recorded_at: datetime | None
    marks: Mapping[str, Counter]


def count_run(run: Run) -> Counts:
    """Return what the run's counters came to by day, with what the next readings prove of it."""
    readings = _readings(run)
    bookings: dict[str, list[Booking]] = {}
    marks: dict[tuple[date, str], Counter] = {}
    doubted: list[tuple[str, Doubted]] = []
    moved: dict[date, set[str]] = defaultdict(set)
    read: dict[date, set[str]] = defaultdict(set)
    for kind in sorted({*readings, *run.counters}):
        counter = run.counters.get(kind, Counter())
        waiting = sorted(readings.get(kind, ()), key=lambda r: (r.at, r.value))
        at = 0
        for day in run.days:
            workday = run.setup.calendar(day)
            until = at
            while until < len(waiting) and waiting[until].at < workday.ends_at:
                until += 1
            part = [r for r in waiting[at:until] if r.at >= workday.starts_at]
            at = until
            if part:
                result = _count(run, part, counter, workday.starts_at)
                counter = result.counter
                bookings.setdefault(kind, []).extend(result.bookings)
                doubted.extend((kind, doubt) for doubt in result.doubted)
                marks[day, kind] = counter
                read[day].add(kind)
            if counter.moved:
                moved[day].add(kind)
        after = _count(run, waiting[at:], counter, run.ends_at)
        # Only what began before the run's end tells anything of the run.
        bookings.setdefault(kind, []).extend(b for b in after.bookings if b.from_at < run.ends_at)
    return Counts(
        bookings={kind: [_clipped(b) for b in found] for kind, found in bookings.items()},
        marks=marks,
        doubted=doubted,
        moved_on={day: frozenset(kinds) for day, kinds in moved.items()},
        readings_on={day: frozenset(kinds) for day, kinds in read.items()},
    )


def _count(
    run: Run, readings: Sequence[Reading], counter: Counter, at: datetime
) -> counters.Counted:
    return counters.count(readings, counter=counter, pri_s=lambda p: run.setup.rate(p, at))


def _clipped(booking: Booking) -> Booking:
    earliest = booking.at - FARTHEST_BACK
    return booking if booking.from_at >= earliest else replace(booking, from_at=earliest)


def _readings(run: Run) -> dict[str, list[Reading]]:
    readings: dict[str, list[Reading]] = defaultdict(list)
    for fact in run.counts:
        if fact.counter is not None:
            readings[fact.kind].append(
                Reading(fact.occurred_at, fact.counter, fact.product_code, fact.baseline, key=fact)
            )
    model = run.setup.model
    if model is not None and PRODUCED not in readings:
        names = {name for name, item in model.items.items() if item.type == PART_COUNT}
        events = [ItemEvent(s.occurred_at, s.item, s.value) for s in run.states if s.item in names]
        if found := mtconnect.counter_readings(events, model):
            readings[PRODUCED] = found
    return readings


def derive_run(run: Run, *, now: datetime) -> list[DerivedDay]:
    """Return the run's days that have begun, each with what it was made from."""
    counted = run.counted or count_run(run)
    reports = _reports(run)
    heard = sorted({*run.heard, *(s.occurred_at for s in run.states if s.ended_at is None)})
    steps = _energy_steps(run.energy)
    quantities = _quantities(run)
    inputs = _Inputs(run, counted, reports, heard, quantities, steps)
    until = _until(run, reports, heard, now)
    derived = []
    for days, kinds in _by_counters(run, counted):
        facts = UnitFacts(
            reports=reports,
            heard_at=heard,
            bookings={kind: counted.bookings.get(kind, ()) for kind in kinds},
            quantities=quantities,
            energy=steps,
        )
        setup = run.setup
        for day in unit_days(
            days, facts, calendar=setup.calendar, rules=setup.rules, rate=setup.rate, until=until
        ):
            derived.append(inputs.derived(day, kinds))
    return sorted(derived, key=lambda one: one.day.workday.day)


def _quantities(run: Run) -> list[Quantity]:
    quantities = [
        Quantity(
            at=c.occurred_at,
            kind=c.kind,
            quantity=c.qty,
            product=c.product_code,
            over_s=c.over_s or 0.0,
            declared=c.declared,
        )
        for c in run.counts
        if c.qty is not None
    ]
    return sorted(quantities, key=quantity_order)


def _by_counters(run: Run, counted: Counts) -> Iterable[tuple[list[date], frozenset[str]]]:
    """Yield the days grouped by which counters tell anything of them.

    A counter that has never moved is no count source; on a day without any reading, not even a
    later one that reaches back, it says nothing: unknown is not 0.
    """
    groups: dict[frozenset[str], list[date]] = defaultdict(list)
    for day in run.days:
        workday = run.setup.calendar(day)
        moved = counted.moved_on.get(day, frozenset()) & counted.readings_on.get(day, frozenset())
        reaching = {
            kind
            for kind, of_kind in counted.bookings.items()
            if any(_touches(b.from_at, b.at, workday) for b in of_kind)
        }
        kinds = frozenset(moved | reaching)
        groups[kinds].append(day)
    return [(days, kinds) for kinds, days in groups.items()]


def _reports(run: Run) -> list[StateReport]:
    reports = [
        StateReport(
            started_at=s.occurred_at,
            state=s.value,
            ended_at=s.ended_at,
            reason_code=s.reason_code,
            rank=Rank(s.rank),
            declared_s=s.declared_s,
            stops=s.stops,
        )
        for s in run.states
        if s.item == STATE
    ]
    model = run.setup.model
    if model is not None:
        bearing = {
            name
            for name, item in model.items.items()
            if item.type in BEARING_ITEMS or item.category == CONDITION
        }
        events = [
            ItemEvent(s.occurred_at, s.item, s.value) for s in run.states if s.item in bearing
        ]
        reports.extend(mtconnect.state_reports(events, model))
    return sorted(reports, key=_report_order)


def _report_order(report: StateReport) -> tuple[Any, ...]:
    # All that it says: where rows lie must not matter.
    return (
        report.started_at,
        report.rank,
        report.state,
        report.ended_at or report.started_at,
        report.reason_code or "",
        -1.0 if report.declared_s is None else report.declared_s,
        -1 if report.stops is None else report.stops,
    )


def _energy_steps(facts: Iterable[EnergySaid]) -> list[EnergyStep] | None:
    by_meter: dict[str, list[MeterReading]] = defaultdict(list)
    for fact in facts:
        reading = MeterReading(fact.occurred_at, fact.kwh, ReadingKind(fact.kind), fact.over_s)
        by_meter[fact.meter].append(reading)
    if not by_meter:
        return None
    steps = [step for _, readings in sorted(by_meter.items()) for step in energy.steps(readings)]
    return sorted(steps, key=lambda step: (step.starts_at, step.ends_at, step.kwh))


def _until(
    run: Run, reports: Sequence[StateReport], heard: Sequence[datetime], now: datetime
) -> datetime | None:
    """Return the end of what can be said of a running day; None when all days are over."""
    if run.ends_at <= now:
        return None
    if run.setup.counts_from is CountsFrom.SHEET:
        told = {r.ended_at for r in reports if r.declared_s is not None}
        over = [
            shift.ends_at
            for shift in run.setup.calendar(run.days[-1]).shifts
            if shift.ends_at in told or shift.ends_at + SHEET_MISSING_AFTER <= now
        ]
        return max(over, default=run.setup.calendar(run.days[-1]).starts_at)
    known = bisect_right(heard, now)
    last = heard[known - 1] if known else None
    return open_until(now=now, last_heard_at=last, heartbeat_s=run.setup.rules.heartbeat_s)


class _Inputs:
    """What each day of a run was made from, as a hash and as counts."""

    def __init__(
        self,
        run: Run,
        counted: Counts,
        reports: Sequence[StateReport],
        heard: Sequence[datetime],
        quantities: Sequence[Quantity],
        steps: Sequence[EnergyStep] | None,
    ) -> None:
        self._run, self._counted = run, counted
        self._fingerprint = run.setup.fingerprint
        self._reports, self._heard = reports, heard
        self._starts = [r.started_at for r in reports]
        self._quantities, self._steps = quantities, steps or ()
        self._facts = sorted(
            [s.occurred_at for s in run.states]
            + [c.occurred_at for c in run.counts]
            + [e.occurred_at for e in run.energy]
        )

    def derived(self, day: UnitDay, kinds: frozenset[str]) -> DerivedDay:
        starts_at, ends_at = day.workday.starts_at, day.workday.ends_at
        first = bisect_left(self._facts, starts_at)
        last = bisect_left(self._facts, ends_at)
        on = day.workday.day
        return DerivedDay(
            run=self._run,
            day=day,
            inputs_sha256=self._hash(day, kinds),
            fact_count=last - first,
            newest_fact_at=self._facts[last - 1] if last > first else None,
            head_recorded_at=self._head_recorded_at(starts_at, ends_at),
            marks={
                kind: counter for (of, kind), counter in self._counted.marks.items() if of == on
            },
        )

    def _head_recorded_at(self, starts_at: datetime, ends_at: datetime) -> datetime | None:
        run = self._run
        near = min(starts_at + run.near, ends_at)
        told = [s.recorded_at for s in run.states if starts_at <= s.occurred_at < near]
        for facts in (run.counts, run.energy):
            own = sorted(
                (f.occurred_at, f.recorded_at) for f in facts if f.occurred_at >= starts_at
            )
            told += [recorded_at for _, recorded_at in own[:HEAD_READINGS]]
        return max(told, default=None)

    def _hash(self, day: UnitDay, kinds: frozenset[str]) -> bytes:
        workday = day.workday
        bookings = [
            (kind, b.from_at, b.at, b.quantity, b.product, str(b.flag))
            for kind in sorted(kinds)
            for b in self._counted.bookings.get(kind, ())
            if _touches(b.from_at, b.at, workday)
        ]
        near = self._run.near
        first = min([workday.starts_at - near, *(b[1] - near for b in bookings)])
        last = max([workday.ends_at + near, *(b[2] + near for b in bookings)])
        digest = sha256()
        for part in (
            self._fingerprint,
            day.until,
            workday,
            sorted(kinds),
            bookings,
            self._around(first, last),
            self._heard[bisect_left(self._heard, first) : bisect_right(self._heard, last)],
            [q for q in self._quantities if _touches(q.from_at, q.at, workday)],
            [s for s in self._steps if _touches(s.starts_at, s.ends_at, workday)],
        ):
            digest.update(_text(part))
        return digest.digest()

    def _around(self, first: datetime, last: datetime) -> list[StateReport]:
        held = bisect_right(self._starts, first)
        # The last open report of each grade may hold into the span.
        before: dict[Rank, StateReport] = {}
        spans = []
        for report in self._reports[:held]:
            if report.ended_at is None:
                before[report.rank] = report
            elif report.ended_at > first:
                spans.append(report)
        inside = self._reports[held : bisect_right(self._starts, last)]
        return [*(before[rank] for rank in sorted(before)), *spans, *inside]


def _touches(starts_at: datetime, ends_at: datetime, workday: Workday) -> bool:
    return ends_at > workday.starts_at and starts_at < workday.ends_at


def _text(part: Any) -> bytes:
    return repr(part).encode() + b"\x1e"
