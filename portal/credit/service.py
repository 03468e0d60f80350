"""Commands of people: a bank asks, a company prepares, approves, rests and ends a consent.

What the worker does with requests and deadlines stands in `upkeep.py`.
"""

import secrets
from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from kernel.db import Work
from kernel.errors import NotFound
from kernel.ids import PersonId, new_id
from kernel.lifecycle import Side
from portal.credit import consenting, receipts
from portal.credit.errors import AlreadyAsked, NoSuchBank
from portal.credit.events import (
    ConsentEnded,
    ConsentGranted,
    ConsentPrepared,
    ConsentRequested,
    ConsentSuspended,
)
from portal.credit.ids import ConsentEventId, ConsentId, ConsentRequestId
from portal.credit.lifecycle import CONSENT, LIVE, ConsentState, RequestState
from portal.credit.models import Consent, ConsentEvent, ConsentRequest
from portal.credit.words import ALL_DATASETS, FACTS, Dataset, Purpose
from tenants import audit
from tenants import queries as tenants
from tenants.holders import people_with
from tenants.permissions import Permission

LOOK_BACK_D = 364


def request_consent(
    work: Work, *, name: str, uscc: str, purpose: Purpose, days: int, reason: str = ""
) -> ConsentRequested:
    """Ask the company of registration code `uscc`; whether it is here does not show."""
    request_id = ConsentRequestId(new_id())
    work.session.add(
        ConsentRequest(
            id=request_id,
            tenant_id=work.tenant_id,
            name=name,
            uscc=uscc,
            purpose=purpose,
            datasets=[dataset.value for dataset in ALL_DATASETS],
            level=FACTS,
            days=days,
            reason=reason,
            state=RequestState.SENT,
            asked_by=_person(work),
            asked_at=work.now,
            due_at=work.now + consenting.ANSWER_WITHIN,
        )
    )
    audit.record(work, "credit.consent.ask", object_kind="consent_request", object_id=request_id)
    return work.emit(ConsentRequested(request_id=request_id))


def draft_consent(work: Work, *, bank: str, purpose: Purpose, days: int) -> ConsentId:
    """Begin a consent for the bank of code `bank`, unasked.

    Raises `NoSuchBank`, or `AlreadyAsked` while one for this bank and purpose waits.
    """
    chosen = next((each for each in tenants.list_banks(work) if each.code == bank), None)
    if chosen is None:
        raise NoSuchBank(field="bank")
    own = tenants.own_company(work)
    consent = Consent(
        id=ConsentId(new_id()),
        tenant_id=work.tenant_id,
        bank_id=chosen.id,
        request_id=None,
        company_uscc=own.uscc or "",
        company_name_zh=own.name_zh,
        company_name_en=own.name_en,
        bank_name_zh=chosen.name_zh,
        bank_name_en=chosen.name_en,
        purpose=purpose,
        datasets=[dataset.value for dataset in ALL_DATASETS],
        level=FACTS,
        data_from=consent_data_from(work.now),
        days=days,
        reason="",
        state=ConsentState.DRAFT,
        due_at=work.now + consenting.ANSWER_WITHIN,
        created_at=work.now,
        pseudonym_key=secrets.token_bytes(32),
    )
    work.session.add(consent)
    try:
        work.session.flush()
    except IntegrityError as clash:
        # Two colleagues begin the same one at once, or a request of the bank came in between.
        if "uq__consent__one_waiting" in str(clash.orig):
            raise AlreadyAsked from None
        raise
    _note(work, consent)
    audit.record(work, "credit.consent.draft", object_kind="consent", object_id=consent.id)
    return consent.id


def prepare_consent(
    work: Work,
    consent_id: ConsentId,
    *,
    datasets: Collection[Dataset],
    level: int,
    data_from: date,
    days: int,
) -> ConsentPrepared:
    """Fix what a waiting consent will open; the head is always in.

    Raises `NotFound`, `MoveNotAllowed` unless it is asked for or a draft, `PeriodOutOfRange`.
    """
    consent = _get_for_update(work, consent_id)
    CONSENT.require(consent.state, ConsentState.PREPARED, by=Side.COMPANY)
    consenting.period_end(work.now, days)
    consent.datasets = sorted({Dataset.HEAD.value, *(each.value for each in datasets)})
    consent.level, consent.data_from, consent.days = level, data_from, days
    consent.prepared_by, consent.prepared_at = _person(work), work.now
    consent.notice_sha256 = receipts.notice(consent).sha256
    consent.due_at = work.now + consenting.APPROVE_WITHIN
    _move(work, consent, ConsentState.PREPARED)
    return work.emit(ConsentPrepared(consent_id=consent_id))


