"""What people do with quarantined lines: replay them once the cause is mended, or dismiss them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, select, update

from kernel.db import Work
from kernel.errors import NotFound
from kernel.ids import PlaceId, new_id
from portal.production import ingest
from portal.production.clockerror import Window
from portal.production.errors import RowAlreadyResolved, RowStillMisplaced
from portal.production.ids import QuarantineId
from portal.production.ingest import Entry
from portal.production.lines import Line, read_line
from portal.production.models import CountFact, IngestBatch, Quarantine
from portal.production.placing import (
    CountRow,
    Days,
    Doorplate,
    Fact,
    Placed,
    fact_id,
    place_lines,
)
from portal.production.states import Rank
from portal.production.words import Because, Problem, RowState
from tenants import audit

MOST_AT_ONCE: Final = 2_000
DOUBTS: Final = (Problem.BACK, Problem.JUMP)
"""Problems of readings that are facts already; all others are lines that are no fact yet."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many lines went in, and how many wait on because their cause still stands."""

    replayed: int
    left: int


def replay(work: Work, row_id: QuarantineId) -> None:
    """Send one line through the door again, or accept a doubted reading.

    A time that was refused is accepted as it stands; of two values that disagree the new one
    counts from now on. Raises `NotFound`, `RowAlreadyResolved`, `RowStillMisplaced`.
    """
    row = _get_open(work, row_id)
    if row.code in DOUBTS:
        _settle_doubt(work, row)
        _resolve(work, [row.id], RowState.REPLAYED)
    elif _replay_lines(work, [row]).left:
        raise RowStillMisplaced(problem=row.code.value)
    audit.record(work, "production.quarantine.replay", "quarantine", row.id, code=row.code.value)


def replay_all(work: Work, code: Problem) -> Replayed:
    """Send the open lines of one problem again, at most 2,000; those that fit no better stay."""
    rows = _list_open(work, code)
    if code in DOUBTS:
        for row in rows:
            _settle_doubt(work, row)
        _resolve(work, [row.id for row in rows], RowState.REPLAYED)
        done = Replayed(len(rows), 0)
    else:
        done = _replay_lines(work, rows)
    audit.record(
        work,
        "production.quarantine.replay",
        "quarantine",
        code=code.value,
        replayed=done.replayed,
        left=done.left,
    )
    return done


def dismiss(work: Work, row_id: QuarantineId, *, reason: str) -> None:
    """Leave a line out for good, and keep it with the reason.

    Raises `NotFound`, `RowAlreadyResolved`.
    """
    row = _get_open(work, row_id)
    _resolve(work, [row.id], RowState.DISMISSED, reason=reason)
    audit.record(
        work, "production.quarantine.dismiss", "quarantine", row.id, code=row.code.value, why=reason
    )


def _get_open(work: Work, row_id: QuarantineId) -> Quarantine:
    # Locked: two people who replay one line at once would store it under two batches.
    row = work.session.scalar(select(Quarantine).where(Quarantine.id == row_id).with_for_update())
    if row is None:
        raise NotFound
    if row.state is not RowState.OPEN:
        raise RowAlreadyResolved
    return row


