"""Reads of the company about itself, for our pages and the shell. Whose rows, RLS says.

What a bank reads stands in `bank_queries.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import undefer

from kernel.db import Work
from kernel.errors import NotFound
from kernel.ids import PersonId, TenantId
from portal.credit.disclosure import Cut, KnownFigure, Profile
from portal.credit.ids import ConsentId, FigureId
from portal.credit.lifecycle import LIVE, WAITING, ConsentState
from portal.credit.metrics.facts import DayFact
from portal.credit.metrics.figure import WhyMissing
from portal.credit.metrics.registry import LONGEST_WINDOW_D, METRICS, compute
from portal.credit.models import AccessLog, Consent, ConsentEvent, Evidence, MetricValue
from portal.credit.refreshing import cut_of, head_of, load_facts
from portal.credit.words import Outcome, Page, Purpose
from tenants import queries as tenants
from tenants.words import localised

ALERT_REFUSALS: Final = 3
ALERT_WITHIN: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """A consent as its two parties see it; a bank's row has no reason and no people."""

    id: ConsentId
    tenant_id: TenantId
    bank_id: TenantId
    company_uscc: str
    company_name_zh: str
    company_name_en: str
    bank_name_zh: str
    bank_name_en: str
    purpose: Purpose
    datasets: list[str]
    level: int
    data_from: date
    days: int
    valid_from: datetime | None
    valid_until: datetime | None
    state: ConsentState
    ended_at: datetime | None
    created_at: datetime
    reason: str = ""
    due_at: datetime | None = None
    prepared_by: PersonId | None = None
    prepared_at: datetime | None = None
    approved_by: PersonId | None = None
    approved_at: datetime | None = None
    one_person: bool = False
    notice_sha256: bytes | None = None

    @property
    def bank_name(self) -> str:
        """The bank's name in the reader's language."""
        return localised(self.bank_name_zh, self.bank_name_en)

    @property
    def company_name(self) -> str:
        """The company's name in the reader's language."""
        return localised(self.company_name_zh, self.company_name_en)

    @property
    def is_waiting(self) -> bool:
        """Whether the company has something to decide."""
        return self.state in WAITING

    @property
    def is_live(self) -> bool:
        """Whether it was given and has not ended."""
        return self.state in LIVE


@dataclass(frozen=True, slots=True)
class EventRow:
    """What happened to a consent; nobody's name where the clock moved it."""

    state: ConsentState
    person: str
    recorded_at: datetime
    receipt: str | None


@dataclass(frozen=True, slots=True)
class ReadRow:
    """One read of the company's figures, as the company sees it."""

    opened_at: datetime
    person_name_zh: str
    person_name_en: str
    bank_name_zh: str
    bank_name_en: str
    purpose: Purpose
    page: Page
    level: int
    fields: list[str]
    outcome: Outcome
    refused_because: str | None
    consent_id: ConsentId

    @property
    def person(self) -> str:
        """The reader's name in the language of whoever looks."""
        return localised(self.person_name_zh, self.person_name_en)

    @property
    def bank(self) -> str:
        """The bank's name in the language of whoever looks."""
        return localised(self.bank_name_zh, self.bank_name_en)


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A stored figure with its id."""

    id: FigureId
    root: bytes
    known: KnownFigure


@dataclass(frozen=True, slots=True)
class OpenedFigure:
    """A figure with the facts behind it, found again; `is_intact` unless they are others."""

    row: FigureRow
    facts: Sequence[DayFact]
    is_intact: bool


PARTIES: Final = (
    Consent.id,
    Consent.tenant_id,
    Consent.bank_id,
    Consent.company_uscc,
    Consent.company_name_zh,
    Consent.company_name_en,
    Consent.bank_name_zh,
    Consent.bank_name_en,
    Consent.purpose,
    Consent.datasets,
    Consent.level,
    Consent.data_from,
    Consent.days,
    Consent.valid_from,
    Consent.valid_until,
    Consent.state,
    Consent.ended_at,
    Consent.created_at,
)
"""The columns that both parties may read."""
_OWN: Final = (
    *PARTIES,
    Consent.reason,
    Consent.due_at,
    Consent.prepared_by,
    Consent.prepared_at,
    Consent.approved_by,
    Consent.approved_at,
    Consent.one_person,
    Consent.notice_sha256,
)


def count_requests(work: Work) -> int:
    """Return how many banks wait for the company's answer."""
    asked = Consent.state == ConsentState.REQUESTED
    return work.session.scalar(select(func.count()).select_from(Consent).where(asked)) or 0


