"""The two steps of a read: never data without a committed row of the same person and view.

Each test opens views as the bank's role does, below the service: the database is what is asked.
"""

import os
import signal
import subprocess
import sys
import textwrap
from datetime import date, timedelta
from itertools import product

import psycopg
import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError

from kernel import clock
from kernel.errors import NotFound
from kernel.ids import ViewId, new_id
from portal.credit import bank_queries, queries, reading, service
from portal.credit.errors import ConsentScope, ReadNotLogged
from portal.credit.models import AccessLog, BankView
from portal.credit.words import Dataset, Outcome, Page, Purpose
from tests.cast import BAI_LU, GAO_YAN, GUO_SHI, KANG_YI, KESTREL, PAN_LI
from tests.integration.credit.world import close_days, deliver, grant, record_days

LAST = date(2026, 11, 20)
ALL = [each.value for each in Dataset]


@pytest.fixture(scope="module")
def _days(admin, jobs_db):
    clock.thaw()
    close_days(admin, jobs_db, KESTREL.id, last=LAST, count=90)
    record_days(jobs_db, KESTREL.id, last=LAST, count=90)


@pytest.fixture
def consent(admin, jobs_db, work_as, _days):
    consent_id = grant(work_as)
    deliver(admin, jobs_db)
    with work_as(KANG_YI) as work:
        return queries.get_consent(work, consent_id)


def row(consent, person, **changed):
    values = {
        "id": new_id(),
        "tenant_id": consent.tenant_id,
        "view_id": ViewId(new_id()),
        "bank_id": consent.bank_id,
        "person_id": person.id,
        "person_name_zh": person.name_zh,
        "person_name_en": person.name_en,
        "consent_id": consent.id,
        "page": Page.CASE,
        "datasets": ALL,
        "level": 2,
        "fields": ["C1.value"],
        "outcome": Outcome.GRANTED,
    }
    return values | changed


def write(work, values):
    work.session.execute(insert(AccessLog).values(values))


def open_view(work_as, consent, person=GAO_YAN, **changed):
    values = row(consent, person, **changed)
    with work_as(person) as work:
        write(work, values)
    return values["view_id"]


def documents(db, actor, view_id):
    with db.work(actor, read_only=True, view_id=view_id) as work:
        return work.session.scalar(select(func.count()).select_from(BankView))


@pytest.fixture
def actor(work_as):
    def of(person=GAO_YAN):
        with work_as(person) as work:
            return work.actor

    return of


@pytest.fixture
def shown(db, actor):
    def count(view_id, person=GAO_YAN):
        return documents(db, actor(person), view_id)

    return count


def refused_by_policy(work_as, consent, person=GAO_YAN, **changed):
    with pytest.raises(DBAPIError) as refused:
        open_view(work_as, consent, person, **changed)
    return isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)


def test_a_committed_row_opens_the_documents(consent, work_as, shown):
    assert shown(open_view(work_as, consent)) == 11


def test_without_a_view_there_is_nothing(consent, shown):
    assert shown(None) == 0
    assert shown(ViewId(new_id())) == 0


def test_a_row_of_the_same_transaction_opens_nothing(consent, db, actor):
    values = row(consent, GAO_YAN)
    with db.work(actor(), view_id=values["view_id"]) as work:
        write(work, values)
        assert work.session.scalar(select(func.count()).select_from(BankView)) == 0


def test_nor_inside_a_savepoint_nor_after_it(consent, db, actor):
    values = row(consent, GAO_YAN)
    with db.work(actor(), view_id=values["view_id"]) as work:
        with work.session.begin_nested():
            write(work, values)
            assert work.session.scalar(select(func.count()).select_from(BankView)) == 0
        assert work.session.scalar(select(func.count()).select_from(BankView)) == 0


def test_nor_from_a_nested_savepoint(consent, db, actor):
    values = row(consent, GAO_YAN)
    with db.work(actor(), view_id=values["view_id"]) as work:
        with work.session.begin_nested():
            with work.session.begin_nested():
                write(work, values)
            assert work.session.scalar(select(func.count()).select_from(BankView)) == 0
        assert work.session.scalar(select(func.count()).select_from(BankView)) == 0


