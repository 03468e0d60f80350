"""Bring a database to the newest revision: roles first, then Alembic, through the admin address."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

MIGRATIONS: Final = Path(__file__).parents[1] / "migrations"
_ONE_AT_A_TIME: Final = text("SELECT pg_advisory_xact_lock(4711, 0)")


def head() -> str:
    """Return the newest revision that this code knows."""
    newest = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    if newest is None:
        raise RuntimeError("migrations/versions holds no revision")
    return newest


def migrate(admin_url: str) -> None:
    """Make the roles and run every missing revision; running it twice changes nothing."""
    engine = create_engine(make_url(admin_url), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(_ONE_AT_A_TIME)
        # Through the driver: SQLAlchemy's text() would take the colons of casts for parameters.
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute((MIGRATIONS / "roles.sql").read_bytes())
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def as_owner(admin_url: str) -> Iterator[Session]:
    """Open one transaction as the owner of the tables, with forced row-level security lifted in it.

    For loading an empty database and for data revisions. The locks that lifting takes keep every
    other session out until the commit, so nobody ever sees a table without its force.
    """
    engine = create_engine(make_url(admin_url), poolclass=NullPool)
    with Session(engine) as session, session.begin():
        session.execute(text("SET LOCAL ROLE portal_owner"))
        session.execute(text("SET LOCAL search_path = portal, ctx, jobs"))
        tables = session.scalars(
            text(
                "SELECT c.oid::regclass::text FROM pg_class c"
                " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'portal'"
                " AND c.relkind IN ('r', 'p') AND c.relforcerowsecurity ORDER BY 1"
            )
        ).all()
        for table in tables:
            session.execute(text(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"))
        yield session
        session.flush()
        for table in tables:
            session.execute(text(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"))
