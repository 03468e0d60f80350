from datetime import timedelta

import psycopg
import pytest
from sqlalchemy.exc import ProgrammingError

from kernel import clock
from kernel.db import worker
from portal.production import ingest, jobs, quarantine_service, queries, setup_service
from portal.production.errors import (
    BatchRunning,
    KeyReused,
    RowAlreadyResolved,
    RowStillMisplaced,
    SourceRetired,
)
from portal.production.setup_service import UnitRules
from portal.production.words import CountsFrom, Problem, RowState, SourceKind, SourceState
from tenants import queries as places
from tenants import service as tenants_service
from tenants.words import Level
from tests.cast import HE_JING, KE_LAN, KESTREL, KONG_KUN, PAN_LI
from tests.conftest import NOW
from tests.production_world import (
    L1_01,
    alive,
    at,
    counter,
    device,
    make_batch,
    meter,
    state,
)


def test_facts_of_every_kind_are_stored_with_source_and_batch(send, gateway, rows):
    receipt = send(state(1, "producing"), counter(1, 10), meter(1, 5.5), alive(1.1))
    assert (receipt.accepted, receipt.duplicate, receipt.quarantined_count) == (4, 0, 0)
    found = rows(
        "SELECT item, value, source_id, batch_id FROM state_fact WHERE unit_id = %s ORDER BY item",
        L1_01,
    )
    assert found == [
        ("alive", "", gateway, receipt.batch_id),
        ("state", "producing", gateway, receipt.batch_id),
    ]
    assert rows("SELECT kind, counter FROM count_fact") == [("produced", 10.0)]
    assert rows("SELECT kwh, carrier, kind FROM energy_fact") == [
        (5.5, "electricity", "cumulative")
    ]


def test_the_same_line_said_twice_is_one_fact(send, rows):
    send(state(1, "producing"))
    again = send(state(1, "producing"), state(1, "producing"), state(2, "idle"))
    assert (again.accepted, again.duplicate) == (1, 2)
    assert rows("SELECT count(*) FROM state_fact") == [(2,)]


def test_the_same_key_and_body_get_the_first_answer(send, rows):
    first = send(state(1, "producing"), state(1, "flying"), key="k1")
    again = send(state(1, "producing"), state(1, "flying"), key="k1")
    assert again.to_json() == first.to_json()
    assert again.repeated
    assert rows("SELECT count(*) FROM ingest_batch") == [(1,)]


def test_the_same_key_with_another_body_is_refused(send, rows):
    send(state(1, "producing"), key="k1")
    with pytest.raises(KeyReused):
        send(state(2, "producing"), key="k1")
    assert rows("SELECT count(*) FROM state_fact") == [(1,)]


def test_a_key_that_is_being_stored_is_told_to_ask_again(db, gateway, send):
    batch = make_batch([state(1, "producing")], key="k1")
    with db.work(device(gateway)) as work:
        ingest.accept(work, batch)
        with pytest.raises(BatchRunning):
            send(state(1, "producing"), key="k1")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (state(1, "producing", unit="L9-99"), "E-UNIT"),
        (state(1, "flying"), "E-STATE"),
        (state(-24 * 8, "producing"), "E-CLOCK"),
        (state(25, "producing"), "E-CLOCK"),
        (meter(1, 5) | {"uom": "m3"}, "E-UOM"),
        (
            {
                "k": "event",
                "unit": "L1-01",
                "at": "2026-11-23T01:00:00Z",
                "item": "exec",
                "v": "ACTIVE",
            },
            "E-TAG",
        ),
    ],
)
def test_a_line_that_cannot_be_placed_waits_with_its_reason(send, rows, line, code):
    receipt = send(line, state(2, "idle"))
    assert (receipt.accepted, receipt.quarantined_count) == (1, 1)
    assert receipt.quarantined[0]["code"] == code
    assert receipt.quarantined[0]["line"] == 1
    assert rows("SELECT code, state, line_no FROM quarantine") == [(code, "open", 1)]


def test_two_values_at_one_moment_are_a_conflict_in_one_batch_and_in_two(send, rows):
    within = send(state(1, "producing"), state(1, "down"))
    later = send(state(1, "idle"))
    assert [r.quarantined[0]["code"] for r in (within, later)] == ["E-CONFLICT", "E-CONFLICT"]
    assert rows("SELECT value FROM state_fact") == [("producing",)]


def test_facts_can_be_neither_changed_nor_deleted(send, admin):
    send(state(1, "producing"))
    for change in ("UPDATE state_fact SET value = 'down'", "DELETE FROM state_fact"):
        with pytest.raises(psycopg.errors.CheckViolation, match="append-only"):
            admin.execute(change)
    assert admin.execute("SELECT value FROM state_fact").fetchall() == [("producing",)]


def test_nothing_is_acknowledged_that_was_not_committed(db, gateway, rows):
    batch = make_batch([state(1, "producing")], key="k1")

    def store_and_fail():
        with db.work(device(gateway)) as work:
            ingest.accept(work, batch)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        store_and_fail()
    for table in ("state_fact", "ingest_batch", "dirty_day"):
        assert rows(f"SELECT count(*) FROM {table}") == [(0,)]


def test_the_first_message_makes_a_source_live(send, rows, gateway):
    send(state(1, "producing"))
    found = rows("SELECT state, last_seen_at FROM data_source WHERE id = %s", gateway)
    assert found == [("live", NOW)]


