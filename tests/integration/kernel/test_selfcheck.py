"""The start refuses a database that would not keep companies apart; each fault alone, by name."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from kernel.db import Database
from kernel.embedded import EmbeddedServer, Urls
from kernel.migrate import head, migrate
from kernel.selfcheck import UnsafeDatabase, require_safe, server_is_too_old
from tests.conftest import fresh_database, roles_to_oneself

KINDS = (
    "portal_tenant, portal_group, portal_platform, portal_bank, portal_auditor, portal_ingest,"
    " portal_authn"
)


def _dsn(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def migrated(server: EmbeddedServer) -> Iterator[Urls]:
    """A database that the start takes."""
    with fresh_database(server, None) as urls:
        with roles_to_oneself():
            migrate(urls.admin)
        yield urls


@pytest.fixture
def bend(migrated: Urls) -> Iterator[Callable[[str], None]]:
    """`bend("ALTER …")` changes the database for one test; `undo` says how it is straight again."""
    undone: list[str] = []
    with psycopg.connect(_dsn(migrated.admin), autocommit=True) as connection:

        def change(statement: str, *, undo: str) -> None:
            connection.execute(statement)  # type: ignore[call-overload]
            undone.append(undo)

        yield change
        for statement in reversed(undone):
            connection.execute(statement)  # type: ignore[call-overload]


@contextmanager
def login_with(migrated: Urls, attributes: str, *, also: str = "") -> Iterator[str]:
    """A throw-away login that may become every kind, and has `attributes`; gone afterwards."""
    name, password = f"probe_{uuid4().hex[:12]}", secrets.token_hex(16)
    with psycopg.connect(_dsn(migrated.admin), autocommit=True) as connection:
        role = sql.Identifier(name)
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN NOINHERIT {} PASSWORD {}").format(
                role, sql.SQL(attributes), sql.Literal(password)
            )
        )
        connection.execute(
            sql.SQL("GRANT {} TO {} WITH INHERIT FALSE, SET TRUE").format(
                sql.SQL(KINDS + also), role
            )
        )
        database = sql.Identifier(str(make_url(migrated.admin).database))
        connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, role))
        try:
            url = make_url(migrated.web).set(username=name, password=password)
            yield url.render_as_string(hide_password=False)
        finally:
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM {}").format(database, role))
            connection.execute(sql.SQL("DROP ROLE {}").format(role))


def faults_of(url: str, *, wanted: str | None = None, is_worker: bool = False) -> list[str]:
    """Return the names of the faults that the start would print."""
    database = Database(url, pool_size=1)
    try:
        require_safe(database, head=wanted or head(), is_worker=is_worker)
    except UnsafeDatabase as unsafe:
        return [fault.split(":")[0] for fault in unsafe.faults]
    finally:
        database.dispose()
    return []


def test_a_sound_database_is_taken(migrated: Urls) -> None:
    assert faults_of(migrated.web) == []
    assert faults_of(migrated.worker, is_worker=True) == []


def test_a_superuser_is_refused(migrated: Urls) -> None:
    # A superuser is also whatever else there is to be.
    assert "superuser" in faults_of(migrated.admin)


def test_a_superuser_is_refused_by_that_name_alone_where_it_can_be(migrated: Urls) -> None:
    with login_with(migrated, "SUPERUSER") as url:
        assert faults_of(url)[0] == "superuser"


def test_bypassing_policies_is_refused(migrated: Urls) -> None:
    with login_with(migrated, "BYPASSRLS") as url:
        assert faults_of(url) == ["bypassrls"]


def test_making_roles_is_refused(migrated: Urls) -> None:
    with login_with(migrated, "CREATEROLE") as url:
        assert faults_of(url) == ["createrole"]


def test_becoming_the_owner_is_refused(migrated: Urls) -> None:
    with login_with(migrated, "", also=", portal_owner") as url:
        assert faults_of(url) == ["owner"]


def test_the_webs_login_must_not_become_the_worker(migrated: Urls) -> None:
    with login_with(migrated, "", also=", portal_worker") as url:
        assert faults_of(url) == ["worker_role"]
        assert faults_of(url, is_worker=True) == []


@pytest.mark.parametrize(
    ("number", "too_old"),
    [(160010, True), (170005, True), (170006, False), (180000, True), (180001, False),
     (180004, False), (190000, False)],
)  # fmt: skip
def test_old_servers_are_known(number: int, too_old: bool) -> None:
    assert server_is_too_old(number) is too_old


def test_an_old_server_is_refused_by_name(migrated: Urls, monkeypatch: pytest.MonkeyPatch) -> None:
    # The real server is new: the oldest that is taken is moved beyond it.
    monkeypatch.setattr("kernel.selfcheck.OLDEST", {17: 6, 18: 99})
    assert faults_of(migrated.web) == ["old_server"]


def test_missing_migrations_are_refused(migrated: Urls) -> None:
    assert faults_of(migrated.web, wanted="9999") == ["migrations"]


def test_an_empty_database_is_refused(server: EmbeddedServer) -> None:
    with fresh_database(server, None) as urls:
        assert faults_of(urls.web) == ["migrations", "open_door"]


def test_a_table_without_forced_policies_is_refused(
    migrated: Urls, bend: Callable[..., None]
) -> None:
    bend(
        "ALTER TABLE portal.place NO FORCE ROW LEVEL SECURITY",
        undo="ALTER TABLE portal.place FORCE ROW LEVEL SECURITY",
    )
    assert faults_of(migrated.web) == ["unforced_table"]


def test_a_table_that_answers_without_a_kind_is_refused(
    migrated: Urls, bend: Callable[..., None]
) -> None:
    bend("GRANT USAGE ON SCHEMA portal TO portal_login", undo="SELECT 1")
    bend(
        "GRANT SELECT ON portal.tenant TO portal_login",
        undo="REVOKE ALL ON portal.tenant FROM portal_login;"
        " REVOKE ALL ON SCHEMA portal FROM portal_login",
    )
    assert faults_of(migrated.web) == ["open_door"]


def test_every_fault_is_named_at_once(migrated: Urls) -> None:
    with login_with(migrated, "BYPASSRLS CREATEROLE", also=", portal_worker") as url:
        assert faults_of(url) == ["bypassrls", "createrole", "worker_role"]