def _list_open(work: Work, code: Problem) -> Sequence[Quarantine]:
    return work.session.scalars(
        select(Quarantine)
        .where(Quarantine.state == RowState.OPEN, Quarantine.code == code)
        .order_by(Quarantine.id)
        .limit(MOST_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()


def _resolve(
    work: Work, row_ids: Iterable[UUID], state: RowState, *, reason: str | None = None
) -> None:
    work.session.execute(
        update(Quarantine)
        .where(Quarantine.tenant_id == work.tenant_id, Quarantine.id.in_(list(row_ids)))
        .values(state=state, resolved_at=work.now, resolved_by=work.actor.person_id, reason=reason)
        .execution_options(synchronize_session=False)
    )


def _replay_lines(work: Work, rows: Sequence[Quarantine]) -> Replayed:
    units = ingest.list_doorplates(work)
    by_batch: dict[UUID, list[Quarantine]] = defaultdict(list)
    for row in rows:
        by_batch[row.batch_id].append(row)
    replayed: list[UUID] = []
    for batch_id, waiting in by_batch.items():
        replayed += _replay_batch(work, batch_id, waiting, units)
    _resolve(work, replayed, RowState.REPLAYED)
    return Replayed(len(replayed), len(rows) - len(replayed))


def _replay_batch(
    work: Work, batch_id: UUID, rows: Sequence[Quarantine], units: dict[str, Doorplate]
) -> list[UUID]:
    """Store what now fits of the lines of one batch; return the rows that are settled."""
    batch = work.session.execute(
        select(IngestBatch.received_at, IngestBatch.window_from, IngestBatch.window_until).where(
            IngestBatch.id == batch_id
        )
    ).one()
    numbered = dict(enumerate(rows, start=1))
    placed = Placed()
    for no, row in numbered.items():
        line = read_line(no, row.raw)
        if not isinstance(line, Line):
            continue
        found = place_lines(
            [line],
            units,
            received_at=batch.received_at,
            window=_window(row, line, batch),
            restates=line.k == "event",
            rank=Rank.MACHINE,
        )
        placed.facts += found.facts
    placed.facts = _without_contradictions(work, placed.facts, numbered)
    if not placed.facts:
        return []
    entry = Entry(
        source_id=rows[0].source_id,
        key=f"replay/{new_id()}",
        body_sha256=sha256("\n".join(row.raw for row in rows).encode()).digest(),
        row_count=len(placed.facts),
        placed=placed,
        because=Because.CORRECTION,
        doorplates=units,
    )
    ingest.store(work, entry)
    return [numbered[no].id for no, _ in placed.facts]


def _window(row: Quarantine, line: Line, batch: Any) -> Window | None:
    if row.code is Problem.CLOCK:
        # A person says that the source's clock was right after all.
        return (line.at, max(line.at + timedelta(seconds=1), batch.received_at))
    return (batch.window_from, batch.window_until) if batch.window_from else None


def _without_contradictions(
    work: Work, facts: Sequence[tuple[int, Fact]], rows: dict[int, Quarantine]
) -> list[tuple[int, Fact]]:
    """Let a replayed contradiction supersede what stands; leave out lines that contradict anew."""
    standing = ingest.find_standing(work, facts)
    kept: list[tuple[int, Fact]] = []
    for no, fact in facts:
        old = standing.get(no)
        if old is None:
            kept.append((no, fact))
        elif rows[no].code is Problem.CONFLICT:
            key = fact_id(fact.id, "supersedes", old)
            changed = fact._replace(supersedes_id=old.hex, id=key)
            kept.append((no, changed))
    return kept


def _settle_doubt(work: Work, row: Quarantine) -> None:
    """Accept a reading below the last one as the counter's new level; ask again about a jump."""
    units = ingest.list_doorplates(work, include_retired=True)
    plate = next((p for p in units.values() if row.unit_id and p.unit_id == row.unit_id.hex), None)
    if plate is None or row.occurred_at is None or row.unit_id is None:
        raise RowStillMisplaced(problem=row.code.value)
    if row.code is Problem.BACK:
        _accept_level(work, row, units)
        return
    day = Days([plate]).of(plate.unit_id, row.occurred_at)
    ingest.mark_days(work, [(PlaceId(row.unit_id), day)], Because.RULES)
    work.defer("production.derive", tenant_id=str(work.tenant_id))


def _accept_level(work: Work, row: Quarantine, units: dict[str, Doorplate]) -> None:
    fact = work.session.scalar(
        select(CountFact).where(
            and_(
                CountFact.unit_id == row.unit_id,
                CountFact.occurred_at == row.occurred_at,
                CountFact.id == row.fact_id,
            )
        )
    )
    if fact is None:
        raise RowStillMisplaced(problem=row.code.value)
    accepted = CountRow(
        unit_id=fact.unit_id.hex,
        occurred_at=fact.occurred_at,
        id=fact_id(fact.id, "baseline"),
        kind=fact.kind.value,
        product_code=fact.product_code,
        counter=fact.counter,
        qty=None,
        baseline=True,
        supersedes_id=fact.id.hex,
    )
    entry = Entry(
        source_id=row.source_id,
        key=f"replay/{new_id()}",
        body_sha256=sha256(row.raw.encode()).digest(),
        row_count=1,
        placed=Placed(facts=[(1, accepted)]),
        because=Because.CORRECTION,
        doorplates=units,
    )
    ingest.store(work, entry)
