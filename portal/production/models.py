"""Tables: machines and their rules, sources, batches, facts, what is derived of them.

Facts have no UPDATE and no DELETE grant and refuse both; a correction is a row that supersedes.
Policies and grants stand in the migrations.
"""

from datetime import date, datetime, time
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, one_of
from kernel.ids import OperationId, PersonId, PlaceId, SourceId, TenantId
from portal.production.energy import ReadingKind
from portal.production.ids import BatchId, FactId, ImportId, MarkId, QuarantineId, RuleId, SheetId
from portal.production.states import CALENDAR_STATES, MachineState
from portal.production.words import (
    Basis,
    Because,
    Carrier,
    CountKind,
    CountsFrom,
    ImportForm,
    Problem,
    RowState,
    SourceKind,
    SourceState,
)
from portal.production.worktime import RuleKind
from tenants.models import Place, Tenant

NOT_STOPS = (MachineState.PRODUCING, MachineState.UNKNOWN, *CALENDAR_STATES)
STOPS = tuple(state for state in MachineState if state not in NOT_STOPS)


class Unit(Base):
    """A machine's own attributes; its name and place in the tree are its place's."""

    __tablename__ = "unit"

    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    place_id: Mapped[PlaceId] = mapped_column(primary_key=True)
    class_code: Mapped[str]
    rated_power_kw: Mapped[float | None]
    min_stop_s: Mapped[int] = mapped_column(server_default="120")
    heartbeat_s: Mapped[int] = mapped_column(server_default="60")
    counts_from: Mapped[CountsFrom] = mapped_column(server_default="counter")
    state_words: Mapped[dict[str, str]] = mapped_column(server_default="{}")
    # The data items of its device model: name -> {"type": …, "category": …}
    device_items: Mapped[dict[str, Any]] = mapped_column(server_default="{}")

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "place_id"], [Place.tenant_id, Place.id]),
        CheckConstraint(one_of("counts_from", CountsFrom), name="counts_from_known"),
        CheckConstraint("min_stop_s BETWEEN 0 AND 3600", name="min_stop_in_range"),
        CheckConstraint("heartbeat_s BETWEEN 1 AND 86400", name="heartbeat_in_range"),
        CheckConstraint("rated_power_kw > 0", name="rated_power_positive"),
    )


class CalendarRule(Base):
    """A weekly span of a place's local time; the nearest place upwards with rules applies."""

    __tablename__ = "calendar_rule"

    id: Mapped[RuleId] = mapped_column(primary_key=True)
    tenant_id: Mapped[TenantId]
    place_id: Mapped[PlaceId]
    kind: Mapped[RuleKind]
    shift_code: Mapped[str | None]
    weekdays: Mapped[int]  # Monday is bit 0
    local_start: Mapped[time]
    local_end: Mapped[time]
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "place_id"], [Place.tenant_id, Place.id]),
        Index(None, "tenant_id", "place_id"),
        CheckConstraint(one_of("kind", RuleKind), name="kind_known"),
        CheckConstraint("(kind = 'shift') = (shift_code IS NOT NULL)", name="shift_has_code"),
        CheckConstraint("weekdays BETWEEN 1 AND 127", name="weekdays_in_range"),
        CheckConstraint("valid_until > valid_from", name="ends_after_start"),
    )


class Product(Base):
    """What is made, by the code that machines and sheets use."""

    __tablename__ = "product"

    tenant_id: Mapped[TenantId] = mapped_column(ForeignKey(Tenant.id), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    name_zh: Mapped[str]
    name_en: Mapped[str]
    quantity_unit: Mapped[str] = mapped_column(server_default="pcs")


class ProductRate(Base):
    """Planned run time per item of a product on a unit; '' holds for every product without one."""

    __tablename__ = "product_rate"

    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    unit_id: Mapped[PlaceId] = mapped_column(primary_key=True)
    product_code: Mapped[str] = mapped_column(primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    pri_s: Mapped[float]
    basis: Mapped[Basis]

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "unit_id"], [Unit.tenant_id, Unit.place_id]),
        CheckConstraint(one_of("basis", Basis), name="basis_known"),
        CheckConstraint("pri_s > 0", name="pri_positive"),
    )


