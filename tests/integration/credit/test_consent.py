"""The life of a consent, from the bank's question to its end."""

from datetime import date, timedelta

import psycopg
import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from kernel import clock
from kernel.db import worker
from kernel.errors import NotFound
from kernel.ids import new_id
from kernel.lifecycle import MoveNotAllowed
from portal.credit import bank_queries, queries, service, upkeep
from portal.credit.errors import AlreadyAsked, NoSuchBank, SecondPersonNeeded, WaitsForTheDay
from portal.credit.lifecycle import ConsentState
from portal.credit.models import Consent
from portal.credit.words import Dataset, Purpose
from tenants.holders import people_with
from tenants.permissions import Permission
from tests.cast import (
    BAI_LU,
    GAO_YAN,
    GRANITE,
    HERON,
    KANG_YI,
    KESTREL,
    KONG_KUN,
    PAN_LI,
    WU_ZHE,
)
from tests.integration.credit.world import deliver, grant

TERMS = {"datasets": [Dataset.PRODUCTION], "level": 2, "data_from": date(2026, 1, 1), "days": 90}


@pytest.fixture(autouse=True)
def _nothing_asked(admin):
    admin.execute("ALTER TABLE access_log DISABLE TRIGGER append_only")
    admin.execute("ALTER TABLE consent_event DISABLE TRIGGER append_only")
    for table in ("bank_view", "access_log", "consent_event", "consent", "consent_request"):
        admin.execute(f"DELETE FROM {table}")
    admin.execute("DELETE FROM outbox")
    admin.execute("ALTER TABLE access_log ENABLE TRIGGER append_only")
    admin.execute("ALTER TABLE consent_event ENABLE TRIGGER append_only")


def ask(work_as, *, person=GAO_YAN, uscc=KESTREL.uscc, purpose=Purpose.UNDERWRITING):
    with work_as(person) as work:
        service.request_consent(work, name="somebody", uscc=uscc, purpose=purpose, days=180)


def state_of(admin, consent_id):
    return admin.execute("SELECT state FROM consent WHERE id = %s", [consent_id]).fetchone()[0]


def draft(work_as, *, person=KANG_YI, prepared=True, purpose=Purpose.UNDERWRITING):
    with work_as(person) as work:
        consent_id = service.draft_consent(work, bank="granite", purpose=purpose, days=90)
        if prepared:
            service.prepare_consent(work, consent_id, **TERMS)
    return consent_id


def test_a_request_becomes_a_consent_to_decide(admin, jobs_db, work_as):
    ask(work_as)
    deliver(admin, jobs_db)
    with work_as(KANG_YI) as work:
        assert queries.count_requests(work) == 1
        asked = queries.list_consents(work)[0]
    assert (asked.state, asked.bank_id, asked.days) == (ConsentState.REQUESTED, GRANITE.id, 180)


def test_what_one_has_prepared_waits_for_another(work_as):
    draft(work_as)
    counts = []
    for person in (KANG_YI, KONG_KUN):
        with work_as(person) as work:
            counts.append(queries.count_to_approve(work))
    assert counts == [0, 1]


@pytest.mark.parametrize("uscc", ["91110000MA0000000X", HERON.uscc, GRANITE.uscc])
def test_an_unknown_company_a_bank_and_the_group_are_never_asked(admin, jobs_db, work_as, uscc):
    ask(work_as, uscc=uscc)
    deliver(admin, jobs_db)
    assert admin.execute("SELECT count(*) FROM consent").fetchone()[0] == 0
    with work_as(GAO_YAN) as work:
        assert [row.state for row in bank_queries.list_requests(work)] == ["sent"]


def test_asked_twice_the_company_decides_once(admin, jobs_db, work_as):
    ask(work_as)
    ask(work_as)
    deliver(admin, jobs_db)
    assert admin.execute("SELECT count(*) FROM consent").fetchone()[0] == 1


def test_a_bank_learns_nothing_before_the_consent_is_given(admin, jobs_db, work_as):
    ask(work_as)
    deliver(admin, jobs_db)
    consent_id = admin.execute("SELECT id FROM consent").fetchone()[0]
    for step in ("asked", "prepared"):
        with work_as(GAO_YAN) as work:
            assert bank_queries.list_cases(work) == [], step
            assert bank_queries.find_given(work, consent_id) is None
        if step == "asked":
            with work_as(KANG_YI) as work:
                service.prepare_consent(work, consent_id, **TERMS)
    with work_as(KONG_KUN) as work:
        service.approve_consent(work, consent_id)
    deliver(admin, jobs_db)
    with work_as(GAO_YAN) as work:
        assert [case.consent.id for case in bank_queries.list_cases(work)] == [consent_id]
        assert [row.state for row in bank_queries.list_requests(work)] == ["granted"]


def test_state_and_event_are_written_together(admin, work_as):
    consent_id = draft(work_as)
    with work_as(KONG_KUN) as work:
        service.approve_consent(work, consent_id)
        assert state_of(admin, consent_id) == "prepared"
    assert state_of(admin, consent_id) == "active"
    kinds = [row[0] for row in admin.execute("SELECT kind FROM outbox ORDER BY id").fetchall()]
    assert kinds == ["credit.consent_prepared.v1", "credit.consent_granted.v1"]


