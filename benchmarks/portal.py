"""The portal as its users meet it: gunicorn in a process of its own, on a benchmark's database."""

import http.client
import os
import re
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Final
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

import psycopg
from sqlalchemy import make_url

from benchmarks.cpu import parent_of
from kernel.actor import AUTHN
from kernel.db import Database, Work
from kernel.embedded import Urls
from kernel.processes import Child
from portal.demo.cast import Person
from tenants.identity import actor_of

_PROGRAM: Final = Path(__file__).parents[1] / "app.py"
_START_S: Final = 60.0
_ANSWER_S: Final = 60.0
_TOKEN: Final = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Web:
    """A running web server: host and port, and the process that leads the others."""

    host: str
    pid: int


@contextmanager
def web_server(urls: Urls, folder: Path) -> Iterator[Web]:
    """Serve with one process of the usual eight threads; `folder` takes log and lock files."""
    host = f"127.0.0.1:{_free_port()}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GONGYUN_")}
    environ = kept | {
        "DATABASE_URL": urls.web,
        "WORKER_DATABASE_URL": urls.worker,
        "GONGYUN_SECRET_KEY": secrets.token_urlsafe(48),
        "GONGYUN_DEMO": "on",
        "GONGYUN_VAR": str(folder),
        "GONGYUN_BIND": host,
        "GONGYUN_WEB_PROCESSES": "1",
        "GONGYUN_LOG_LEVEL": "WARNING",
    }
    argv = [sys.executable, str(_PROGRAM), "web"]
    child = Child(name="web", argv=argv, environ=environ, log=folder / "web.log")
    child.start()
    try:
        _wait_until_it_answers(child, host)
        assert child.process is not None
        yield Web(host, child.process.pid)
    finally:
        child.stop()


class Visitor:
    """Somebody of the cast at her browser: she has come in by one click, as the demo offers."""

    def __init__(self, web: Web, person: Person) -> None:
        self._root = f"http://{web.host}"
        self._opener: OpenerDirector = build_opener(HTTPCookieProcessor(CookieJar()))
        page = self._send(Request(f"{self._root}/sign-in")).decode()
        token = _TOKEN.search(page)
        assert token is not None
        form = urlencode({"csrf_token": token[1], "login_name": person.login_name}).encode()
        self._send(Request(f"{self._root}/sign-in/demo", data=form))

    def read(self, path: str) -> bytes:
        """Return a page as it comes over the wire, packed as for any browser."""
        return self._send(Request(self._root + path, headers={"Accept-Encoding": "gzip, br"}))

    def _send(self, request: Request) -> bytes:
        with self._opener.open(request, timeout=_ANSWER_S) as answer:
            # A refused session leads to the door, which answers 200, too.
            if answer.status != http.HTTPStatus.OK or "/sign-in?" in answer.url:
                raise RuntimeError(f"{request.full_url} answers {answer.status} at {answer.url}")
            return bytes(answer.read())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(child: Child, host: str) -> None:
    deadline = time.monotonic() + _START_S
    while not _answers(host):
        if child.has_fallen() or time.monotonic() > deadline:
            raise child.fall()
        time.sleep(0.1)


def _answers(host: str) -> bool:
    connection = http.client.HTTPConnection(host, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


@contextmanager
def work_of(database: Database, person: Person) -> Iterator[Work]:
    """Open one transaction of a person of the cast in her first company."""
    company = person.seats[0].company
    with database.work(AUTHN) as authn:
        actor = actor_of(authn, person_id=person.id, tenant_id=company.id)
    with database.work(actor) as work:
        yield work


def superuser(urls: Urls) -> psycopg.Connection:
    """Return a connection that no policy holds back: for arranging and for baselines alone."""
    dsn = make_url(urls.admin).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg.connect(dsn, autocommit=True)
    connection.execute("SET search_path = portal, ctx, jobs")
    return connection


def server_pid(connection: psycopg.Connection) -> int:
    """Return the first process of the server behind `connection`, which forks all others."""
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return parent_of(row[0])