def test_a_row_that_was_rolled_back_opens_nothing(consent, db, actor, shown):
    values = row(consent, GAO_YAN)

    def write_and_fail():
        with db.work(actor()) as work:
            write(work, values)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    assert shown(values["view_id"]) == 0


def test_a_row_of_a_savepoint_that_was_rolled_back_opens_nothing(consent, db, actor, shown):
    values = row(consent, GAO_YAN)
    with db.work(actor()) as work:
        savepoint = work.session.begin_nested()
        write(work, values)
        savepoint.rollback()
    assert shown(values["view_id"]) == 0


def test_a_row_not_yet_committed_opens_nothing_elsewhere(consent, db, actor, shown):
    values = row(consent, GAO_YAN)
    with db.work(actor()) as work:
        write(work, values)
        assert shown(values["view_id"]) == 0
    assert shown(values["view_id"]) == 11


@pytest.mark.parametrize("person", [GUO_SHI, BAI_LU, KANG_YI, PAN_LI])
def test_another_persons_view_opens_nothing(consent, work_as, db, actor, person):
    view_id = open_view(work_as, consent)
    try:
        seen = documents(db, actor(person), view_id)
    except DBAPIError as refused:
        assert isinstance(refused.orig, psycopg.errors.InsufficientPrivilege)  # noqa: PT017
        seen = 0
    assert seen == 0


def test_a_view_of_a_minute_ago_opens_nothing(consent, work_as, shown, admin):
    view_id = open_view(work_as, consent)
    admin.execute("ALTER TABLE access_log DISABLE TRIGGER append_only")
    for age, expected in (("59 s", 11), ("61 s", 0)):
        admin.execute(
            "UPDATE access_log SET opened_at = clock_timestamp() - %s::interval WHERE view_id = %s",
            [age, view_id],
        )
        assert shown(view_id) == expected
    admin.execute("ALTER TABLE access_log ENABLE TRIGGER append_only")


@pytest.mark.parametrize("forged", [{"opened_at": clock.now()}, {"top_xid": text("'1'::xid8")}])
def test_moment_and_transaction_cannot_be_forged(consent, work_as, forged, admin):
    before = admin.execute("SELECT count(*) FROM access_log").fetchone()
    assert refused_by_policy(work_as, consent, **forged)
    assert admin.execute("SELECT count(*) FROM access_log").fetchone() == before


def test_a_row_in_anothers_name_is_refused(consent, work_as):
    assert refused_by_policy(work_as, consent, person_id=GUO_SHI.id)


def test_a_row_of_another_bank_is_refused(consent, work_as):
    with pytest.raises(DBAPIError):
        open_view(work_as, consent, BAI_LU, person_id=BAI_LU.id)


def test_a_preview_opens_nothing_to_a_bank(consent, work_as, shown):
    assert refused_by_policy(work_as, consent, outcome=Outcome.PREVIEW)
    preview = row(consent, KANG_YI, outcome=Outcome.PREVIEW)
    with work_as(KANG_YI) as work:
        write(work, preview)
    assert shown(preview["view_id"]) == 0


def test_a_refused_row_opens_nothing(consent, work_as, shown):
    refused = {"outcome": Outcome.REFUSED, "refused_because": "level"}
    assert shown(open_view(work_as, consent, **refused)) == 0


def test_a_row_opens_its_own_datasets_alone(consent, work_as, shown):
    assert shown(open_view(work_as, consent, datasets=["H"])) == 1
    assert shown(open_view(work_as, consent, datasets=["H", "G"])) == 3


@pytest.mark.parametrize("command", [service.withdraw_consent, service.suspend_consent])
def test_what_was_open_closes_with_the_consent(consent, work_as, shown, command):
    view_id = open_view(work_as, consent)
    assert shown(view_id) == 11
    with work_as(KANG_YI) as work:
        command(work, consent.id)
    assert shown(view_id) == 0
    assert refused_by_policy(work_as, consent)


