"""Delivery of the outbox: one event, all its subscribers, one transaction of the worker."""

from sqlalchemy import text

from kernel.db import Database, worker
from kernel.ids import TenantId
from kernel.jobs import task
from kernel.outbox import Delivery, Subscriptions

subscriptions = Subscriptions()


@task("kernel.deliver")
def deliver(database: Database, *, outbox_id: str) -> None:
    """Hand one event to its subscribers; a delivered one is left alone."""
    with database.work(worker()) as work:
        row = work.session.execute(
            text(
                "SELECT tenant_id, kind, body FROM outbox"
                " WHERE id = :id AND delivered_at IS NULL FOR UPDATE SKIP LOCKED"
            ),
            {"id": outbox_id},
        ).one_or_none()
        if row is None:
            return
        for subscriber in subscriptions.of(row.kind):
            subscriber(work, Delivery(row.kind, TenantId(row.tenant_id), row.body))
        work.session.execute(
            text("UPDATE outbox SET delivered_at = :now WHERE id = :id"),
            {"id": outbox_id, "now": work.now},
        )


@task("kernel.drop_delivered", cron="17 3 * * *")
def drop_delivered(database: Database) -> None:
    """Forget events that were delivered more than 30 days ago."""
    with database.work(worker()) as work:
        work.session.execute(
            text("DELETE FROM outbox WHERE delivered_at < :now - interval '30 days'"),
            {"now": work.now},
        )
