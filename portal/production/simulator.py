"""Invented machines that report like real ones: a seed, a unit and a span give facts.

The same seed gives the same facts however the span is cut, because each production day is played
whole from its own random numbers and then cut. Lines are those of the ingestion door. Not here:
which plants there are (they are data), and anything that is believed of them afterwards.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from math import floor
from random import Random
from typing import Any, Final

from .states import MachineState
from .worktime import Workday

Line = dict[str, Any]

_DAY: Final = timedelta(days=1)
_READ_EVERY: Final = timedelta(minutes=30)
_METER_EVERY: Final = timedelta(hours=1)
_STANDBY: Final = 0.04  # share of the producing power that a machine draws when it is off
_OFF: Final = (str(MachineState.IDLE), "off")
_LINE_ORDER: Final = {"state": 0, "count": 1, "meter": 2, "alive": 3}


@dataclass(frozen=True, slots=True)
class Product:
    """What a unit makes and how fast at best. `whole`: in pieces, else in a measure."""

    code: str
    pri_s: float
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Loss:
    """What interrupts a machine: how often in 24 h of running, and how long on average."""

    state: str
    minutes: float
    per_day: float
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """What gets slowly worse: from as usual to `factor` times that over the last `days`.

    `what` is "scrap", "energy", or the reason of a loss whose frequency grows.
    """

    what: str
    factor: float
    days: int


@dataclass(frozen=True, slots=True)
class Machine:
    """One simulated unit. Ratios are 0…1; `speed` is how near it comes to the best pace.

    `gaps_per_day` are hours-long failures of its gateway. `silent_before` and `silent_after` say
    how long before the story's end its source went silent, and how long after it comes back.
    """

    code: str
    products: tuple[Product, ...]
    losses: tuple[Loss, ...]
    speed: float = 0.96
    scrap: float = 0.015
    warm_up_minutes: float = 15.0
    power_kw: float = 12.0
    idle_power: float = 0.35
    carrier: str = "electricity"
    gaps_per_day: float = 0.02
    gap_minutes: float = 60.0
    drifts: tuple[Drift, ...] = ()
    silent_before: timedelta | None = None
    silent_after: timedelta = timedelta(hours=36)


@dataclass(frozen=True, slots=True)
class Play:
    """A unit in its setting: whose it is, its calendar, and the moment the stories run up to."""

    seed: int
    company: str
    machine: Machine
    calendar: Callable[[date], Workday]
    story_ends_at: datetime


@dataclass(frozen=True, slots=True)
class _Day:
    """A production day as it truly was, whatever of it is reported."""

    workday: Workday
    states: tuple[tuple[datetime, str, str | None], ...]
    running: tuple[tuple[datetime, datetime], ...]
    product: Product
    item_s: float
    begun: float  # items of this week before the day, the one left half done included

    def made_until(self, moment: datetime) -> float:
        """Return the items, also the half-done one, from the week's start until `moment`."""
        seconds = 0.0
        for start, end in self.running:
            if start >= moment:
                break
            seconds += (min(end, moment) - start).total_seconds()
        return self.begun + seconds / self.item_s

    def counter(self, moment: datetime) -> float:
        """Return what the counter shows, which is set to 0 each Monday."""
        made = self.made_until(moment)
        return float(floor(made)) if self.product.whole else round(made, 3)


