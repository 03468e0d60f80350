"""Derived rows into the tables: a day that is open is overwritten, a closed one gets a version.

Nothing is written for a day whose inputs have not changed: deriving twice is deriving once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, tuple_

from kernel.db import Work
from kernel.ids import PlaceId, TenantId
from portal.production import bulk
from portal.production.derived_models import (
    OUTPUT_FIELDS,
    TIME_FIELDS,
    CounterMark,
    KpiOutput,
    KpiTime,
    StateInterval,
)
from portal.production.loading import counter_to_json
from portal.production.rollup import DaySums
from portal.production.sums import OutputSums, TimeSums
from portal.production.unitruns import DerivedDay
from portal.production.words import Grain
from tenants.words import Level

CLOSES_AFTER: Final = timedelta(hours=72)


class Known(NamedTuple):
    """The present row of a place's day."""

    version: int
    closed_at: datetime | None
    revised_because: str | None
    inputs_sha256: bytes
    derived_at: datetime


class Written(NamedTuple):
    """A day that was written: its new version, and whether a closed one was revised."""

    sums: DaySums
    version: int
    closed_at: datetime | None
    revised_because: str | None
    was_closed: bool


def known_days(
    work: Work, tenant_id: TenantId, keys: Iterable[tuple[PlaceId, date]]
) -> dict[tuple[PlaceId, date], Known]:
    """Return the present rows of places' days, those that there are."""
    wanted = sorted(set(keys), key=str)
    rows = work.session.execute(
        select(
            KpiTime.place_id,
            KpiTime.production_day,
            KpiTime.version,
            KpiTime.closed_at,
            KpiTime.revised_because,
            KpiTime.inputs_sha256,
            KpiTime.derived_at,
        ).where(
            KpiTime.tenant_id == tenant_id,
            KpiTime.grain == Grain.DAY,
            KpiTime.current,
            KpiTime.place_id.in_({place for place, _ in wanted}),
            KpiTime.production_day.in_({day for _, day in wanted}),
        )
    )
    return {(row[0], row[1]): Known(*row[2:]) for row in rows}


def write_days(
    work: Work,
    tenant_id: TenantId,
    days: Sequence[DaySums],
    known: Mapping[tuple[PlaceId, date], Known],
    *,
    because: Mapping[tuple[PlaceId, date], str],
    closed: frozenset[date] = frozenset(),
) -> list[Written]:
    """Write the day rows of places and return them with their versions.

    `because` says why a closed day changes. A place that first appears on a day of `closed` (the
    company has closed it) is closed at once.
    """
    written = []
    for sums in days:
        before = known.get((sums.place_id, sums.day))
        was_closed = before is not None and before.closed_at is not None
        version = 1 if before is None else before.version + was_closed
        reason = before.revised_because if before else None
        if was_closed:
            reason = because.get((sums.place_id, sums.day), "late_facts")
        closed_at = work.now if was_closed or sums.day in closed else None
        written.append(Written(sums, version, closed_at, reason, was_closed))
    _retire(work, tenant_id, [w for w in written if w.was_closed])
    _drop(work, tenant_id, Grain.DAY, [w for w in written if not w.was_closed])
    _insert(work, tenant_id, Grain.DAY, [(w, w.sums) for w in written])
    return written


def _retire(work: Work, tenant_id: TenantId, written: Sequence[Written]) -> None:
    if not written:
        return
    arrays = bulk.array_texts([(w.sums.place_id, w.sums.day) for w in written])
    for model in (KpiTime, KpiOutput):
        work.session.connection().exec_driver_sql(
            f"UPDATE {bulk.table_of(model).name} k SET current = false"
            " FROM unnest(%s::uuid[], %s::date[]) AS n(place_id, day)"
            " WHERE k.tenant_id = %s AND k.place_id = n.place_id AND k.grain = 'day'"
            " AND k.production_day = n.day AND k.current",
            (*arrays, tenant_id),
        )