def test_the_receipt_says_who_gave_what_to_whom(work_as):
    consent_id = grant(work_as)
    with work_as(KANG_YI) as work:
        receipt = queries.find_receipt(work, consent_id)
        consent = queries.get_consent(work, consent_id)
    assert GRANITE.name_zh in receipt
    assert str(KANG_YI.id) in receipt
    assert str(KONG_KUN.id) in receipt
    assert consent.notice_sha256.hex() in receipt
    assert consent.valid_until - consent.valid_from == timedelta(days=180)


def test_the_preparer_cannot_approve(admin, work_as):
    consent_id = draft(work_as)
    with pytest.raises(SecondPersonNeeded), work_as(KANG_YI) as work:
        service.approve_consent(work, consent_id)
    assert state_of(admin, consent_id) == "prepared"


def test_a_company_of_one_approves_after_a_day_and_it_is_said(admin, work_as):
    consent_id = draft(work_as, person=WU_ZHE)
    with pytest.raises(WaitsForTheDay), work_as(WU_ZHE) as work:
        service.approve_consent(work, consent_id)
    clock.freeze(clock.now() + timedelta(hours=25))
    with work_as(WU_ZHE) as work:
        service.approve_consent(work, consent_id)
        assert queries.get_consent(work, consent_id).one_person
    assert state_of(admin, consent_id) == "active"


def test_four_eyes_hold_in_sql_too(admin, work_as):
    consent_id = draft(work_as)
    forged = {
        "state": ConsentState.ACTIVE,
        "approved_by": KANG_YI.id,
        "valid_from": clock.now(),
        "valid_until": clock.now() + timedelta(days=1),
    }
    with pytest.raises(IntegrityError, match="four_eyes"), work_as(KANG_YI) as work:
        work.session.execute(update(Consent).where(Consent.id == consent_id).values(**forged))


def test_nobody_approves_in_anothers_name(work_as):
    consent_id = draft(work_as)
    forged = {
        "state": ConsentState.ACTIVE,
        "approved_by": KONG_KUN.id,
        "valid_from": clock.now(),
        "valid_until": clock.now() + timedelta(days=1),
    }
    with pytest.raises(IntegrityError, match="own name"), work_as(KANG_YI) as work:
        work.session.execute(update(Consent).where(Consent.id == consent_id).values(**forged))


@pytest.mark.parametrize(
    "change",
    [{"level": 2}, {"datasets": ["H", "B"]}, {"days": 365}, {"data_from": date(2000, 1, 1)}],
)
def test_what_was_prepared_is_what_is_approved(work_as, change):
    with work_as(KANG_YI) as work:
        consent_id = service.draft_consent(work, bank="granite", purpose=Purpose.AUDIT, days=30)
        service.prepare_consent(work, consent_id, **(TERMS | {"level": 1}))
    with pytest.raises(IntegrityError, match="was prepared"), work_as(KONG_KUN) as work:
        work.session.execute(update(Consent).where(Consent.id == consent_id).values(**change))


@pytest.mark.parametrize("known", [True, False])
def test_a_draft_cannot_feel_for_a_banks_request(admin, work_as, known):
    ask(work_as)
    request = admin.execute("SELECT id FROM consent_request").fetchone()[0] if known else new_id()
    consent_id = draft(work_as, prepared=False, purpose=Purpose.AUDIT)
    with pytest.raises(DBAPIError, match="row-level security"), work_as(KANG_YI) as work:
        drafted = work.session.get(Consent, consent_id)
        told = Consent.__table__.columns.keys()
        row = {name: getattr(drafted, name) for name in told if name != "pseudonym_key"}
        changed = {"id": new_id(), "purpose": Purpose.UNDERWRITING, "request_id": request}
        work.session.execute(insert(Consent).values(row | changed))
    assert state_of(admin, consent_id) == "draft"


def test_a_consent_that_was_given_is_not_widened(work_as):
    consent_id = grant(work_as, days=30)
    longer = {"valid_until": clock.now() + timedelta(days=300)}
    with pytest.raises(IntegrityError, match="was approved"), work_as(KONG_KUN) as work:
        work.session.execute(update(Consent).where(Consent.id == consent_id).values(**longer))


def test_a_newer_consent_replaces_the_live_one(admin, work_as):
    older = grant(work_as)
    newer = grant(work_as)
    assert (state_of(admin, older), state_of(admin, newer)) == ("superseded", "active")


def test_two_purposes_stand_side_by_side(admin, work_as):
    first, second = grant(work_as), grant(work_as, purpose=Purpose.AUDIT)
    assert (state_of(admin, first), state_of(admin, second)) == ("active", "active")


def test_one_waits_at_a_time(work_as):
    draft(work_as)
    with pytest.raises(AlreadyAsked), work_as(KONG_KUN) as work:
        service.draft_consent(work, bank="granite", purpose=Purpose.UNDERWRITING, days=1)