def count_to_approve(work: Work) -> int:
    """Return how many consents somebody else has prepared wait for approval."""
    prepared = (
        Consent.state == ConsentState.PREPARED,
        Consent.prepared_by.is_distinct_from(work.actor.person_id),
    )
    return work.session.scalar(select(func.count()).select_from(Consent).where(*prepared)) or 0


def list_consents(work: Work, *, limit: int = 200) -> Sequence[ConsentRow]:
    """Return the company's consents, the newest first."""
    statement = select(*_OWN).order_by(Consent.created_at.desc(), Consent.id.desc()).limit(limit)
    return [ConsentRow(**row._mapping) for row in work.session.execute(statement)]


def get_consent(work: Work, consent_id: ConsentId) -> ConsentRow:
    """Return one of the company's consents. Raises `NotFound`."""
    row = work.session.execute(select(*_OWN).where(Consent.id == consent_id)).one_or_none()
    if row is None:
        raise NotFound
    return ConsentRow(**row._mapping)


def get_cut(work: Work, consent_id: ConsentId) -> Cut:
    """Return what the cutter must know of one of the company's consents. Raises `NotFound`."""
    consent = work.session.scalars(
        select(Consent).where(Consent.id == consent_id).options(undefer(Consent.pseudonym_key))
    ).one_or_none()
    if consent is None:
        raise NotFound
    return cut_of(consent)


def list_events(work: Work, consent_id: ConsentId) -> Sequence[EventRow]:
    """Return what happened to a consent, in order."""
    rows = work.session.execute(
        select(
            ConsentEvent.state,
            ConsentEvent.person_id,
            ConsentEvent.recorded_at,
            ConsentEvent.receipt,
        )
        .where(ConsentEvent.consent_id == consent_id)
        .order_by(ConsentEvent.recorded_at, ConsentEvent.id)
    ).all()
    names = tenants.names_of(work, [row.person_id for row in rows])
    return [
        EventRow(
            state=row.state,
            person=names[row.person_id].name() if row.person_id in names else "",
            recorded_at=row.recorded_at,
            receipt=row.receipt,
        )
        for row in rows
    ]


def find_receipt(work: Work, consent_id: ConsentId) -> str | None:
    """Return the receipt of a consent that was given, or None."""
    return work.session.scalar(
        select(ConsentEvent.receipt)
        .where(ConsentEvent.consent_id == consent_id, ConsentEvent.receipt.is_not(None))
        .order_by(ConsentEvent.recorded_at)
        .limit(1)
    )


def list_figures(work: Work) -> Sequence[FigureRow]:
    """Return the newest figure of every metric, without facts, in the order of the metrics."""
    statement = (
        select(MetricValue)
        .ext(distinct_on(MetricValue.code))
        .where(MetricValue.tenant_id == work.tenant_id)
        .order_by(MetricValue.code, MetricValue.known_at.desc())
    )
    found = {row.code: row for row in work.session.scalars(statement)}
    return [_figure(found[code]) for code in METRICS if code in found]


def get_figure(work: Work, figure_id: FigureId) -> OpenedFigure:
    """Return a figure with its facts, computed again as known then. Raises `NotFound`."""
    row = work.session.scalars(select(MetricValue).where(MetricValue.id == figure_id)).one_or_none()
    if row is None or row.code not in METRICS:
        raise NotFound
    return _open(work, _figure(row))


