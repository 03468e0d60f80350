"""Tables that the worker derives from facts, rebuildable at any time: intervals and sums.

Time belongs to the machine, output to the product: two tables, so that no second counts twice on a
day of several products. Hours hold their newest version alone; days keep every version.
"""

from collections.abc import Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, one_of
from kernel.ids import PlaceId, TenantId
from portal.production.models import Unit
from portal.production.states import MachineState
from portal.production.sums import OutputSums, TimeSums
from portal.production.words import CountKind, Grain
from tenants.models import Place
from tenants.words import Level

TIME_FIELDS: Final = tuple(field.name for field in fields(TimeSums))
OUTPUT_FIELDS: Final = tuple(field.name for field in fields(OutputSums))
_OF_A_DAY: Final = ("version", "closed_at", "revised_because", "newest_fact_at")
_PARTS: Final = (
    "apt_s + aust_s + minor_s + down_s + starved_s + blocked_s + idle_s + maint_s + eng_s + unk_s"
)
_OPTIONAL: Final = ("energy_kwh", "idle_kwh", "pq", "gq", "sq", "rq", "declared_gq")


def _not_negative(names: tuple[str, ...]) -> str:
    return " AND ".join(f"{name} >= 0" for name in names)


class StateInterval(Base):
    """What a unit did from `started_at` until `ended_at`; the intervals of a day tile it."""

    __tablename__ = "state_interval"

    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    unit_id: Mapped[PlaceId] = mapped_column(primary_key=True)
    production_day: Mapped[date]
    started_at: Mapped[datetime] = mapped_column(primary_key=True)
    ended_at: Mapped[datetime]
    state: Mapped[MachineState]
    reason_code: Mapped[str | None]
    source_rank: Mapped[int | None]
    declared: Mapped[bool]
    overtime: Mapped[bool]
    stops: Mapped[int]

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "unit_id"], [Unit.tenant_id, Unit.place_id]),
        CheckConstraint(one_of("state", MachineState), name="state_known"),
        CheckConstraint("started_at < ended_at", name="has_length"),
        Index(None, "tenant_id", "unit_id", "production_day"),
    )


def _indexes(table: str, sums: Sequence[str], *more: str) -> tuple[Index, ...]:
    current = text("current")
    return (
        Index(
            f"uq__{table}__current",
            "tenant_id",
            "place_id",
            "grain",
            "bucket_start",
            *more,
            unique=True,
            postgresql_where=current,
        ),
        Index(
            f"ix__{table}__by_day",
            "level",
            "production_day",
            "tenant_id",
            # A whole group's days are read from the index alone.
            postgresql_include=["place_id", *sums],
            postgresql_where=text("current AND grain = 'day' AND level IN ('company', 'line')"),
        ),
        Index(
            f"ix__{table}__own_day",
            "tenant_id",
            "level",
            "grain",
            "production_day",
            postgresql_where=current,
        ),
    )


class KpiTime(Base):
    """Time and energy of a place in one bucket; a closed day changes only by a new version."""

    __tablename__ = "kpi_time"

    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    place_id: Mapped[PlaceId] = mapped_column(primary_key=True)
    level: Mapped[Level]
    grain: Mapped[Grain] = mapped_column(primary_key=True)
    bucket_start: Mapped[datetime] = mapped_column(primary_key=True)
    production_day: Mapped[date]
    version: Mapped[int] = mapped_column(primary_key=True)
    current: Mapped[bool]
    cal_s: Mapped[float]
    not_scheduled_s: Mapped[float]
    planned_stop_s: Mapped[float]
    overtime_s: Mapped[float]
    pbt_s: Mapped[float]
    apt_s: Mapped[float]
    aust_s: Mapped[float]
    minor_s: Mapped[float]
    down_s: Mapped[float]
    starved_s: Mapped[float]
    blocked_s: Mapped[float]
    idle_s: Mapped[float]
    maint_s: Mapped[float]
    eng_s: Mapped[float]
    unk_s: Mapped[float]
    declared_s: Mapped[float]
    minor_count: Mapped[int]
    down_count: Mapped[int]
    energy_kwh: Mapped[float | None]
    idle_kwh: Mapped[float | None]
    newest_fact_at: Mapped[datetime | None]
    fact_count: Mapped[int]
    derived_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    revised_because: Mapped[str | None]
    inputs_sha256: Mapped[bytes]

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "place_id"], [Place.tenant_id, Place.id]),
        CheckConstraint(one_of("level", Level), name="level_known"),
        CheckConstraint(one_of("grain", Grain), name="grain_known"),
        CheckConstraint(
            "(version > 1) = (revised_because IS NOT NULL)", name="revision_has_reason"
        ),
        CheckConstraint(
            f"abs(pbt_s - ({_PARTS})) <= 1e-6 * greatest(cal_s, 1)", name="busy_time_adds_up"
        ),
        CheckConstraint(
            "abs(cal_s + overtime_s - (not_scheduled_s + planned_stop_s + pbt_s))"
            " <= 1e-6 * greatest(cal_s, 1)",
            name="calendar_adds_up",
        ),
        CheckConstraint(
            _not_negative(tuple(n for n in TIME_FIELDS if n not in _OPTIONAL)), name="not_negative"
        ),
        *_indexes("kpi_time", (*TIME_FIELDS, *_OF_A_DAY)),
        Index(
            "ix__kpi_time__open",
            "closes_at",
            postgresql_where=text("current AND closed_at IS NULL AND grain = 'day'"),
        ),
    )


class KpiOutput(Base):
    """Output of a place in one bucket, by product; '' is what no product was named for."""

    __tablename__ = "kpi_output"

    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    place_id: Mapped[PlaceId] = mapped_column(primary_key=True)
    level: Mapped[Level]
    grain: Mapped[Grain] = mapped_column(primary_key=True)
    bucket_start: Mapped[datetime] = mapped_column(primary_key=True)
    production_day: Mapped[date]
    product_code: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    current: Mapped[bool]
    pq: Mapped[float | None]
    gq: Mapped[float | None]
    sq: Mapped[float | None]
    rq: Mapped[float | None]
    declared_gq: Mapped[float | None]
    prit_s: Mapped[float]
    prig_s: Mapped[float]
    prig_gap_s: Mapped[float]
    norate_pq: Mapped[float]

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "place_id"], [Place.tenant_id, Place.id]),
        CheckConstraint(one_of("level", Level), name="level_known"),
        CheckConstraint(one_of("grain", Grain), name="grain_known"),
        CheckConstraint(
            _not_negative(tuple(n for n in OUTPUT_FIELDS if n != "declared_gq")),
            name="not_negative",
        ),
        *_indexes("kpi_output", OUTPUT_FIELDS, "product_code"),
    )


class CounterMark(Base):
    """Where a unit's counter stood at the end of a production day with readings."""

    __tablename__ = "counter_mark"

    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    unit_id: Mapped[PlaceId] = mapped_column(primary_key=True)
    kind: Mapped[CountKind] = mapped_column(primary_key=True)
    production_day: Mapped[date] = mapped_column(primary_key=True)
    counter: Mapped[dict[str, Any]]

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "unit_id"], [Unit.tenant_id, Unit.place_id]),
        CheckConstraint(one_of("kind", CountKind), name="kind_known"),
    )
