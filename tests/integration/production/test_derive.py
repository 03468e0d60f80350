import random
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy.exc import ProgrammingError

import portal.demo.history  # noqa: F401  (registers the action that fills backwards)
from app import cli
from kernel import clock
from kernel.db import worker
from portal.production import derive, quarantine_service, queries, setup_service, verifying
from portal.production.states import MachineState
from portal.production.words import Basis
from tests.cast import HE_JING, HERON, KE_LAN, KESTREL, KONG_KUN, PAN_LI
from tests.conftest import NOW
from tests.production_world import (
    DAY,
    L1_01,
    alive,
    at,
    beats,
    clear,
    counter,
    meter,
    state,
    text,
    unit_of,
)

SHIFT = [
    state(0, "setup"),
    state(1, "producing"),
    state(9, "down", reason="mechanical"),
    state(10, "producing"),
    state(12, "idle"),
    counter(1, 0, product="KT-08"),
    counter(5, 40, product="KT-08"),
    counter(12, 100, product="KT-08"),
    {**counter(12, 0), "kind": "scrap", "qty": 3, "product": "KT-08"},
    meter(1, 8, kind="interval", over_s=3600),
    meter(2, 10, kind="interval", over_s=3600),
    *beats(0, 12),
]
SHIFT[8].pop("counter")


def day_of(rows, place_id, day=DAY):
    return rows(
        "SELECT round(t.apt_s), round(t.aust_s), round(t.down_s), t.down_count, t.energy_kwh,"
        " t.version, t.closed_at IS NOT NULL, t.revised_because FROM kpi_time t"
        " WHERE t.current AND t.grain = 'day' AND t.place_id = %s AND t.production_day = %s",
        place_id,
        day,
    )


def derived_rows(rows):
    """Everything that was derived, but when."""
    return (
        rows("SELECT * FROM state_interval ORDER BY unit_id, started_at"),
        rows(
            "SELECT place_id, grain, bucket_start, apt_s, unk_s, down_count, energy_kwh, idle_kwh,"
            " fact_count, newest_fact_at, inputs_sha256 FROM kpi_time WHERE current"
            " ORDER BY place_id, grain, bucket_start"
        ),
        rows(
            "SELECT place_id, grain, bucket_start, product_code, pq, gq, sq, prit_s, prig_s"
            " FROM kpi_output WHERE current ORDER BY 1, 2, 3, 4"
        ),
        rows(
            "SELECT unit_id, kind, production_day, counter::text FROM counter_mark ORDER BY 1, 2, 3"
        ),
    )


def test_a_day_comes_out_as_computed_by_hand(send, derive_now, rows):
    send(*SHIFT)
    derive_now()
    assert day_of(rows, L1_01) == [(36000, 3600, 3600, 1, 18.0, 1, False, None)]
    assert rows(
        "SELECT sum(pq), sum(gq), sum(sq) FROM kpi_output"
        " WHERE place_id = %s AND grain = 'day' AND production_day = %s",
        L1_01,
        DAY,
    ) == [(100.0, 97.0, 3.0)]


def test_the_intervals_of_a_day_tile_it(send, derive_now, rows):
    send(*SHIFT)
    derive_now()
    gaps = rows(
        "SELECT count(*) FROM (SELECT started_at,"
        " lag(ended_at) OVER (ORDER BY started_at) AS before FROM state_interval"
        " WHERE unit_id = %s AND production_day = %s) i"
        " WHERE before IS NOT NULL AND before <> started_at",
        L1_01,
        DAY,
    )
    ends = rows(
        "SELECT min(started_at), max(ended_at) FROM state_interval"
        " WHERE unit_id = %s AND production_day = %s",
        L1_01,
        DAY,
    )
    assert gaps == [(0,)]
    assert ends == [(at(0), at(24))]


def test_silence_is_unknown_from_the_last_message_on(send, derive_now, work_as):
    send(state(1, "producing"), *beats(1, 3))
    derive_now()
    with work_as(KE_LAN) as work:
        found = queries.intervals(work, [L1_01], at(2.9), at(6))
    assert [(i.state, i.started_at) for i in found][:2] == [
        (MachineState.PRODUCING, at(2.9)),
        (MachineState.UNKNOWN, at(3)),
    ]
    assert MachineState.PRODUCING not in [i.state for i in found[1:]]


