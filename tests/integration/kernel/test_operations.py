from datetime import timedelta

import pytest

from kernel import clock, operations
from kernel.errors import NotFound, PortalError
from kernel.ids import OperationId
from kernel.jobs import run_now
from kernel.lifecycle import MoveNotAllowed
from kernel.operations import OperationState
from tests.cast import KE_LAN, KESTREL, PAN_LI
from tests.conftest import NOW

STEPS: list[str] = []


@operations.operation("test.count")
def count(progress):
    for number in range(3):
        progress.say("counting", done=number, total=3)
        STEPS.append(progress.params["name"])
    return {"counted": 3}


@operations.operation("test.fail")
def fail(progress):
    raise Refused


class Refused(PortalError):
    code = "test.refused"
    status = 422


def start(work_as, kind="test.count"):
    with work_as(KE_LAN) as work:
        return operations.start(work, kind, params={"name": "a"}, total=3)


def run(jobs_db, operation_id):
    run_now("kernel.run_operation", jobs_db, operation_id=str(operation_id))


def read(work_as, operation_id):
    with work_as(KE_LAN, read_only=True) as work:
        row = operations.get_operation(work, operation_id)
    return row.state, row.done, row.total, row.error_code, row.result


def test_it_runs_to_its_end_and_says_how_far_it_is(work_as, jobs_db):
    operation_id = start(work_as)
    run(jobs_db, operation_id)
    assert read(work_as, operation_id) == (OperationState.SUCCEEDED, 2, 3, None, {"counted": 3})


def test_a_second_run_of_the_same_job_does_nothing(work_as, jobs_db):
    operation_id = start(work_as)
    run(jobs_db, operation_id)
    done = len(STEPS)
    run(jobs_db, operation_id)
    assert len(STEPS) == done


def test_a_refusal_is_kept_by_its_code(work_as, jobs_db):
    operation_id = start(work_as, "test.fail")
    run(jobs_db, operation_id)
    assert read(work_as, operation_id)[:1] + read(work_as, operation_id)[3:4] == (
        OperationState.FAILED,
        "test.refused",
    )


def test_a_waiting_one_can_be_called_off_and_is_not_run(work_as, jobs_db):
    operation_id = start(work_as)
    with work_as(KE_LAN) as work:
        operations.cancel(work, operation_id)
    done = len(STEPS)
    run(jobs_db, operation_id)
    assert len(STEPS) == done
    assert read(work_as, operation_id)[0] is OperationState.CANCELLED


def test_a_finished_one_cannot_be_called_off(work_as, jobs_db):
    operation_id = start(work_as)
    run(jobs_db, operation_id)
    with pytest.raises(MoveNotAllowed), work_as(KE_LAN) as work:
        operations.cancel(work, operation_id)


def test_another_company_does_not_find_it(work_as):
    operation_id = start(work_as)
    with pytest.raises(NotFound), work_as(PAN_LI) as work:
        operations.get_operation(work, OperationId(operation_id))


def test_one_that_lost_its_worker_is_queued_again_and_given_up_at_the_third(
    work_as, jobs_db, admin
):
    operation_id = start(work_as)
    seen = []
    for minute in range(1, 4):
        admin.execute("SET ROLE NONE")
        admin.execute("SET session_replication_role = replica")  # as a killed worker leaves it
        admin.execute(
            "UPDATE operation SET state = 'running', heartbeat_at = %s WHERE id = %s",
            (NOW, operation_id),
        )
        admin.execute("SET session_replication_role = DEFAULT")
        clock.freeze(NOW + timedelta(minutes=2 * minute))
        run_now("kernel.watch_operations", jobs_db)
        seen.append(read(work_as, operation_id)[0])
    assert seen == [OperationState.QUEUED, OperationState.QUEUED, OperationState.FAILED]
    assert read(work_as, operation_id)[3] == "worker_lost"


def test_nobody_queues_a_job_in_anothers_name(work_as, admin):
    operation_id = start(work_as)
    row = admin.execute(
        "SELECT args -> 'asked_by' FROM jobs.procrastinate_jobs WHERE args ->> 'operation_id' = %s",
        (str(operation_id),),
    ).fetchone()
    assert row == (
        {
            "kind": "portal_tenant",
            "tenant_id": str(KESTREL.id),
            "person_id": str(KE_LAN.id),
        },
    )
