"""From closed days to figures: evidence is written once, figures say what they knew."""

from datetime import timedelta
from hashlib import sha256

import psycopg
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from kernel import clock
from kernel.db import worker
from kernel.errors import NotFound
from portal.credit import bank_queries, disclosure, jobs, queries, reading
from portal.credit.canonical import commitment
from portal.credit.metrics.registry import METRICS
from portal.credit.models import Evidence
from portal.credit.words import Dataset
from tests.cast import GAO_YAN, HE_JING, KANG_YI, KESTREL, PAN_LI, PELICAN, WREN
from tests.integration.credit.world import (
    UNITS,
    close_days,
    deliver,
    grant,
    record_days,
    refresh,
    units_of,
)

DAYS = 90


@pytest.fixture(scope="module")
def last():
    clock.thaw()
    return clock.now().date() - timedelta(days=4)


@pytest.fixture(scope="module", autouse=True)
def _history(admin, jobs_db, last):
    close_days(admin, jobs_db, KESTREL.id, last=last, count=DAYS)
    record_days(jobs_db, KESTREL.id, last=last, count=DAYS)
    refresh(jobs_db, KESTREL.id)


def figures(work_as, person=KANG_YI):
    with work_as(person) as work:
        return {row.known.metric.code: row for row in queries.list_figures(work)}


def rows_of(admin, *, where="true"):
    return admin.execute(
        f"SELECT body, salt, commit_sha256, quality, revision FROM evidence WHERE {where}"
    ).fetchall()


def test_there_is_one_row_for_each_machine_and_day(admin):
    assert len(rows_of(admin)) == UNITS * DAYS


def test_a_row_is_bound_by_its_commitment(admin):
    rows = rows_of(admin)
    assert len({row[1] for row in rows}) == len(rows)
    for body, salt, commit, *_ in rows:
        assert commit == commitment(salt, body) == sha256(salt + body.encode()).digest()


def test_recording_again_writes_nothing(jobs_db, last):
    assert record_days(jobs_db, KESTREL.id, last=last, count=DAYS) == 0


def test_old_days_are_marked_late(admin, last):
    late = rows_of(admin, where=f"quality = 'late' AND occurred_on < '{last}'::date - 26")
    assert len(late) == UNITS * (DAYS - 27)
    assert rows_of(admin, where=f"quality = 'late' AND occurred_on >= '{last}'::date - 26") == []


def test_evidence_cannot_be_changed_by_anybody(admin, jobs_db):
    for statement in ("UPDATE evidence SET quality = 'ok'", "DELETE FROM evidence"):
        with pytest.raises(psycopg.errors.CheckViolation):
            admin.execute(statement)
    with pytest.raises(DBAPIError), jobs_db.work(worker(KESTREL.id)) as work:
        work.session.execute(Evidence.__table__.delete())
    assert len(rows_of(admin)) == UNITS * DAYS


def test_each_figure_is_what_sql_says_of_the_days(admin, work_as, last):
    # Other code on other rows: the sums that production derived, not the evidence made of them.
    row = admin.execute(
        "SELECT sum(apt_s), sum(pbt_s), count(*), sum(pbt_s - unk_s) FROM kpi_time"
        " WHERE tenant_id = %s AND level = 'unit' AND production_day > %s",
        [KESTREL.id, last - timedelta(days=90)],
    ).fetchone()
    made = admin.execute(
        "SELECT sum(gq), sum(pq), count(DISTINCT production_day) FROM kpi_output"
        " WHERE tenant_id = %s AND level = 'unit' AND production_day > %s",
        [KESTREL.id, last - timedelta(days=90)],
    ).fetchone()
    shown = {code: (f.known.num, f.known.den) for code, f in figures(work_as).items()}
    assert shown["C1"] == (round(row[0]), round(row[1]))
    assert shown["G2"] == (round(row[3]), round(row[1]))
    assert shown["B5"] == (round(1000 * made[0]), round(1000 * made[1]))
    assert shown["C0"] == (made[2], made[2])
    assert figures(work_as)["C1"].known.fact_count == row[2]


def test_all_figures_are_there_and_speak_of_the_newest_day(work_as, last):
    shown = figures(work_as)
    assert list(shown) == list(METRICS)
    assert {row.known.as_of for row in shown.values()} == {last}
    assert all(row.known.value is not None for row in shown.values())


@pytest.mark.parametrize("code", METRICS)
def test_a_figure_is_opened_down_to_its_facts(work_as, code):
    with work_as(KANG_YI) as work:
        row = next(r for r in queries.list_figures(work) if r.known.metric.code == code)
        opened = queries.get_figure(work, row.id)
    assert opened.is_intact
    assert len(opened.facts) == row.known.fact_count


def test_computing_again_without_news_writes_nothing(admin, jobs_db):
    assert refresh(jobs_db, KESTREL.id).figures == 0


def test_another_company_sees_none_of_it(work_as):
    mine = figures(work_as)["C1"].id
    assert figures(work_as, PAN_LI) == {}
    with pytest.raises(NotFound), work_as(PAN_LI) as work:
        queries.get_figure(work, mine)


