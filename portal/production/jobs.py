"""What happens after the commit and by the clock: deriving, closing, watching sources."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import and_, func, or_, select, update

from kernel.db import Database, Work, worker
from kernel.ids import TenantId
from kernel.jobs import task
from portal.production import derive
from portal.production.door_queries import SHORTEST_SILENCE, SILENT_AFTER_BEATS
from portal.production.models import DataSource, Quarantine, Unit
from portal.production.words import WATCHED, RowState, SourceState

PAUSED_AFTER: Final = timedelta(days=30)
EXPIRES_AFTER: Final = timedelta(days=30)


@task("production.derive")
def derive_marked(database: Database, *, tenant_id: str) -> None:
    """Derive what a batch has marked in one company."""
    derive.derive_company(database, TenantId(UUID(tenant_id)))


@task("production.derive_waiting", cron="* * * * * */15")
def derive_waiting(database: Database) -> None:
    """Take up marks whose job was lost, company by company in turns."""
    derive.derive_all(database)


@task("production.keep_days", cron="*/5 * * * *")
def keep_days(database: Database) -> None:
    """Let silence grow on today's boards, fill days left out, close what is settled."""
    for tenant_id in _companies(database):
        with database.work(worker(tenant_id)) as work:
            derive.keep_days(work, tenant_id)
        derive.derive_company(database, tenant_id)


def _companies(database: Database) -> list[TenantId]:
    with database.work(worker(), read_only=True) as work:
        found = work.session.scalars(select(Unit.tenant_id).distinct().order_by(Unit.tenant_id))
        return list(found)


@task("production.watch_doors", cron="* * * * *")
def watch_doors(database: Database) -> None:
    """Call sources silent or paused, and let quarantined lines expire."""
    with database.work(worker()) as work:
        _silence_sources(work)
        _pause_sources(work)
        work.session.execute(
            update(Quarantine)
            .where(
                Quarantine.state == RowState.OPEN,
                Quarantine.recorded_at < work.now - EXPIRES_AFTER,
            )
            .values(state=RowState.EXPIRED, resolved_at=work.now)
            .execution_options(synchronize_session=False)
        )


def _silence_sources(work: Work) -> None:
    beat = func.make_interval(0, 0, 0, 0, 0, 0, SILENT_AFTER_BEATS * DataSource.heartbeat_s)
    work.session.execute(
        update(DataSource)
        .where(
            DataSource.state == SourceState.LIVE,
            DataSource.kind.in_(WATCHED),
            DataSource.last_seen_at < work.now - func.greatest(beat, SHORTEST_SILENCE),
        )
        .values(state=SourceState.SILENT)
        .execution_options(synchronize_session=False)
    )


def _pause_sources(work: Work) -> None:
    never = and_(
        DataSource.state == SourceState.AWAITING_FIRST,
        or_(
            DataSource.last_seen_at.is_(None),
            DataSource.last_seen_at < work.now - PAUSED_AFTER,
        ),
        DataSource.created_at < work.now - PAUSED_AFTER,
        DataSource.kind.in_(WATCHED),
    )
    work.session.execute(
        update(DataSource)
        .where(never)
        .values(state=SourceState.PAUSED)
        .execution_options(synchronize_session=False)
    )
