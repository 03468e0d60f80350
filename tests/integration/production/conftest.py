from itertools import count

import pytest

from portal.production import derive, ingest, setup_service
from portal.production.words import SourceKind
from tests.cast import KESTREL, KONG_KUN
from tests.production_world import clear, device, make_batch

_keys = count()


@pytest.fixture(scope="module")
def gateway(work_as):
    """A source of Kestrel that sends over HTTP."""
    with work_as(KONG_KUN) as work:
        return setup_service.add_source(
            work, kind=SourceKind.HTTP, name="Gateway under test", heartbeat_s=60
        )


@pytest.fixture
def send(db, gateway):
    """`send(line, line, …)` is one batch through the door; it returns the receipt."""

    def enter(*lines, key=None, now=None, **more):
        batch = make_batch(lines, key=key or f"test/{next(_keys)}", **more)
        with db.work(device(gateway), now=now) as work:
            return ingest.accept(work, batch)

    return enter


@pytest.fixture
def derive_now(jobs_db):
    """Derive what is marked in Kestrel, and close what is settled."""
    return lambda: derive.derive_company(jobs_db, KESTREL.id)


@pytest.fixture(autouse=True)
def _nothing_left(admin):
    yield
    clear(admin)


@pytest.fixture
def rows(admin):
    """Look behind the policies."""
    return lambda sql, *values: admin.execute(sql, values).fetchall()