def test_units_add_up_to_line_site_and_company(send, derive_now, work_as):
    send(*SHIFT, state(1, "producing", unit="L1-02"), *beats(1, 3, unit="L1-02"))
    derive_now()
    with work_as(KE_LAN) as work:
        sums = {
            level: queries.sums_by_place(work, level=level, first=DAY, last=DAY)
            for level in ("unit", "line", "site", "company")
        }
    producing = {level: sum(b.time.apt_s for b in found.values()) for level, found in sums.items()}
    assert producing == dict.fromkeys(producing, pytest.approx(36000 + 7200))
    assert {b.output.gq for b in sums["company"].values()} == {97.0}


def test_order_and_cut_of_the_batches_do_not_matter(send, derive_now, rows, admin):
    send(*SHIFT)
    derive_now()
    whole = derived_rows(rows)
    clear(admin)
    lines = list(SHIFT)
    random.Random(7).shuffle(lines)
    for start in range(0, len(lines), 6):
        send(*lines[start : start + 6])
        derive_now()
    assert derived_rows(rows) == whole
    assert len(whole[0]) > 5


def test_rebuilding_all_days_gives_what_was_derived_day_by_day(send, derive_now, rows, jobs_db):
    two_days = [
        *SHIFT,
        *[state(24 + h, word) for h, word in ((0, "producing"), (3, "idle"))],
        counter(23, 100, product="KT-08"),
        counter(26, 130, product="KT-08"),
        *beats(12, 27),
    ]
    clock.freeze(NOW + timedelta(days=1))
    for first in (12, 0):
        send(*[line for line in two_days if (line["at"] < text_at(first + 12)) == (first == 0)])
        derive_now()
    before = derived_rows(rows)
    admin_marks(jobs_db, rows)
    derive_now()
    assert derived_rows(rows) == before


def text_at(hours):
    return text(at(hours))