class StopReason(Base):
    """A word of the company for why a machine stands, and the state it explains."""

    __tablename__ = "stop_reason"

    tenant_id: Mapped[TenantId] = mapped_column(ForeignKey(Tenant.id), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    name_zh: Mapped[str]
    name_en: Mapped[str]
    state: Mapped[MachineState]

    __table_args__ = (
        CheckConstraint(
            f"state IN ({', '.join(repr(s.value) for s in STOPS)})", name="state_known"
        ),
    )


class DataSource(Base):
    """Who sends facts, by which door; a device token belongs to one source."""

    __tablename__ = "data_source"

    id: Mapped[SourceId] = mapped_column(primary_key=True)
    tenant_id: Mapped[TenantId] = mapped_column(ForeignKey(Tenant.id))
    kind: Mapped[SourceKind]
    name: Mapped[str]
    state: Mapped[SourceState] = mapped_column(server_default="awaiting_first")
    heartbeat_s: Mapped[int] = mapped_column(server_default="60")
    settings: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    created_at: Mapped[datetime]
    first_seen_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    last_batch_id: Mapped[BatchId | None]

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "name"),
        CheckConstraint(one_of("kind", SourceKind), name="kind_known"),
        CheckConstraint(one_of("state", SourceState), name="state_known"),
        CheckConstraint("heartbeat_s BETWEEN 1 AND 86400", name="heartbeat_in_range"),
    )


class IngestBatch(Base):
    """What was sent at once, and what was answered; the same key and body get the same answer."""

    __tablename__ = "ingest_batch"

    id: Mapped[BatchId] = mapped_column(primary_key=True)
    tenant_id: Mapped[TenantId]
    source_id: Mapped[SourceId]
    idempotency_key: Mapped[str]
    body_sha256: Mapped[bytes]
    row_count: Mapped[int]
    accepted_count: Mapped[int]
    duplicate_count: Mapped[int]
    quarantined_count: Mapped[int]
    window_from: Mapped[datetime | None]
    window_until: Mapped[datetime | None]
    answer: Mapped[dict[str, Any]]
    received_at: Mapped[datetime]
    sent_by: Mapped[PersonId | None]

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "source_id", "idempotency_key"),
        ForeignKeyConstraint(["tenant_id", "source_id"], [DataSource.tenant_id, DataSource.id]),
        CheckConstraint(
            "row_count = accepted_count + duplicate_count + quarantined_count",
            name="every_row_counted",
        ),
        CheckConstraint("octet_length(idempotency_key) BETWEEN 1 AND 255", name="key_length"),
        Index("ix__ingest_batch__heard", "tenant_id", "source_id", "window_until"),
        Index(None, "tenant_id", "received_at"),
    )


def _of_batch() -> ForeignKeyConstraint:
    # Deferred: a batch's own row says how many facts were new, so it is written after them.
    return ForeignKeyConstraint(
        ["tenant_id", "batch_id"],
        [IngestBatch.tenant_id, IngestBatch.id],
        deferrable=True,
        initially="DEFERRED",
    )


def _of_unit() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", "unit_id"], [Unit.tenant_id, Unit.place_id])


