"""The one door into the facts: every source comes through `accept`, whatever it speaks.

What a line says is checked before (`lines.py`) and placed by pure rules (`placing.py`). Here it
meets the database: what is known already, what contradicts, and everything of a batch in one
transaction. Acknowledged means committed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from operator import attrgetter
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, select, update

from kernel.actor import Kind
from kernel.db import Base, Work
from kernel.errors import NotFound
from kernel.ids import PlaceId, SourceId, new_id
from portal.production import bulk
from portal.production.clockerror import Window
from portal.production.errors import BatchRunning, KeyReused, SourceRetired
from portal.production.ids import BatchId, MarkId
from portal.production.lines import Line
from portal.production.models import (
    CountFact,
    DataSource,
    DirtyDay,
    EnergyFact,
    IngestBatch,
    Quarantine,
    StateFact,
    Unit,
)
from portal.production.placing import (
    STATE,
    CountRow,
    Days,
    Doorplate,
    EnergyRow,
    Fact,
    Placed,
    StateRow,
    aside,
    conflict_key,
    place_lines,
)
from portal.production.states import Rank
from portal.production.words import Because, Problem, SourceKind, SourceState
from tenants import queries as places

SHOWN_ASIDE: Final = 1_000
"""How many quarantined lines an answer names; all of them are stored."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one source sends at once. An archive declares its `window`; `restates`: MTConnect.

    `key` makes sending it again harmless; the body's hash tells whether it is the same batch.
    """

    key: str
    body_sha256: bytes
    lines: Sequence[Line]
    window: Window | None = None
    restates: bool = False
    rank: Rank = Rank.MACHINE


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch; `repeated` when it had been answered before."""

    batch_id: BatchId
    accepted: int
    duplicate: int
    quarantined: tuple[Mapping[str, Any], ...]
    quarantined_count: int
    repeated: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the answer of the door."""
        return {
            "batch_id": str(self.batch_id),
            "accepted": self.accepted,
            "duplicate": self.duplicate,
            "quarantined": list(self.quarantined),
        }


@dataclass(slots=True)
class Entry:
    """Placed facts on their way into the tables, with what their batch's row will say."""

    source_id: SourceId
    key: str
    body_sha256: bytes
    row_count: int
    placed: Placed
    window: Window | None = None
    because: Because = Because.FACTS
    doorplates: Mapping[str, Doorplate] = field(default_factory=dict)


def accept(work: Work, batch: Batch) -> Receipt:
    """Store a batch of the actor's source (kind ingest): facts, duplicates counted, the rest aside.

    Raises `BatchRunning` while another transaction stores the same key, `KeyReused` for another
    body under a known key, `SourceRetired`.
    """
    source_id = work.actor.source_id
    if source_id is None:
        raise NotFound
    known = find_receipt(work, source_id, batch.key, batch.body_sha256)
    if known is not None:
        return known
    units = list_doorplates(work)
    placed = place_lines(
        batch.lines,
        units,
        received_at=work.now,
        window=batch.window,
        restates=batch.restates,
        rank=batch.rank,
    )
    _set_contradictions_aside(work, placed, batch.lines)
    return store(
        work,
        Entry(
            source_id=source_id,
            key=batch.key,
            body_sha256=batch.body_sha256,
            row_count=len(batch.lines),
            placed=placed,
            window=batch.window,
            doorplates=units,
        ),
    )


def find_receipt(work: Work, source_id: SourceId, key: str, body_sha256: bytes) -> Receipt | None:
    """Return the first answer to a key, or None; the key is this transaction's until it ends.

    Raises `BatchRunning`, `KeyReused`.
    """
    # The lock comes first: of two that send one key at once, the other is told to ask again
    # instead of waiting for the first to commit.
    number = func.hashtextextended(f"{source_id}/{key}", 0)
    if not work.session.scalar(select(func.pg_try_advisory_xact_lock(number))):
        raise BatchRunning
    found = work.session.execute(
        select(IngestBatch.id, IngestBatch.body_sha256, IngestBatch.answer).where(
            IngestBatch.tenant_id == work.tenant_id,
            IngestBatch.source_id == source_id,
            IngestBatch.idempotency_key == key,
        )
    ).one_or_none()
    if found is None:
        return None
    if found.body_sha256 != body_sha256:
        raise KeyReused
    answer = found.answer
    return Receipt(
        batch_id=found.id,
        accepted=answer["accepted"],
        duplicate=answer["duplicate"],
        quarantined=tuple(answer["quarantined"]),
        quarantined_count=answer["quarantined_count"],
        repeated=True,
    )