def test_nobody_changes_or_deletes_the_log(consent, work_as, admin):
    view_id = open_view(work_as, consent)
    for person in (GAO_YAN, KANG_YI):
        for statement in ("UPDATE access_log SET fields = '{}'", "DELETE FROM access_log"):
            with pytest.raises(DBAPIError), work_as(person) as work:
                work.session.execute(text(statement))
    with pytest.raises(psycopg.errors.CheckViolation):
        admin.execute("UPDATE access_log SET fields = '{}'")
    count = admin.execute("SELECT count(*) FROM access_log WHERE view_id = %s", [view_id])
    assert count.fetchone() == (1,)


KILLED = """
    import os, signal, sys
    from uuid import UUID
    from kernel import db
    from kernel.actor import Actor, Kind
    from portal.credit import reading
    from portal.credit.ids import ConsentId
    url, tenant, person, consent, when = sys.argv[1:]
    actor = Actor(Kind.BANK, tenant_id=UUID(tenant), person_id=UUID(person), name="killed")
    database = db.Database(url)
    emit = db.Work.emit
    def die(*args, **more):
        os.kill(os.getpid(), signal.SIGKILL)
    if when == "before the commit":
        db.Work.emit = die
    reading.open_view(database, actor, ConsentId(UUID(consent)), plan=reading.case_reading)
    die()
"""


