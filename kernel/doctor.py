"""What an operator asks first when something is wrong: one line a check, with the remedy."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from kernel.actor import AUTHN
from kernel.db import Database
from kernel.selfcheck import UnsafeDatabase, require_safe
from kernel.settings import Need, Settings

WORKER_SILENT_AFTER: Final = timedelta(seconds=60)
LEAST_FREE_BYTES: Final = 1_000_000_000


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was looked at, how it came out, what was found or what to do."""

    check: str
    verdict: Verdict
    text: str


def examine(settings: Settings, *, head: str) -> list[Finding]:
    """Look at disk, database and worker; the settings must name a running database."""
    database = Database(settings.secret(Need.WEB), pool_size=1, application_name="gongyun-doctor")
    try:
        return [_disk(settings), *_database(database, head)]
    finally:
        database.dispose()


def _disk(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.var if settings.var.exists() else ".").free
    verdict = Verdict.OK if free >= LEAST_FREE_BYTES else Verdict.WARN
    return Finding("disk", verdict, f"{free / 1e9:.1f} GB free in {settings.var.absolute()}")


def _database(database: Database, head: str) -> Iterator[Finding]:
    try:
        with database.engine.connect() as connection:
            version = connection.scalar(text("SHOW server_version"))
            login = connection.scalar(text("SELECT current_user"))
            connection.rollback()
    except OperationalError as error:
        yield Finding("database", Verdict.FAIL, f"does not answer: {error.orig}")
        return
    yield Finding("database", Verdict.OK, f"PostgreSQL {version}, login {login}")
    try:
        require_safe(database, head=head)
    except UnsafeDatabase as unsafe:
        for fault in unsafe.faults:
            yield Finding("isolation", Verdict.FAIL, fault)
        return
    yield Finding("isolation", Verdict.OK, f"row-level security in force, revision {head}")
    yield _worker(database)


def _worker(database: Database) -> Finding:
    with database.work(AUTHN, read_only=True) as work:
        last = work.session.scalar(text("SELECT max(beat_at) FROM worker_beat"))
        silent = None if last is None else work.now - last
    if silent is None or silent > WORKER_SILENT_AFTER:
        seen = "never seen" if silent is None else f"silent for {silent.total_seconds():.0f} s"
        return Finding("worker", Verdict.WARN, f"{seen}; start it with `app.py worker`")
    return Finding("worker", Verdict.OK, f"last beat {silent.total_seconds():.0f} s ago")
