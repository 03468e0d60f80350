"""Reads about what comes in: sources, batches, quarantine, imports."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, and_, func, select

from kernel.db import Work
from kernel.errors import NotFound
from kernel.ids import SourceId
from portal.production.ids import QuarantineId
from portal.production.models import DataSource, ImportFile, IngestBatch, Quarantine
from portal.production.rows import BatchRow, ImportRow, QuarantineRow, SourceRow
from portal.production.words import WATCHED, Problem, RowState, SourceState

SILENT_AFTER_BEATS: Final = 3
SHORTEST_SILENCE: Final = timedelta(seconds=60)


def silence_begins(source: DataSource, *, now: datetime) -> datetime | None:
    """Return since when a source is silent: its last message, once three beats have passed."""
    if source.kind not in WATCHED or source.last_seen_at is None:
        return None
    if source.state not in (SourceState.LIVE, SourceState.SILENT):
        return None
    allowed = max(timedelta(seconds=SILENT_AFTER_BEATS * source.heartbeat_s), SHORTEST_SILENCE)
    return source.last_seen_at if now - source.last_seen_at > allowed else None


def list_sources(work: Work, *, limit: int = 200) -> Sequence[SourceRow]:
    """Return the company's sources, by name."""
    found = work.session.scalars(select(DataSource).order_by(DataSource.name).limit(limit))
    return [_source(source, work.now) for source in found]


def get_source(work: Work, source_id: SourceId) -> SourceRow:
    """Return one source. Raises `NotFound`."""
    found = work.session.scalar(select(DataSource).where(DataSource.id == source_id))
    if found is None:
        raise NotFound
    return _source(found, work.now)


def _source(source: DataSource, now: datetime) -> SourceRow:
    return SourceRow(
        id=source.id,
        kind=source.kind,
        name=source.name,
        state=source.state,
        heartbeat_s=source.heartbeat_s,
        created_at=source.created_at,
        last_seen_at=source.last_seen_at,
        last_batch_id=source.last_batch_id,
        silent_since=silence_begins(source, now=now),
    )


def _batches() -> Any:
    return select(
        IngestBatch, DataSource.name.label("source_name"), DataSource.kind.label("source_kind")
    ).join(
        DataSource,
        and_(DataSource.tenant_id == IngestBatch.tenant_id, DataSource.id == IngestBatch.source_id),
    )


def get_batch(work: Work, batch_id: UUID) -> BatchRow:
    """Return one batch. Raises `NotFound`."""
    row = work.session.execute(_batches().where(IngestBatch.id == batch_id)).one_or_none()
    if row is None:
        raise NotFound
    return _batch(*row)


def list_batches(
    work: Work, *, source_id: SourceId | None = None, limit: int = 50
) -> Sequence[BatchRow]:
    """Return the newest batches, newest first."""
    statement = _batches().order_by(IngestBatch.received_at.desc()).limit(limit)
    if source_id is not None:
        statement = statement.where(IngestBatch.source_id == source_id)
    return [_batch(*row) for row in work.session.execute(statement)]


def _batch(batch: IngestBatch, source_name: str, source_kind: Any) -> BatchRow:
    return BatchRow(
        id=batch.id,
        source_id=batch.source_id,
        source_name=source_name,
        source_kind=source_kind,
        idempotency_key=batch.idempotency_key,
        body_sha256=batch.body_sha256,
        row_count=batch.row_count,
        accepted_count=batch.accepted_count,
        duplicate_count=batch.duplicate_count,
        quarantined_count=batch.quarantined_count,
        window_from=batch.window_from,
        window_until=batch.window_until,
        received_at=batch.received_at,
        sent_by=batch.sent_by,
    )


def count_open_quarantine(work: Work) -> int:
    """Return how many lines of the company wait for a person."""
    waiting = select(func.count()).select_from(Quarantine).where(Quarantine.state == RowState.OPEN)
    return work.session.scalar(waiting) or 0


def count_quarantine(work: Work, *, state: RowState) -> Mapping[Problem, int]:
    """Return how many lines are in a state, by problem."""
    counts = (
        select(Quarantine.code, func.count())
        .where(Quarantine.state == state)
        .group_by(Quarantine.code)
        .order_by(Quarantine.code)
    )
    return {row[0]: row[1] for row in work.session.execute(counts)}


def get_quarantined(work: Work, row_id: QuarantineId) -> QuarantineRow:
    """Return one quarantined line. Raises `NotFound`."""
    found = work.session.execute(_quarantined().where(Quarantine.id == row_id)).one_or_none()
    if found is None:
        raise NotFound
    return _quarantine_row(*found)


def _quarantined() -> Select[Quarantine, str]:
    return select(Quarantine, DataSource.name).join(
        DataSource,
        and_(
            DataSource.tenant_id == Quarantine.tenant_id,
            DataSource.id == Quarantine.source_id,
        ),
    )


def _quarantine_row(row: Quarantine, source_name: str) -> QuarantineRow:
    return QuarantineRow(
        id=row.id,
        batch_id=row.batch_id,
        source_name=source_name,
        line_no=row.line_no,
        code=row.code,
        field=row.field,
        value=row.value,
        raw=row.raw,
        state=row.state,
        recorded_at=row.recorded_at,
        resolved_at=row.resolved_at,
        reason=row.reason,
    )


def list_quarantine(
    work: Work,
    *,
    state: RowState | None = RowState.OPEN,
    code: str | None = None,
    batch_id: UUID | None = None,
    limit: int = 100,
    offset: int = 0,
) -> Sequence[QuarantineRow]:
    """Return quarantined lines, newest first; `state` None gives those of every state."""
    statement = (
        _quarantined()
        .order_by(Quarantine.recorded_at.desc(), Quarantine.line_no)
        .limit(limit)
        .offset(offset)
    )
    if state is not None:
        statement = statement.where(Quarantine.state == state)
    if code:
        statement = statement.where(Quarantine.code == code)
    if batch_id is not None:
        statement = statement.where(Quarantine.batch_id == batch_id)
    return [_quarantine_row(*row) for row in work.session.execute(statement)]


def list_imports(work: Work, *, limit: int = 50) -> Sequence[ImportRow]:
    """Return the files that were sent, newest first."""
    newest = select(ImportFile).order_by(ImportFile.sent_at.desc()).limit(limit)
    return [
        ImportRow(
            id=row.id,
            name=row.name,
            form=row.form,
            byte_count=row.byte_count,
            window_from=row.window_from,
            window_until=row.window_until,
            operation_id=row.operation_id,
            sent_at=row.sent_at,
        )
        for row in work.session.scalars(newest)
    ]


def heard_until(work: Work) -> Mapping[SourceId, datetime]:
    """Return until when each source has declared to have spoken, of sources that declare it."""
    # One index look-up per source: a source that speaks every minute has half a million batches
    # a year.
    newest = (
        select(func.max(IngestBatch.window_until))
        .where(
            IngestBatch.tenant_id == DataSource.tenant_id, IngestBatch.source_id == DataSource.id
        )
        .scalar_subquery()
    )
    found = work.session.execute(select(DataSource.id, newest))
    return {source: until for source, until in found if until is not None}
