"""What a machine can be doing: the canonical words, the grades of a source, moments as integers.

Every door translates into these words once, on the way in; nothing behind it knows a vendor's own.
"""

from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Final


class MachineState(StrEnum):
    """The state of a machine in one interval. The last two come from the calendar alone."""

    PRODUCING = "producing"
    SETUP = "setup"
    MINOR_STOP = "minor_stop"
    DOWN = "down"
    STARVED = "starved"
    BLOCKED = "blocked"
    IDLE = "idle"
    MAINT_PLANNED = "maint_planned"
    ENGINEERING = "engineering"
    UNKNOWN = "unknown"
    PLANNED_STOP = "planned_stop"
    NOT_SCHEDULED = "not_scheduled"


HOLD: Final = "hold"
"""A stop of unknown weight: its whole length decides between a minor stop and down."""

CALENDAR_STATES: Final = frozenset({MachineState.PLANNED_STOP, MachineState.NOT_SCHEDULED})

REPORTED: Final = frozenset({*(s.value for s in MachineState if s not in CALENDAR_STATES), HOLD})
"""The words that a source may send; anything else goes to quarantine."""


class Rank(IntEnum):
    """How much a source is believed where two speak of the same moment; the higher wins."""

    SHEET = 10
    LOG = 20
    DERIVED = 30
    MACHINE = 40
    CORRECTION = 50


_ORDER: Final = (
    MachineState.DOWN,
    HOLD,
    MachineState.MAINT_PLANNED,
    MachineState.SETUP,
    MachineState.PRODUCING,
    MachineState.MINOR_STOP,
    MachineState.ENGINEERING,
    MachineState.STARVED,
    MachineState.BLOCKED,
    MachineState.IDLE,
    MachineState.UNKNOWN,
)
PRECEDENCE: Final = {str(word): place for place, word in enumerate(_ORDER)}
"""Who wins at one instant between sources of equal rank: the lowest number."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_us(moment: datetime) -> int:
    """Return the microseconds since 1970 of an aware `moment`: exact, unlike `timestamp()`."""
    return (moment - _EPOCH) // _MICROSECOND


def from_us(us: int) -> datetime:
    """Return the moment, aware, in UTC, `us` microseconds after the start of 1970."""
    return _EPOCH + timedelta(microseconds=us)


WORK_LOG: Final = {
    "run": MachineState.PRODUCING,
    "set-up": MachineState.SETUP,
    "setup": MachineState.SETUP,
    "breakdown": MachineState.DOWN,
}
"""The words of a work log; its reports of one machine may overlap and are united first."""