def _drop(work: Work, tenant_id: TenantId, grain: Grain, written: Sequence[Written]) -> None:
    """Delete the present rows of open days (or all hours of days), to be written anew."""
    if not written:
        return
    arrays = bulk.array_texts([(w.sums.place_id, w.sums.day) for w in written])
    for model in (KpiTime, KpiOutput):
        work.session.connection().exec_driver_sql(
            f"DELETE FROM {bulk.table_of(model).name} k"
            " USING unnest(%s::uuid[], %s::date[]) AS n(place_id, day)"
            " WHERE k.tenant_id = %s AND k.place_id = n.place_id AND k.grain = %s"
            " AND k.production_day = n.day AND k.current",
            (*arrays, tenant_id, grain.value),
        )


_TIME: Final = (
    "place_id",
    "level",
    "bucket_start",
    "production_day",
    "version",
    *TIME_FIELDS,
    "newest_fact_at",
    "fact_count",
    "closes_at",
    "closed_at",
    "revised_because",
    "inputs_sha256",
)
_OUTPUT: Final = (
    "place_id",
    "level",
    "bucket_start",
    "production_day",
    "product_code",
    "version",
    *OUTPUT_FIELDS,
)


def _insert(
    work: Work,
    tenant_id: TenantId,
    grain: Grain,
    rows: Sequence[tuple[Written, DaySums]],
) -> None:
    times: list[tuple[Any, ...]] = []
    outputs: list[tuple[Any, ...]] = []
    for written, sums in rows:
        head = (sums.place_id, sums.level, sums.starts_at, sums.day)
        times.append(
            (
                *head,
                written.version,
                *(getattr(sums.time, name) for name in TIME_FIELDS),
                sums.newest_fact_at,
                sums.fact_count,
                sums.closes_at,
                written.closed_at,
                written.revised_because,
                sums.inputs_sha256,
            )
        )
        outputs.extend(
            (*head, product, written.version, *(getattr(made, name) for name in OUTPUT_FIELDS))
            for product, made in sums.output.items()
        )
    shared = {"tenant_id": tenant_id, "grain": grain.value, "current": True}
    bulk.insert(work, KpiTime, _TIME, times, shared=shared | {"derived_at": work.now})
    bulk.insert(work, KpiOutput, _OUTPUT, outputs, shared=shared)


def unit_sums(derived: DerivedDay) -> DaySums:
    """Return a unit's derived day as it shall stand."""
    workday = derived.day.workday
    return DaySums(
        place_id=derived.run.setup.unit_id,
        level=Level.UNIT,
        day=workday.day,
        starts_at=workday.starts_at,
        closes_at=workday.ends_at + CLOSES_AFTER,
        time=derived.day.day.time,
        output={product or "": made for product, made in derived.day.day.by_product.items()},
        newest_fact_at=derived.newest_fact_at,
        fact_count=derived.fact_count,
        inputs_sha256=derived.inputs_sha256,
    )


def write_details(
    work: Work, tenant_id: TenantId, written: Sequence[tuple[DerivedDay, Written]]
) -> None:
    """Write the intervals, hours and counter marks of derived days; what stood there goes."""
    if not written:
        return
    _write_intervals(work, tenant_id, [derived for derived, _ in written])
    hours = [(row, hour) for derived, row in written for hour in _hours(derived)]
    _drop(work, tenant_id, Grain.HOUR, [row for _, row in written])
    _insert(work, tenant_id, Grain.HOUR, hours)
    marks = [
        (derived.run.setup.unit_id, kind, derived.day.workday.day, counter_to_json(counter))
        for derived, _ in written
        for kind, counter in derived.marks.items()
    ]
    _write_marks(work, tenant_id, marks)


def _hours(derived: DerivedDay) -> list[DaySums]:
    if not derived.fact_count and derived.day.day.time.apt_s == 0:
        return []  # nobody said anything: the day row tells it all
    day = unit_sums(derived)
    return [
        DaySums(
            place_id=day.place_id,
            level=day.level,
            day=day.day,
            starts_at=hour.starts_at,
            closes_at=day.closes_at,
            time=hour.time,
            output={
                product or "": made
                for product, made in hour.by_product.items()
                if made.pq or made.gq or made.sq or made.rq or product is None
            },
            newest_fact_at=None,
            fact_count=0,
            inputs_sha256=day.inputs_sha256,
        )
        for hour in derived.day.hours
    ]


