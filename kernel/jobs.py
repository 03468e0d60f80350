"""Jobs: what happens after the commit, on procrastinate (3.10) over the same PostgreSQL.

A job exists if and only if the change that asked for it does (`Work.defer`). Arguments are ids
only. Every job must bear being run twice: a killed worker's jobs are taken up by the next one.
procrastinate's `lock` is not used: what waits for a lock is found only by its 5 s poll.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy
from sqlalchemy import make_url, text

from kernel import clock
from kernel.actor import WORKER
from kernel.db import Database

QUEUE: Final = "portal"
BEAT_S: Final = 15
STALLED_S: Final = 60
log = structlog.get_logger(__name__)

Job = Callable[..., None]


@dataclass(frozen=True, slots=True)
class _Known:
    run: Job
    cron: str | None


_known: dict[str, _Known] = {}


def task(name: str, *, cron: str | None = None) -> Callable[[Job], Job]:
    """Make `run(database, **ids)` the job `name`; with `cron` also by the clock."""

    def add(run: Job) -> Job:
        _known[name] = _Known(run, cron)
        return run

    return add


def run_now(name: str, database: Database, **ids: Any) -> None:
    """Run a job here and now: the command line and tests, where no worker is up."""
    _known[name].run(database, **ids)


def build(worker_url: str, database: Database) -> App:
    """Return the procrastinate app with every known job bound to `database`."""
    url = make_url(worker_url).set(drivername="postgresql").render_as_string(hide_password=False)
    app = App(connector=PsycopgConnector(conninfo=url, min_size=1, max_size=6))
    for name, known in _known.items():
        bound = app.task(
            name=name,
            queue=QUEUE,
            pass_context=True,
            retry=RetryStrategy(max_attempts=5, exponential_wait=3),
        )(_bind(name, known, database))
        if known.cron:
            app.periodic(cron=known.cron)(bound)
    app.periodic(cron="* * * * * */30")(
        app.task(name="kernel.take_up_stalled", queue=QUEUE, pass_context=True)(_take_up_stalled)
    )
    return app


def _bind(name: str, known: _Known, database: Database) -> Callable[..., None]:
    def run(context: JobContext, timestamp: int | None = None, **ids: Any) -> None:
        ids.pop("asked_by", None)  # written by the database, for the record
        with structlog.contextvars.bound_contextvars(job=name):
            try:
                known.run(database, **ids)
            except Exception:
                log.error("job failed", exc_info=True)
                raise

    return run


async def _take_up_stalled(context: JobContext, /, timestamp: int, **_: Any) -> None:
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_S):
        await manager.retry_job(job)


def run_worker(worker_url: str, database: Database, *, name: str, concurrency: int = 4) -> None:
    """Work until told to stop (SIGTERM, SIGINT); the running jobs are given 20 s to end."""
    stop = threading.Event()
    beat = threading.Thread(target=_beat, args=(database, name, stop), daemon=True)
    beat.start()
    try:
        build(worker_url, database).run_worker(
            queues=[QUEUE],
            name=name,
            concurrency=concurrency,
            delete_jobs="successful",
            shutdown_graceful_timeout=20,
            fetch_job_polling_interval=5,
        )
    finally:
        stop.set()


def _beat(database: Database, name: str, stop: threading.Event) -> None:
    # `/readyz` and `doctor` read it: the web's login has no right to see the queue itself.
    while not stop.is_set():
        try:
            with database.work(WORKER) as work:
                work.session.execute(
                    text(
                        "INSERT INTO worker_beat (worker, beat_at) VALUES (:name, :now)"
                        " ON CONFLICT (worker) DO UPDATE SET beat_at = excluded.beat_at"
                    ),
                    {"name": name, "now": clock.now()},
                )
        except Exception:
            log.warning("no beat", exc_info=True)
        stop.wait(BEAT_S)
