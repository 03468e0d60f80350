from dataclasses import dataclass
from typing import ClassVar

import pytest
from sqlalchemy import text

from kernel.deliver import subscriptions
from kernel.jobs import run_now
from kernel.outbox import Event
from tests.cast import KE_LAN, KESTREL


@dataclass(frozen=True, slots=True, kw_only=True)
class Rang(Event):
    kind: ClassVar[str] = "test.rang.v1"
    times: int


HEARD = []
subscriptions.subscribe("test.rang.v1", lambda work, delivery: HEARD.append(delivery))


def waiting(admin):
    rows = admin.execute(
        "SELECT id FROM outbox WHERE delivered_at IS NULL AND kind = 'test.rang.v1'"
    )
    return [row[0] for row in rows.fetchall()]


def test_event_and_delivery_job_exist_only_after_the_commit(work_as, admin):
    with work_as(KE_LAN) as work:
        work.emit(Rang(times=2))
        assert waiting(admin) == []
    assert len(waiting(admin)) == 1


def test_a_rolled_back_event_is_never_heard(work_as, admin):
    before = waiting(admin)
    with pytest.raises(ZeroDivisionError), work_as(KE_LAN) as work:
        work.emit(Rang(times=9))
        1 / 0  # noqa: B018
    assert waiting(admin) == before


def test_a_subscriber_hears_it_once_however_often_the_job_runs(work_as, jobs_db, admin):
    with work_as(KE_LAN) as work:
        work.emit(Rang(times=3))
    for outbox_id in waiting(admin):
        run_now("kernel.deliver", jobs_db, outbox_id=str(outbox_id))
        run_now("kernel.deliver", jobs_db, outbox_id=str(outbox_id))
    heard = [each for each in HEARD if each.body == {"times": 3}]
    assert [(each.tenant_id, each.kind) for each in heard] == [(KESTREL.id, "test.rang.v1")]


def test_a_failing_subscriber_leaves_the_event_waiting(work_as, jobs_db, admin):
    def fail(work, delivery):
        work.session.execute(text("SELECT 1 / 0"))

    subscriptions.subscribe("test.broke.v1", fail)

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Broke(Event):
        kind: ClassVar[str] = "test.broke.v1"

    with work_as(KE_LAN) as work:
        work.emit(Broke())
    query = "SELECT id FROM outbox WHERE delivered_at IS NULL AND kind = 'test.broke.v1'"
    outbox_id = admin.execute(query).fetchone()[0]
    with pytest.raises(Exception, match="division by zero"):
        run_now("kernel.deliver", jobs_db, outbox_id=str(outbox_id))
    assert admin.execute(query).fetchone() == (outbox_id,)
