"""Long actions: one row with stage, done and total, shown live on the page and in the terminal.

Progress stands in the row and nowhere else. A worker that dies leaves a row without heartbeat;
the clock queues it again, and gives up at the third loss.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import CheckConstraint, Index, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, Database, Work, one_of, worker
from kernel.errors import NotFound, PortalError
from kernel.ids import OperationId, PersonId, TenantId, new_id
from kernel.jobs import task
from kernel.lifecycle import Lifecycle, Side

BEAT_S: Final = 15
LOST_AFTER: Final = timedelta(seconds=60)
ATTEMPTS: Final = 3
NO_WORKER_AFTER: Final = timedelta(hours=24)


class OperationState(StrEnum):
    """Where a long action stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


_S = OperationState
OPERATION: Final = Lifecycle[OperationState](
    name="operation",
    moves={
        _S.QUEUED: {
            _S.RUNNING: {Side.CLOCK},
            _S.FAILED: {Side.CLOCK},
            _S.CANCELLED: {Side.COMPANY},
        },
        _S.RUNNING: {
            _S.QUEUED: {Side.CLOCK},
            _S.SUCCEEDED: {Side.CLOCK},
            _S.FAILED: {Side.CLOCK},
            _S.CANCELLED: {Side.COMPANY},
        },
    },
    deadlines={_S.QUEUED: "created_at", _S.RUNNING: "heartbeat_at"},
)


class Operation(Base):
    """One long action of one company; `done` of `total` in the unit that `stage` names."""

    __tablename__ = "operation"

    id: Mapped[OperationId] = mapped_column(primary_key=True)
    tenant_id: Mapped[TenantId]
    person_id: Mapped[PersonId | None]
    kind: Mapped[str]
    state: Mapped[OperationState] = mapped_column(server_default="queued")
    stage: Mapped[str] = mapped_column(server_default="")
    done: Mapped[int] = mapped_column(server_default="0")
    total: Mapped[int | None]
    params: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    result: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    error_code: Mapped[str | None]
    attempt: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(one_of("state", OperationState), name="state_known"),
        CheckConstraint("total IS NULL OR done <= total", name="done_within_total"),
        Index(None, "tenant_id", "created_at"),
    )


class Cancelled(Exception):
    """The company has called the action off; whoever runs it stops here."""


@dataclass(slots=True)
class Progress:
    """What a running action knows and says. `say` is a short transaction of its own."""

    database: Database
    id: OperationId
    kind: str
    tenant_id: TenantId
    person_id: PersonId | None
    params: Mapping[str, Any]

    def say(self, stage: str, *, done: int = 0, total: int | None = None) -> None:
        """Show where the action stands. Raises `Cancelled` when it was called off."""
        with self.database.work(worker()) as work:
            state = work.session.scalar(
                update(Operation)
                .where(Operation.id == self.id)
                .values(stage=stage, done=done, total=total, heartbeat_at=work.now)
                .returning(Operation.state)
            )
        if state is not OperationState.RUNNING:
            raise Cancelled


Action = Callable[[Progress], Mapping[str, Any] | None]
_actions: dict[str, Action] = {}


def operation(kind: str) -> Callable[[Action], Action]:
    """Make a function the long action `kind`; what it returns is kept as the row's result."""

    def add(action: Action) -> Action:
        _actions[kind] = action
        return action

    return add


def start(
    work: Work,
    kind: str,
    *,
    params: Mapping[str, Any],
    total: int | None = None,
    tenant_id: TenantId | None = None,
) -> OperationId:
    """Queue a long action of the actor's company (of `tenant_id` for the worker); return its id."""
    operation_id = OperationId(new_id())
    # Only these columns: a person may ask for an action, not say how far it is.
    work.session.execute(
        insert(Operation).values(
            id=operation_id,
            tenant_id=tenant_id or work.tenant_id,
            person_id=work.actor.person_id,
            kind=kind,
            total=total,
            params=dict(params),
            created_at=work.now,
        )
    )
    work.defer("kernel.run_operation", operation_id=str(operation_id))
    return operation_id


def get_operation(work: Work, operation_id: OperationId) -> Operation:
    """Return one action of the own company. Raises `NotFound`."""
    found = work.session.get(Operation, operation_id)
    if found is None:
        raise NotFound
    return found