def list_doorplates(work: Work, *, include_retired: bool = False) -> dict[str, Doorplate]:
    """Return the company's units by code, without those out of use unless asked for."""
    known = {
        place.id: place
        for place in places.list_places(
            work, level="unit", tenant_id=work.tenant_id, include_retired=include_retired
        )
    }
    plates = {}
    rows = work.session.execute(
        select(Unit.place_id, Unit.state_words, Unit.device_items).where(
            Unit.tenant_id == work.tenant_id
        )
    )
    for place_id, state_words, items in rows:
        place = known.get(place_id)
        if place is not None:
            clock = places.site_clock(place)
            plates[place.code] = Doorplate(
                unit_id=place_id.hex,
                zone=ZoneInfo(clock.zone),
                day_start=clock.day_start,
                state_words=state_words,
                items=frozenset(items),
            )
    return plates


def store(work: Work, entry: Entry) -> Receipt:
    """Write placed facts, quarantine, marks and the batch's row; return the receipt."""
    batch_id = BatchId(new_id())
    facts = [fact for _, fact in entry.placed.facts]
    new = _insert_facts(work, facts, entry.source_id, batch_id)
    _insert_aside(work, entry, batch_id)
    _mark_days(work, entry, facts, batch_id)
    set_aside = entry.placed.aside
    receipt = Receipt(
        batch_id=batch_id,
        accepted=new,
        duplicate=entry.row_count - len(set_aside) - new,
        quarantined=tuple(
            {"line": row.line, "code": row.code, "field": row.field, "value": row.value}
            for row in set_aside[:SHOWN_ASIDE]
        ),
        quarantined_count=len(set_aside),
    )
    _insert_batch(work, entry, receipt)
    _touch_source(work, entry.source_id, batch_id)
    return receipt


_TABLES: Final[Sequence[tuple[type[Fact], type[Base]]]] = (
    (StateRow, StateFact),
    (CountRow, CountFact),
    (EnergyRow, EnergyFact),
)


def _insert_facts(work: Work, facts: Sequence[Fact], source_id: SourceId, batch_id: BatchId) -> int:
    shared = {
        "tenant_id": work.tenant_id,
        "source_id": source_id,
        "batch_id": batch_id,
        "recorded_at": work.now,
    }
    new = 0
    for kind, model in _TABLES:
        rows = [fact for fact in facts if type(fact) is kind]
        if rows:
            new += bulk.insert(
                work, model, kind._fields, rows, shared=shared, on_conflict="DO NOTHING"
            )
    return new


def _set_contradictions_aside(work: Work, placed: Placed, lines: Sequence[Line]) -> None:
    """Take out the facts whose moment holds another value already; they wait for a person."""
    wrong = find_standing(work, placed.facts)
    if not wrong:
        return
    by_no = {line.no: line for line in lines}
    placed.facts = [(no, fact) for no, fact in placed.facts if no not in wrong]
    placed.aside.extend(aside(by_no[no], Problem.CONFLICT) for no in sorted(wrong))


_SAME_THING: Final[Mapping[type[Base], str]] = {
    StateFact: f"f.item = '{STATE}' AND f.rank = n.rank AND f.ended_at IS NULL",
    CountFact: "f.kind = n.kind AND f.product_code IS NOT DISTINCT FROM n.product_code",
    EnergyFact: "f.meter = n.meter",
}
_COMPARED: Final[Mapping[type[Base], tuple[str, ...]]] = {
    StateFact: ("rank",),
    CountFact: ("kind", "product_code"),
    EnergyFact: ("meter",),
}


def find_standing(work: Work, facts: Sequence[tuple[int, Fact]]) -> dict[int, UUID]:
    """Return for lines that contradict what is known the newest fact in their way, by number.

    A line that says what is known already contradicts nothing.
    """
    found: dict[int, UUID] = {}
    for kind, model in _TABLES:
        own = [(no, fact) for no, fact in facts if type(fact) is kind and conflict_key(fact)]
        told = _told_before(work, model, [fact for _, fact in own])
        own = [(no, fact) for no, fact in own if fact.unit_id in told]
        if own:
            found.update(_standing(work, model, own))
    return found


def _told_before(work: Work, model: type[Base], facts: Sequence[Fact]) -> set[str]:
    """Return the units of which anything is known between their first and last of `facts`.

    As a rule none: new facts lie behind what is known. It saves looking each one up.
    """
    spans: dict[str, tuple[datetime, datetime]] = {}
    for fact in facts:
        first, last = spans.get(fact.unit_id, (fact.occurred_at, fact.occurred_at))
        spans[fact.unit_id] = (min(first, fact.occurred_at), max(last, fact.occurred_at))
    if not spans:
        return set()
    rows = work.session.connection().exec_driver_sql(
        "SELECT n.unit_id FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[])"
        " AS n(unit_id, first_at, last_at), LATERAL (SELECT f.id"
        f" FROM {bulk.table_of(model).name} f WHERE f.tenant_id = %s AND f.unit_id = n.unit_id"
        " AND f.occurred_at BETWEEN n.first_at AND n.last_at LIMIT 1) f",
        (*bulk.array_texts([(unit, *span) for unit, span in spans.items()]), work.tenant_id),
    )
    return {row[0].hex for row in rows}


