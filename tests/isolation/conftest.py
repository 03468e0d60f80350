"""A migrated database with the rows of the isolation suite; committed, as a read before is."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import make_url

from kernel.embedded import EmbeddedServer, Urls
from kernel.migrate import migrate
from tests.conftest import fresh_database, roles_to_oneself
from tests.isolation import leaks, plans, rows


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here: `make check` leaves it out."""
    for item in items:
        if "isolation" in item.path.parts:
            item.add_marker(pytest.mark.isolation)


def dsn(url: str) -> str:
    """Return an address as psycopg reads it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def world_urls(server: EmbeddedServer) -> Iterator[Urls]:
    """Addresses of the database with the rows of `plans.py`."""
    with fresh_database(server, None) as urls:
        with roles_to_oneself():
            migrate(urls.admin)
        with psycopg.connect(dsn(urls.admin)) as connection:
            leaks.prepare(connection)
            rows.fill(connection, plans.PLANS)
        yield urls


@pytest.fixture
def world_admin(world_urls: Urls) -> Iterator[psycopg.Connection]:
    """A superuser's transaction that is rolled back: what a test bends is straight again."""
    with psycopg.connect(dsn(world_urls.admin)) as connection:
        yield connection
        connection.rollback()
