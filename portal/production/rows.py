"""What queries of this package return: frozen rows, safe to keep after the work has ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from kernel.ids import OperationId, PersonId, PlaceId, SourceId, TenantId
from portal.production.ids import BatchId, FactId, ImportId, QuarantineId, SheetId
from portal.production.mtconnect import DeviceModel
from portal.production.states import MachineState
from portal.production.sums import Bucket, OutputSums, TimeSums
from portal.production.words import (
    CountsFrom,
    ImportForm,
    Problem,
    RowState,
    SourceKind,
    SourceState,
)


@dataclass(frozen=True, slots=True)
class DayBucket:
    """The sums of one place on one production day."""

    place_id: PlaceId
    production_day: date
    bucket: Bucket


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """One state of one unit; touching pieces of one state and reason are one row."""

    unit_id: PlaceId
    started_at: datetime
    ended_at: datetime
    state: MachineState
    reason_code: str | None = None
    declared: bool = False
    stops: int = 0


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A machine with its place's names. Its rules are None where only the place is shared."""

    place_id: PlaceId
    tenant_id: TenantId
    code: str
    name_zh: str
    name_en: str
    line_id: PlaceId | None
    class_code: str
    retired_at: datetime | None
    rated_power_kw: float | None = None
    min_stop_s: int | None = None
    heartbeat_s: int | None = None
    counts_from: CountsFrom | None = None


@dataclass(frozen=True, slots=True)
class UnitVocabulary:
    """What a machine's own words mean: those of its states, and the items of its device model."""

    state_words: Mapping[str, str]
    model: DeviceModel


@dataclass(frozen=True, slots=True)
class RateRow:
    """The planned run time of an item of a product on a unit since `valid_from`."""

    unit_id: PlaceId
    product_code: str
    valid_from: date
    pri_s: float
    basis: str


@dataclass(frozen=True, slots=True)
class FactRow:
    """One raw fact. `value` is as sent: a word, a counter's reading, a quantity, kWh."""

    id: FactId
    unit_id: PlaceId
    kind: str  # state, count, energy
    occurred_at: datetime
    ended_at: datetime | None
    item: str
    value: str
    reason_code: str | None
    product_code: str | None
    recorded_at: datetime
    source_id: SourceId
    source_name: str
    batch_id: BatchId
    supersedes_id: FactId | None


@dataclass(frozen=True, slots=True)
class FactPage:
    """A page of facts in time order, and the cursor of the next page, if there is one."""

    rows: tuple[FactRow, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class UnitFigures:
    """What one unit gave to a closed day; quantities None without a count source."""

    unit_id: PlaceId
    version: int
    pbt_s: float
    apt_s: float
    unk_s: float
    declared_s: float
    pq: float | None
    gq: float | None
    energy_kwh: float | None
    fact_count: int
    inputs_sha256: bytes


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """A closed production day of a company, in its present version, with its units' figures."""

    place_id: PlaceId
    production_day: date
    version: int
    closed_at: datetime
    revised_because: str | None
    inputs_sha256: bytes
    units: tuple[UnitFigures, ...]


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of a place's day."""

    version: int
    current: bool
    derived_at: datetime
    closed_at: datetime | None
    revised_because: str | None
    fact_count: int
    inputs_sha256: bytes
    time: TimeSums
    output: OutputSums


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source of facts. `silent_since` is its last message, once it should have sent again."""

    id: SourceId
    kind: SourceKind
    name: str
    state: SourceState
    heartbeat_s: int
    created_at: datetime
    last_seen_at: datetime | None
    last_batch_id: BatchId | None
    silent_since: datetime | None


@dataclass(frozen=True, slots=True)
class BatchRow:
    """What was sent at once, and what became of it."""

    id: BatchId
    source_id: SourceId
    source_name: str
    source_kind: SourceKind
    idempotency_key: str
    body_sha256: bytes
    row_count: int
    accepted_count: int
    duplicate_count: int
    quarantined_count: int
    window_from: datetime | None
    window_until: datetime | None
    received_at: datetime
    sent_by: PersonId | None


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """A line that waits for a person, or did."""

    id: QuarantineId
    batch_id: BatchId
    source_name: str
    line_no: int
    code: Problem
    field: str
    value: str
    raw: str
    state: RowState
    recorded_at: datetime
    resolved_at: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A file that was sent, and the operation that reads it."""

    id: ImportId
    name: str
    form: ImportForm
    byte_count: int
    window_from: datetime
    window_until: datetime
    operation_id: OperationId
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A shift sheet as handed in; `is_current` unless a correction has superseded it."""

    id: SheetId
    unit_id: PlaceId
    production_day: date
    shift_code: str
    content: Mapping[str, Any]
    note: str
    reason: str | None
    supersedes_id: SheetId | None
    entered_by: PersonId
    entered_at: datetime
    signed_by: PersonId | None
    signed_at: datetime | None
    batch_id: BatchId
    is_current: bool


@dataclass(frozen=True, slots=True)
class DueSheet:
    """A shift that has ended and has no sheet yet; `missing` four hours after its end."""

    unit_id: PlaceId
    production_day: date
    shift_code: str
    ended_at: datetime
    missing: bool


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """Why a machine stands, in both languages, and the state it explains."""

    code: str
    name_zh: str
    name_en: str
    state: MachineState


@dataclass(frozen=True, slots=True)
class ProductRow:
    """What is made, in both languages, and in what it is counted."""

    code: str
    name_zh: str
    name_en: str
    quantity_unit: str
