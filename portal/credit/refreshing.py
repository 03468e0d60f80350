"""Figures and the banks' documents, made anew when evidence or a consent is new.

Runs as the worker. Figures are appended, each with the moment of its knowledge; of the documents
of a consent only the newest are kept.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as insert_or_skip
from sqlalchemy.orm import undefer

from kernel.db import Work
from kernel.ids import TenantId, new_id
from portal.credit.canonical import digest
from portal.credit.disclosure import Cut, Head, KnownFigure, Part, Profile, cut
from portal.credit.ids import EvidenceId
from portal.credit.lifecycle import LIVE
from portal.credit.metrics.facts import DayFact, days_before
from portal.credit.metrics.figure import Figure
from portal.credit.metrics.registry import LONGEST_WINDOW_D, METRICS, compute_all
from portal.credit.models import BankView, Consent, Evidence, MetricDef, MetricValue
from portal.credit.recording import KIND, lock_company
from portal.credit.words import Dataset, Quality
from tenants import queries as tenants

CLOSES_AFTER: Final = timedelta(hours=108)
"""A day is closed 72 h after its end; a day of 24 h and half a day for zones lie before that."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh did."""

    figures: int
    documents: int


def refresh(work: Work, tenant_id: TenantId) -> Refreshed:
    """Compute the company's figures if evidence is newer, and its banks' documents.

    A company without evidence has no figures and no documents yet.
    """
    lock_company(work, tenant_id)
    newest = _newest_evidence(work, tenant_id)
    if newest is None:
        return Refreshed(0, 0)
    as_of = profile_day(newest.day, work.now)
    known_at = max(work.now, newest.recorded_at)
    facts = load_facts(work, tenant_id, first=days_before(as_of, LONGEST_WINDOW_D), last=as_of)
    figures = compute_all(facts, as_of=as_of, known_at=known_at)
    written = 0
    if _is_stale(work, tenant_id, as_of, newest.recorded_at):
        written = _store(work, tenant_id, figures)
    return Refreshed(written, _show_banks(work, tenant_id, figures, newest.day))


def profile_day(newest: date, now: datetime) -> date:
    """Return the day a profile speaks of: the newest closed one, or where closing should be now.

    By the clock and not by the facts alone: a company that has fallen silent shows idle windows,
    not the good days before.
    """
    return max(newest, (now - CLOSES_AFTER).date())


def load_facts(
    work: Work, tenant_id: TenantId, *, first: date, last: date, known_at: datetime | None = None
) -> list[DayFact]:
    """Return every revision of the company's machine-days in the span, erased ones left out."""
    statement = (
        select(
            Evidence.id,
            Evidence.occurred_on,
            Evidence.revision,
            Evidence.recorded_at,
            Evidence.body,
            Evidence.commit_sha256,
            Evidence.quality,
        )
        .where(
            Evidence.tenant_id == tenant_id,
            Evidence.kind == KIND,
            Evidence.occurred_on.between(first, last),
            Evidence.erased_at.is_(None),
        )
        .order_by(Evidence.occurred_on, Evidence.key, Evidence.revision)
    )
    if known_at is not None:
        statement = statement.where(Evidence.recorded_at <= known_at)
    return [_fact(row) for row in work.session.execute(statement)]


def known_figure(figure: Figure) -> KnownFigure:
    """Return a computed figure in the form in which it is stored and shown."""
    outcome = figure.outcome
    return KnownFigure(
        metric=figure.metric,
        as_of=figure.as_of,
        known_at=figure.known_at,
        first=figure.first,
        first_fact_on=min((fact.day for fact in outcome.facts), default=None),
        value=outcome.value,
        low=outcome.low,
        high=outcome.high,
        num=outcome.num,
        den=outcome.den,
        fact_count=len(outcome.facts),
        coverage=outcome.coverage,
        missing=outcome.missing,
        facts=tuple(outcome.facts),
    )


def head_of(company: tenants.CompanyRow, *, as_of: date, newest_day: date | None) -> Head:
    """Return the head of a profile; what the company has not filled in is empty."""
    return Head(
        name_zh=company.name_zh,
        name_en=company.name_en,
        uscc=company.uscc or "",
        segment=company.segment or "",
        region=company.region or "",
        origin=company.origin.value,
        as_of=as_of,
        newest_day=newest_day,
    )


def cut_of(consent: Consent) -> Cut:
    """Return what the cutter must know of a consent."""
    return Cut(
        datasets=frozenset(Dataset(each) for each in consent.datasets),
        level=consent.level,
        data_from=consent.data_from,
        key=consent.pseudonym_key,
    )