@pytest.mark.parametrize("person", [GAO_YAN, HE_JING])
def test_banks_and_the_group_have_no_grant_on_evidence(work_as, person):
    with pytest.raises(DBAPIError) as refused, work_as(person) as work:
        work.session.scalar(select(func.count()).select_from(Evidence))
    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)


def test_the_preview_is_what_the_bank_gets(admin, jobs_db, db, work_as):
    consent_id = grant(work_as, datasets=[Dataset.PRODUCTION, Dataset.QUALITY])
    deliver(admin, jobs_db)
    with work_as(GAO_YAN) as work:
        actor = work.actor
    view_id = reading.open_view(db, actor, consent_id, plan=reading.case_reading)
    with work_as(KANG_YI) as work:
        preview = disclosure.cut(
            queries.get_profile(work, facts_of="C1"), queries.get_cut(work, consent_id)
        )
    with db.work(actor, read_only=True, view_id=view_id) as work:
        for part in preview:
            got = bank_queries.find_document(work, consent_id, part.dataset, part.name)
            assert got == part.doc
    assert {part.name for part in preview} == {"head", "figures", "facts/C1"}


def test_a_bank_that_was_given_a_level_holds_no_deeper_document(admin, jobs_db, work_as):
    consent_id = grant(work_as, bank="basalt", level=1)
    deliver(admin, jobs_db)
    held = admin.execute("SELECT part, doc FROM bank_view WHERE consent_id = %s", [consent_id])
    parts = held.fetchall()
    assert {part for part, _ in parts} == {"head", "figures"}
    assert not any("num" in f for _, doc in parts for f in doc.get("figures", ()))


def test_a_silent_company_speaks_of_today(admin, jobs_db, work_as):
    long_ago = clock.now().date() - timedelta(days=60)
    close_days(admin, jobs_db, WREN.id, last=long_ago, count=40)
    if not units_of(admin, WREN.id):
        pytest.fail("the cast's partner has machines")
    record_days(jobs_db, WREN.id, last=long_ago, count=40)
    refresh(jobs_db, WREN.id)
    as_of = admin.execute("SELECT max(as_of) FROM metric_value WHERE tenant_id = %s", [WREN.id])
    assert as_of.fetchone()[0] >= clock.now().date() - timedelta(days=5)


def test_stale_companies_are_found_and_brought_up_to_date(admin, jobs_db, last):
    close_days(admin, jobs_db, PELICAN.id, last=last, count=3)
    record_days(jobs_db, PELICAN.id, last=last, count=3)
    with jobs_db.work(worker(), read_only=True) as work:
        assert jobs.stale_companies(work) == [PELICAN.id]
    jobs.refresh_stale(jobs_db)
    with jobs_db.work(worker(), read_only=True) as work:
        assert jobs.stale_companies(work) == []


def test_zz_a_revised_day_makes_new_evidence_and_leaves_the_old_figure(
    admin, jobs_db, work_as, last
):
    before = figures(work_as)["C1"]
    admin.execute(
        "UPDATE kpi_time SET apt_s = apt_s - 10000, idle_s = idle_s + 10000, version = 2,"
        " revised_because = 'late' WHERE tenant_id = %s AND production_day = %s AND level = 'unit'"
        " AND place_id = %s",
        [KESTREL.id, last, units_of(admin, KESTREL.id)[0]],
    )
    assert record_days(jobs_db, KESTREL.id, last=last, count=1) == 1
    refresh(jobs_db, KESTREL.id)
    after = figures(work_as)["C1"]
    assert after.known.num == before.known.num - 10_000
    with work_as(KANG_YI) as work:
        old = queries.get_figure(work, before.id)
    assert old.is_intact
    assert sum(fact.apt_s for fact in old.facts) == before.known.num
    newest = rows_of(admin, where="revision = 2")
    assert len(newest) == 1


def test_zz_forged_evidence_breaks_the_figure_that_stood_on_it(admin, work_as, last):
    figure = figures(work_as)["C1"]
    admin.execute("ALTER TABLE evidence DISABLE TRIGGER append_only")
    admin.execute(
        "UPDATE evidence SET body = replace(body, '\"apt_s\":50000', '\"apt_s\":60000'),"
        " commit_sha256 = sha256(salt || convert_to(replace(body, '\"apt_s\":50000',"
        " '\"apt_s\":60000'), 'UTF8')) WHERE occurred_on = %s",
        [last - timedelta(days=3)],
    )
    admin.execute("ALTER TABLE evidence ENABLE TRIGGER append_only")
    with work_as(KANG_YI) as work:
        assert not queries.get_figure(work, figure.id).is_intact


def test_zz_a_body_under_anothers_commitment_is_refused(admin):
    admin.execute("ALTER TABLE evidence DISABLE TRIGGER append_only")
    with pytest.raises(psycopg.errors.CheckViolation):
        admin.execute("UPDATE evidence SET body = body || ' '")
    admin.execute("ALTER TABLE evidence ENABLE TRIGGER append_only")