def admin_marks(jobs_db, rows):
    """Forget all that was derived and mark every day anew."""
    found = rows("SELECT DISTINCT unit_id, production_day FROM state_interval")
    assert len(found) >= 2
    with jobs_db.work(worker(KESTREL.id)) as work:
        connection = work.session.connection()
        for table in ("state_interval", "kpi_time", "kpi_output", "counter_mark"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
        derive.mark_days(work, found, derive.Because.RULES)


def test_deriving_twice_writes_nothing_new(send, derive_now, rows, jobs_db):
    send(*SHIFT)
    derive_now()
    stamped = rows(
        "SELECT place_id, grain, bucket_start, derived_at FROM kpi_time ORDER BY 1, 2, 3"
    )
    clock.freeze(NOW + timedelta(minutes=1))
    with jobs_db.work(worker(KESTREL.id)) as work:
        derive.mark_days(work, [(L1_01, DAY)], derive.Because.FACTS)
    assert derive_now() == 1
    again = rows("SELECT place_id, grain, bucket_start, derived_at FROM kpi_time ORDER BY 1, 2, 3")
    assert again == stamped


def test_a_killed_derivation_leaves_its_marks_and_nothing_else(send, jobs_db, rows, derive_now):
    send(*SHIFT)

    def derive_and_die():
        with jobs_db.work(worker(KESTREL.id)) as work:
            assert derive.derive_some(work, KESTREL.id) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        derive_and_die()
    assert rows("SELECT count(*) FROM kpi_time") == [(0,)]
    assert rows("SELECT count(*) FROM dirty_day") == [(1,)]
    derive_now()
    assert day_of(rows, L1_01)[0][0] == 36000


def test_one_transaction_works_at_a_company_at_a_time(send, jobs_db):
    send(*SHIFT)
    with jobs_db.work(worker(KESTREL.id)) as work:
        derive.derive_some(work, KESTREL.id)
        with jobs_db.work(worker(KESTREL.id)) as other:
            assert derive.derive_some(other, KESTREL.id) is None


def test_a_day_closes_72_h_after_its_end_and_says_so(send, derive_now, rows, jobs_db):
    send(*SHIFT)
    derive_now()
    clock.freeze(at(24) + timedelta(hours=71, minutes=59))
    with jobs_db.work(worker(KESTREL.id)) as work:
        assert derive.close_days(work, KESTREL.id) == 0
    clock.freeze(at(24) + timedelta(hours=72))
    with jobs_db.work(worker(KESTREL.id)) as work:
        assert derive.close_days(work, KESTREL.id) == 1
    assert day_of(rows, L1_01)[0][6] is True
    events = rows("SELECT kind, tenant_id, body->>'production_day' FROM outbox")
    assert events == [("production.day_closed.v1", KESTREL.id, DAY.isoformat())]


def test_while_the_past_is_filled_in_backwards_the_two_oldest_days_wait(
    send, derive_now, rows, jobs_db, admin
):
    clock.freeze(at(72) + timedelta(hours=73))
    send(*SHIFT, *(state(24 * day + 1, "producing") for day in (1, 2)))
    admin.execute(
        "INSERT INTO operation (id, tenant_id, kind, state, created_at, started_at)"
        " VALUES (uuidv7(), %s, 'demo.history', 'running', now(), now())",
        [HERON.id],
    )
    derive_now()
    closed = "SELECT production_day FROM kpi_time WHERE level = 'company' AND closed_at IS NOT NULL"
    assert rows(closed + " AND grain = 'day'") == [(DAY + timedelta(days=2),)]
    admin.execute("DELETE FROM operation")
    with jobs_db.work(worker(KESTREL.id)) as work:
        assert derive.close_days(work, KESTREL.id) == 2


def close_all(jobs_db):
    clock.freeze(at(24) + timedelta(hours=73))
    with jobs_db.work(worker(KESTREL.id)) as work:
        derive.close_days(work, KESTREL.id)


def test_late_facts_revise_a_closed_day_and_the_old_version_stays(
    send, derive_now, rows, jobs_db, work_as
):
    send(*SHIFT)
    derive_now()
    close_all(jobs_db)
    send(state(14, "producing"), *beats(14, 15))
    derive_now()
    with work_as(KE_LAN) as work:
        company = next(iter(queries.sums_by_place(work, level="company", first=DAY, last=DAY)))
        found = queries.versions(work, company, DAY)
        unit = queries.versions(work, L1_01, DAY)
    assert [(v.version, v.current, v.revised_because) for v in found] == [
        (2, True, "late_facts"),
        (1, False, None),
    ]
    assert found[0].closed_at is not None
    assert unit[0].time.apt_s - unit[1].time.apt_s == pytest.approx(3600)
    kinds = [kind for (kind,) in rows("SELECT kind FROM outbox ORDER BY recorded_at, kind")]
    assert kinds == ["production.day_closed.v1", "production.day_revised.v1"]


def test_closed_days_tell_what_each_unit_gave(send, derive_now, jobs_db):
    send(*SHIFT)
    derive_now()
    close_all(jobs_db)
    with jobs_db.work(worker(), read_only=True) as work:
        (closed,) = queries.closed_days(work, KESTREL.id, DAY, DAY)
    (unit,) = closed.units
    assert (unit.unit_id, unit.pq, unit.gq, unit.energy_kwh) == (L1_01, 100.0, 97.0, 18.0)
    assert unit.fact_count == len(SHIFT)
    assert closed.version == 1


def test_a_changed_run_time_revises_the_days_since_then(send, derive_now, jobs_db, work_as):
    send(*SHIFT)
    derive_now()
    close_all(jobs_db)
    with work_as(KE_LAN) as work:
        setup_service.set_rate(
            work, L1_01, product_code="KT-08", pri_s=60.0, basis=Basis.NAMEPLATE, valid_from=DAY
        )
    derive_now()
    with work_as(KE_LAN) as work:
        found = queries.versions(work, L1_01, DAY)
    assert [(v.version, v.revised_because) for v in found] == [(2, "rules"), (1, None)]
    assert found[0].output.prig_s == pytest.approx(97 * 60)


def test_a_counter_goes_on_over_the_end_of_the_day(send, derive_now, rows):
    clock.freeze(NOW + timedelta(hours=6))
    send(state(20, "producing"), counter(20, 50), *beats(20, 27))
    derive_now()
    send(counter(26, 80))
    derive_now()
    days = rows(
        "SELECT production_day, sum(pq) FROM kpi_output"
        " WHERE place_id = %s AND grain = 'day' AND current GROUP BY 1 ORDER BY 1",
        L1_01,
    )
    assert days == [(DAY, 20.0), (DAY + timedelta(days=1), 10.0)]


def test_a_counter_that_goes_back_waits_for_a_person_who_may_accept_it(
    send, derive_now, rows, work_as
):
    send(state(1, "producing"), *beats(1, 6))
    send(*[counter(h, v) for h, v in ((1, 1000), (2, 1010), (3, 600), (4, 605), (5, 610))])
    derive_now()
    assert rows("SELECT code, state FROM quarantine") == [("E-BACK", "open")] * 2
    (first, *_) = rows("SELECT id FROM quarantine ORDER BY occurred_at")
    with work_as(KONG_KUN) as work:
        quarantine_service.replay(work, first[0])
    derive_now()
    made = rows("SELECT sum(pq) FROM kpi_output WHERE place_id = %s AND grain = 'day'", L1_01)
    assert made == [(15.0,)]


def test_today_ends_with_the_last_message_and_silence_grows(send, derive_now, rows, jobs_db):
    clock.freeze(NOW + timedelta(hours=4))
    send(state(24.5, "producing"), *beats(24.5, 26))
    derive_now()
    today = DAY + timedelta(days=1)
    before = rows(
        "SELECT round(apt_s), round(unk_s) FROM kpi_time"
        " WHERE place_id = %s AND production_day = %s AND grain = 'day'",
        L1_01,
        today,
    )
    clock.freeze(NOW + timedelta(hours=6))
    with jobs_db.work(worker(KESTREL.id)) as work:
        assert derive.keep_days(work, KESTREL.id) == 1
    derive_now()
    after = rows(
        "SELECT round(apt_s), round(unk_s) FROM kpi_time"
        " WHERE place_id = %s AND production_day = %s AND grain = 'day'",
        L1_01,
        today,
    )
    assert before[0][0] == after[0][0] == 5400
    assert after[0][1] > before[0][1] + 3600


def test_days_left_out_are_filled_with_unknown_time(send, derive_now, rows, jobs_db):
    send(state(-72, "producing"), *beats(-72, -71))
    send(state(1, "producing"), *beats(1, 2))
    derive_now()
    with jobs_db.work(worker(KESTREL.id)) as work:
        derive.keep_days(work, KESTREL.id)
    derive_now()
    found = rows(
        "SELECT production_day, round(apt_s) FROM kpi_time"
        " WHERE place_id = %s AND grain = 'day' ORDER BY 1",
        L1_01,
    )
    assert [day for day, _ in found][:4] == [DAY - timedelta(days=back) for back in (3, 2, 1, 0)]
    assert [made for _, made in found][1:3] == [0, 0]


def test_the_group_sees_the_sums_that_are_shared_and_no_raw_fact(send, derive_now, work_as):
    send(*SHIFT)
    derive_now()
    with work_as(HE_JING) as work:
        seen = queries.sums_by_place(work, level="company", first=DAY, last=DAY)
        units = queries.list_units(work)
        states = queries.intervals(work, [L1_01], at(0), at(24))
    assert [b.output.gq for b in seen.values()] == [97.0]
    assert states
    assert {unit.heartbeat_s for unit in units} == {None}
    with pytest.raises(ProgrammingError), work_as(HE_JING) as work:
        queries.list_quarantine(work)


def test_another_company_sees_no_sum(send, derive_now, work_as):
    send(*SHIFT)
    derive_now()
    with work_as(PAN_LI) as work:
        assert queries.sums_by_place(work, level="company", first=DAY, last=DAY) == {}
        assert queries.sums_by_hour(work, [L1_01], at(0), at(24)) == {}
        assert queries.versions(work, L1_01, DAY) == []


def test_hours_add_up_to_the_day(send, derive_now, work_as):
    send(*SHIFT)
    derive_now()
    with work_as(KE_LAN) as work:
        hours = queries.sums_by_hour(work, [L1_01], at(0), at(24))[L1_01]
        day = queries.sums_by_place(work, level="unit", first=DAY, last=DAY)[L1_01]
    assert len(hours) == 24
    assert sum(h.time.apt_s for h in hours) == pytest.approx(day.time.apt_s)
    assert sum(h.output.gq or 0 for h in hours) == pytest.approx(day.output.gq)


def test_every_number_leads_to_its_facts_page_by_page(send, derive_now, work_as):
    send(*SHIFT)
    with work_as(KE_LAN) as work:
        first = queries.facts(work, L1_01, at(0), at(24), kind="state", limit=30)
        rest = queries.facts(
            work, L1_01, at(0), at(24), kind="state", limit=100, cursor=first.next_cursor
        )
        counts = queries.facts(work, L1_01, at(0), at(24), kind="count")
    found = [*first.rows, *rest.rows]
    assert len(found) == len({f.id for f in found}) == 5 + 49
    assert [f.occurred_at for f in found] == sorted(f.occurred_at for f in found)
    assert {f.source_name for f in found} == {"Gateway under test"}
    assert {f.product_code for f in counts.rows} == {"KT-08"}


def test_closed_figures_can_be_verified_from_their_facts(send, derive_now, jobs_db, admin):
    send(*SHIFT)
    derive_now()
    close_all(jobs_db)
    verdicts = list(verifying.verify(jobs_db, KESTREL.id, first=DAY, last=DAY))
    assert {v.level.value for v in verdicts} == {"company", "site", "line", "unit"}
    assert all(v.holds for v in verdicts)
    admin.execute("ALTER TABLE count_fact DISABLE TRIGGER USER")
    admin.execute("UPDATE count_fact SET counter = 90 WHERE counter = 100")
    admin.execute("ALTER TABLE count_fact ENABLE TRIGGER USER")
    again = list(verifying.verify(jobs_db, KESTREL.id, first=DAY, last=DAY))
    assert not any(v.holds for v in again)
    assert len(again) == 4


def test_the_operator_verifies_from_the_command_line(
    send, derive_now, jobs_db, admin, urls, monkeypatch
):
    for name, url in (("DATABASE_URL", urls.web), ("WORKER_DATABASE_URL", urls.worker)):
        monkeypatch.setenv(name, url)
    send(*SHIFT)
    derive_now()
    close_all(jobs_db)
    whole = CliRunner().invoke(cli, ["verify", KESTREL.code])
    assert (whole.exit_code, whole.stdout.split()[0]) == (0, "4"), whole.output
    admin.execute("ALTER TABLE count_fact DISABLE TRIGGER USER")
    admin.execute("UPDATE count_fact SET counter = 90 WHERE counter = 100")
    admin.execute("ALTER TABLE count_fact ENABLE TRIGGER USER")
    changed = CliRunner().invoke(cli, ["verify", KESTREL.code])
    assert changed.exit_code == 1
    assert DAY.isoformat() in changed.stderr
    assert CliRunner().invoke(cli, ["verify", "nobody"]).exit_code == 2


def test_companies_take_turns(send, jobs_db, rows):
    send(*SHIFT, *[state(1, "producing", unit=code) for code in ("L1-02", "L2-07")])
    assert derive.derive_all(jobs_db) >= 3
    assert rows("SELECT count(*) FROM dirty_day") == [(0,)]
    assert day_of(rows, unit_of("L2-07"))


def test_alive_lines_alone_hold_the_last_state(send, derive_now, rows):
    send(state(1, "producing"), *[alive(1 + step / 4) for step in range(9)])
    derive_now()
    assert day_of(rows, L1_01)[0][0] == 7200
