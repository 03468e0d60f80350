"""The portal as the browser meets it: the demo's companies with days of history, web and worker.

The history is filled once a run, whoever of xdist's workers comes first; each worker then has a
database of its own, cloned from that one, and its own web server and job worker: what one test
file grants or withdraws is not there for another.
"""

import fcntl
import http.client
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from kernel.db import Database
from kernel.embedded import EmbeddedServer, Urls
from kernel.migrate import migrate
from kernel.processes import Child
from tests.cast import KESTREL

ROOT: Final = Path(__file__).parents[2]
DAYS: Final = 8
OF_ONE_DAYS: Final = 32  # of Kestrel: its credit figures want four weeks
_FILLED: Final = "browser_demo"
_START_S: Final = 60.0
_HISTORY_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class DemoPortal:
    """A running portal: where it answers, and its database for those who look behind it."""

    address: str
    urls: Urls
    folder: Path

    @property
    def host(self) -> str:
        """Host and port, as a browser sends them."""
        return self.address.removeprefix("http://")

    def admin(self) -> psycopg.Connection:
        """Return a superuser's connection, for asserting alone."""
        return psycopg.connect(_dsn(self.urls.admin), autocommit=True)


@contextmanager
def running_portal(server: EmbeddedServer, folder: Path, *, common: Path) -> Iterator[DemoPortal]:
    """Serve a fresh copy of the demo; web, worker and database are gone at the end.

    `folder` takes logs and lock files; in `common` all workers of a run find the same lock.
    """
    template = _filled_database(server, common, folder)
    name = f"browser_{uuid4().hex}"
    with psycopg.connect(_dsn(server.urls("postgres").admin), autocommit=True) as connection:
        connection.execute(_make_database(name, template))
    urls = server.urls(name)
    migrate(urls.admin)  # rights on a database are not copied with it
    environ = _environ(urls, folder)
    children = [_child("worker", environ, folder), _child("web", environ, folder)]
    try:
        for child in children:
            child.start()
        portal = DemoPortal(f"http://{environ['GONGYUN_BIND']}", urls, folder)
        wait_until(lambda: _answers(portal), _START_S, "the web server answers", children)
        yield portal
    finally:
        for child in children:
            child.ask_to_stop()
        for child in children:
            child.stop()
        with psycopg.connect(_dsn(server.urls("postgres").admin), autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )


def wait_until(
    done: Callable[[], object], seconds: float, what: str, children: list[Child] | None = None
) -> None:
    """Wait for `done`. Raises when a child falls or the time is over."""
    deadline = time.monotonic() + seconds
    while not done():
        for child in children or ():
            if child.has_fallen():
                raise child.fall()
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.2)


def free_port() -> int:
    """Return a port of this machine on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _filled_database(server: EmbeddedServer, common: Path, folder: Path) -> str:
    done = common / "browser-demo"
    with (common / "browser-demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            with psycopg.connect(_dsn(server.urls("postgres").admin), autocommit=True) as admin:
                admin.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(_FILLED)))
                admin.execute(_make_database(_FILLED, "template0"))
            _fill(server.urls(_FILLED), folder)
            done.touch()
    return _FILLED


def _fill(urls: Urls, folder: Path) -> None:
    from portal.demo import acts, history
    from portal.demo.load import load_cast

    migrate(urls.admin)
    load_cast(urls.admin)
    database = Database(urls.worker, pool_size=2)
    history.begin(database, days=DAYS)
    acts.give_consent(database)
    child = _child("worker", _environ(urls, folder), folder)
    child.start()
    try:
        wait_until(lambda: _history_ended(urls), _HISTORY_S, "the history is filled in", [child])
        _go_further_back(database, urls)
        _set_something_aside(database)
        wait_until(lambda: _is_idle(urls), _HISTORY_S, "the worker has nothing to do", [child])
    finally:
        child.stop()
        database.dispose()


def _go_further_back(database: Database, urls: Urls) -> None:
    from portal.demo import history

    with psycopg.connect(_dsn(urls.admin)) as connection:
        (told,) = connection.execute(
            "SELECT params ->> 'until' FROM portal.operation WHERE kind = 'demo.history'"
        ).fetchone() or ("",)
    until = datetime.fromisoformat(told)  # the machines' stories end there, in every span
    first, last = (until - timedelta(days=days) for days in (OF_ONE_DAYS, DAYS))
    of_one = [feed for feed in history.feeds() if feed.company is KESTREL]
    history.send_span(database, of_one, first, last, story_ends_at=until)


def _set_something_aside(database: Database) -> None:
    # The demo's machines make no mistakes; a page about mistakes wants one.
    from portal.demo import history
    from portal.production import ingest
    from portal.production.lines import read_body

    body = b'{"k":"count","unit":"L9-99","at":"2026-01-05T08:00:00+08:00","kind":"good","qty":3}'
    lines, _ = read_body(body)
    feed = next(feed for feed in history.feeds() if feed.company is KESTREL)
    with database.work(feed.actor()) as work:
        batch = ingest.Batch(key="planted", body_sha256=sha256(body).digest(), lines=lines)
        assert ingest.accept(work, batch).quarantined


def _history_ended(urls: Urls) -> bool:
    with psycopg.connect(_dsn(urls.admin)) as connection:
        found = connection.execute(
            "SELECT state, error_code FROM portal.operation WHERE kind = 'demo.history'"
        ).fetchall()
    states = {state for state, _ in found}
    assert not states & {"failed", "cancelled"}, found
    return states == {"succeeded"}


def _is_idle(urls: Urls) -> bool:
    with psycopg.connect(_dsn(urls.admin)) as connection:
        found = connection.execute(
            "SELECT FROM jobs.procrastinate_jobs"
            " WHERE status = 'doing' OR (status = 'todo' AND coalesce(scheduled_at <= now(), true))"
        )
        return found.rowcount == 0


def _environ(urls: Urls, folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GONGYUN_")}
    return kept | {
        "DATABASE_URL": urls.web,
        "WORKER_DATABASE_URL": urls.worker,
        "GONGYUN_SECRET_KEY": secrets.token_urlsafe(48),
        "GONGYUN_DEMO": "on",
        "GONGYUN_VAR": str(folder),
        "GONGYUN_BIND": f"127.0.0.1:{free_port()}",
        "GONGYUN_WEB_PROCESSES": "1",
        "GONGYUN_LOG_LEVEL": "WARNING",
    }


def _child(name: str, environ: dict[str, str], folder: Path) -> Child:
    argv = [sys.executable, str(ROOT / "app.py"), name]
    unneeded = "WORKER_DATABASE_URL" if name == "web" else "DATABASE_URL"
    mine = {key: value for key, value in environ.items() if key != unneeded}
    return Child(name=name, argv=argv, environ=mine, log=folder / f"{name}.log")


def _answers(portal: DemoPortal) -> bool:
    connection = http.client.HTTPConnection(portal.host, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def _make_database(name: str, template: str) -> sql.Composed:
    return sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
        sql.Identifier(name), sql.Identifier(template)
    )


def _dsn(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
