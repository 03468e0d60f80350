"""Reads of a bank: its requests, the consents it was given, and documents under a logged view."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from kernel.db import Work
from kernel.errors import NotFound
from portal.credit.ids import ConsentId, ConsentRequestId
from portal.credit.lifecycle import RequestState
from portal.credit.models import AccessLog, BankView, Consent, ConsentRequest
from portal.credit.queries import PARTIES, ConsentRow
from portal.credit.words import Dataset, Outcome, Purpose


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A company that has consented, and when this person last opened it."""

    consent: ConsentRow
    opened_at: datetime | None


@dataclass(frozen=True, slots=True)
class RequestRow:
    """What this bank has asked; it never says whether the company is here."""

    id: ConsentRequestId
    name: str
    uscc: str
    purpose: Purpose
    days: int
    state: RequestState
    asked_at: datetime
    due_at: datetime


def list_cases(work: Work, *, limit: int = 500) -> Sequence[CaseRow]:
    """Return the consents given to this bank: live ones first, then the ended, newest first."""
    last = (
        select(AccessLog.consent_id, func.max(AccessLog.opened_at).label("opened_at"))
        .where(
            AccessLog.person_id == work.actor.person_id,
            AccessLog.outcome == Outcome.GRANTED,
        )
        .group_by(AccessLog.consent_id)
        .subquery()
    )
    statement = (
        select(*PARTIES, last.c.opened_at)
        .outerjoin(last, last.c.consent_id == Consent.id)
        .order_by(Consent.ended_at.is_not(None), Consent.created_at.desc(), Consent.id)
        .limit(limit)
    )
    return [_case(row._asdict()) for row in work.session.execute(statement)]


def find_given(work: Work, consent_id: ConsentId) -> ConsentRow | None:
    """Return a consent that was given to this bank, ended or not, or None."""
    row = work.session.execute(select(*PARTIES).where(Consent.id == consent_id)).one_or_none()
    return ConsentRow(**row._mapping) if row else None


def get_given(work: Work, consent_id: ConsentId) -> ConsentRow:
    """Return a consent that was given to this bank. Raises `NotFound`."""
    found = find_given(work, consent_id)
    if found is None:
        raise NotFound
    return found


def list_requests(work: Work, *, limit: int = 500) -> Sequence[RequestRow]:
    """Return what this bank has asked, the newest first."""
    statement = (
        select(
            ConsentRequest.id,
            ConsentRequest.name,
            ConsentRequest.uscc,
            ConsentRequest.purpose,
            ConsentRequest.days,
            ConsentRequest.state,
            ConsentRequest.asked_at,
            ConsentRequest.due_at,
        )
        .order_by(ConsentRequest.asked_at.desc(), ConsentRequest.id.desc())
        .limit(limit)
    )
    return [RequestRow(**row._mapping) for row in work.session.execute(statement)]


def find_document(
    work: Work, consent_id: ConsentId, dataset: Dataset, part: str
) -> Mapping[str, Any] | None:
    """Return a document that this work's logged view opens, None where there is none."""
    return work.session.scalar(
        select(BankView.doc)
        .where(
            BankView.consent_id == consent_id,
            BankView.dataset == dataset.value,
            BankView.part == part,
        )
        .order_by(BankView.as_of.desc())
        .limit(1)
    )


def _case(row: Mapping[str, Any]) -> CaseRow:
    consent = {name: value for name, value in row.items() if name != "opened_at"}
    return CaseRow(ConsentRow(**consent), row["opened_at"])
