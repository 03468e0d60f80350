"""Reads for our pages and for other packages: sums, intervals, facts, closed days.

Row-level security decides what is found. A worker, who sees every company, names one with
`tenant_id`. Days are production days, both ends included; moments are aware, the end excluded.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, literal, null, select, tuple_, union_all

from kernel.actor import Kind
from kernel.db import Work
from kernel.errors import Invalid, NotFound
from kernel.ids import PlaceId, TenantId
from portal.production.derived_models import (
    OUTPUT_FIELDS,
    TIME_FIELDS,
    KpiOutput,
    KpiTime,
    StateInterval,
)
from portal.production.door_queries import count_open_quarantine as count_open_quarantine
from portal.production.door_queries import get_batch as get_batch
from portal.production.door_queries import heard_until as heard_until
from portal.production.door_queries import list_batches as list_batches
from portal.production.door_queries import list_imports as list_imports
from portal.production.door_queries import list_quarantine as list_quarantine
from portal.production.door_queries import list_sources as list_sources
from portal.production.ids import FactId
from portal.production.models import CountFact, DataSource, EnergyFact, ProductRate, StateFact, Unit
from portal.production.mtconnect import DeviceModel
from portal.production.rows import (
    ClosedDay,
    DayBucket,
    FactPage,
    FactRow,
    IntervalRow,
    RateRow,
    UnitFigures,
    UnitRow,
    UnitVocabulary,
    VersionRow,
)
from portal.production.sums import Bucket, OutputSums, TimeSums
from portal.production.words import Grain
from tenants import queries as places
from tenants.words import Level

FRESH_WITHIN: Final = timedelta(days=120)
_LONGEST_INTERVAL: Final = timedelta(hours=25)


def sums_by_place(
    work: Work,
    *,
    level: str,
    first: date,
    last: date,
    under: PlaceId | None = None,
    tenant_id: TenantId | None = None,
) -> Mapping[PlaceId, Bucket]:
    """Return the sums of every place of a level over the days `first`…`last`.

    `closed` holds only where every day is closed; `version` is the highest of the days'.
    """
    where = (
        of_days(KpiTime, level, first, last, tenant_id),
        of_days(KpiOutput, level, first, last, tenant_id),
    )
    inside = _inside(work, level, under)
    times = select(
        KpiTime.place_id,
        *(func.sum(getattr(KpiTime, name)).label(name) for name in TIME_FIELDS),
        func.max(KpiTime.version).label("version"),
        func.bool_and(KpiTime.closed_at.is_not(None)).label("closed"),
        func.max(KpiTime.revised_because).label("revised_because"),
        func.max(KpiTime.newest_fact_at).label("newest_fact_at"),
    ).where(where[0])
    outputs = select(
        KpiOutput.place_id,
        *(func.sum(getattr(KpiOutput, name)).label(name) for name in OUTPUT_FIELDS),
    ).where(where[1])
    if inside is not None:
        times = times.where(KpiTime.place_id.in_(inside))
        outputs = outputs.where(KpiOutput.place_id.in_(inside))
    made = {
        row.place_id: _output(row)
        for row in work.session.execute(outputs.group_by(KpiOutput.place_id))
    }
    return {
        PlaceId(row.place_id): _bucket(row, level, made.get(row.place_id, OutputSums()))
        for row in work.session.execute(times.group_by(KpiTime.place_id))
    }


def sums_by_day(
    work: Work,
    *,
    level: str,
    first: date,
    last: date,
    under: PlaceId | None = None,
    tenant_id: TenantId | None = None,
) -> Sequence[DayBucket]:
    """Return the sums of every place of a level for each day, by day, then place."""
    inside = _inside(work, level, under)
    times = select(*_STORED).where(of_days(KpiTime, level, first, last, tenant_id))
    outputs = (
        select(
            KpiOutput.place_id,
            KpiOutput.production_day,
            *(func.sum(getattr(KpiOutput, name)).label(name) for name in OUTPUT_FIELDS),
        )
        .where(of_days(KpiOutput, level, first, last, tenant_id))
        .group_by(KpiOutput.place_id, KpiOutput.production_day)
    )
    if inside is not None:
        times = times.where(KpiTime.place_id.in_(inside))
        outputs = outputs.where(KpiOutput.place_id.in_(inside))
    made = {
        (row.place_id, row.production_day): _output(row) for row in work.session.execute(outputs)
    }
    ordered = times.order_by(KpiTime.production_day, KpiTime.place_id)
    return [
        DayBucket(
            row.place_id,
            row.production_day,
            _stored(row, made.get((row.place_id, row.production_day), OutputSums())),
        )
        for row in work.session.execute(ordered)
    ]


def sums_by_hour(
    work: Work, unit_ids: Iterable[PlaceId], first_at: datetime, until_at: datetime
) -> Mapping[PlaceId, Sequence[Bucket]]:
    """Return the hourly sums of units, each in time order. A day of shift sheets has none."""
    wanted = list(unit_ids)
    made: dict[tuple[UUID, datetime], OutputSums] = {}
    outputs = select(KpiOutput).where(*_hours(KpiOutput, wanted, first_at, until_at))
    for row in work.session.scalars(outputs):
        key = (row.place_id, row.bucket_start)
        made[key] = made.get(key, OutputSums()) + _output(row)
    found: dict[PlaceId, list[Bucket]] = {}
    times = select(*_STORED).where(*_hours(KpiTime, wanted, first_at, until_at))
    for each in work.session.execute(times.order_by(KpiTime.bucket_start)):
        output = made.get((each.place_id, each.bucket_start), OutputSums())
        found.setdefault(each.place_id, []).append(_stored(each, output))
    return found


def output_by_product(
    work: Work, place_id: PlaceId, *, first: date, last: date
) -> Mapping[str, OutputSums]:
    """Return the output of a place over days by product; '' is what no product was named for."""
    sums = (
        select(
            KpiOutput.product_code,
            *(func.sum(getattr(KpiOutput, name)).label(name) for name in OUTPUT_FIELDS),
        )
        .where(
            KpiOutput.place_id == place_id,
            KpiOutput.grain == Grain.DAY,
            KpiOutput.current,
            KpiOutput.production_day.between(first, last),
        )
        .group_by(KpiOutput.product_code)
    )
    return {row.product_code: _output(row) for row in work.session.execute(sums)}


def intervals(
    work: Work, unit_ids: Iterable[PlaceId], first_at: datetime, until_at: datetime
) -> Sequence[IntervalRow]:
    """Return what units did in a span, by unit and time, cut to the span."""
    rows = work.session.scalars(
        select(StateInterval)
        .where(
            StateInterval.unit_id.in_(list(unit_ids)),
            StateInterval.started_at > first_at - _LONGEST_INTERVAL,
            StateInterval.started_at < until_at,
            StateInterval.ended_at > first_at,
        )
        .order_by(StateInterval.unit_id, StateInterval.started_at)
    )
    merged: list[IntervalRow] = []
    for row in rows:
        start, end = max(row.started_at, first_at), min(row.ended_at, until_at)
        last = merged[-1] if merged else None
        if last is not None and last.ended_at == start and _continues(last, row):
            merged[-1] = IntervalRow(
                last.unit_id,
                last.started_at,
                end,
                last.state,
                last.reason_code,
                last.declared,
                last.stops + row.stops,
            )
            continue
        merged.append(
            IntervalRow(
                row.unit_id, start, end, row.state, row.reason_code, row.declared, row.stops
            )
        )
    return merged


def _continues(last: IntervalRow, row: StateInterval) -> bool:
    return (last.unit_id, last.state, last.reason_code, last.declared) == (
        row.unit_id,
        row.state,
        row.reason_code,
        row.declared,
    )


def list_units(
    work: Work, under: PlaceId | None = None, *, tenant_id: TenantId | None = None
) -> Sequence[UnitRow]:
    """Return the units at and below a place, retired ones too, by code."""
    reached = places.list_places(work, under=under, tenant_id=tenant_id, include_retired=True)
    known = {place.id: place for place in reached}
    # The group may read no rule of a machine: its columns are not granted to it.
    shared = (Unit.place_id, Unit.tenant_id, Unit.class_code)
    rules = (Unit.rated_power_kw, Unit.min_stop_s, Unit.heartbeat_s, Unit.counts_from)
    columns = shared if work.actor.kind is Kind.GROUP else (*shared, *rules)
    found = []
    for row in work.session.execute(select(*columns)):
        place = known.get(row.place_id)
        if place is not None:
            extra = dict(zip((c.key for c in rules), row[len(shared) :], strict=False))
            found.append(
                UnitRow(
                    place_id=place.id,
                    tenant_id=place.tenant_id,
                    code=place.code,
                    name_zh=place.name_zh,
                    name_en=place.name_en,
                    line_id=place.parent_id,
                    class_code=row.class_code,
                    retired_at=place.retired_at,
                    **extra,
                )
            )
    return sorted(found, key=lambda unit: unit.code)


def get_unit(work: Work, unit_id: PlaceId) -> UnitRow:
    """Return one unit. Raises `NotFound`."""
    for unit in list_units(work, unit_id):
        if unit.place_id == unit_id:
            return unit
    raise NotFound


def get_vocabulary(work: Work, unit: UnitRow) -> UnitVocabulary:
    """Return what a machine's own words mean, for its company alone. Raises `NotFound`."""
    row = work.session.execute(
        select(Unit.state_words, Unit.device_items).where(Unit.place_id == unit.place_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    return UnitVocabulary(row.state_words, DeviceModel.from_json(unit.code, row.device_items))


def list_rates(work: Work, unit_ids: Iterable[PlaceId]) -> Sequence[RateRow]:
    """Return the planned run times of units, newest first within unit and product."""
    rows = work.session.scalars(
        select(ProductRate)
        .where(ProductRate.unit_id.in_(list(unit_ids)))
        .order_by(ProductRate.unit_id, ProductRate.product_code, ProductRate.valid_from.desc())
    )
    return [RateRow(r.unit_id, r.product_code, r.valid_from, r.pri_s, r.basis) for r in rows]


def facts(
    work: Work,
    unit_id: PlaceId,
    first_at: datetime,
    until_at: datetime,
    *,
    kind: str,
    limit: int = 100,
    cursor: str | None = None,
) -> FactPage:
    """Return a page of a unit's raw facts of one kind (state, count or energy), oldest first.

    `cursor` is a page's `next_cursor`. Raises `Invalid` for another kind or a made-up cursor.
    """
    model = _FACTS.get(kind)
    if model is None:
        raise Invalid(field="kind")
    span = model.unit_id == unit_id, model.occurred_at >= first_at, model.occurred_at < until_at
    statement = _fact_columns(kind).where(*span)
    if cursor:
        at, fact_id = _read_cursor(cursor)
        statement = statement.where(
            tuple_(model.occurred_at, model.id) > tuple_(literal(at), literal(fact_id))
        )
    statement = statement.order_by(model.occurred_at, model.id).limit(limit + 1)
    rows = [FactRow(**row._mapping) for row in work.session.execute(statement)]
    more = len(rows) > limit
    rows = rows[:limit]
    after = f"{rows[-1].occurred_at.isoformat()}~{rows[-1].id}" if more else None
    return FactPage(tuple(rows), after)


def facts_of_batch(work: Work, batch_id: UUID, *, limit: int = 200) -> Sequence[FactRow]:
    """Return the first facts that a batch brought, of all kinds, oldest first."""
    parts = [
        _fact_columns(kind).where(model.batch_id == batch_id) for kind, model in _FACTS.items()
    ]
    together = union_all(*parts).subquery()
    rows = work.session.execute(select(together).order_by(together.c.occurred_at).limit(limit))
    return [FactRow(**row._mapping) for row in rows]


def freshness(
    work: Work, *, level: str, under: PlaceId | None = None, tenant_id: TenantId | None = None
) -> Mapping[PlaceId, datetime | None]:
    """Return the moment of the newest fact of every place of a level; None: long ago or never."""
    newest = select(KpiTime.place_id, func.max(KpiTime.newest_fact_at)).where(
        of_days(KpiTime, level, (work.now - FRESH_WITHIN).date(), date.max, tenant_id)
    )
    inside = _inside(work, level, under)
    if inside is not None:
        newest = newest.where(KpiTime.place_id.in_(inside))
    rows = work.session.execute(newest.group_by(KpiTime.place_id))
    return {PlaceId(place_id): moment for place_id, moment in rows}


def closed_days(work: Work, tenant_id: TenantId, first: date, last: date) -> Sequence[ClosedDay]:
    """Return the closed days of a company in their present versions, by day, with their units."""
    company = select(KpiTime).where(
        of_days(KpiTime, Level.COMPANY, first, last, tenant_id), KpiTime.closed_at.is_not(None)
    )
    days = list(work.session.scalars(company.order_by(KpiTime.production_day)))
    made: dict[tuple[UUID, date], OutputSums] = {}
    outputs = select(KpiOutput).where(of_days(KpiOutput, Level.UNIT, first, last, tenant_id))
    for output in work.session.scalars(outputs):
        key = (output.place_id, output.production_day)
        made[key] = made.get(key, OutputSums()) + _output(output)
    units: dict[date, list[UnitFigures]] = {}
    times = select(KpiTime).where(of_days(KpiTime, Level.UNIT, first, last, tenant_id))
    for row in work.session.scalars(times.order_by(KpiTime.place_id)):
        output_sums = made.get((row.place_id, row.production_day), OutputSums())
        units.setdefault(row.production_day, []).append(_figures(row, output_sums))
    return [
        ClosedDay(
            place_id=day.place_id,
            production_day=day.production_day,
            version=day.version,
            closed_at=day.closed_at or day.derived_at,
            revised_because=day.revised_because,
            inputs_sha256=day.inputs_sha256,
            units=tuple(units.get(day.production_day, ())),
        )
        for day in days
    ]


def versions(work: Work, place_id: PlaceId, day: date) -> Sequence[VersionRow]:
    """Return every version of a place's day, newest first."""
    at_place = KpiTime.place_id == place_id, KpiTime.grain == Grain.DAY
    made: dict[int, OutputSums] = {}
    outputs = select(KpiOutput).where(
        KpiOutput.place_id == place_id,
        KpiOutput.grain == Grain.DAY,
        KpiOutput.production_day == day,
    )
    for output in work.session.scalars(outputs):
        made[output.version] = made.get(output.version, OutputSums()) + _output(output)
    rows = work.session.scalars(
        select(KpiTime)
        .where(*at_place, KpiTime.production_day == day)
        .order_by(KpiTime.version.desc())
    )
    return [
        VersionRow(
            version=row.version,
            current=row.current,
            derived_at=row.derived_at,
            closed_at=row.closed_at,
            revised_because=row.revised_because,
            fact_count=row.fact_count,
            inputs_sha256=row.inputs_sha256,
            time=_time(row),
            output=made.get(row.version, OutputSums()),
        )
        for row in rows
    ]


_FACTS: Final[dict[str, Any]] = {"state": StateFact, "count": CountFact, "energy": EnergyFact}
# What stands in the columns that the kinds of fact do not have in common.
_OWN: Final[dict[str, dict[str, Any]]] = {
    "state": {
        "ended_at": StateFact.ended_at,
        "item": StateFact.item,
        "value": StateFact.value,
        "reason_code": StateFact.reason_code,
        "product_code": null(),
    },
    "count": {
        "ended_at": null(),
        "item": CountFact.kind,
        "value": func.coalesce(CountFact.counter, CountFact.qty).cast(StateFact.value.type),
        "reason_code": null(),
        "product_code": CountFact.product_code,
    },
    "energy": {
        "ended_at": null(),
        "item": EnergyFact.meter,
        "value": EnergyFact.kwh.cast(StateFact.value.type),
        "reason_code": null(),
        "product_code": null(),
    },
}


def _fact_columns(kind: str) -> Select[Any]:
    model, own = _FACTS[kind], _OWN[kind]
    return select(
        model.id,
        model.unit_id,
        literal(kind).label("kind"),
        model.occurred_at,
        own["ended_at"].label("ended_at"),
        own["item"].cast(StateFact.value.type).label("item"),
        own["value"].label("value"),
        own["reason_code"].cast(StateFact.value.type).label("reason_code"),
        own["product_code"].cast(StateFact.value.type).label("product_code"),
        model.recorded_at,
        model.source_id,
        DataSource.name.label("source_name"),
        model.batch_id,
        model.supersedes_id,
    ).join(
        DataSource,
        and_(DataSource.tenant_id == model.tenant_id, DataSource.id == model.source_id),
    )


def _read_cursor(cursor: str) -> tuple[datetime, FactId]:
    at, _, fact_id = cursor.partition("~")
    try:
        moment, known = datetime.fromisoformat(at), UUID(fact_id)
    except ValueError:
        raise Invalid(field="cursor") from None
    if moment.tzinfo is None:
        raise Invalid(field="cursor")
    return moment, FactId(known)


def of_days(
    model: type[KpiTime] | type[KpiOutput],
    level: str,
    first: date,
    last: date,
    tenant_id: TenantId | None = None,
) -> ColumnElement[bool]:
    """Return what holds of the daily sums of a level's places, both days included."""
    own = [model.tenant_id == tenant_id] if tenant_id is not None else []
    return and_(
        # Both words stand in the statement: a plan for any word could not use the partial index.
        model.level == literal(Level(level), model.level.type, literal_execute=True),
        model.grain == literal(Grain.DAY, model.grain.type, literal_execute=True),
        model.current,
        model.production_day.between(first, last),
        *own,
    )


def _hours(
    model: type[KpiTime] | type[KpiOutput],
    unit_ids: Sequence[PlaceId],
    first_at: datetime,
    until_at: datetime,
) -> tuple[ColumnElement[bool], ...]:
    return (
        model.place_id.in_(unit_ids),
        model.grain == Grain.HOUR,
        model.current.is_(True),
        model.bucket_start >= first_at,
        model.bucket_start < until_at,
    )


def _inside(work: Work, level: str, under: PlaceId | None) -> list[PlaceId] | None:
    if under is None:
        return None
    found = places.list_places(work, under=under, level=level, include_retired=True)
    return [place.id for place in found]


def _time(row: Any) -> TimeSums:
    return TimeSums(*(getattr(row, name) for name in TIME_FIELDS))


def _output(row: Any) -> OutputSums:
    return OutputSums(*(getattr(row, name) for name in OUTPUT_FIELDS))


def _bucket(row: Any, level: str, output: OutputSums) -> Bucket:
    return Bucket(
        place_id=row.place_id,
        level=level,
        time=_time(row),
        output=output,
        version=row.version,
        closed=row.closed,
        revised_because=row.revised_because,
        newest_fact_at=row.newest_fact_at,
    )


# As columns, not as objects: a board reads thousands of them.
_STORED: Final[tuple[Any, ...]] = (
    *(getattr(KpiTime, name) for name in TIME_FIELDS),
    KpiTime.place_id,
    KpiTime.level,
    KpiTime.bucket_start,
    KpiTime.production_day,
    KpiTime.version,
    KpiTime.closed_at,
    KpiTime.revised_because,
    KpiTime.newest_fact_at,
)


def _stored(row: Any, output: OutputSums) -> Bucket:
    return Bucket(
        place_id=row.place_id,
        level=row.level,
        time=TimeSums(*row[: len(TIME_FIELDS)]),
        output=output,
        bucket_start=row.bucket_start,
        version=row.version,
        closed=row.closed_at is not None,
        revised_because=row.revised_because,
        newest_fact_at=row.newest_fact_at,
    )


def _figures(row: KpiTime, output: OutputSums) -> UnitFigures:
    return UnitFigures(
        unit_id=row.place_id,
        version=row.version,
        pbt_s=row.pbt_s,
        apt_s=row.apt_s,
        unk_s=row.unk_s,
        declared_s=row.declared_s,
        pq=output.pq,
        gq=output.gq,
        energy_kwh=row.energy_kwh,
        fact_count=row.fact_count,
        inputs_sha256=row.inputs_sha256,
    )