def list_operations(work: Work, *, limit: int = 20) -> list[Operation]:
    """Return the own company's newest actions, newest first."""
    newest = select(Operation).order_by(Operation.created_at.desc()).limit(limit)
    return list(work.session.scalars(newest))


def find_latest(work: Work, kind: str) -> Operation | None:
    """Return the newest action of a kind that the actor may see, or None."""
    newest = select(Operation).where(Operation.kind == kind).order_by(Operation.created_at.desc())
    return work.session.scalars(newest.limit(1)).one_or_none()


def cancel(work: Work, operation_id: OperationId) -> None:
    """Call a waiting or running action off. Raises `NotFound`, `MoveNotAllowed`."""
    found = work.session.scalar(
        select(Operation).where(Operation.id == operation_id).with_for_update()
    )
    if found is None:
        raise NotFound
    OPERATION.require(found.state, OperationState.CANCELLED, by=Side.COMPANY)
    found.state = OperationState.CANCELLED
    found.finished_at = work.now


@task("kernel.run_operation")
def run_operation(database: Database, *, operation_id: str) -> None:
    """Run one queued action to its end and write how it ended."""
    progress = _take(database, operation_id)
    if progress is None:
        return
    try:
        with _beating(progress):
            result = _actions[progress.kind](progress)
    except Cancelled:
        return
    except PortalError as refusal:
        _finish(database, progress.id, OperationState.FAILED, error_code=refusal.code)
    except Exception:
        _finish(database, progress.id, OperationState.FAILED, error_code="internal")
        raise
    else:
        _finish(database, progress.id, OperationState.SUCCEEDED, result=dict(result or {}))


@contextmanager
def _beating(progress: Progress) -> Iterator[None]:
    """Show that the action's worker lives, also while one step of it takes long."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(BEAT_S):
            with progress.database.work(worker()) as work:
                work.session.execute(
                    update(Operation)
                    .where(Operation.id == progress.id, Operation.state == OperationState.RUNNING)
                    .values(heartbeat_at=work.now)
                )

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _take(database: Database, operation_id: str) -> Progress | None:
    with database.work(worker()) as work:
        row = work.session.scalar(
            select(Operation)
            .where(Operation.id == operation_id, Operation.state == OperationState.QUEUED)
            .with_for_update(skip_locked=True)
        )
        if row is None:
            return None
        row.state = OperationState.RUNNING
        row.started_at = row.heartbeat_at = work.now
        return Progress(database, row.id, row.kind, row.tenant_id, row.person_id, dict(row.params))


def _finish(
    database: Database,
    operation_id: OperationId,
    state: OperationState,
    *,
    error_code: str | None = None,
    result: Mapping[str, Any] | None = None,
) -> None:
    with database.work(worker()) as work:
        work.session.execute(
            update(Operation)
            .where(Operation.id == operation_id, Operation.state == OperationState.RUNNING)
            .values(
                state=state,
                error_code=error_code,
                result=result or {},
                finished_at=work.now,
                heartbeat_at=work.now,
            )
        )


@task("kernel.watch_operations", cron="* * * * * */20")
def watch_operations(database: Database) -> None:
    """Queue again what lost its worker; fail what lost three, or waited a day for one."""
    with database.work(worker()) as work:
        lost = work.session.scalars(
            select(Operation)
            .where(
                Operation.state == OperationState.RUNNING,
                Operation.heartbeat_at < work.now - LOST_AFTER,
            )
            .with_for_update(skip_locked=True)
        )
        for row in list(lost):
            if row.attempt >= ATTEMPTS:
                row.state, row.error_code, row.finished_at = _S.FAILED, "worker_lost", work.now
                continue
            row.state, row.attempt = _S.QUEUED, row.attempt + 1
            work.session.flush()  # before the job that looks for the queued row
            work.defer("kernel.run_operation", operation_id=str(row.id))
        work.session.execute(
            update(Operation)
            .where(Operation.state == _S.QUEUED, Operation.created_at < work.now - NO_WORKER_AFTER)
            .values(state=_S.FAILED, error_code="no_worker", finished_at=work.now)
        )
