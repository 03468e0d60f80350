"""Work by the clock: what sign-in leaves behind and no rule needs any more."""

from typing import Any

from kernel.actor import WORKER
from kernel.db import Database
from kernel.jobs import task
from tenants import sessions


@task("tenants.drop_expired", cron="17 3 * * *")
def drop_expired(database: Database, **_ids: Any) -> None:
    """Delete sessions ended long ago and counters of attempts whose window is over."""
    with database.work(WORKER) as work:
        sessions.drop_expired(work, now=work.now)
