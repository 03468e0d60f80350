"""Bring a database to the newest revision: roles first, then Alembic, through the admin address."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, make_url, text
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
