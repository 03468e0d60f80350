from itertools import count

import pytest

from portal.production import derive, ingest, setup_service
from portal.production.words import SourceKind
from tests.cast import KESTREL, KONG_KUN
from tests.production_world import clear, device, make_batch

_keys = count()


@pytest.fixture(scope="module")
def gateway(work_as):
    with work_as(KONG_KUN) as work:
        return setup_service.add_source(
            work, kind=SourceKind.HTTP, name="Gateway under test", heartbeat_s=60
        )


@pytest.fixture
def send(db, gateway):
    def enter(*lines):
        with db.work(device(gateway)) as work:
            return ingest.accept(work, make_batch(lines, key=f"test/{next(_keys)}"))

    return enter


@pytest.fixture
def derive_now(jobs_db):
    return lambda: derive.derive_company(jobs_db, KESTREL.id)


@pytest.fixture(autouse=True)
def _nothing_left(admin):
    yield
    clear(admin)


@pytest.fixture
def rows(admin):
    return lambda sql, *values: admin.execute(sql, values).fetchall()