def test_a_retired_source_sends_no_more(work_as, db, rows):
    with work_as(KONG_KUN) as work:
        source = setup_service.add_source(
            work, kind=SourceKind.HTTP, name="Old gateway", heartbeat_s=60
        )
    with work_as(KONG_KUN) as work:
        setup_service.retire_source(work, source)
    with pytest.raises(SourceRetired), db.work(device(source)) as work:
        ingest.accept(work, make_batch([state(1, "producing")], key="k1"))
    assert rows("SELECT count(*) FROM state_fact") == [(0,)]


def test_a_device_reads_no_fact_back(db, gateway, send):
    send(state(1, "producing"))
    with pytest.raises(ProgrammingError), db.work(device(gateway)) as work:
        work.session.connection().exec_driver_sql("SELECT value FROM state_fact")


def test_another_company_and_the_group_find_no_fact(work_as, send):
    send(state(1, "producing"))
    with work_as(PAN_LI) as work:
        page = queries.facts(work, L1_01, at(0), at(24), kind="state")
    assert page.rows == ()
    with pytest.raises(ProgrammingError), work_as(HE_JING) as work:
        queries.facts(work, L1_01, at(0), at(24), kind="state")


def test_a_quarantined_line_can_be_replayed_once_its_machine_is_there(work_as, send, rows):
    send(state(1, "producing", unit="L1-77"))
    (row,) = rows("SELECT id FROM quarantine")
    with pytest.raises(RowStillMisplaced), work_as(KONG_KUN) as work:
        quarantine_service.replay(work, row[0])
    with work_as(KONG_KUN) as work:
        place = _add_unit(work, "L1-77")
    with work_as(KONG_KUN) as work:
        quarantine_service.replay(work, row[0])
    assert rows("SELECT value FROM state_fact WHERE unit_id = %s", place) == [("producing",)]
    assert rows("SELECT state FROM quarantine") == [("replayed",)]
    with pytest.raises(RowAlreadyResolved), work_as(KONG_KUN) as work:
        quarantine_service.replay(work, row[0])


def _add_unit(work, code):
    line = next(p for p in places.list_places(work) if p.code == "L1")
    place_id = tenants_service.add_place(
        work, parent_id=line.id, level=Level.UNIT, code=code, name_zh=code, name_en=code
    )
    rules = UnitRules("lathe", None, 120, 600, CountsFrom.COUNTER)
    setup_service.set_unit(work, place_id, rules)
    return place_id


def test_all_lines_of_one_cause_are_replayed_at_once_and_others_stay(work_as, send, rows):
    send(state(-24 * 8, "producing"), state(-24 * 9, "idle"), state(1, "flying"))
    with work_as(KONG_KUN) as work:
        done = quarantine_service.replay_all(work, Problem.CLOCK)
    assert (done.replayed, done.left) == (2, 0)
    assert rows("SELECT value FROM state_fact ORDER BY value") == [("idle",), ("producing",)]
    assert rows("SELECT code FROM quarantine WHERE state = 'open'") == [("E-STATE",)]


def test_a_replayed_conflict_lets_the_new_value_count(work_as, send, rows, derive_now):
    send(state(1, "producing"), alive(1.5), state(2, "idle"))
    send(state(1, "down"))
    (row,) = rows("SELECT id FROM quarantine")
    with work_as(KONG_KUN) as work:
        quarantine_service.replay(work, row[0])
    derive_now()
    found = rows("SELECT DISTINCT state FROM state_interval WHERE started_at = %s", at(1))
    assert found == [("down",)]
    assert rows("SELECT count(*) FROM state_fact WHERE item = 'state'") == [(3,)]


def test_a_dismissed_line_keeps_its_reason(work_as, send, rows):
    send(state(1, "flying"))
    (row,) = rows("SELECT id FROM quarantine")
    with work_as(KONG_KUN) as work:
        quarantine_service.dismiss(work, row[0], reason="The gateway was being tested")
    found = rows("SELECT state, reason, resolved_by FROM quarantine")
    assert found == [("dismissed", "The gateway was being tested", KONG_KUN.id)]
    with work_as(KE_LAN) as work:
        assert queries.count_open_quarantine(work) == 0
        kept = queries.list_quarantine(work, state=RowState.DISMISSED)
    assert [r.code for r in kept] == [Problem.STATE]


def test_a_source_is_silent_after_three_beats(send, jobs_db, work_as, gateway):
    send(state(1, "producing"))
    clock.freeze(NOW + timedelta(minutes=4))
    jobs.watch_doors(jobs_db)
    with work_as(KE_LAN) as work:
        found = next(s for s in queries.list_sources(work) if s.id == gateway)
    assert (found.state, found.silent_since) == (SourceState.SILENT, NOW)


def test_marks_wait_for_the_derivation_and_one_job_is_queued(send, admin, jobs_db):
    before = admin.execute("SELECT count(*) FROM jobs.procrastinate_jobs").fetchone()[0]
    send(state(1, "producing"))
    send(state(2, "idle"))
    after = admin.execute("SELECT count(*) FROM jobs.procrastinate_jobs").fetchone()[0]
    assert after - before == 1
    with jobs_db.work(worker(KESTREL.id), read_only=True) as work:
        assert (
            work.session.connection()
            .exec_driver_sql("SELECT count(DISTINCT production_day) FROM dirty_day")
            .scalar()
            == 1
        )