@pytest.mark.parametrize("code", ["pelican", "heron", "nobody"])
def test_only_a_bank_gets_a_consent(work_as, code):
    with pytest.raises(NoSuchBank), work_as(KANG_YI) as work:
        service.draft_consent(work, bank=code, purpose=Purpose.AUDIT, days=1)


@pytest.mark.parametrize(
    "command",
    [
        service.approve_consent,
        service.deny_consent,
        service.withdraw_consent,
        service.suspend_consent,
        service.resume_consent,
    ],
)
def test_another_companys_consent_is_not_there(admin, work_as, command):
    consent_id = draft(work_as)
    with pytest.raises(NotFound), work_as(PAN_LI) as work:
        command(work, consent_id)
    assert state_of(admin, consent_id) == "prepared"


@pytest.mark.parametrize("command", [service.withdraw_consent, service.suspend_consent])
def test_what_was_not_given_cannot_be_taken_back(admin, work_as, command):
    consent_id = draft(work_as)
    with pytest.raises(MoveNotAllowed), work_as(KANG_YI) as work:
        command(work, consent_id)
    assert state_of(admin, consent_id) == "prepared"


def test_resuming_is_no_way_around_the_second_person(admin, work_as):
    consent_id = draft(work_as)
    with pytest.raises(MoveNotAllowed), work_as(KANG_YI) as work:
        service.resume_consent(work, consent_id)
    assert state_of(admin, consent_id) == "prepared"


def test_it_rests_and_goes_on(admin, work_as):
    consent_id = grant(work_as)
    with work_as(KANG_YI) as work:
        service.suspend_consent(work, consent_id)
    assert state_of(admin, consent_id) == "suspended"
    with work_as(KANG_YI) as work:
        service.resume_consent(work, consent_id)
    assert state_of(admin, consent_id) == "active"


@pytest.mark.parametrize(
    ("arrange", "later", "ends_as"),
    [
        (lambda w: draft(w, prepared=False), 31, "lapsed"),
        (draft, 15, "lapsed"),
        (lambda w: grant(w, days=20), 21, "expired"),
    ],
)
def test_the_clock_ends_what_is_left_lying(admin, jobs_db, work_as, arrange, later, ends_as):
    consent_id = arrange(work_as)
    clock.freeze(clock.now() + timedelta(days=later))
    with jobs_db.work(worker()) as work:
        assert upkeep.move_by_clock(work) == 1
    assert state_of(admin, consent_id) == ends_as


@pytest.mark.parametrize(("days", "later", "ends_as"), [(90, 31, "withdrawn"), (20, 31, "expired")])
def test_a_resting_consent_ends_at_the_nearer_moment(admin, jobs_db, work_as, days, later, ends_as):
    consent_id = grant(work_as, days=days)
    with work_as(KANG_YI) as work:
        service.suspend_consent(work, consent_id)
    clock.freeze(clock.now() + timedelta(days=later))
    with jobs_db.work(worker()) as work:
        upkeep.move_by_clock(work)
    assert state_of(admin, consent_id) == ends_as


def test_a_request_that_is_known_denied_and_one_unknown_lapse_alike(admin, jobs_db, work_as):
    ask(work_as)
    ask(work_as, uscc="91110000MA0000000X")
    deliver(admin, jobs_db)
    with work_as(KANG_YI) as work:
        service.deny_consent(work, queries.list_consents(work)[0].id)
    deliver(admin, jobs_db)
    for later, state in ((0, "sent"), (31, "lapsed")):
        clock.freeze(clock.now() + timedelta(days=later))
        with jobs_db.work(worker()) as work:
            upkeep.move_by_clock(work)
        with work_as(GAO_YAN) as work:
            rows = bank_queries.list_requests(work)
        assert [row.state for row in rows] == [state, state]


def test_a_bank_sees_its_own_requests_alone(work_as):
    ask(work_as)
    with work_as(BAI_LU) as work:
        assert bank_queries.list_requests(work) == []


def test_a_bank_cannot_read_the_key_of_the_pseudonyms(work_as):
    grant(work_as)
    with pytest.raises(DBAPIError) as refused, work_as(GAO_YAN) as work:
        work.session.execute(select(Consent.pseudonym_key))
    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)


def test_a_bank_cannot_write_a_consent(work_as):
    consent_id = grant(work_as)
    with pytest.raises(DBAPIError) as refused, work_as(GAO_YAN) as work:
        work.session.execute(update(Consent).where(Consent.id == consent_id).values(level=2))
    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)


def test_wren_has_one_person_and_kestrel_two(work_as):
    with work_as(WU_ZHE) as work:
        assert people_with(work, Permission.CREDIT_CONSENT_APPROVE) == {WU_ZHE.id}
    with work_as(KANG_YI) as work:
        holders = people_with(work, Permission.CREDIT_CONSENT_APPROVE)
    assert {KANG_YI.id, KONG_KUN.id} <= holders
