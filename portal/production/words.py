"""Words that rows of this package are described with, and the moves of what has a life."""

from enum import StrEnum
from typing import Final

from kernel.lifecycle import Lifecycle, Side


class SourceKind(StrEnum):
    """By which door a source sends."""

    HTTP = "http"
    FILE = "file"
    MANUAL = "manual"
    SIMULATOR = "simulator"
    MTCONNECT = "mtconnect"


NAMED_BY_US: Final = {SourceKind.FILE: "Files", SourceKind.MANUAL: "Shift sheets"}
"""The names of the sources that the portal makes by itself, one of each kind a company."""

WATCHED: Final = (SourceKind.HTTP, SourceKind.SIMULATOR, SourceKind.MTCONNECT)
"""The kinds of source whose silence means something; people and files come when they come."""


class SourceState(StrEnum):
    """Where a source stands."""

    AWAITING_FIRST = "awaiting_first"
    LIVE = "live"
    SILENT = "silent"
    PAUSED = "paused"
    RETIRED = "retired"


class RowState(StrEnum):
    """Where a quarantined row stands."""

    OPEN = "open"
    REPLAYED = "replayed"
    DISMISSED = "dismissed"
    EXPIRED = "expired"


class Problem(StrEnum):
    """Why a well-formed line waits in quarantine."""

    UNIT = "E-UNIT"
    TAG = "E-TAG"
    CLOCK = "E-CLOCK"
    UOM = "E-UOM"
    STATE = "E-STATE"
    CONFLICT = "E-CONFLICT"
    BACK = "E-BACK"
    JUMP = "E-JUMP"


class CountsFrom(StrEnum):
    """Where a unit's quantities come from; `none` has no count source and no output figure."""

    COUNTER = "counter"
    SHEET = "sheet"
    NONE = "none"


class CountKind(StrEnum):
    """What was counted."""

    PRODUCED = "produced"
    GOOD = "good"
    SCRAP = "scrap"
    REWORK = "rework"


class Carrier(StrEnum):
    """What a meter measures; each is told in kWh."""

    ELECTRICITY = "electricity"
    STEAM = "steam"
    GAS = "gas"
    WATER = "water"
    AIR = "air"
    COAL = "coal"
    HEAT = "heat"


class Basis(StrEnum):
    """Where a planned run time comes from; a budget is no basis."""

    NAMEPLATE = "nameplate"
    DEMONSTRATED = "demonstrated"


class Grain(StrEnum):
    """The length of a bucket."""

    HOUR = "hour"
    DAY = "day"


class Because(StrEnum):
    """Why a unit's day must be derived (again)."""

    FACTS = "facts"
    CORRECTION = "correction"
    RULES = "rules"
    NEIGHBOUR = "neighbour"
    CLOCK = "clock"


class ImportForm(StrEnum):
    """How a file is written: the archive's rows, our own table, or lines of an adapter."""

    ARCHIVE = "archive"
    TABLE = "table"
    SHDR = "shdr"


_S = SourceState
SOURCE: Final = Lifecycle[SourceState](
    name="data_source",
    moves={
        _S.AWAITING_FIRST: {
            _S.LIVE: {Side.INGEST, Side.COMPANY},
            _S.PAUSED: {Side.CLOCK},
            _S.RETIRED: {Side.COMPANY},
        },
        _S.LIVE: {_S.SILENT: {Side.CLOCK}, _S.RETIRED: {Side.COMPANY}},
        _S.SILENT: {_S.LIVE: {Side.INGEST}, _S.RETIRED: {Side.COMPANY}},
        _S.PAUSED: {
            _S.AWAITING_FIRST: {Side.COMPANY},
            _S.LIVE: {Side.INGEST},
            _S.RETIRED: {Side.COMPANY},
        },
    },
    deadlines={_S.AWAITING_FIRST: "created_at", _S.LIVE: "last_seen_at"},
)

QUARANTINE: Final = Lifecycle[RowState](
    name="quarantine",
    moves={
        RowState.OPEN: {
            RowState.REPLAYED: {Side.COMPANY},
            RowState.DISMISSED: {Side.COMPANY},
            RowState.EXPIRED: {Side.CLOCK},
        },
        # A doubt that a replay did not settle is found again when the day is derived.
        RowState.REPLAYED: {RowState.OPEN: {Side.CLOCK}},
    },
    deadlines={RowState.OPEN: "recorded_at"},
)
