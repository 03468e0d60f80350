"""How the words of this package are said to people."""

from collections.abc import Mapping
from typing import Final

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.production.states import CALENDAR_STATES, HOLD, MachineState
from portal.production.words import (
    NAMED_BY_US,
    Basis,
    CountsFrom,
    ImportForm,
    Problem,
    RowState,
    SourceKind,
    SourceState,
)

SOURCE_KINDS: Final[Mapping[SourceKind, LazyString]] = {
    SourceKind.HTTP: _l("HTTP gateway"),
    SourceKind.FILE: _l("Files"),
    SourceKind.MANUAL: _l("Shift sheets"),
    SourceKind.SIMULATOR: _l("Simulator"),
    SourceKind.MTCONNECT: _l("MTConnect"),
}
_OUR_SOURCES: Final = {name: SOURCE_KINDS[kind] for kind, name in NAMED_BY_US.items()}

SOURCE_STATES: Final[Mapping[SourceState, tuple[str, LazyString]]] = {
    SourceState.AWAITING_FIRST: ("wait", _l("Waiting for its first message")),
    SourceState.LIVE: ("ok", _l("Reporting")),
    SourceState.SILENT: ("stale", _l("Silent")),
    SourceState.PAUSED: ("ended", _l("Paused")),
    SourceState.RETIRED: ("ended", _l("Retired")),
}
"""The sign of a state, and its word."""

ROW_STATES: Final[Mapping[RowState, tuple[str, LazyString]]] = {
    RowState.OPEN: ("wait", _l("To be dealt with")),
    RowState.REPLAYED: ("done", _l("Replayed")),
    RowState.DISMISSED: ("ended", _l("Dismissed")),
    RowState.EXPIRED: ("ended", _l("Expired")),
}

PROBLEMS: Final[Mapping[Problem, LazyString]] = {
    Problem.UNIT: _l("No machine has this code"),
    Problem.TAG: _l("The device model lacks this item"),
    Problem.CLOCK: _l("The time cannot be right"),
    Problem.UOM: _l("Not a unit of energy"),
    Problem.STATE: _l("No known state of a machine"),
    Problem.CONFLICT: _l("Another value stands at this moment"),
    Problem.BACK: _l("The counter went back"),
    Problem.JUMP: _l("More pieces than the machine can make"),
}

REMEDIES: Final[Mapping[Problem, LazyString]] = {
    Problem.UNIT: _l("Add the machine, or correct its code, then replay."),
    Problem.TAG: _l("Send the machine's complete device model, then replay."),
    Problem.CLOCK: _l("Replay accepts the time as it stands."),
    Problem.UOM: _l("The source must send kWh, MWh, Wh, MJ or GJ. Dismiss the line."),
    Problem.STATE: _l("Say on the machine's page what the word means, then replay."),
    Problem.CONFLICT: _l("Replay lets the new value count instead of the old one."),
    Problem.BACK: _l("Replay accepts the reading as the counter's new level."),
    Problem.JUMP: _l("Correct the planned run time, then replay."),
}

COUNTS_FROM: Final[Mapping[CountsFrom, LazyString]] = {
    CountsFrom.COUNTER: _l("Counter"),
    CountsFrom.SHEET: _l("Shift sheet"),
    CountsFrom.NONE: _l("No count source"),
}

BASES: Final[Mapping[Basis, LazyString]] = {
    Basis.DEMONSTRATED: _l("Best demonstrated"),
    Basis.NAMEPLATE: _l("Nameplate"),
}

FORMS: Final[Mapping[ImportForm, LazyString]] = {
    ImportForm.ARCHIVE: _l("Archive: machine, time, item, value"),
    ImportForm.TABLE: _l("Table: k, unit, at and the fields of the door"),
    ImportForm.SHDR: _l("Adapter lines (SHDR) of one machine"),
}

STATES: Final[Mapping[MachineState, LazyString]] = {
    MachineState.PRODUCING: _l("Producing"),
    MachineState.SETUP: _l("Set-up"),
    MachineState.MINOR_STOP: _l("Minor stop"),
    MachineState.DOWN: _l("Down"),
    MachineState.STARVED: _l("Starved"),
    MachineState.BLOCKED: _l("Blocked"),
    MachineState.IDLE: _l("Idle"),
    MachineState.MAINT_PLANNED: _l("Planned maintenance"),
    MachineState.ENGINEERING: _l("Engineering"),
    MachineState.UNKNOWN: _l("Unknown"),
    MachineState.PLANNED_STOP: _l("Planned stop"),
    MachineState.NOT_SCHEDULED: _l("Not scheduled"),
}

REPORTED_STATES: Final[Mapping[str, LazyString]] = {
    **{state.value: STATES[state] for state in MachineState if state not in CALENDAR_STATES},
    HOLD: _l("Stop, minor or down by its length"),
}
"""What a machine's own word can be said to mean."""

STAGES: Final = (_l("Checking the file"), _l("Storing the lines"), _l("Deriving the days"))
"""What an import says of itself while it runs; here so that it is translated."""


def source_word(name: str) -> str:
    """Return a source's name; in the reader's language where the portal itself has named it."""
    return str(_OUR_SOURCES.get(name, name))