def approve_consent(work: Work, consent_id: ConsentId) -> ConsentGranted:
    """Give a prepared consent; a live one for the same bank and purpose is replaced by it.

    Raises `NotFound`, `MoveNotAllowed`, `SecondPersonNeeded`, `WaitsForTheDay`.
    """
    consent = _get_for_update(work, consent_id)
    # `suspended` leads to `active` too: that way is `resume_consent`, and it can be denied no more.
    CONSENT.require(consent.state, ConsentState.DENIED, by=Side.COMPANY)
    CONSENT.require(consent.state, ConsentState.ACTIVE, by=Side.COMPANY)
    # A prepared consent has both: the lifecycle and `consent_guard` let in no other.
    assert consent.prepared_by is not None
    assert consent.prepared_at is not None
    others = people_with(work, Permission.CREDIT_CONSENT_APPROVE) - {consent.prepared_by}
    consent.one_person = consenting.approves_alone(
        prepared_by=consent.prepared_by,
        prepared_at=consent.prepared_at,
        approver=_person(work),
        others_may=bool(others),
        now=work.now,
    )
    _supersede(work, consent)
    consent.approved_by, consent.approved_at, consent.acr = _person(work), work.now, "pwd"
    consent.valid_from = work.now
    consent.valid_until = consenting.period_end(work.now, consent.days)
    consent.due_at = None
    _move(work, consent, ConsentState.ACTIVE, receipt=receipts.receipt(consent))
    return work.emit(ConsentGranted(consent_id=consent_id, bank_id=consent.bank_id))


def deny_consent(work: Work, consent_id: ConsentId) -> ConsentEnded:
    """Say no to a request, or drop what was being prepared; the bank learns nothing."""
    return _end(work, consent_id, ConsentState.DENIED)


def withdraw_consent(work: Work, consent_id: ConsentId) -> ConsentEnded:
    """End a consent: from the next request on the bank reads nothing.

    Raises `NotFound`, `MoveNotAllowed` unless it is live.
    """
    return _end(work, consent_id, ConsentState.WITHDRAWN)


def suspend_consent(work: Work, consent_id: ConsentId) -> ConsentSuspended:
    """Let a live consent rest; unless it is resumed in 30 days it is withdrawn."""
    consent = _get_for_update(work, consent_id)
    CONSENT.require(consent.state, ConsentState.SUSPENDED, by=Side.COMPANY)
    consent.due_at = work.now + consenting.RESUME_WITHIN
    _move(work, consent, ConsentState.SUSPENDED)
    return work.emit(ConsentSuspended(consent_id=consent_id))


def resume_consent(work: Work, consent_id: ConsentId) -> ConsentGranted:
    """Let the bank read again under a consent that rested; its end stays where it was."""
    consent = _get_for_update(work, consent_id)
    # `prepared` leads to `active` too: that way is `approve_consent` and its second person.
    CONSENT.require(consent.state, ConsentState.WITHDRAWN, by=Side.COMPANY)
    CONSENT.require(consent.state, ConsentState.ACTIVE, by=Side.COMPANY)
    consent.due_at = None
    _move(work, consent, ConsentState.ACTIVE)
    return work.emit(ConsentGranted(consent_id=consent_id, bank_id=consent.bank_id))


def consent_data_from(now: datetime) -> date:
    """Return the first day that a consent opens unless the company says otherwise."""
    return date.fromordinal(now.date().toordinal() - LOOK_BACK_D - 7)


def _end(work: Work, consent_id: ConsentId, state: ConsentState) -> ConsentEnded:
    consent = _get_for_update(work, consent_id)
    CONSENT.require(consent.state, state, by=Side.COMPANY)
    consent.due_at, consent.ended_at = None, work.now
    _move(work, consent, state)
    return work.emit(ConsentEnded(consent_id=consent_id, state=state.value))


def _supersede(work: Work, newer: Consent) -> None:
    statement = (
        select(Consent)
        .where(
            Consent.bank_id == newer.bank_id,
            Consent.purpose == newer.purpose,
            Consent.state.in_(LIVE),
        )
        .with_for_update()
    )
    for older in work.session.scalars(statement):
        older.due_at, older.ended_at = None, work.now
        _move(work, older, ConsentState.SUPERSEDED)
        work.emit(ConsentEnded(consent_id=older.id, state=ConsentState.SUPERSEDED.value))
    # Before the newer one goes live: at most one live consent for a bank and a purpose.
    work.session.flush()


def _get_for_update(work: Work, consent_id: ConsentId) -> Consent:
    # The lock serialises two deciders; the UPDATE policy answers whose consent it is.
    consent = work.session.scalars(
        select(Consent).where(Consent.id == consent_id).with_for_update()
    ).one_or_none()
    if consent is None:
        raise NotFound
    return consent


def _move(work: Work, consent: Consent, state: ConsentState, *, receipt: str | None = None) -> None:
    consent.state = state
    _note(work, consent, receipt=receipt)
    audit.record(work, f"credit.consent.{state.value}", object_kind="consent", object_id=consent.id)


def _note(work: Work, consent: Consent, *, receipt: str | None = None) -> None:
    work.session.add(
        ConsentEvent(
            id=ConsentEventId(new_id()),
            tenant_id=consent.tenant_id,
            consent_id=consent.id,
            state=consent.state,
            person_id=work.actor.person_id,
            recorded_at=work.now,
            receipt=receipt,
        )
    )


def _person(work: Work) -> PersonId:
    if work.actor.person_id is None:
        raise NotFound
    return work.actor.person_id