@dataclass(frozen=True, slots=True)
class _Newest:
    day: date
    recorded_at: datetime


def _newest_evidence(work: Work, tenant_id: TenantId) -> _Newest | None:
    row = work.session.execute(
        select(func.max(Evidence.occurred_on), func.max(Evidence.recorded_at)).where(
            Evidence.tenant_id == tenant_id, Evidence.kind == KIND
        )
    ).one()
    return None if row[0] is None else _Newest(row[0], row[1])


def _is_stale(work: Work, tenant_id: TenantId, as_of: date, recorded_at: datetime) -> bool:
    last = work.session.execute(
        select(MetricValue.known_at, MetricValue.as_of)
        .where(MetricValue.tenant_id == tenant_id)
        .order_by(MetricValue.known_at.desc())
        .limit(1)
    ).one_or_none()
    return last is None or last.known_at < recorded_at or last.as_of < as_of


def _store(work: Work, tenant_id: TenantId, figures: Sequence[Figure]) -> int:
    _release_definitions(work)
    work.session.execute(insert(MetricValue), [_value_row(tenant_id, each) for each in figures])
    return len(figures)


def _release_definitions(work: Work) -> None:
    rows = [
        {
            "code": metric.code,
            "version": metric.version,
            "family": metric.dataset.value,
            "kind": KIND,
            "unit": metric.unit,
            "window_d": metric.window_d,
            "better": metric.better,
            "min_level": metric.min_level,
            "min_count": metric.min_count,
            "formula": metric.formula,
            "source_sha256": metric.sha256,
        }
        for metric in METRICS.values()
    ]
    work.session.execute(insert_or_skip(MetricDef).on_conflict_do_nothing(), rows)


def _value_row(tenant_id: TenantId, figure: Figure) -> dict[str, Any]:
    known = known_figure(figure)
    return {
        "id": new_id(),
        "tenant_id": tenant_id,
        "code": known.metric.code,
        "version": known.metric.version,
        "as_of": known.as_of,
        "known_at": known.known_at,
        "first_on": known.first,
        "first_fact_on": known.first_fact_on,
        "value": known.value,
        "low": known.low,
        "high": known.high,
        "num": known.num,
        "den": known.den,
        "fact_count": known.fact_count,
        "coverage_permille": known.coverage,
        "why_missing": str(known.missing) if known.missing else None,
        "evidence_root": figure.root,
    }


def _show_banks(
    work: Work, tenant_id: TenantId, figures: Sequence[Figure], newest_day: date
) -> int:
    consents = work.session.scalars(
        select(Consent)
        .where(Consent.tenant_id == tenant_id, Consent.state.in_(LIVE))
        .options(undefer(Consent.pseudonym_key))
        .order_by(Consent.id)
    ).all()
    if not consents:
        return 0
    company = tenants.get_tenant(work, tenant_id)
    profile = Profile(
        head_of(company, as_of=figures[0].as_of, newest_day=newest_day),
        [known_figure(each) for each in figures],
    )
    return sum(_show_bank(work, each, profile) for each in consents)


def _show_bank(work: Work, consent: Consent, profile: Profile) -> int:
    parts = cut(profile, cut_of(consent))
    work.session.execute(delete(BankView).where(BankView.consent_id == consent.id))
    rows = [_document_row(work, consent, profile.head.as_of, part) for part in parts]
    work.session.execute(insert(BankView), rows)
    return len(rows)


def _document_row(work: Work, consent: Consent, as_of: date, part: Part) -> dict[str, Any]:
    return {
        "consent_id": consent.id,
        "tenant_id": consent.tenant_id,
        "as_of": as_of,
        "dataset": part.dataset.value,
        "part": part.name,
        "doc": part.doc,
        "sha256": digest(part.doc),
        "made_at": work.now,
    }


def _fact(row: Any) -> DayFact:
    body = json.loads(row.body)
    return DayFact(
        evidence_id=EvidenceId(row.id),
        unit_id=UUID(body["unit"]),
        day=row.occurred_on,
        revision=row.revision,
        version=body["version"],
        quality=Quality(row.quality),
        recorded_at=row.recorded_at,
        commit=row.commit_sha256,
        pbt_s=body["pbt_s"],
        apt_s=body["apt_s"],
        unk_s=body["unk_s"],
        declared_s=body["declared_s"],
        pq_milli=body.get("pq_milli"),
        gq_milli=body.get("gq_milli"),
        energy_wh=body.get("energy_wh"),
    )
