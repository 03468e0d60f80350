"""One real PostgreSQL for the whole run; for each module a database, cloned from a migrated one.

Nothing is mocked: the rows are written through the roles that the portal runs under.
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import make_url

os.environ["TZ"] = "Asia/Kolkata"  # a naive local time shows as half an hour too much
time.tzset()

from kernel import clock  # noqa: E402
from kernel.actor import Kind  # noqa: E402
from kernel.db import Database, Work  # noqa: E402
from kernel.embedded import EmbeddedServer, Urls  # noqa: E402
from kernel.migrate import migrate  # noqa: E402
from tenants import passwords  # noqa: E402
from tests.cast import Person  # noqa: E402

NOW = datetime(2026, 11, 24, 0, 5, tzinfo=UTC)  # Tuesday, 08:05 in Shanghai


_REAL_HASHER = passwords._HASHER
SERVER = "TEST_SERVER_FOLDER"  # the folder of this run's server, told to xdist's workers


def pytest_configure(config: pytest.Config) -> None:
    """Start one PostgreSQL for the run, in the process that outlives all workers."""
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    folder = Path(tempfile.mkdtemp(prefix="gongyun-test-"))
    folder.chmod(0o755)  # as root the server runs as `nobody`, who must be able to enter
    os.environ[SERVER] = str(folder)
    config.stash[_SERVER] = server = EmbeddedServer(folder, fast=True)
    server.start()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop it and remove its folder."""
    server = config.stash.get(_SERVER, None)
    if server is not None:
        server.stop()
        shutil.rmtree(os.environ[SERVER], ignore_errors=True)


_SERVER = pytest.StashKey[EmbeddedServer]()


@pytest.fixture(scope="session")
def server() -> EmbeddedServer:
    """The PostgreSQL of this run."""
    return EmbeddedServer(Path(os.environ[SERVER]), fast=True)


@pytest.fixture
def real_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute hashes at their full cost, as the portal does."""
    monkeypatch.setattr(passwords, "_HASHER", _REAL_HASHER)


@contextmanager
def fresh_database(server: EmbeddedServer, template: str | None) -> Iterator[Urls]:
    """Make a database, from `template` if given; drop it at the end."""
    name = f"t_{uuid4().hex}"
    admin = make_url(server.urls("postgres").admin).set(drivername="postgresql")
    dsn = admin.render_as_string(hide_password=False)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE {name}"
            + (f" TEMPLATE {template} STRATEGY file_copy" if template else "")
        )
    try:
        yield server.urls(name)
    finally:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def roles_to_oneself() -> Iterator[None]:
    """Keep other workers of this run from changing roles: those belong to the whole server.

    Advisory locks will not do: each database has its own.
    """
    with (Path(os.environ[SERVER]) / "roles.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def template(server: EmbeddedServer) -> Iterator[str]:
    """A database with every migration and the cast, to be cloned."""
    from portal.demo.load import load_cast

    # Still argon2id, but a thousand sign-ins would take minutes; `real_hashes` undoes it.
    passwords._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with fresh_database(server, None) as urls:
        with roles_to_oneself():
            migrate(urls.admin)
        load_cast(urls.admin, now=NOW)
        _grant_connect(urls)
        yield str(make_url(urls.admin).database)


def _grant_connect(urls: Urls) -> None:
    # Rights on a database are not cloned with it; a template must have no connection when cloned.
    dsn = make_url(urls.admin).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CHECKPOINT")


@pytest.fixture(scope="module")
def urls(server: EmbeddedServer, template: str) -> Iterator[Urls]:
    """Addresses of this module's own database."""
    with fresh_database(server, template) as made:
        dsn = (
            make_url(made.admin).set(drivername="postgresql").render_as_string(hide_password=False)
        )
        with psycopg.connect(dsn, autocommit=True) as connection:
            name = make_url(made.admin).database
            connection.execute(f"GRANT TEMPORARY ON DATABASE {name} TO portal_ingest")
        yield made


@pytest.fixture(scope="module")
def db(urls: Urls) -> Iterator[Database]:
    """The way in of the web: login portal_login."""
    database = Database(urls.web, pool_size=4)
    yield database
    database.dispose()


@pytest.fixture(scope="module")
def jobs_db(urls: Urls) -> Iterator[Database]:
    """The way in of the worker: login portal_jobs."""
    database = Database(urls.worker, pool_size=4)
    yield database
    database.dispose()


@pytest.fixture(scope="module")
def admin(urls: Urls) -> Iterator[psycopg.Connection]:
    """A superuser's connection that looks behind the policies; for asserting and arranging only."""
    dsn = make_url(urls.admin).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET search_path = portal, ctx, jobs")
        yield connection


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    clock.freeze(NOW)
    yield
    clock.thaw()


WorkAs = Callable[..., AbstractContextManager[Work]]


@pytest.fixture(scope="module")
def work_as(db: Database) -> WorkAs:
    """`with work_as(KE_LAN) as work:` is one transaction of a person of the cast."""
    from tenants.identity import actor_of

    def work(person: Person, *, kind: Kind | None = None, company: object = None,
             read_only: bool = False) -> AbstractContextManager[Work]:  # fmt: skip
        seat = next(s for s in person.seats if company is None or s.company is company)
        with db.work(_authn()) as authn:
            actor = actor_of(authn, person_id=person.id, tenant_id=seat.company.id, kind=kind)
        return db.work(actor, read_only=read_only)

    return work


def _authn():  # type: ignore[no-untyped-def]
    from kernel.actor import AUTHN

    return AUTHN


@pytest.fixture(scope="module")
def app(urls: Urls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The whole portal on this module's database."""
    from app import create_app
    from kernel.settings import Settings

    # A folder of its own: hashing takes turns on a machine, and would wait for other test runs.
    var = {"var": tmp_path_factory.mktemp("var")}
    settings = Settings.for_tests(urls).model_copy(update=var)
    made = create_app(settings)
    made.testing = True
    yield made
    made.extensions["portal"].database.dispose()


@pytest.fixture
def sign_in(app: Flask) -> Callable[[Person], FlaskClient]:
    """`sign_in(KE_LAN)` is a browser in which that person has signed in."""
    from tests.browsers import signed_in_client

    def enter(person: Person, **seat: object) -> FlaskClient:
        return signed_in_client(app, person, **seat)

    return enter