class Quarantine(Base):
    """A well-formed line that could not be placed: kept whole, replayable. `raw` is the line."""

    __tablename__ = "quarantine"

    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    id: Mapped[QuarantineId] = mapped_column(primary_key=True)
    batch_id: Mapped[BatchId]
    source_id: Mapped[SourceId]
    line_no: Mapped[int]
    code: Mapped[Problem]
    field: Mapped[str]
    value: Mapped[str]
    raw: Mapped[str]
    # Of a doubted reading, which is a fact already, and only left out of the counting:
    fact_id: Mapped[FactId | None]
    unit_id: Mapped[PlaceId | None]
    occurred_at: Mapped[datetime | None]
    state: Mapped[RowState] = mapped_column(server_default="open")
    recorded_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[PersonId | None]
    reason: Mapped[str | None]

    __table_args__ = (
        _of_batch(),
        CheckConstraint(one_of("code", Problem), name="code_known"),
        CheckConstraint(one_of("state", RowState), name="state_known"),
        CheckConstraint("octet_length(raw) <= 16384", name="raw_length"),
        CheckConstraint("state <> 'dismissed' OR reason <> ''", name="dismissal_has_reason"),
        CheckConstraint("(state = 'open') = (resolved_at IS NULL)", name="end_has_moment"),
        Index(
            "ix__quarantine__open",
            "tenant_id",
            "recorded_at",
            postgresql_where=text("state = 'open'"),
        ),
        Index(None, "tenant_id", "batch_id"),
    )


class ImportFile(Base):
    """An archive that a person sent; `body` is dropped when its facts are in."""

    __tablename__ = "import_file"

    id: Mapped[ImportId] = mapped_column(primary_key=True)
    tenant_id: Mapped[TenantId]
    source_id: Mapped[SourceId]
    name: Mapped[str]
    form: Mapped[ImportForm]
    byte_count: Mapped[int]
    body: Mapped[bytes | None] = mapped_column(deferred=True)
    window_from: Mapped[datetime]
    window_until: Mapped[datetime]
    unit_code: Mapped[str | None]  # whose lines they are, where the lines do not say
    operation_id: Mapped[OperationId]
    sent_by: Mapped[PersonId | None]
    sent_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "source_id"], [DataSource.tenant_id, DataSource.id]),
        CheckConstraint(one_of("form", ImportForm), name="form_known"),
        CheckConstraint("window_from < window_until", name="window_in_order"),
        CheckConstraint("(form = 'shdr') = (unit_code IS NOT NULL)", name="lines_of_one_unit"),
        Index(None, "tenant_id", "sent_at"),
    )


