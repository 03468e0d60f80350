"""T5: one connection, handed from A to B: nothing of A stays on it, however A ended."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text

from kernel.actor import Actor, Kind
from kernel.db import SETTINGS, Database, Work, worker
from kernel.embedded import Urls
from kernel.errors import NoActor
from kernel.ids import PersonId, TenantId, ViewId
from kernel.jobs import run_now, task
from tests.isolation import world
from tests.isolation.world import A, B

OF_A = Actor(Kind.TENANT, TenantId(A.id), PersonId(A.person()))
OF_B = Actor(Kind.TENANT, TenantId(B.id), PersonId(B.person()))


class Broken(Exception):
    """What goes wrong in the middle of A's work."""


@pytest.fixture(params=["web", "worker"])
def single(world_urls: Urls, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A pool that never holds more than one connection."""
    database = Database(getattr(world_urls, request.param), pool_size=1)
    database.engine.pool._max_overflow = 0  # a second connection would hide everything
    yield database
    database.dispose()


def _places(work: Work) -> list[str]:
    return list(work.session.scalars(text("SELECT DISTINCT tenant_id::text FROM place")))


def _see_own(work: Work) -> None:
    assert _places(work) == [str(A.id)]


def commit(database: Database) -> None:
    with database.work(OF_A) as work:
        _see_own(work)


def roll_back(database: Database) -> None:
    with pytest.raises(Broken), database.work(OF_A) as work:
        _see_own(work)
        raise Broken


def fail_in_the_database(database: Database) -> None:
    with pytest.raises(Exception, match="division by zero"), database.work(OF_A) as work:
        _see_own(work)
        work.session.execute(text("SELECT 1 / 0"))


def leave_a_stream_half_read(database: Database) -> None:
    with pytest.raises(Broken), database.work(OF_A) as work:
        stream = work.session.execute(
            text("SELECT p.id, n FROM place p, generate_series(1, 100000) n"),
            execution_options={"stream_results": True, "yield_per": 10},
        )
        with stream as rows:
            assert len([next(rows) for _ in range(15)]) == 15
            raise Broken


def be_interrupted(database: Database) -> None:
    with pytest.raises(KeyboardInterrupt), database.work(OF_A) as work:
        _see_own(work)
        raise KeyboardInterrupt


def end_in_a_savepoint(database: Database) -> None:
    with pytest.raises(Broken), database.work(OF_A) as work, work.session.begin_nested():
        _see_own(work)
        raise Broken


def go_on_after_a_savepoint(database: Database) -> None:
    with database.work(OF_A) as work:
        with pytest.raises(Broken), work.session.begin_nested():
            raise Broken
        _see_own(work)


def read_only(database: Database) -> None:
    with database.work(OF_A, read_only=True, view_id=ViewId(world.VIEW)) as work:
        _see_own(work)


@task("isolation.see")
def _see(database: Database) -> None:
    with database.work(OF_A) as work:
        _see_own(work)
        raise Broken


def fail_in_a_job(database: Database) -> None:
    with pytest.raises(Broken):
        run_now("isolation.see", database)


ENDINGS: tuple[Callable[[Database], None], ...] = (
    commit,
    roll_back,
    fail_in_the_database,
    leave_a_stream_half_read,
    be_interrupted,
    end_in_a_savepoint,
    go_on_after_a_savepoint,
    read_only,
    fail_in_a_job,
)


def find_remains(database: Database, end: Callable[[Database], None]) -> list[str]:
    """Return what B, or nobody, finds of A on A's connection after `end`."""
    with database.work(OF_A) as work:
        first = work.session.scalar(text("SELECT pg_backend_pid()"))
    end(database)
    remains = [f"raw: {found}" for found in _raw(database)]
    with database.work(OF_B) as work:
        second = work.session.scalar(text("SELECT pg_backend_pid()"))
        assert first == second, "the test must ask the same connection"
        remains += [f"B sees {tenant}" for tenant in _places(work) if tenant != str(B.id)]
        context = [work.session.scalar(text(f"SELECT current_setting('{s}')")) for s in SETTINGS]
        remains += [f"B has {value}" for value in context if value in (str(A.id), str(world.VIEW))]
        remains += [] if context[-1] == "off" else ["B may not write"]
    return remains


def _raw(database: Database) -> Iterator[str]:
    login = database.engine.url.username
    with database.engine.connect() as connection:
        user = connection.scalar(text("SELECT current_user"))
        if user != login:
            yield f"a checkout is {user}"
        for name in SETTINGS:
            value = connection.scalar(text("SELECT current_setting(:name, true)"), {"name": name})
            if value not in ("", None, "none", "off"):
                yield f"{name} is {value}"
        connection.rollback()


@pytest.mark.parametrize("end", ENDINGS, ids=lambda end: end.__name__)
def test_nothing_of_a_stays(single: Database, end: Callable[[Database], None]) -> None:
    assert find_remains(single, end) == []


def test_the_worker_leaves_nothing_either(world_urls: Urls) -> None:
    database = Database(world_urls.worker, pool_size=1)
    with database.work(worker(TenantId(A.id))) as work:
        assert len(_places(work)) == len(world.COMPANIES)
    with database.work(OF_B) as work:
        assert _places(work) == [str(B.id)]
    database.dispose()


def test_a_session_without_a_work_is_refused(single: Database) -> None:
    from kernel.db import WorkSession

    with WorkSession(single.engine) as session, pytest.raises(NoActor):
        session.execute(text("SELECT 1"))


def set_for_the_session(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("SET ROLE portal_tenant"))
        connection.execute(text("SELECT set_config('app.tenant_id', :a, false)"), {"a": str(A.id)})


def test_a_setting_of_the_session_is_found(single: Database) -> None:
    # The planted leak: SET instead of SET LOCAL survives in the pool.
    remains = find_remains(single, set_for_the_session)
    assert "raw: a checkout is portal_tenant" in remains
    assert f"raw: app.tenant_id is {A.id}" in remains
