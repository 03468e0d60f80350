"""What the worker does with requests, deadlines and ended consents. No person acts here."""

import secrets
from collections.abc import Sequence

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from kernel.db import Work
from kernel.ids import TenantId, new_id
from kernel.lifecycle import Side
from portal.credit import consenting
from portal.credit.events import ConsentEnded
from portal.credit.ids import ConsentEventId, ConsentId, ConsentRequestId
from portal.credit.lifecycle import CONSENT, REQUEST, ConsentState, RequestState
from portal.credit.models import BankView, Consent, ConsentEvent, ConsentRequest
from portal.credit.service import consent_data_from
from tenants import queries as tenants
from tenants.roles import CompanyKind

LENT_TO = (CompanyKind.SUBSIDIARY, CompanyKind.PARTNER, CompanyKind.PROVIDER)
S = ConsentState


def match_request(work: Work, request_id: ConsentRequestId) -> ConsentId | None:
    """Make a consent of a bank's request where the company is here; else do nothing.

    A request beside one that waits already makes none either: the company decides once.
    """
    request = work.session.get(ConsentRequest, request_id)
    if request is None or request.state is not RequestState.SENT:
        return None
    company = tenants.find_tenant_by_uscc(work, request.uscc)
    if company is None or company.kind not in LENT_TO:
        return None
    consent = _asked_for(work, request, company)
    # Delivered twice, or asked twice: the second finds the first and leaves it alone.
    made = work.session.execute(
        insert(Consent).values(consent).on_conflict_do_nothing().returning(Consent.id)
    ).scalar_one_or_none()
    if made is None:
        return None
    _note(work, company.id, made, S.REQUESTED)
    return made


def mark_granted(work: Work, consent_id: ConsentId) -> None:
    """Tell the bank's request that its consent was given."""
    request_id = work.session.scalar(select(Consent.request_id).where(Consent.id == consent_id))
    if request_id is None:
        return
    work.session.execute(
        update(ConsentRequest)
        .where(ConsentRequest.id == request_id, ConsentRequest.state == RequestState.SENT)
        .values(state=RequestState.GRANTED)
    )


def drop_documents(work: Work, consent_id: ConsentId) -> None:
    """Take away what a bank was shown under a consent that has ended."""
    work.session.execute(delete(BankView).where(BankView.consent_id == consent_id))


def move_by_clock(work: Work, *, limit: int = 500) -> int:
    """Move what people have left lying beyond its deadline; return how many were moved."""
    moved = 0
    for consent in _overdue(work, limit):
        state = _next_state(consent)
        CONSENT.require(consent.state, state, by=Side.CLOCK)
        consent.state, consent.due_at, consent.ended_at = state, None, work.now
        _note(work, consent.tenant_id, consent.id, state)
        ended = ConsentEnded(consent_id=consent.id, state=state.value)
        work.emit(ended, tenant_id=consent.tenant_id)
        moved += 1
    requests = work.session.scalars(
        select(ConsentRequest)
        .where(ConsentRequest.state == RequestState.SENT, ConsentRequest.due_at <= work.now)
        .order_by(ConsentRequest.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    for request in requests:
        REQUEST.require(request.state, RequestState.LAPSED, by=Side.CLOCK)
        request.state = RequestState.LAPSED
        moved += 1
    return moved


def _overdue(work: Work, limit: int) -> Sequence[Consent]:
    statement = (
        select(Consent)
        .where(
            or_(
                Consent.state.in_((S.REQUESTED, S.DRAFT, S.PREPARED, S.SUSPENDED))
                & (Consent.due_at <= work.now),
                Consent.state.in_((S.ACTIVE, S.SUSPENDED)) & (Consent.valid_until <= work.now),
            )
        )
        .order_by(Consent.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return work.session.scalars(statement).all()


def _next_state(consent: Consent) -> ConsentState:
    if consent.state in (S.REQUESTED, S.DRAFT, S.PREPARED):
        return S.LAPSED
    if consent.state is S.ACTIVE:
        return S.EXPIRED
    due, until = consent.due_at, consent.valid_until
    return S.WITHDRAWN if due is not None and until is not None and due < until else S.EXPIRED


def _asked_for(
    work: Work, request: ConsentRequest, company: tenants.CompanyRow
) -> dict[str, object]:
    bank = tenants.get_tenant(work, request.tenant_id)
    return {
        "id": ConsentId(new_id()),
        "tenant_id": company.id,
        "bank_id": bank.id,
        "request_id": request.id,
        "company_uscc": request.uscc,
        "company_name_zh": company.name_zh,
        "company_name_en": company.name_en,
        "bank_name_zh": bank.name_zh,
        "bank_name_en": bank.name_en,
        "purpose": request.purpose,
        "datasets": request.datasets,
        "level": request.level,
        "data_from": consent_data_from(work.now),
        "days": request.days,
        "reason": request.reason,
        "state": S.REQUESTED,
        "due_at": min(work.now + consenting.ANSWER_WITHIN, request.due_at),
        "created_at": work.now,
        "pseudonym_key": secrets.token_bytes(32),
        "version": 1,
    }


def _note(work: Work, tenant_id: TenantId, consent_id: ConsentId, state: ConsentState) -> None:
    work.session.add(
        ConsentEvent(
            id=ConsentEventId(new_id()),
            tenant_id=tenant_id,
            consent_id=consent_id,
            state=state,
            person_id=None,
            recorded_at=work.now,
            receipt=None,
        )
    )