def code_of_figure(work: Work, figure_id: FigureId) -> str:
    """Return the metric of one of the company's figures. Raises `NotFound`."""
    code = work.session.scalar(select(MetricValue.code).where(MetricValue.id == figure_id))
    if code is None or code not in METRICS:
        raise NotFound
    return code


def get_profile(work: Work, *, facts_of: str | None = None) -> Profile | None:
    """Return the company's profile, None before its first figure.

    Facts are loaded for the figure of code `facts_of` alone: the lists are long.
    """
    figures = list_figures(work)
    if not figures:
        return None
    newest = newest_day(work)
    head = head_of(tenants.own_company(work), as_of=figures[0].known.as_of, newest_day=newest)
    known = [
        replace(row.known, facts=tuple(_open(work, row).facts))
        if row.known.metric.code == facts_of
        else row.known
        for row in figures
    ]
    return Profile(head, known)


def newest_day(work: Work) -> date | None:
    """Return the newest closed day of which the company has evidence."""
    return work.session.scalar(
        select(func.max(Evidence.occurred_on)).where(Evidence.tenant_id == work.tenant_id)
    )


def list_reads(
    work: Work, *, before: datetime | None = None, limit: int = 100
) -> Sequence[ReadRow]:
    """Return who read the company's figures, the newest first; `before` pages on."""
    statement = (
        select(
            AccessLog.opened_at,
            AccessLog.person_name_zh,
            AccessLog.person_name_en,
            Consent.bank_name_zh,
            Consent.bank_name_en,
            Consent.purpose,
            AccessLog.page,
            AccessLog.level,
            AccessLog.fields,
            AccessLog.outcome,
            AccessLog.refused_because,
            AccessLog.consent_id,
        )
        .join(Consent, Consent.id == AccessLog.consent_id)
        .where(AccessLog.tenant_id == work.tenant_id)
        .order_by(AccessLog.opened_at.desc(), AccessLog.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(AccessLog.opened_at < before)
    return [ReadRow(**row._mapping) for row in work.session.execute(statement)]


def count_reads(work: Work, *, since: datetime) -> dict[Outcome, int]:
    """Return how many reads, refusals and previews there were since a moment."""
    rows = work.session.execute(
        select(AccessLog.outcome, func.count())
        .where(AccessLog.tenant_id == work.tenant_id, AccessLog.opened_at >= since)
        .group_by(AccessLog.outcome)
    )
    counts = dict.fromkeys(Outcome, 0)
    counts.update({row[0]: row[1] for row in rows})
    return counts


def has_refusal_alert(work: Work) -> bool:
    """Say whether a bank was refused three times within a day."""
    rows = work.session.execute(
        select(func.count())
        .where(
            AccessLog.tenant_id == work.tenant_id,
            AccessLog.outcome == Outcome.REFUSED,
            AccessLog.opened_at > work.now - ALERT_WITHIN,
        )
        .group_by(AccessLog.bank_id)
    )
    return any(count >= ALERT_REFUSALS for (count,) in rows)


def _open(work: Work, row: FigureRow) -> OpenedFigure:
    known = row.known
    first = known.as_of - timedelta(days=LONGEST_WINDOW_D - 1)
    facts = load_facts(work, work.tenant_id, first=first, last=known.as_of, known_at=known.known_at)
    again = compute(known.metric.code, facts, as_of=known.as_of, known_at=known.known_at)
    return OpenedFigure(row, again.outcome.facts, is_intact=again.root == row.root)


def _figure(row: MetricValue) -> FigureRow:
    return FigureRow(
        id=row.id,
        root=row.evidence_root,
        known=KnownFigure(
            metric=METRICS[row.code],
            as_of=row.as_of,
            known_at=row.known_at,
            first=row.first_on,
            first_fact_on=row.first_fact_on,
            value=row.value,
            low=row.low,
            high=row.high,
            num=row.num,
            den=row.den,
            fact_count=row.fact_count,
            coverage=row.coverage_permille,
            missing=WhyMissing.parse(row.why_missing) if row.why_missing else None,
        ),
    )
