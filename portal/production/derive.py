"""The derivation: marked days of one company from facts to intervals, hours, days, roll-ups.

One transaction takes some of a company's marked days, newest first, and writes all that follows
from them; killed half-way, it has done nothing. One transaction works at a company at a time, so
places above units add up; companies take turns.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, Select, func, select, tuple_, update

from kernel.db import Database, Work, worker
from kernel.ids import PlaceId, TenantId
from kernel.operations import Operation, OperationState
from portal.production import bulk
from portal.production.derived_models import KpiTime
from portal.production.events import DayClosed, DayRevised
from portal.production.ingest import mark_days
from portal.production.loading import load_facts, runs_of
from portal.production.models import DirtyDay, Quarantine
from portal.production.placing import fact_id
from portal.production.rollup import DaySums, roll_up
from portal.production.setups import CompanySetup, load_company
from portal.production.unitruns import CountSaid, DerivedDay, Run, derive_run
from portal.production.words import Because, Grain, RowState
from portal.production.writing import (
    Known,
    Written,
    known_days,
    load_unit_sums,
    unit_sums,
    write_days,
    write_details,
)
from tenants.words import Level

CHUNK: Final = 150
"""How many unit days one transaction derives."""

FILLED_WITHIN: Final = timedelta(days=120)
"""A unit heard within this time has a row for every day since, be it of unknown time alone."""

_COMMITTED_WITHIN: Final = timedelta(minutes=2)  # a fact is stamped before its commit is seen
_ONE_AT_A_COMPANY: Final = 4712

_REASONS: Final = {Because.CORRECTION: "correction", Because.RULES: "rules"}


def derive_company(database: Database, tenant_id: TenantId, *, most: int = 1_000_000) -> int:
    """Derive a company's marked days until none is left, at most `most`; return how many.

    Days that are over and settled are closed at the end. Returns 0 at once while another works at
    the company: it will find the marks.
    """
    done = 0
    while done < most:
        with database.work(worker(tenant_id)) as work:
            count = derive_some(work, tenant_id)
        if count is None:
            return done
        done += count
        if count == 0:
            break
    with database.work(worker(tenant_id)) as work:
        close_days(work, tenant_id)
    return done


def derive_all(database: Database) -> int:
    """Derive what is marked, company by company in turns, oldest mark first; return how many."""
    done = 0
    while True:
        with database.work(worker()) as work:
            waiting = work.session.scalars(
                select(DirtyDay.tenant_id)
                .group_by(DirtyDay.tenant_id)
                .order_by(func.min(DirtyDay.marked_at))
            ).all()
        turn = 0
        for tenant_id in waiting:
            with database.work(worker(tenant_id)) as work:
                turn += derive_some(work, tenant_id) or 0
        done += turn
        if not turn:
            break
        for tenant_id in waiting:
            with database.work(worker(tenant_id)) as work:
                close_days(work, tenant_id)
    return done


def _lock_company(work: Work, tenant_id: TenantId) -> bool:
    key = func.hashtext(str(tenant_id))
    return bool(work.session.scalar(select(func.pg_try_advisory_xact_lock(_ONE_AT_A_COMPANY, key))))


@dataclass(frozen=True, slots=True)
class _Taken:
    """The unit days of one transaction: why each is derived, and the marks that asked for it."""

    because: Mapping[tuple[PlaceId, date], frozenset[Because]]
    marks: Sequence[tuple[PlaceId, date, UUID]]


def derive_some(work: Work, tenant_id: TenantId, *, most: int = CHUNK) -> int | None:
    """Derive up to `most` marked unit days of a company; None while another works at it."""
    if not _lock_company(work, tenant_id):
        return None
    taken = _take(work, tenant_id, most)
    if not taken.because:
        return 0
    setup = load_company(work, tenant_id)
    runs = [
        Run(unit, run)
        for unit_id, days in _days_by_unit(taken).items()
        if (unit := setup.find(unit_id)) is not None
        for run in runs_of(days)
    ]
    load_facts(work, tenant_id, runs)
    derived = [day for run in runs for day in derive_run(run, now=work.now)]
    _write(work, setup, derived, taken)
    _record_doubts(work, tenant_id, runs)
    _drop_marks(work, tenant_id, taken)
    return len(taken.because)


def _take(work: Work, tenant_id: TenantId, most: int) -> _Taken:
    days = work.session.execute(
        select(DirtyDay.unit_id, DirtyDay.production_day)
        .where(DirtyDay.tenant_id == tenant_id)
        .distinct()
        .order_by(DirtyDay.production_day.desc(), DirtyDay.unit_id)
        .limit(most)
    ).all()
    # Read before the facts: a mark that comes later is not among these and stays.
    marks = work.session.execute(
        select(DirtyDay.unit_id, DirtyDay.production_day, DirtyDay.id, DirtyDay.because).where(
            DirtyDay.tenant_id == tenant_id,
            tuple_(DirtyDay.unit_id, DirtyDay.production_day).in_([tuple(day) for day in days]),
        )
    ).all()
    because: dict[tuple[PlaceId, date], set[Because]] = defaultdict(set)
    for unit_id, day, _, why in marks:
        because[unit_id, day].add(why)
    return _Taken(
        because={key: frozenset(why) for key, why in because.items()},
        marks=[(unit_id, day, mark) for unit_id, day, mark, _ in marks],
    )


def _days_by_unit(taken: _Taken) -> dict[PlaceId, list[date]]:
    days: dict[PlaceId, list[date]] = defaultdict(list)
    for unit_id, day in taken.because:
        days[unit_id].append(day)
    return days


def _drop_marks(work: Work, tenant_id: TenantId, taken: _Taken) -> None:
    arrays = bulk.array_texts(taken.marks)
    work.session.connection().exec_driver_sql(
        "DELETE FROM dirty_day d USING unnest(%s::uuid[], %s::date[], %s::uuid[])"
        " AS n(unit_id, day, id) WHERE d.tenant_id = %s AND d.unit_id = n.unit_id"
        " AND d.production_day = n.day AND d.id = n.id",
        (*arrays, tenant_id),
    )


def _write(work: Work, setup: CompanySetup, derived: Sequence[DerivedDay], taken: _Taken) -> None:
    tenant_id = setup.tenant_id
    keys = [(d.run.setup.unit_id, d.day.workday.day) for d in derived]
    around = {(unit, day + timedelta(days=step)) for unit, day in keys for step in (-1, 0, 1)}
    known = known_days(work, tenant_id, around)
    changed = [
        one
        for key, one in zip(keys, derived, strict=True)
        if key not in known or known[key].inputs_sha256 != one.inputs_sha256
    ]
    if not changed:
        return
    days = {one.day.workday.day for one in changed}
    closed = _closed_days(work, tenant_id, days)
    reasons = {key: _reason(why) for key, why in taken.because.items()}
    written = write_days(
        work,
        tenant_id,
        [unit_sums(one) for one in changed],
        known,
        because=reasons,
        closed=closed,
    )
    write_details(work, tenant_id, list(zip(changed, written, strict=True)))
    _mark_neighbours(work, tenant_id, changed, known, frozenset(keys))
    _roll_up(work, setup, days, closed, _by_day(taken, reasons))


def _reason(why: frozenset[Because]) -> str:
    return next((text for word, text in _REASONS.items() if word in why), "late_facts")


def _by_day(taken: _Taken, reasons: Mapping[tuple[PlaceId, date], str]) -> dict[date, str]:
    return {day: reasons[unit_id, day] for unit_id, day in sorted(taken.because, key=str)}


def _closed_days(work: Work, tenant_id: TenantId, days: Iterable[date]) -> frozenset[date]:
    closed = select(KpiTime.production_day).where(
        KpiTime.tenant_id == tenant_id,
        KpiTime.level == Level.COMPANY,
        KpiTime.grain == Grain.DAY,
        KpiTime.current,
        KpiTime.closed_at.is_not(None),
        KpiTime.production_day.in_(list(days)),
    )
    return frozenset(work.session.scalars(closed))


def _mark_neighbours(
    work: Work,
    tenant_id: TenantId,
    changed: Sequence[DerivedDay],
    known: Mapping[tuple[PlaceId, date], Known],
    together: frozenset[tuple[PlaceId, date]],
) -> None:
    """Mark the days beside changed ones that exist and were not derived with them.

    What holds at the end of a day goes on into the next. What a day begins with can change the day
    before: only if it came after that was derived, or every minute of today would derive yesterday.
    """
    marks = set()
    for one in changed:
        unit_id, day = one.run.setup.unit_id, one.day.workday.day
        after = (unit_id, day + timedelta(days=1))
        if after in known and after not in together:
            marks.add(after)
        before = (unit_id, day - timedelta(days=1))
        if before in known and before not in together and _head_is_new(one, known[before]):
            marks.add(before)
    mark_days(work, marks, Because.NEIGHBOUR)


def _head_is_new(one: DerivedDay, before: Known) -> bool:
    newest = one.head_recorded_at
    return newest is not None and newest >= before.derived_at - _COMMITTED_WITHIN


def _roll_up(
    work: Work,
    setup: CompanySetup,
    days: Iterable[date],
    closed: frozenset[date],
    reasons: Mapping[date, str],
) -> None:
    tenant_id = setup.tenant_id
    rolled = roll_up_units(setup, load_unit_sums(work, tenant_id, days))
    known = known_days(work, tenant_id, [(sums.place_id, sums.day) for sums in rolled])
    changed = [
        sums
        for sums in rolled
        if (key := (sums.place_id, sums.day)) not in known
        or known[key].inputs_sha256 != sums.inputs_sha256
    ]
    why = {(sums.place_id, sums.day): reasons.get(sums.day, "late_facts") for sums in changed}
    for row in write_days(work, tenant_id, changed, known, because=why, closed=closed):
        if row.was_closed and row.sums.level is Level.COMPANY:
            _tell_revised(work, tenant_id, row)


def roll_up_units(
    setup: CompanySetup, units: Mapping[date, Sequence[tuple[DaySums, int]]]
) -> list[DaySums]:
    """Return the days of every place above the units, from their sums and versions by day."""
    paths = {
        unit_id: [
            (step, setup.places[step].level)
            for step in setup.places[unit_id].path
            if step != unit_id
        ]
        for unit_id in setup.units
    }
    above = {place for path in paths.values() for place, _ in path}
    rolled: list[DaySums] = []
    for day, parts in units.items():
        begins = {place: _day_begins(setup, place, day) for place in above}
        rolled += roll_up(day, parts, paths=paths, begins=begins)
    return rolled


def _day_begins(setup: CompanySetup, place_id: PlaceId, day: date) -> datetime:
    """Return when a day begins at a place: by its site's clock, of a company its first site's."""
    for unit_id, unit in sorted(setup.units.items(), key=lambda pair: pair[1].code):
        if place_id in setup.places[unit_id].path:
            return unit.calendar(day).starts_at
    raise LookupError(place_id)


def _tell_revised(work: Work, tenant_id: TenantId, row: Written) -> None:
    work.emit(
        DayRevised(
            place_id=row.sums.place_id,
            production_day=row.sums.day,
            version=row.version,
            because=row.revised_because or "late_facts",
        ),
        tenant_id=tenant_id,
    )


def _record_doubts(work: Work, tenant_id: TenantId, runs: Sequence[Run]) -> None:
    """Put doubted readings before a person; one that a replay did not settle opens again."""
    rows = []
    for run in runs:
        if run.counted is None:
            continue
        for _, doubt in run.counted.doubted:
            fact = doubt.reading.key
            if isinstance(fact, CountSaid):
                rows.append(_doubt(run, fact, doubt.code.value, doubt.high))
    columns = (
        "id",
        "batch_id",
        "source_id",
        "line_no",
        "code",
        "field",
        "value",
        "raw",
        "fact_id",
        "unit_id",
        "occurred_at",
    )
    bulk.insert(
        work,
        Quarantine,
        columns,
        rows,
        shared={"tenant_id": tenant_id, "recorded_at": work.now},
        on_conflict="(tenant_id, id) DO UPDATE SET state = 'open', resolved_at = NULL,"
        f" resolved_by = NULL, reason = NULL WHERE quarantine.state = '{RowState.REPLAYED.value}'",
    )


def _doubt(run: Run, fact: CountSaid, code: str, high: float) -> tuple[Any, ...]:
    raw = (
        f'{{"k":"count","unit":"{run.setup.code}","at":"{fact.occurred_at.isoformat()}",'
        f'"kind":"{fact.kind}","counter":{fact.counter}}}'
    )
    value = f"{fact.counter:g} < {high:g}" if code == "E-BACK" else f"{high:g} → {fact.counter:g}"
    key = fact_id("doubt", fact.id, code)
    return (
        key,
        fact.batch_id,
        fact.source_id,
        0,
        code,
        "counter",
        value,
        raw,
        fact.id,
        run.setup.unit_id,
        fact.occurred_at,
    )


def close_days(work: Work, tenant_id: TenantId) -> int:
    """Close the company's days that ended 72 h ago and are settled; return how many.

    A day waits while one of its units is marked or a file of the company is being read: closing it
    in between would make a version of every part. While the past is filled in backwards the two
    oldest days wait: what was before them is still to come.
    """
    if _is_running(work, Operation.kind.in_(_READING), Operation.tenant_id == tenant_id):
        return 0
    settled: list[ColumnElement[bool]] = [KpiTime.production_day.not_in(_marked(tenant_id))]
    if _is_running(work, Operation.kind.in_(_backwards)):
        settled.append(KpiTime.production_day > _oldest_day(tenant_id) + 1)
    due = work.session.execute(
        select(KpiTime.production_day, KpiTime.place_id, KpiTime.version)
        .where(
            *_company_days(tenant_id),
            KpiTime.closed_at.is_(None),
            KpiTime.closes_at <= work.now,
            *settled,
        )
        .order_by(KpiTime.production_day)
    ).all()
    if not due or not _lock_company(work, tenant_id):
        return 0
    work.session.execute(
        update(KpiTime)
        .where(
            KpiTime.tenant_id == tenant_id,
            KpiTime.grain == Grain.DAY,
            KpiTime.current,
            KpiTime.closed_at.is_(None),
            KpiTime.production_day.in_([day for day, _, _ in due]),
        )
        .values(closed_at=work.now)
        .execution_options(synchronize_session=False)
    )
    for day, place_id, version in due:
        work.emit(
            DayClosed(place_id=place_id, production_day=day, version=version), tenant_id=tenant_id
        )
    return len(due)


def _company_days(tenant_id: TenantId) -> tuple[ColumnElement[bool], ...]:
    return (
        KpiTime.tenant_id == tenant_id,
        KpiTime.level == Level.COMPANY,
        KpiTime.grain == Grain.DAY,
        KpiTime.current.is_(True),
    )


def _marked(tenant_id: TenantId) -> Select[date]:
    return select(DirtyDay.production_day).where(DirtyDay.tenant_id == tenant_id)


def _oldest_day(tenant_id: TenantId) -> ScalarSelect[date]:
    days = select(func.min(KpiTime.production_day)).where(*_company_days(tenant_id))
    return days.scalar_subquery()


_READING: Final = ("production.import_archive",)
_backwards: Final[set[str]] = set()


def fills_backwards(kind: str) -> None:
    """Say that a long action of this kind fills in the past of any company, newest day first."""
    _backwards.add(kind)


def _is_running(work: Work, *which: ColumnElement[bool]) -> bool:
    running = select(Operation.id).where(
        *which, Operation.state.in_((OperationState.QUEUED, OperationState.RUNNING))
    )
    return work.session.scalar(running.limit(1)) is not None


def keep_days(work: Work, tenant_id: TenantId, *, stale: timedelta = timedelta(minutes=5)) -> int:
    """Mark days that no fact has marked: today's, so that silence grows, and days left out.

    Returns how many unit days were marked.
    """
    setup = load_company(work, tenant_id)
    marks: set[tuple[PlaceId, date]] = set()
    rows = work.session.execute(
        select(
            KpiTime.place_id,
            func.array_agg(KpiTime.production_day),
            func.max(KpiTime.newest_fact_at),
            func.max(KpiTime.derived_at),
        )
        .where(
            KpiTime.tenant_id == tenant_id,
            KpiTime.level == Level.UNIT,
            KpiTime.grain == Grain.DAY,
            KpiTime.current,
        )
        .group_by(KpiTime.place_id)
    )
    for unit_id, days, newest_at, derived_at in rows:
        unit = setup.find(unit_id)
        if unit is None:
            continue
        today = unit.calendar.day_of(work.now)
        first, last = min(days), max(days)
        if newest_at is not None and work.now - newest_at < FILLED_WITHIN:
            last = max(last, today)
            if derived_at < work.now - stale:
                marks.add((unit_id, today))
        there = set(days)
        marks.update(
            (unit_id, day)
            for ordinal in range(first.toordinal(), last.toordinal())
            if (day := date.fromordinal(ordinal)) not in there
        )
    mark_days(work, marks, Because.CLOCK)
    return len(marks)
