import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from kernel.actor import Actor, Kind
from kernel.db import WorkSession, worker
from kernel.errors import NoActor
from kernel.ids import new_id
from tests.cast import KE_LAN, KESTREL


def test_a_work_enters_the_role_and_ids_of_its_actor(work_as):
    with work_as(KE_LAN) as work:
        row = work.session.execute(
            text("SELECT current_user, ctx.tenant_id(), ctx.person_id(), ctx.work_id()")
        ).one()
    assert tuple(row) == ("portal_tenant", KESTREL.id, KE_LAN.id, work.id)


def test_the_context_ends_with_the_transaction(db, work_as):
    with work_as(KE_LAN) as work:
        pid = work.session.scalar(text("SELECT pg_backend_pid()"))
    with db.engine.connect() as raw:
        assert raw.scalar(text("SELECT pg_backend_pid()")) == pid
        row = raw.execute(text("SELECT current_user, current_setting('app.tenant_id', true)")).one()
    assert tuple(row) == ("portal_login", "")


def test_a_read_only_work_cannot_write(work_as):
    with (
        pytest.raises(Exception, match="read-only transaction"),
        work_as(KE_LAN, read_only=True) as work,
    ):
        work.defer("kernel.deliver", outbox_id="x")


def test_a_savepoint_keeps_the_context(work_as):
    with work_as(KE_LAN) as work:
        with work.session.begin_nested():
            assert work.session.scalar(text("SELECT current_user")) == "portal_tenant"
        assert work.session.scalar(text("SELECT ctx.tenant_id()")) == KESTREL.id


def test_a_session_for_nobody_is_refused(db):
    with WorkSession(db.engine) as session, pytest.raises(NoActor):
        session.execute(text("SELECT 1"))


def test_an_exception_rolls_everything_back(work_as, admin):
    before = admin.execute("SELECT count(*) FROM outbox").fetchone()
    with pytest.raises(ZeroDivisionError), work_as(KE_LAN) as work:
        work.session.execute(
            text(
                "INSERT INTO outbox (id, tenant_id, kind, body, recorded_at)"
                " VALUES (:id, :tenant, 'x', '{}', now())"
            ),
            {"id": new_id(), "tenant": KESTREL.id},
        )
        1 / 0  # noqa: B018
    assert admin.execute("SELECT count(*) FROM outbox").fetchone() == before


def test_the_web_cannot_become_the_worker(db):
    with pytest.raises(ProgrammingError, match="portal_worker"), db.work(worker()) as work:
        work.session.execute(text("SELECT 1"))


def test_a_kind_without_ids_sees_no_row(db):
    with db.work(Actor(Kind.TENANT)) as work:
        assert work.session.scalar(text("SELECT count(*) FROM tenant")) == 0


def test_the_text_of_an_error_holds_no_value(work_as):
    with pytest.raises(ProgrammingError) as failed, work_as(KE_LAN) as work:
        work.session.execute(text("SELECT nothing FROM nowhere WHERE a = :a"), {"a": "typed"})
    assert "nowhere" in str(failed.value)
    assert "typed" not in str(failed.value)