def _standing(
    work: Work, model: type[Base], facts: Sequence[tuple[int, Fact]]
) -> Iterator[tuple[int, UUID]]:
    names = ("unit_id", "occurred_at", "id", *_COMPARED[model])
    pick = attrgetter(*names)
    arrays = bulk.array_texts([(no, *pick(fact)) for no, fact in facts])
    table = bulk.table_of(model).name
    same = "f.tenant_id = %s AND f.unit_id = n.unit_id AND f.occurred_at = n.occurred_at"
    typed = bulk.unnest(model, names).removeprefix("unnest(")
    # LATERAL with a limit: each line is one look-up in the key, whatever the planner believes of
    # the size of a table that is filled as it looks.
    statement = (
        f"SELECT n.line_no, f.id FROM unnest(%s::bigint[], {typed}"
        f" AS n(line_no, {', '.join(names)}), LATERAL (SELECT f.id, f.recorded_at"
        f" FROM {table} f WHERE {same} AND f.id <> n.id AND {_SAME_THING[model]} LIMIT 16) f"
        f" WHERE NOT EXISTS (SELECT FROM {table} f WHERE {same} AND f.id = n.id)"
        " ORDER BY f.recorded_at"
    )
    tenant = work.tenant_id
    rows = work.session.connection().exec_driver_sql(statement, (*arrays, tenant, tenant))
    return ((row[0], row[1]) for row in rows)


def _insert_aside(work: Work, entry: Entry, batch_id: BatchId) -> None:
    shared = {
        "tenant_id": work.tenant_id,
        "batch_id": batch_id,
        "source_id": entry.source_id,
        "recorded_at": work.now,
    }
    columns = ("id", "line_no", "code", "field", "value", "raw")
    bulk.insert(
        work, Quarantine, columns, [(new_id(), *row) for row in entry.placed.aside], shared=shared
    )


def _mark_days(work: Work, entry: Entry, facts: Sequence[Fact], batch_id: BatchId) -> None:
    if not facts:
        return
    days = Days(entry.doorplates.values()).touched(facts, entry.window)
    # While marks wait a job is queued, or the clock takes them up; one job per batch is too many.
    waiting = select(DirtyDay.tenant_id).where(DirtyDay.tenant_id == work.tenant_id).limit(1)
    queued = work.session.scalar(waiting)
    mark_days(work, days, entry.because)
    if not queued:
        work.defer("production.derive", tenant_id=str(work.tenant_id))


def mark_days(work: Work, days: Iterable[tuple[str | PlaceId, date]], because: Because) -> None:
    """Mark units' days for derivation; each mark is a row of its own, so nobody waits."""
    shared = {
        "tenant_id": work.tenant_id,
        "id": MarkId(new_id()),
        "because": because.value,
        "marked_at": work.now,
    }
    rows = [(str(unit_id), day) for unit_id, day in sorted(days, key=str)]
    bulk.insert(work, DirtyDay, ("unit_id", "production_day"), rows, shared=shared)


def _insert_batch(work: Work, entry: Entry, receipt: Receipt) -> None:
    window_from, window_until = entry.window or (None, None)
    # Not through the session: its RETURNING and refresh need rights that a door does not have.
    work.session.execute(
        insert(IngestBatch).values(
            id=receipt.batch_id,
            tenant_id=work.tenant_id,
            source_id=entry.source_id,
            idempotency_key=entry.key,
            body_sha256=entry.body_sha256,
            row_count=entry.row_count,
            accepted_count=receipt.accepted,
            duplicate_count=receipt.duplicate,
            quarantined_count=receipt.quarantined_count,
            window_from=window_from,
            window_until=window_until,
            answer=receipt.to_json() | {"quarantined_count": receipt.quarantined_count},
            received_at=work.now,
            sent_by=work.actor.person_id,
        )
    )


def _touch_source(work: Work, source_id: SourceId, batch_id: BatchId) -> None:
    source = work.session.execute(
        select(DataSource.kind, DataSource.state).where(
            DataSource.tenant_id == work.tenant_id, DataSource.id == source_id
        )
    ).one_or_none()
    if source is None:
        raise NotFound
    if source.state is SourceState.RETIRED:
        raise SourceRetired
    if work.actor.kind is not Kind.INGEST and source.kind is not SourceKind.MANUAL:
        return  # a person replays what a source sent: that is no sign of life of the source
    work.session.execute(
        update(DataSource)
        .where(DataSource.tenant_id == work.tenant_id, DataSource.id == source_id)
        .values(
            state=SourceState.LIVE,
            first_seen_at=func.coalesce(DataSource.first_seen_at, work.now),
            last_seen_at=func.greatest(DataSource.last_seen_at, work.now),
            last_batch_id=batch_id,
        )
        .execution_options(synchronize_session=False)
    )


def body_of(lines: Iterable[Line]) -> bytes:
    """Return the hash that stands for lines which never were a body (files, simulator, sheets)."""
    digest = sha256()
    for line in lines:
        digest.update(repr((line.k, line.unit, line.at, sorted(line.fields.items()))).encode())
    return digest.digest()