_INTERVAL: Final = (
    "unit_id",
    "production_day",
    "started_at",
    "ended_at",
    "state",
    "reason_code",
    "source_rank",
    "declared",
    "overtime",
    "stops",
)


def _write_intervals(work: Work, tenant_id: TenantId, days: Sequence[DerivedDay]) -> None:
    keys = bulk.array_texts([(d.run.setup.unit_id, d.day.workday.day) for d in days])
    work.session.connection().exec_driver_sql(
        "DELETE FROM state_interval s USING unnest(%s::uuid[], %s::date[]) AS n(unit_id, day)"
        " WHERE s.tenant_id = %s AND s.unit_id = n.unit_id AND s.production_day = n.day",
        (*keys, tenant_id),
    )
    rows = [
        (
            d.run.setup.unit_id,
            d.day.workday.day,
            i.started_at,
            i.ended_at,
            i.state,
            i.reason_code,
            i.source_rank,
            i.declared,
            i.overtime,
            i.stops,
        )
        for d in days
        for i in d.day.intervals
    ]
    bulk.insert(work, StateInterval, _INTERVAL, rows, shared={"tenant_id": tenant_id})


def _write_marks(work: Work, tenant_id: TenantId, marks: Sequence[tuple[Any, ...]]) -> None:
    if not marks:
        return
    work.session.execute(
        delete(CounterMark).where(
            CounterMark.tenant_id == tenant_id,
            tuple_(CounterMark.unit_id, CounterMark.kind, CounterMark.production_day).in_(
                [(unit, kind, day) for unit, kind, day, _ in marks]
            ),
        ),
        execution_options={"synchronize_session": False},
    )
    columns = ("unit_id", "kind", "production_day", "counter")
    bulk.insert(work, CounterMark, columns, marks, shared={"tenant_id": tenant_id})


def load_unit_sums(
    work: Work, tenant_id: TenantId, days: Iterable[date]
) -> dict[date, list[tuple[DaySums, int]]]:
    """Return the present sums of all units of a company on days, each with its version."""
    wanted = list(days)
    outputs: dict[tuple[UUID, date], dict[str, OutputSums]] = defaultdict(dict)
    columns = [getattr(KpiOutput, name) for name in OUTPUT_FIELDS]
    for place_id, day, product, *values in work.session.execute(
        select(
            KpiOutput.place_id, KpiOutput.production_day, KpiOutput.product_code, *columns
        ).where(*_units_on(KpiOutput, tenant_id, wanted))
    ):
        outputs[place_id, day][product] = OutputSums(*values)
    found: dict[date, list[tuple[DaySums, int]]] = defaultdict(list)
    times = select(KpiTime).where(*_units_on(KpiTime, tenant_id, wanted))
    for row in work.session.scalars(times.order_by(KpiTime.place_id)):
        sums = DaySums(
            place_id=row.place_id,
            level=Level.UNIT,
            day=row.production_day,
            starts_at=row.bucket_start,
            closes_at=row.closes_at,
            time=TimeSums(*(getattr(row, name) for name in TIME_FIELDS)),
            output=outputs.get((row.place_id, row.production_day), {}),
            newest_fact_at=row.newest_fact_at,
            fact_count=row.fact_count,
            inputs_sha256=row.inputs_sha256,
        )
        found[row.production_day].append((sums, row.version))
    return found


def _units_on(
    model: type[KpiTime] | type[KpiOutput], tenant_id: TenantId, days: Sequence[date]
) -> tuple[ColumnElement[bool], ...]:
    return (
        model.tenant_id == tenant_id,
        model.level == Level.UNIT,
        model.grain == Grain.DAY,
        model.current.is_(True),
        model.production_day.in_(days),
    )
