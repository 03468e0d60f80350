"""Whether the portal is alive, and whether it can work: one word each, no reason to strangers."""

from datetime import timedelta
from functools import cache
from typing import Final

from sqlalchemy import text

from kernel import migrate
from kernel.db import Work

WORKER_SILENT_AFTER: Final = timedelta(seconds=60)


def is_ready(work: Work) -> bool:
    """Say whether the database has this release's newest revision and a worker is at work.

    `work` is one of the actor kind authn. Fails as the database does when it is away.
    """
    revision = work.session.scalar(text("SELECT version_num FROM alembic_version"))
    beat_at = work.session.scalar(text("SELECT max(beat_at) FROM worker_beat"))
    if revision != _head() or beat_at is None:
        return False
    return bool(work.now - beat_at <= WORKER_SILENT_AFTER)


@cache
def _head() -> str:
    return migrate.head()