@pytest.mark.parametrize(("when", "rows"), [("before the commit", 0), ("after the commit", 1)])
def test_killed_between_the_steps_there_is_a_row_or_nothing(
    consent, urls, admin, shown, when, rows
):
    count = "SELECT view_id FROM access_log WHERE person_name_zh = %s AND consent_id = %s"
    arguments = [urls.web, str(consent.bank_id), str(GAO_YAN.id), str(consent.id), when]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), *arguments],
        cwd=os.getcwd(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    written = admin.execute(count, [GAO_YAN.name_zh, consent.id]).fetchall()
    assert len(written) == rows
    # What was committed is a read that the company sees, although nobody saw a figure.
    assert [shown(view_id) for (view_id,) in written] == [11] * rows


LEVELS = (0, 1, 2)
SETS = (["H"], ["H", "C"], ["H", "B", "C", "G"])
TIMES = {"live": (-1, 1), "not yet": (1, 2), "over": (-2, -1)}


def test_the_whole_matrix_of_consents_and_reads(admin, work_as, consent):
    # Purpose × level × dataset × time against a plain conjunction, in one transaction of the bank.
    with work_as(GAO_YAN) as work:
        tried, opened = _try_all(work, admin, consent)
    assert tried == 3 * 3 * 9 * 9
    assert 0 < opened < tried / 3


def _try_all(work, admin, consent):
    admin.execute("ALTER TABLE consent DISABLE TRIGGER consent_guard")
    tried = opened = 0
    for purpose, (when, (start, end)) in product(Purpose, TIMES.items()):
        for level, datasets in product(LEVELS, SETS):
            admin.execute(
                "UPDATE consent SET level = %s, datasets = %s, purpose = %s,"
                " valid_from = now() + %s * interval '1 h',"
                " valid_until = now() + %s * interval '1 h'"
                " WHERE id = %s",
                [level, datasets, purpose.value, start, end, consent.id],
            )
            for asked_level, asked in product(LEVELS, (["H"], ["H", "C"], ["B"])):
                allowed = when == "live" and asked_level <= level and set(asked) <= set(datasets)
                got_in = _tries(work, row(consent, GAO_YAN, level=asked_level, datasets=asked))
                assert got_in == allowed, (purpose, when, level, datasets, asked_level, asked)
                tried, opened = tried + 1, opened + got_in
    admin.execute("ALTER TABLE consent ENABLE TRIGGER consent_guard")
    return tried, opened


def _tries(work, values):
    try:
        with work.session.begin_nested():
            write(work, values)
    except DBAPIError as refused:
        assert isinstance(refused.orig, psycopg.errors.InsufficientPrivilege)  # noqa: PT017
        return False
    return True


# --- the service above it -------------------------------------------------------------------


def read(db, actor, consent_id, plan=reading.case_reading):
    return reading.open_view(db, actor, consent_id, plan=plan)


def test_the_service_writes_what_the_page_will_show(consent, db, actor, admin):
    view_id = read(db, actor(), consent.id)
    logged = admin.execute(
        "SELECT page, level, datasets, fields, outcome, person_name_zh, person_name_en"
        " FROM access_log WHERE view_id = %s",
        [view_id],
    ).fetchone()
    assert logged[:3] == ("case", 2, sorted(ALL))
    assert "C1.value" in logged[3]
    assert logged[4:] == ("granted", GAO_YAN.name_zh, GAO_YAN.name_en)


def test_the_company_hears_of_the_read(consent, db, actor, admin):
    read(db, actor(), consent.id)
    kinds = admin.execute("SELECT kind FROM outbox WHERE delivered_at IS NULL").fetchall()
    assert ("credit.profile_read.v1",) in kinds


@pytest.mark.parametrize("person", [BAI_LU, GAO_YAN])
def test_unknown_and_foreign_leave_no_row(consent, db, actor, admin, person):
    before = admin.execute("SELECT count(*) FROM access_log").fetchone()
    with pytest.raises(NotFound):
        read(db, actor(person), consent.id if person is BAI_LU else new_id())
    assert admin.execute("SELECT count(*) FROM access_log").fetchone() == before


def test_an_ended_consent_is_missing_and_the_attempt_is_written_down(
    consent, db, actor, admin, work_as
):
    with work_as(KANG_YI) as work:
        service.withdraw_consent(work, consent.id)
    with pytest.raises(NotFound):
        read(db, actor(), consent.id)
    with work_as(KANG_YI) as work:
        last = queries.list_reads(work)[0]
    assert (last.outcome, last.refused_because) == (Outcome.REFUSED, "not_live")


@pytest.mark.usefixtures("_days")
def test_a_page_beyond_the_consent_is_refused_by_name_and_written_down(
    admin, jobs_db, work_as, db, actor
):
    consent_id = grant(work_as, datasets=[Dataset.HISTORY], purpose=Purpose.MONITORING)
    deliver(admin, jobs_db)

    def figure(consent):
        return reading.figure_reading(consent, code="C1")

    with pytest.raises(ConsentScope):
        read(db, actor(), consent_id, figure)
    with work_as(KANG_YI) as work:
        last = queries.list_reads(work)[0]
    assert (last.outcome, last.refused_because) == (Outcome.REFUSED, "dataset")


@pytest.mark.usefixtures("_days")
def test_a_level_that_is_not_opened_is_refused_by_name(work_as, db, actor):
    consent_id = grant(work_as, level=0, purpose=Purpose.AUDIT)

    def figure(consent):
        return reading.figure_reading(consent, code="C1")

    with pytest.raises(ConsentScope):
        read(db, actor(), consent_id, figure)


def test_a_log_that_cannot_be_written_shows_nothing(consent, db, actor, admin):
    admin.execute("ALTER TABLE access_log ADD CONSTRAINT full_up CHECK (false) NOT VALID")
    try:
        with pytest.raises(ReadNotLogged):
            read(db, actor(), consent.id)
    finally:
        admin.execute("ALTER TABLE access_log DROP CONSTRAINT full_up")


def test_a_document_is_found_under_the_view_and_not_without(consent, db, actor):
    view_id = read(db, actor(), consent.id)
    for view, found in ((view_id, True), (None, False)):
        with db.work(actor(), read_only=True, view_id=view) as work:
            head = bank_queries.find_document(work, consent.id, Dataset.HEAD, "head")
        assert (head is not None) == found


def test_documents_of_an_ended_consent_are_deleted(consent, admin, jobs_db, work_as):
    with work_as(KANG_YI) as work:
        service.withdraw_consent(work, consent.id)
    deliver(admin, jobs_db)
    left = admin.execute("SELECT count(*) FROM bank_view WHERE consent_id = %s", [consent.id])
    assert left.fetchone() == (0,)


def test_three_refusals_in_a_day_are_an_alert(consent, db, actor, work_as):
    with work_as(KANG_YI) as work:
        service.withdraw_consent(work, consent.id)
    for _ in range(3):
        with pytest.raises(NotFound):
            read(db, actor(), consent.id)
    with work_as(KANG_YI) as work:
        assert queries.has_refusal_alert(work)
        counts = queries.count_reads(work, since=work.now - timedelta(hours=1))
    assert counts[Outcome.REFUSED] >= 3
