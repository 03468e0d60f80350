"""Jobs of this package and what it listens to; `subscribe` is called in the composition root."""

from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from kernel.db import Database, Work, worker
from kernel.ids import TenantId
from kernel.jobs import task
from kernel.outbox import Delivery, Subscriptions
from portal.credit import recording, refreshing, upkeep
from portal.credit.events import ConsentEnded, ConsentGranted, ConsentRequested
from portal.credit.ids import ConsentId, ConsentRequestId
from portal.credit.models import Evidence, MetricValue
from portal.production.events import DayClosed, DayRevised
from tenants import queries as tenants

REST: Final = timedelta(seconds=60)
"""Figures of a company are computed at most so often while its days are being closed."""


def subscribe(subscriptions: Subscriptions) -> None:
    """Listen to closed days and to what happens to consents."""
    for kind in (DayClosed.kind, DayRevised.kind):
        subscriptions.subscribe(kind, record_day)
    subscriptions.subscribe(ConsentRequested.kind, match_request)
    subscriptions.subscribe(ConsentGranted.kind, open_consent)
    subscriptions.subscribe(ConsentEnded.kind, close_consent)


def record_day(work: Work, delivery: Delivery) -> None:
    """Write the evidence of a closed or revised day; figures follow at once when they rest."""
    day = date.fromisoformat(delivery.body["production_day"])
    written = recording.record_days(work, delivery.tenant_id, first=day, last=day)
    if written and _has_rested(work, delivery.tenant_id):
        work.defer("credit.refresh", tenant_id=str(delivery.tenant_id))


def match_request(work: Work, delivery: Delivery) -> None:
    """Find the company that a bank asks."""
    upkeep.match_request(work, ConsentRequestId(UUID(delivery.body["request_id"])))


def open_consent(work: Work, delivery: Delivery) -> None:
    """Make the documents that a consent opens, and answer the bank's request."""
    refreshing.refresh(work, delivery.tenant_id)
    upkeep.mark_granted(work, ConsentId(UUID(delivery.body["consent_id"])))


def close_consent(work: Work, delivery: Delivery) -> None:
    """Take the documents of an ended consent away."""
    upkeep.drop_documents(work, ConsentId(UUID(delivery.body["consent_id"])))


@task("credit.refresh")
def refresh(database: Database, *, tenant_id: str) -> None:
    """Compute one company's figures and its banks' documents."""
    company = TenantId(UUID(tenant_id))
    with database.work(worker(company)) as work:
        refreshing.refresh(work, company)


@task("credit.refresh_stale", cron="* * * * *")
def refresh_stale(database: Database) -> None:
    """Compute figures of every company whose evidence is newer than its figures."""
    with database.work(worker(), read_only=True) as work:
        waiting = stale_companies(work)
    # A transaction each: one company's long history does not hold the others back.
    for company in waiting:
        refresh(database, tenant_id=str(company))


@task("credit.refresh_daily", cron="10 1 * * *")
def refresh_daily(database: Database) -> None:
    """Let every profile speak of today, also where facts have stopped coming."""
    with database.work(worker(), read_only=True) as work:
        everybody = companies(work)
    for company in everybody:
        refresh(database, tenant_id=str(company))


@task("credit.move_by_clock", cron="* * * * *")
def move_by_clock(database: Database) -> None:
    """End what has lapsed or expired."""
    with database.work(worker()) as work:
        upkeep.move_by_clock(work)


def stale_companies(work: Work) -> list[TenantId]:
    """Return the companies with evidence that no figure knows yet, in order of their ids."""
    stale = []
    for company in companies(work):
        recorded_at, known_at = _newest(work, company)
        if recorded_at is not None and (known_at is None or known_at < recorded_at):
            stale.append(company)
    return stale


def companies(work: Work) -> list[TenantId]:
    """Return the companies that may have a profile."""
    return [company.id for company in tenants.list_companies(work, kinds=upkeep.LENT_TO)]


def _newest(work: Work, tenant_id: TenantId) -> tuple[datetime | None, datetime | None]:
    # Two looks at the end of an index each, however long the history is.
    recorded_at = select(func.max(Evidence.recorded_at)).where(Evidence.tenant_id == tenant_id)
    known_at = select(func.max(MetricValue.known_at)).where(MetricValue.tenant_id == tenant_id)
    return work.session.scalar(recorded_at), work.session.scalar(known_at)


def _has_rested(work: Work, tenant_id: TenantId) -> bool:
    known_at = _newest(work, tenant_id)[1]
    return known_at is None or known_at < work.now - REST