class StateFact(Base):
    """A report of one item of a unit: `item` "state", "alive", or a data item of its model.

    Without `ended_at` it holds until the next of its item. `declared_s` is a share of its span.
    """

    __tablename__ = "state_fact"

    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    unit_id: Mapped[PlaceId] = mapped_column(primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(primary_key=True)
    id: Mapped[FactId] = mapped_column(primary_key=True)
    item: Mapped[str]
    value: Mapped[str]
    ended_at: Mapped[datetime | None]
    reason_code: Mapped[str | None]
    rank: Mapped[int]  # states.Rank
    declared_s: Mapped[float | None]
    stops: Mapped[int | None]
    supersedes_id: Mapped[FactId | None]
    source_id: Mapped[SourceId]
    batch_id: Mapped[BatchId]
    recorded_at: Mapped[datetime]

    __table_args__ = (
        _of_unit(),
        _of_batch(),
        CheckConstraint("rank IN (10, 20, 30, 40, 50)", name="rank_known"),
        CheckConstraint("ended_at >= occurred_at", name="ends_after_start"),
        CheckConstraint("declared_s IS NULL OR ended_at IS NOT NULL", name="declared_has_end"),
        CheckConstraint("declared_s >= 0", name="declared_not_negative"),
        Index(None, "tenant_id", "batch_id"),
        Index("ix__state_fact__item", "tenant_id", "unit_id", "item", "occurred_at"),
        Index(
            "ix__state_fact__spans",
            "tenant_id",
            "unit_id",
            "ended_at",
            postgresql_where=text("ended_at IS NOT NULL"),
        ),
    )


class CountFact(Base):
    """A reading of a counter, or a quantity made in the `over_s` seconds before it."""

    __tablename__ = "count_fact"

    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    unit_id: Mapped[PlaceId] = mapped_column(primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(primary_key=True)
    id: Mapped[FactId] = mapped_column(primary_key=True)
    kind: Mapped[CountKind]
    product_code: Mapped[str | None]
    counter: Mapped[float | None]
    qty: Mapped[float | None]
    over_s: Mapped[float | None]
    baseline: Mapped[bool] = mapped_column(server_default="false")
    declared: Mapped[bool] = mapped_column(server_default="false")
    supersedes_id: Mapped[FactId | None]
    source_id: Mapped[SourceId]
    batch_id: Mapped[BatchId]
    recorded_at: Mapped[datetime]

    __table_args__ = (
        _of_unit(),
        _of_batch(),
        CheckConstraint(one_of("kind", CountKind), name="kind_known"),
        CheckConstraint("(counter IS NULL) <> (qty IS NULL)", name="counter_or_quantity"),
        CheckConstraint("coalesce(counter, qty) >= 0 AND over_s >= 0", name="not_negative"),
        Index(None, "tenant_id", "batch_id"),
    )


class EnergyFact(Base):
    """A reading of a meter in kWh: its counter, or what was used in the `over_s` seconds before."""

    __tablename__ = "energy_fact"

    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    unit_id: Mapped[PlaceId] = mapped_column(primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(primary_key=True)
    id: Mapped[FactId] = mapped_column(primary_key=True)
    meter: Mapped[str]
    carrier: Mapped[Carrier]
    kind: Mapped[ReadingKind]
    kwh: Mapped[float]
    over_s: Mapped[float | None]
    supersedes_id: Mapped[FactId | None]
    source_id: Mapped[SourceId]
    batch_id: Mapped[BatchId]
    recorded_at: Mapped[datetime]

    __table_args__ = (
        _of_unit(),
        _of_batch(),
        CheckConstraint(one_of("carrier", Carrier), name="carrier_known"),
        CheckConstraint(one_of("kind", ReadingKind), name="kind_known"),
        CheckConstraint("kind = 'cumulative' OR over_s > 0", name="interval_has_span"),
        CheckConstraint("kwh >= 0", name="not_negative"),
        Index(None, "tenant_id", "batch_id"),
    )


class ShiftSheet(Base):
    """One shift of one unit as a person declared it; a correction supersedes, with a reason."""

    __tablename__ = "shift_sheet"

    id: Mapped[SheetId] = mapped_column(primary_key=True)
    tenant_id: Mapped[TenantId]
    unit_id: Mapped[PlaceId]
    production_day: Mapped[date]
    shift_code: Mapped[str]
    batch_id: Mapped[BatchId]
    content: Mapped[dict[str, Any]]
    note: Mapped[str] = mapped_column(server_default="")
    supersedes_id: Mapped[SheetId | None]
    reason: Mapped[str | None]
    entered_by: Mapped[PersonId]
    entered_at: Mapped[datetime]
    signed_by: Mapped[PersonId | None]
    signed_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "supersedes_id"),
        _of_unit(),
        _of_batch(),
        ForeignKeyConstraint(
            ["tenant_id", "supersedes_id"], ["shift_sheet.tenant_id", "shift_sheet.id"]
        ),
        CheckConstraint("(supersedes_id IS NULL) = (reason IS NULL)", name="correction_has_reason"),
        CheckConstraint("(signed_by IS NULL) = (signed_at IS NULL)", name="signature_has_author"),
        # Two people hand in one shift at once: the second meets this and corrects the first.
        Index(
            "uq__shift_sheet__first",
            "tenant_id",
            "unit_id",
            "production_day",
            "shift_code",
            unique=True,
            postgresql_where=text("supersedes_id IS NULL"),
        ),
        Index(None, "tenant_id", "production_day"),
    )


class DirtyDay(Base):
    """A unit's day that must be derived; every mark is its own row, so nobody waits to set one."""

    __tablename__ = "dirty_day"

    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    unit_id: Mapped[PlaceId] = mapped_column(primary_key=True)
    production_day: Mapped[date] = mapped_column(primary_key=True)
    id: Mapped[MarkId] = mapped_column(primary_key=True)
    because: Mapped[Because]
    marked_at: Mapped[datetime]

    __table_args__ = (_of_unit(), CheckConstraint(one_of("because", Because), name="because_known"))
