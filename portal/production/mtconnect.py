"""MTConnect: adapter lines (SHDR), the device model, and what its items say of a machine's state.

An item is known by its type in the device model, never by its name: every plant names its own.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Final
from xml.etree import ElementTree

from .counters import Reading
from .states import HOLD, MachineState
from .timeline import StateReport

UNAVAILABLE: Final = "UNAVAILABLE"
CONDITION: Final = "CONDITION"
_CONDITION_FIELDS: Final = 5  # level, code, severity, qualifier, text
_HOLDS: Final = frozenset({"INTERRUPTED", "FEED_HOLD", "OPTIONAL_STOP"})
_EXECUTION_ORDER: Final = {"ACTIVE": 0, "INTERRUPTED": 1, "FEED_HOLD": 1, "OPTIONAL_STOP": 1}


@dataclass(frozen=True, slots=True)
class DataItem:
    """One data item of a machine: its MTConnect type, subtype, category and unit of measure."""

    type: str
    category: str
    sub_type: str = ""
    units: str = ""


@dataclass(frozen=True, slots=True)
class DeviceModel:
    """The data items of one machine by the name an adapter uses, and by their id."""

    machine: str
    items: Mapping[str, DataItem] = field(default_factory=dict)

    def find(self, item: str) -> DataItem | None:
        """Return the data item with that name or id; None where the model lacks it."""
        return self.items.get(item)

    def to_json(self) -> dict[str, list[str]]:
        """Return the items as plain lists, to be kept with a source."""
        return {name: [i.type, i.category, i.sub_type, i.units] for name, i in self.items.items()}

    @classmethod
    def from_json(cls, machine: str, items: Mapping[str, list[str]]) -> "DeviceModel":
        """Return the model that `to_json` was made of."""
        return cls(machine, {name: DataItem(*values) for name, values in items.items()})


def read_devices(xml: str | bytes) -> dict[str, DeviceModel]:
    """Return the models of an MTConnectDevices document by machine name.

    Raises `ValueError` when it is not XML, declares entities, or has no device.
    """
    text = xml.encode() if isinstance(xml, str) else xml
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        # Entities can expand without end, and no device model needs any.
        raise ValueError("a device model must not declare entities")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314  (no entities: refused above)
    except ElementTree.ParseError as broken:
        raise ValueError(str(broken)) from broken
    models = {}
    for device in root.iter():
        if _local(device.tag) == "Device":
            name = device.get("name") or device.get("id") or ""
            models[name] = DeviceModel(name, dict(_items(device)))
    if not models:
        raise ValueError("no device in this document")
    return models


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _items(device: ElementTree.Element) -> Iterator[tuple[str, DataItem]]:
    found = [e for e in device.iter() if _local(e.tag) == "DataItem"]
    # Ids first: where a name is also another item's id, adapters mean the name.
    for attribute in ("id", "name"):
        for element in found:
            if key := element.get(attribute):
                yield (
                    key,
                    DataItem(
                        element.get("type", ""),
                        element.get("category", ""),
                        element.get("subType", ""),
                        element.get("units", ""),
                    ),
                )


@dataclass(frozen=True, slots=True)
class ItemEvent:
    """One value of one item. Of a condition it is `level|code|severity|qualifier|text`."""

    at: datetime
    item: str
    value: str


@dataclass(frozen=True, slots=True)
class FaultyLine:
    """A line that cannot be read: its number from 1, a code, and what it says."""

    line: int
    code: str
    text: str


def read_shdr(
    text: str, model: DeviceModel | None = None
) -> tuple[list[ItemEvent], list[FaultyLine]]:
    """Return the events of adapter lines `time|item|value[|item|value…]`, and the faulty lines.

    A condition has seven fields (time, item, level, code, severity, qualifier, text) and stands
    alone on its line; without a `model` it is told by that number. The last line counts only with
    its line end: a file may have been cut within it (`E-CUT`). Times without zone are UTC.
    """
    events: list[ItemEvent] = []
    faulty: list[FaultyLine] = []
    *lines, rest = text.split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.rstrip("\r") or line.startswith("*"):
            continue
        try:
            events.extend(_shdr_line(line.rstrip("\r"), model))
        except ValueError:
            faulty.append(FaultyLine(number, "E-LINE", line[:200]))
    if rest:
        faulty.append(FaultyLine(len(lines) + 1, "E-CUT", rest[:200]))
    return events, faulty


def _shdr_line(line: str, model: DeviceModel | None) -> Iterator[ItemEvent]:
    first, _, rest = line.partition("|")
    at = read_time(first)
    fields = rest.split("|")
    if len(fields) < 2:
        raise ValueError("an adapter line has a time, an item and a value")
    known = model.find(fields[0]) if model else None
    is_condition = known.category == CONDITION if known else len(fields) == 1 + _CONDITION_FIELDS
    if is_condition:
        yield ItemEvent(at, fields[0], "|".join(fields[1:]))
        return
    if len(fields) % 2:
        raise ValueError("an item without a value")
    for item, value in zip(fields[::2], fields[1::2], strict=True):
        yield ItemEvent(at, item, value)


def read_time(text: str) -> datetime:
    """Return an adapter's or archive's ISO 8601 time, to the microsecond; without zone it is UTC.

    Raises `ValueError`.
    """
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def state_reports(events: Iterable[ItemEvent], model: DeviceModel) -> list[StateReport]:
    """Return what the items of one machine say of its state: a report at each change, in order.

    `events` may come in any order, repeated, with items of no meaning to the state or unknown to
    the model. At one instant `UNAVAILABLE` yields to any other value.
    """
    machine = _Machine(model)
    reports: list[StateReport] = []
    for at, group in groupby(sorted(set(events), key=_event_order), key=lambda event: event.at):
        if not machine.apply(list(group)):
            continue
        state = machine.state()
        if not reports or reports[-1].state != state:
            reports.append(StateReport(at, state))
    return reports


def _event_order(event: ItemEvent) -> tuple[datetime, int, str, str]:
    return (event.at, _strength(event.value), event.item, event.value)


def _strength(value: str) -> int:
    """Return what comes later at one instant, and so stands: what is least easily said by default.

    An item that is not available, then a condition that clears all, one, and what it raises.
    """
    level, _, rest = value.partition("|")
    level = level.upper()
    if level == UNAVAILABLE:
        return 0
    if level == "NORMAL":
        return 2 if rest.partition("|")[0] else 1
    return 3


class _Machine:
    """The current values of the items that bear on a machine's state."""

    def __init__(self, model: DeviceModel) -> None:
        self._kinds: dict[str, str] = {}
        for name, item in model.items.items():
            kind = CONDITION if item.category == CONDITION else item.type
            if kind in (CONDITION, "EXECUTION", "EMERGENCY_STOP", "CONTROLLER_MODE"):
                self._kinds[name] = kind
        self._has_mode = "CONTROLLER_MODE" in self._kinds.values()
        self._values: dict[str, dict[str, str]] = defaultdict(dict)
        self._faults: dict[str, set[str]] = defaultdict(set)

    def apply(self, events: Iterable[ItemEvent]) -> bool:
        """Take the events of one instant, in order; return whether any bears on the state."""
        touched = False
        for event in events:
            kind = self._kinds.get(event.item)
            if kind is None:
                continue
            touched = True
            if kind == CONDITION:
                self._apply_condition(event)
            else:
                self._values[kind][event.item] = event.value.strip().upper()
        return touched

    def _apply_condition(self, event: ItemEvent) -> None:
        level, code = (*event.value.split("|"), "")[:2]
        faults = self._faults[event.item]
        level = level.strip().upper()
        if level == "FAULT":
            faults.add(code)
        elif level in ("NORMAL", UNAVAILABLE) and not code:
            faults.clear()
        else:
            faults.discard(code)

    def state(self) -> str:
        """Return the canonical word for what the items say now; the first that matches wins."""
        executions = [v for v in self._values["EXECUTION"].values() if v and v != UNAVAILABLE]
        if not executions:
            return MachineState.UNKNOWN
        if "TRIGGERED" in self._values["EMERGENCY_STOP"].values():
            return MachineState.DOWN
        execution = min(executions, key=lambda value: (_EXECUTION_ORDER.get(value, 2), value))
        if execution == "ACTIVE":
            automatic = "AUTOMATIC" in self._values["CONTROLLER_MODE"].values()
            return MachineState.PRODUCING if automatic or not self._has_mode else MachineState.SETUP
        if execution in _HOLDS:
            return HOLD
        return MachineState.DOWN if any(self._faults.values()) else MachineState.IDLE


def counter_readings(events: Iterable[ItemEvent], model: DeviceModel) -> list[Reading]:
    """Return the readings of a machine's part counter, in order; those that are no number left out.

    Of several counters that for all parts is taken, else the one without subtype, else the first
    by name: they count the same pieces.
    """
    counts = {
        name: item
        for name, item in model.items.items()
        if item.type == "PART_COUNT" and item.sub_type in ("ALL", "")
    }
    readings: dict[str, list[Reading]] = defaultdict(list)
    for event in set(events):
        if event.item in counts and (value := _number(event.value)) is not None:
            readings[event.item].append(Reading(event.at, value))
    if not readings:
        return []
    best = min(readings, key=lambda name: (counts[name].sub_type != "ALL", name))
    return sorted(readings[best], key=lambda reading: (reading.at, reading.value))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None
