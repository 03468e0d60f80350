"""Where a line belongs: from checked lines to facts, or to quarantine with the reason.

Pure: units and the window are handed in. Whether the database knows another value for the same
moment is asked elsewhere.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from hashlib import blake2b
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from portal.production.clockerror import NEWEST, Window, clock_error, is_restated
from portal.production.lines import Line, read_moment
from portal.production.states import REPORTED, Rank
from portal.production.words import Problem
from portal.production.worktime import day_span, production_day

STATE: Final = "state"
ALIVE: Final = "alive"
TO_KWH: Final[Mapping[str, float]] = {
    "kWh": 1.0,
    "Wh": 0.001,
    "MWh": 1000.0,
    "MJ": 1 / 3.6,
    "GJ": 1000 / 3.6,
}


class StateRow(NamedTuple):
    """A state fact, in the order of `STATE_COLUMNS`."""

    unit_id: str
    occurred_at: datetime
    id: str
    item: str
    value: str
    ended_at: datetime | None = None
    reason_code: str | None = None
    rank: int = int(Rank.MACHINE)
    declared_s: float | None = None
    stops: int | None = None
    supersedes_id: str | None = None


class CountRow(NamedTuple):
    """A count fact, in the order of `COUNT_COLUMNS`."""

    unit_id: str
    occurred_at: datetime
    id: str
    kind: str
    product_code: str | None
    counter: float | None
    qty: float | None
    over_s: float | None = None
    baseline: bool = False
    declared: bool = False
    supersedes_id: str | None = None


class EnergyRow(NamedTuple):
    """An energy fact, in the order of `ENERGY_COLUMNS`."""

    unit_id: str
    occurred_at: datetime
    id: str
    meter: str
    carrier: str
    kind: str
    kwh: float
    over_s: float | None
    supersedes_id: str | None = None


Fact = StateRow | CountRow | EnergyRow


@dataclass(frozen=True, slots=True)
class Doorplate:
    """What the door must know of a unit; `items` are the data items of its device model."""

    unit_id: str
    zone: ZoneInfo
    day_start: time
    state_words: Mapping[str, str] = field(default_factory=dict)
    items: frozenset[str] = frozenset()


class Aside(NamedTuple):
    """A line for quarantine: its number, why, the field, what it said, and the whole line."""

    line: int
    code: str
    field: str
    value: str
    raw: str


@dataclass(slots=True)
class Placed:
    """What became of lines; each fact with the number of its line. Repeated ones are counted."""

    facts: list[tuple[int, Fact]] = field(default_factory=list)
    aside: list[Aside] = field(default_factory=list)
    repeated: int = 0


def fact_id(*said: object) -> str:
    """Return the id of a fact, made of what it says: the same line said twice is one row."""
    text = "\x1f".join("" if part is None else str(part) for part in said)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def place_lines(
    lines: Iterable[Line],
    units: Mapping[str, Doorplate],
    *,
    received_at: datetime,
    window: Window | None = None,
    restates: bool = False,
    rank: Rank = Rank.MACHINE,
) -> Placed:
    """Return the facts of `lines` by unit code, and those that cannot be placed.

    Of two lines of one unit, item and moment that disagree the first stands, the other waits.
    """
    placed = Placed()
    known: set[str] = set()
    said: dict[tuple[object, ...], str] = {}
    for line in lines:
        plate = units.get(line.unit)
        problem: tuple[Problem, str] | None
        if plate is None:
            problem = (Problem.UNIT, "unit")
        elif clock_error(line.at, received_at, window, restates=restates):
            problem = (Problem.CLOCK, "at")
        elif "until" in line.fields and _ends_late(line, received_at, window):
            problem = (Problem.CLOCK, "until")
        else:
            problem = _misfit(line, plate)
        if problem is not None or plate is None:
            placed.aside.append(_aside(line, *(problem or (Problem.UNIT, "unit"))))
            continue
        fact = _MAKE[line.k](line, plate, rank)
        if fact.id in known:
            placed.repeated += 1
            continue
        key = conflict_key(fact)
        if key is not None and said.setdefault(key, fact.id) != fact.id:
            placed.aside.append(_aside(line, Problem.CONFLICT, _VALUE_OF[line.k]))
            continue
        known.add(fact.id)
        placed.facts.append((line.no, fact))
    return placed


def _ends_late(line: Line, received_at: datetime, window: Window | None) -> bool:
    until = read_moment(line.fields["until"])
    latest = window[1] if window else received_at + NEWEST
    return until is None or until > latest


def conflict_key(fact: Fact) -> tuple[object, ...] | None:
    """Return what may hold only one value at a moment; None where several may stand together."""
    if isinstance(fact, StateRow):
        if fact.item != STATE or fact.ended_at is not None:
            return None
        return (fact.unit_id, fact.occurred_at, STATE, fact.rank)
    if isinstance(fact, CountRow):
        return (fact.unit_id, fact.occurred_at, fact.kind, fact.product_code)
    return (fact.unit_id, fact.occurred_at, "meter", fact.meter)


_VALUE_OF: Final = {"state": "state", "count": "counter", "meter": "v", "alive": "at", "event": "v"}


def aside(line: Line, problem: Problem) -> Aside:
    """Return a line for quarantine whose value is in the way."""
    return _aside(line, problem, _VALUE_OF[line.k])


def _aside(line: Line, problem: Problem, name: str) -> Aside:
    value = str(line.fields.get(name, line.fields.get("qty", "")))
    raw = json.dumps(line.fields, ensure_ascii=False, separators=(",", ":"))
    return Aside(line.no, problem.value, name, value[:200], raw)


def _misfit(line: Line, plate: Doorplate) -> tuple[Problem, str] | None:
    if line.k == "state":
        word = line.fields["state"]
        if plate.state_words.get(word, word) not in REPORTED:
            return (Problem.STATE, "state")
    elif line.k == "event":
        if line.fields["item"] not in plate.items:
            return (Problem.TAG, "item")
    elif line.k == "meter" and line.fields["uom"] not in TO_KWH:
        return (Problem.UOM, "uom")
    return None


def _state(line: Line, plate: Doorplate, rank: Rank) -> StateRow:
    sent = line.fields
    value = plate.state_words.get(sent["state"], sent["state"])
    until = read_moment(sent["until"]) if "until" in sent else None
    reason = sent.get("reason")
    key = fact_id(plate.unit_id, line.at, STATE, value, until, reason, int(rank))
    return StateRow(plate.unit_id, line.at, key, STATE, value, until, reason, int(rank))


def _alive(line: Line, plate: Doorplate, rank: Rank) -> StateRow:
    key = fact_id(plate.unit_id, line.at, ALIVE)
    return StateRow(plate.unit_id, line.at, key, ALIVE, "", rank=int(rank))


def _event(line: Line, plate: Doorplate, rank: Rank) -> StateRow:
    item, value = line.fields["item"], line.fields["v"]
    key = fact_id(plate.unit_id, line.at, "event", item, value)
    return StateRow(plate.unit_id, line.at, key, item, value, rank=int(rank))


def _count(line: Line, plate: Doorplate, rank: Rank) -> CountRow:
    sent = line.fields
    kind, product = sent.get("kind", "produced"), sent.get("product")
    counter = float(sent["counter"]) if "counter" in sent else None
    qty = float(sent["qty"]) if "qty" in sent else None
    over_s = float(sent["over_s"]) if "over_s" in sent else None
    key = fact_id(plate.unit_id, line.at, "count", kind, product, counter, qty, over_s)
    return CountRow(plate.unit_id, line.at, key, kind, product, counter, qty, over_s)


def _meter(line: Line, plate: Doorplate, rank: Rank) -> EnergyRow:
    sent = line.fields
    meter, carrier = sent.get("meter", "main"), sent.get("carrier", "electricity")
    kind = sent.get("kind", "cumulative")
    kwh = float(sent["v"]) * TO_KWH[sent["uom"]]
    over_s = float(sent["over_s"]) if "over_s" in sent else None
    key = fact_id(plate.unit_id, line.at, "meter", meter, carrier, kind, kwh, over_s)
    return EnergyRow(plate.unit_id, line.at, key, meter, carrier, kind, kwh, over_s)


_MAKE: Final[Mapping[str, Any]] = {
    "state": _state,
    "alive": _alive,
    "event": _event,
    "count": _count,
    "meter": _meter,
}


class Days:
    """Which production days moments of units fall on; remembers each unit's last day."""

    def __init__(self, units: Iterable[Doorplate]) -> None:
        self._plates = {plate.unit_id: plate for plate in units}
        self._last: dict[str, tuple[datetime, datetime, date]] = {}

    def of(self, unit_id: str, at: datetime) -> date:
        """Return the production day of an aware moment at a unit."""
        last = self._last.get(unit_id)
        if last is not None and last[0] <= at < last[1]:
            return last[2]
        plate = self._plates[unit_id]
        day = production_day(at, zone=plate.zone, day_start=plate.day_start)
        span = day_span(day, zone=plate.zone, day_start=plate.day_start)
        self._last[unit_id] = (*span, day)
        return day

    def touched(self, facts: Iterable[Fact], window: Window | None = None) -> set[tuple[str, date]]:
        """Return the (unit, day) pairs that facts bear on.

        What is older than `window` only tells what held as it began.
        """
        found = set()
        for fact in facts:
            at = window[0] if is_restated(fact.occurred_at, window) and window else fact.occurred_at
            day = self.of(fact.unit_id, at)
            found.add((fact.unit_id, day))
            ended_at = fact.ended_at if isinstance(fact, StateRow) else None
            if ended_at is not None and ended_at.astimezone(UTC) > fact.occurred_at:
                last = self.of(fact.unit_id, ended_at)
                while day < last:
                    day = date.fromordinal(day.toordinal() + 1)
                    found.add((fact.unit_id, day))
        return found
