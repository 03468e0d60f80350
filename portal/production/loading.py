"""Facts for the derivation: a few queries for all runs of a company, each by its own span."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import aliased

from kernel.db import Work
from kernel.ids import TenantId
from portal.production import bulk
from portal.production.counters import Counter
from portal.production.models import ShiftSheet
from portal.production.mtconnect import CONDITION
from portal.production.placing import STATE
from portal.production.unitruns import (
    BEARING_ITEMS,
    PART_COUNT,
    CountSaid,
    EnergySaid,
    Run,
    StateSaid,
    count_run,
)

NEXT_READINGS: Final = 12
"""How many facts after a run are read to learn what it made until its end."""

_SAME_INSTANT: Final = 5  # values of one item at its last moment: UNAVAILABLE yields to another
_CONDITIONS: Final = 200  # levels of one condition since all were clear; more are not believed
_AROUND_ENERGY: Final = timedelta(days=1)
_LONGEST_REPORT: Final = timedelta(days=31)

_STATE: Final = (
    "f.occurred_at, f.id, f.item, f.value, f.ended_at, f.reason_code, f.rank, f.declared_s,"
    " f.stops, f.recorded_at"
)
_COUNT: Final = (
    "f.occurred_at, f.id, f.kind, f.product_code, f.counter, f.qty, f.over_s, f.baseline,"
    " f.declared, f.batch_id, f.source_id, f.recorded_at"
)
_ENERGY: Final = "f.occurred_at, f.id, f.meter, f.kind, f.kwh, f.over_s, f.recorded_at"
_SPANS: Final = (
    "unnest(%s::bigint[], %s::uuid[], %s::timestamptz[], %s::timestamptz[])"
    " AS r(run, unit_id, first_at, last_at)"
)
_OF_UNIT: Final = "f.tenant_id = %s AND f.unit_id = r.unit_id"
# OFFSET 0 keeps each span its own look-up in the key, whatever the planner believes of the size of
# tables that grow while it looks.
_EACH: Final = "OFFSET 0) f"


def load_facts(work: Work, tenant_id: TenantId, runs: Sequence[Run]) -> None:
    """Fill the runs with their facts, and count them: how far back depends on what was counted."""
    if runs:
        _Loader(work, tenant_id, runs).load()


class _Loader:
    def __init__(self, work: Work, tenant_id: TenantId, runs: Sequence[Run]) -> None:
        self._work, self._tenant_id, self._runs = work, tenant_id, runs
        self._corrected = self._corrected_batches()

    def load(self) -> None:
        self._load_counters()
        self._load_counts()
        self._load_part_counts()
        for run in self._runs:
            run.counted = count_run(run)
            run.states.clear()  # those read for the counter; the whole span follows
        self._load_energy()
        spans = [self._span(run) for run in self._runs]
        self._load_states(spans)
        self._load_heard(spans)

    def _span(self, run: Run) -> tuple[datetime, datetime]:
        first, last = run.starts_at - run.near, run.ends_at + run.near
        reach = run.counted.span() if run.counted else None
        if reach is not None:
            first, last = min(first, reach[0] - run.near), max(last, reach[1] + run.near)
        return first, last

    def _rows(self, sql: str, parameters: Iterable[Any]) -> Any:
        return self._work.session.connection().exec_driver_sql(sql, tuple(parameters))

    def _arrays(self, spans: Iterable[tuple[datetime, datetime]]) -> list[str]:
        return bulk.array_texts(
            [
                (place, run.setup.unit_id, first, last)
                for place, (run, (first, last)) in enumerate(zip(self._runs, spans, strict=True))
            ]
        )

    def _corrected_batches(self) -> frozenset[UUID]:
        """The batches of sheets that a later sheet has superseded: their facts count no more."""
        units = {run.setup.unit_id for run in self._runs}
        later = aliased(ShiftSheet)
        superseded = (
            select(ShiftSheet.batch_id)
            .join(
                later,
                (later.tenant_id == ShiftSheet.tenant_id) & (later.supersedes_id == ShiftSheet.id),
            )
            .where(ShiftSheet.tenant_id == self._tenant_id, ShiftSheet.unit_id.in_(units))
        )
        return frozenset(self._work.session.scalars(superseded))

    def _load_counters(self) -> None:
        arrays = bulk.array_texts(
            [(place, run.setup.unit_id, run.days[0]) for place, run in enumerate(self._runs)]
        )
        sql = (
            "SELECT r.run, m.kind, m.counter FROM"
            " unnest(%s::bigint[], %s::uuid[], %s::date[]) AS r(run, unit_id, day),"
            " (VALUES ('produced'), ('good'), ('scrap'), ('rework')) AS k(kind),"
            " LATERAL (SELECT f.kind, f.counter FROM counter_mark f"
            f" WHERE {_OF_UNIT} AND f.kind = k.kind AND f.production_day < r.day"
            " ORDER BY f.production_day DESC LIMIT 1) m"
        )
        for place, kind, counter in self._rows(sql, (*arrays, self._tenant_id)):
            self._runs[place].counters[kind] = read_counter(counter)

    def _load_counts(self) -> None:
        arrays = self._arrays((run.starts_at - run.near, run.ends_at) for run in self._runs)
        inside = (
            f"SELECT r.run, f.* FROM {_SPANS}, LATERAL (SELECT f.supersedes_id, {_COUNT}"
            f" FROM count_fact f WHERE {_OF_UNIT} AND f.occurred_at >= r.first_at"
            f" AND f.occurred_at < r.last_at {_EACH}"
        )
        after = (
            f"SELECT r.run, f.* FROM {_SPANS}, LATERAL (SELECT f.supersedes_id, {_COUNT}"
            f" FROM count_fact f WHERE {_OF_UNIT} AND f.occurred_at >= r.last_at"
            f" ORDER BY f.occurred_at LIMIT {NEXT_READINGS}) f"
        )
        found: dict[int, list[CountSaid]] = {}
        superseded = set()
        for sql in (inside, after):
            for place, supersedes_id, *values in self._rows(sql, (*arrays, self._tenant_id)):
                found.setdefault(place, []).append(CountSaid(*values))
                superseded.add(supersedes_id)
        for place, facts in found.items():
            self._runs[place].counts = [
                fact
                for fact in facts
                if fact.id not in superseded and fact.batch_id not in self._corrected
            ]

    def _load_part_counts(self) -> None:
        """Read the part counters of MTConnect machines, which are items like the others."""
        with_model = [
            (place, run, name)
            for place, run in enumerate(self._runs)
            if run.setup.model is not None
            for name, item in run.setup.model.items.items()
            if item.type == PART_COUNT
        ]
        if not with_model:
            return
        arrays = bulk.array_texts(
            [
                (place, run.setup.unit_id, run.starts_at, run.ends_at, name)
                for place, run, name in with_model
            ]
        )
        items = (
            "unnest(%s::bigint[], %s::uuid[], %s::timestamptz[], %s::timestamptz[], %s::text[])"
            " AS r(run, unit_id, first_at, last_at, item)"
        )
        inside = (
            f"SELECT r.run, f.* FROM {items}, LATERAL (SELECT {_STATE} FROM state_fact f"
            f" WHERE {_OF_UNIT} AND f.item = r.item AND f.occurred_at >= r.first_at"
            f" AND f.occurred_at < r.last_at {_EACH}"
        )
        after = (
            f"SELECT r.run, f.* FROM {items}, LATERAL (SELECT {_STATE} FROM state_fact f"
            f" WHERE {_OF_UNIT} AND f.item = r.item AND f.occurred_at >= r.last_at"
            f" ORDER BY f.occurred_at LIMIT {NEXT_READINGS}) f"
        )
        for sql in (inside, after):
            for place, *values in self._rows(sql, (*arrays, self._tenant_id)):
                self._runs[place].states.append(StateSaid(*values))

    def _load_energy(self) -> None:
        spans = [
            (run.starts_at - _AROUND_ENERGY, run.ends_at + _AROUND_ENERGY) for run in self._runs
        ]
        arrays = self._arrays(spans)
        inside = (
            f"SELECT r.run, f.* FROM {_SPANS}, LATERAL (SELECT f.supersedes_id, {_ENERGY}"
            f" FROM energy_fact f WHERE {_OF_UNIT} AND f.occurred_at >= r.first_at"
            f" AND f.occurred_at < r.last_at {_EACH}"
        )
        beside = [
            f"SELECT r.run, f.* FROM {_SPANS}, LATERAL (SELECT f.supersedes_id, {_ENERGY}"
            f" FROM energy_fact f WHERE {_OF_UNIT} AND f.kind = 'cumulative'"
            f" AND f.occurred_at {side} ORDER BY f.occurred_at {order} LIMIT 4) f"
            for side, order in (("< r.first_at", "DESC"), (">= r.last_at", ""))
        ]
        found: dict[int, list[EnergySaid]] = {}
        superseded = set()
        for place, sql in enumerate((inside, *beside)):
            if place and not any(f.kind == "cumulative" for fs in found.values() for f in fs):
                break
            for run, supersedes_id, *values in self._rows(sql, (*arrays, self._tenant_id)):
                found.setdefault(run, []).append(EnergySaid(*values))
                superseded.add(supersedes_id)
        for run, facts in found.items():
            self._runs[run].energy = [fact for fact in facts if fact.id not in superseded]

    def _load_states(self, spans: Sequence[tuple[datetime, datetime]]) -> None:
        arrays = self._arrays(spans)
        columns = (
            f"SELECT r.run, f.* FROM {_SPANS}, LATERAL (SELECT f.supersedes_id, f.batch_id,"
            f" {_STATE} FROM state_fact f WHERE {_OF_UNIT}"
        )
        inside = f"{columns} AND f.occurred_at >= r.first_at AND f.occurred_at <= r.last_at {_EACH}"
        reaching_in = (
            f"{columns} AND f.ended_at > r.first_at AND f.occurred_at < r.first_at"
            f" AND f.ended_at < r.first_at + interval '{_LONGEST_REPORT.days} days' {_EACH}"
        )
        held = (
            f"SELECT r.run, f.* FROM {_SPANS}, (VALUES (20), (40), (50)) AS k(rank),"
            f" LATERAL (SELECT f.supersedes_id, f.batch_id, {_STATE} FROM state_fact f"
            f" WHERE {_OF_UNIT} AND f.item = '{STATE}' AND f.rank = k.rank"
            " AND f.ended_at IS NULL AND f.occurred_at < r.first_at"
            " ORDER BY f.occurred_at DESC LIMIT 1) f"
        )
        superseded = set()
        for sql in (inside, reaching_in, held):
            for place, supersedes_id, batch_id, *values in self._rows(
                sql, (*arrays, self._tenant_id)
            ):
                superseded.add(supersedes_id)
                if batch_id not in self._corrected:
                    self._runs[place].states.append(StateSaid(*values))
        self._load_held_items(spans)
        if superseded != {None}:
            for run in self._runs:
                run.states = [fact for fact in run.states if fact.id not in superseded]

    def _load_held_items(self, spans: Sequence[tuple[datetime, datetime]]) -> None:
        """Read the last values of the items that bear on a machine's state, before its span."""
        wanted = [
            (
                place,
                run.setup.unit_id,
                first,
                name,
                _CONDITIONS if item.category == CONDITION else _SAME_INSTANT,
            )
            for place, (run, (first, _)) in enumerate(zip(self._runs, spans, strict=True))
            if run.setup.model is not None
            for name, item in run.setup.model.items.items()
            if item.type in BEARING_ITEMS or item.category == CONDITION
        ]
        if not wanted:
            return
        sql = (
            "SELECT r.run, f.* FROM unnest(%s::bigint[], %s::uuid[], %s::timestamptz[],"
            " %s::text[], %s::bigint[]) AS r(run, unit_id, first_at, item, most),"
            f" LATERAL (SELECT {_STATE} FROM state_fact f WHERE {_OF_UNIT} AND f.item = r.item"
            " AND f.occurred_at < r.first_at ORDER BY f.occurred_at DESC LIMIT r.most) f"
        )
        for place, *values in self._rows(sql, (*bulk.array_texts(wanted), self._tenant_id)):
            self._runs[place].states.append(StateSaid(*values))

    def _load_heard(self, spans: Sequence[tuple[datetime, datetime]]) -> None:
        arrays = self._arrays(spans)
        for table, own in (("count_fact", "AND NOT f.declared"), ("energy_fact", "")):
            sql = (
                f"SELECT r.run, f.occurred_at FROM {_SPANS}, LATERAL (SELECT DISTINCT f.occurred_at"
                f" FROM {table} f WHERE {_OF_UNIT} AND f.occurred_at >= r.first_at"
                f" AND f.occurred_at <= r.last_at {own} {_EACH}"
            )
            for place, at in self._rows(sql, (*arrays, self._tenant_id)):
                self._runs[place].heard.append(at)


def read_counter(stored: dict[str, Any]) -> Counter:
    """Return the counter of a mark."""
    return Counter(
        high=stored["high"],
        high_at=_moment(stored["high_at"]),
        changed_at=_moment(stored["changed_at"]),
        low=stored["low"],
        moved=stored["moved"],
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def counter_to_json(counter: Counter) -> dict[str, Any]:
    """Return a counter as its mark stores it."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(counter).items()
    }


def runs_of(days: Iterable[date]) -> list[tuple[date, ...]]:
    """Return days as runs of neighbours, in order."""
    runs: list[list[date]] = []
    for day in sorted(set(days)):
        if runs and day - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    return [tuple(run) for run in runs]
