"""What the start refuses: a database that would not keep companies apart. Each fault has a name."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from kernel.db import Database

OLDEST: Final = {17: 6, 18: 1}
"""Oldest minor version taken of each major one (CVE-2025-8713); newer majors are taken."""

OPEN_TABLES: Final = frozenset({"alembic_version"})
"""Tables of the schema that hold no rows of any company."""

LACKING_PRIVILEGE: Final = "42501"


class UnsafeDatabase(Exception):
    """The database does not isolate companies; `faults` names each reason."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def require_safe(database: Database, *, head: str, is_worker: bool = False) -> None:
    """Raise `UnsafeDatabase` naming every fault of the login, the server and the schema."""
    with database.engine.connect() as connection:
        faults = [
            *_login(connection),
            *_server(connection),
            *_revision(connection, head),
            *_tables(connection),
            *_open_door(connection),
            *([] if is_worker else _worker_within_reach(connection)),
        ]
        connection.rollback()
    if faults:
        raise UnsafeDatabase(faults)


def _login(connection: Connection) -> Iterator[str]:
    row = connection.execute(
        text(
            "SELECT rolsuper, rolbypassrls, rolcreaterole,"
            " pg_has_role(current_user, 'portal_owner', 'MEMBER') AS owner"
            " FROM pg_roles WHERE rolname = current_user"
        )
    ).one()
    if row.rolsuper:
        yield "superuser: the login is a superuser"
    if row.rolbypassrls:
        yield "bypassrls: the login bypasses row-level security"
    if row.rolcreaterole:
        yield "createrole: the login may make roles"
    if row.owner:
        yield "owner: the login may become the owner of the tables"


def server_is_too_old(version_num: int) -> bool:
    """Say whether `server_version_num` (180004 is 18.4) is older than the oldest that is safe."""
    major, minor = divmod(version_num, 10_000)
    return major < min(OLDEST) or minor < OLDEST.get(major, 0)


def _server(connection: Connection) -> Iterator[str]:
    number = int(connection.scalar(text("SELECT current_setting('server_version_num')")) or 0)
    if server_is_too_old(number):
        yield f"old_server: {number} is older than 17.6 or 18.1"


def _revision(connection: Connection, head: str) -> Iterator[str]:
    try:
        with connection.begin_nested():
            connection.execute(text("SET LOCAL ROLE portal_authn"))
            found = connection.scalar(text("SELECT version_num FROM portal.alembic_version"))
            connection.execute(text("SET LOCAL ROLE NONE"))  # a released savepoint keeps the role
    except DBAPIError:
        found = None
    if found != head:
        yield f"migrations: at {found or 'none'}, the code needs {head}; run `app.py migrate`"


def _tables(connection: Connection) -> Iterator[str]:
    rows = connection.scalars(
        text(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'portal' AND c.relkind IN ('r', 'p')"
            " AND NOT (c.relrowsecurity AND c.relforcerowsecurity) ORDER BY 1"
        )
    )
    for name in rows:
        if name not in OPEN_TABLES:
            yield f"unforced_table: {name} has no forced row-level security"


def _open_door(connection: Connection) -> Iterator[str]:
    try:
        with connection.begin_nested():
            connection.execute(text("SELECT FROM portal.tenant"))
    except DBAPIError as refused:
        if getattr(refused.orig, "sqlstate", None) == LACKING_PRIVILEGE:
            return
    yield "open_door: portal.tenant answers without a role"


def _worker_within_reach(connection: Connection) -> Iterator[str]:
    try:
        with connection.begin_nested():
            connection.execute(text("SET LOCAL ROLE portal_worker"))
    except DBAPIError:
        return
    yield "worker_role: the web's login may become the worker"