class Player:
    """Plays one unit. It remembers the days it has played: a counter goes on over the week."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self._calendar = lru_cache(maxsize=400)(play.calendar)
        self._day = lru_cache(maxsize=16)(self._play_day)
        self._made: dict[date, float] = {}

    def lines(self, first: datetime, until: datetime) -> list[Line]:
        """Return the lines with `first` ≤ at < `until` (aware), in order of time."""
        day, lines = (first - _DAY).date() - _DAY, list[Line]()
        while self._calendar(day).starts_at < until:
            if self._calendar(day).ends_at > first:
                lines += (line for at, line in self._reported(day) if first <= at < until)
            day += _DAY
        return lines

    def _random(self, day: date, purpose: str) -> Random:
        play = self._play
        # Not for secrets: the same name must give the same numbers on every machine.
        return Random(f"{play.seed}/{play.company}/{play.machine.code}/{day}/{purpose}")  # noqa: S311

    def _grown(self, what: str, day: date) -> float:
        factor = 1.0
        for drift in self._play.machine.drifts:
            if drift.what == what:
                begins = self._play.story_ends_at.date() - timedelta(days=drift.days)
                grown = min(max((day - begins).days / drift.days, 0.0), 1.0)
                factor *= 1 + (drift.factor - 1) * grown
        return factor

    def _play_day(self, day: date) -> _Day:
        workday, machine = self._calendar(day), self._play.machine
        week = day - timedelta(days=day.weekday())
        product = self._random(week, "product").choice(machine.products)
        changed = day == week and len(machine.products) > 1
        random = self._random(day, "states")
        losses = [
            replace(loss, per_day=loss.per_day * self._grown(loss.reason or "", day))
            for loss in machine.losses
        ]
        states: list[tuple[datetime, str, str | None]] = []
        running: list[tuple[datetime, datetime]] = []
        after_break = False
        if workday.off and workday.off[0].started_at == workday.starts_at:
            states.append((workday.starts_at, *_OFF))
        for start, end in _busy(workday):
            warm_up = machine.warm_up_minutes * (3.0 if changed else 1.0)
            warm_up *= 0.15 if after_break else 1.0
            _run(random, losses, warm_up, start, end, states, running)
            after_break, changed = True, False
            # At its end the next day says itself how it begins.
            if end < workday.ends_at:
                states.append((end, *_OFF))
        item_s = product.pri_s / (machine.speed * random.uniform(0.985, 1.015))
        begun = self._begun(day, product)
        return _Day(workday, tuple(states), tuple(running), product, item_s, begun)

    def _begun(self, day: date, product: Product) -> float:
        """Return the items made this week before `day`, a half-done one from last week included."""
        if day.weekday():
            before = day - _DAY
            if before not in self._made:
                played = self._day(before)
                self._made[before] = played.made_until(played.workday.ends_at)
            return self._made[before]
        return self._random(day, "half done").random() if product.whole else 0.0

    def _reported(self, day: date) -> list[tuple[datetime, Line]]:
        played, cut_off = self._day(day), self._cut_off(day)
        unit = self._play.machine.code
        told = [
            *self._state_lines(played, cut_off),
            *self._count_lines(played, cut_off),
            *self._meter_lines(played, cut_off),
        ]
        lines = [(at, {**line, "unit": unit, "at": _text(at)}) for at, line in told]
        return sorted(lines, key=lambda pair: (pair[0], _LINE_ORDER[pair[1]["k"]]))

    def _cut_off(self, day: date) -> list[tuple[datetime, datetime]]:
        """Return the spans of a day in which the gateway sent nothing."""
        machine, random = self._play.machine, self._random(day, "gaps")
        workday, spans = self._calendar(day), []
        at = workday.starts_at + _after(random, machine.gaps_per_day)
        while at < workday.ends_at:
            end = at + timedelta(minutes=random.gammavariate(3.0, machine.gap_minutes / 3.0))
            spans.append((at, min(end, workday.ends_at)))
            at = end + _after(random, machine.gaps_per_day)
        if machine.silent_before is not None:
            ends_at = self._play.story_ends_at
            spans.append((ends_at - machine.silent_before, ends_at + machine.silent_after))
        return spans

    def _state_lines(
        self, played: _Day, cut_off: Sequence[tuple[datetime, datetime]]
    ) -> Iterator[tuple[datetime, Line]]:
        for at, state, reason in played.states:
            if not _in(at, cut_off):
                yield at, _state_line(state, reason)
        starts = [at for at, _, _ in played.states]
        for _, end in cut_off:
            # Reconnected, the gateway says what holds now.
            place = bisect_right(starts, end) - 1
            inside = played.workday.starts_at < end < played.workday.ends_at
            if place >= 0 and inside and not _in(end, cut_off):
                yield end, _state_line(*played.states[place][1:])

    def _count_lines(
        self, played: _Day, cut_off: Sequence[tuple[datetime, datetime]]
    ) -> Iterator[tuple[datetime, Line]]:
        machine, day = self._play.machine, played.workday.day
        random = self._random(day, "counts")
        rate = machine.scrap * self._grown("scrap", day)
        seen, thrown = played.counter(played.workday.starts_at), 0.0
        for at in _ticks(played.workday, random.uniform(1.0, 29.0)):
            shown = played.counter(at)
            thrown += _thrown(random, shown - seen, rate, whole=played.product.whole)
            moved, seen = shown > seen, shown
            if _in(at, cut_off):
                continue
            if not moved and not _in(at, played.running):
                yield at, {"k": "alive"}
                continue
            value = {"k": "count", "kind": "produced", "product": played.product.code}
            yield at, {**value, "counter": _number(shown)}
            if thrown > 0:
                yield at, {**value, "kind": "scrap", "qty": _number(thrown)}
                thrown = 0.0

    def _meter_lines(
        self, played: _Day, cut_off: Sequence[tuple[datetime, datetime]]
    ) -> Iterator[tuple[datetime, Line]]:
        machine, day = self._play.machine, played.workday.day
        random = self._random(day, "energy")
        full = machine.power_kw * self._grown("energy", day)
        since, kwh = played.workday.starts_at, 0.0
        for hour in played.workday.hours:
            until = min(hour + _METER_EVERY, played.workday.ends_at)
            kwh += _energy(played, hour, until, machine, full) * random.gauss(1.0, 0.015)
            # A second early, so that a day's last reading belongs to the day in every list.
            at = until - timedelta(seconds=1)
            if _in(at, cut_off):
                continue
            yield at, _meter_line(machine, kwh, (at - since).total_seconds())
            since, kwh = at, 0.0


def _busy(workday: Workday) -> Iterator[tuple[datetime, datetime]]:
    start = workday.starts_at
    for span in workday.off:
        if start < span.started_at:
            yield start, span.started_at
        start = max(start, span.ended_at)
    if start < workday.ends_at:
        yield start, workday.ends_at


def _run(
    random: Random,
    losses: Sequence[Loss],
    warm_up_minutes: float,
    start: datetime,
    end: datetime,
    states: list[tuple[datetime, str, str | None]],
    running: list[tuple[datetime, datetime]],
) -> None:
    """Play one stretch of planned time: set-up, then runs and losses by turns, then off."""
    per_day = sum(loss.per_day for loss in losses)
    at = start
    if warm_up_minutes > 0:
        states.append((at, MachineState.SETUP, "warm_up"))
        at += timedelta(minutes=random.gammavariate(6.0, warm_up_minutes / 6.0))
    while at < end:
        states.append((at, MachineState.PRODUCING, None))
        stops_at = at + _after(random, per_day)
        running.append((at, min(stops_at, end)))
        at = stops_at
        if at < end:
            loss = random.choices(losses, [one.per_day for one in losses])[0]
            states.append((at, loss.state, loss.reason))
            at += timedelta(minutes=random.gammavariate(2.0, loss.minutes / 2.0))


def _after(random: Random, per_day: float) -> timedelta:
    return timedelta(days=random.expovariate(per_day)) if per_day > 0 else 9999 * _DAY


def _ticks(workday: Workday, offset_minutes: float) -> Iterator[datetime]:
    """Yield when the counter is read: twice an hour, at no round minute."""
    at = workday.starts_at + timedelta(minutes=offset_minutes)
    while at < workday.ends_at:
        yield at
        at += _READ_EVERY


def _thrown(random: Random, made: float, rate: float, *, whole: bool) -> float:
    if made <= 0:
        return 0.0
    if not whole or made > 60:
        scrap = max(random.gauss(made * rate, (made * rate) ** 0.5 * (1.0 if whole else 0.05)), 0.0)
        return float(round(min(scrap, made))) if whole else round(min(scrap, made), 3)
    return float(sum(random.random() < rate for _ in range(int(made))))


def _energy(played: _Day, start: datetime, end: datetime, machine: Machine, full: float) -> float:
    """Return the kWh of a span: full power running, less when waiting, little when off."""
    points = [(at, state, reason) for at, state, reason in played.states if start < at < end]
    place = bisect_right([at for at, _, _ in played.states], start) - 1
    held = played.states[place][1:] if place >= 0 else _OFF
    kwh = 0.0
    moments = [(start, *held), *points, (end, "", None)]
    for (at, state, reason), (until, _, _) in pairwise(moments):
        share = 1.0 if state == MachineState.PRODUCING else machine.idle_power
        share = _STANDBY if reason == "off" else share
        kwh += full * share * (until - at).total_seconds() / 3600
    return kwh


def _in(at: datetime, spans: Sequence[tuple[datetime, datetime]]) -> bool:
    return any(start <= at < end for start, end in spans)


def _state_line(state: str, reason: str | None) -> Line:
    return {"k": "state", "state": str(state)} | ({"reason": reason} if reason else {})


def _meter_line(machine: Machine, kwh: float, over_s: float) -> Line:
    return {
        "k": "meter",
        "meter": f"{machine.code}.{machine.carrier}",
        "carrier": machine.carrier,
        "kind": "interval",
        "v": round(kwh, 3),
        "uom": "kWh",
        "over_s": over_s,
    }


def _number(value: float) -> float | int:
    return int(value) if value == int(value) else round(value, 3)


def _text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
