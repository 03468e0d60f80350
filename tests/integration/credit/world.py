"""Arranging for the tests of the credit view: closed days, consents, deliveries of events."""

from dataclasses import fields
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256

import psycopg
from sqlalchemy import insert

from kernel import clock
from kernel.db import Database, worker
from kernel.ids import TenantId
from kernel.outbox import Delivery, Subscriptions
from portal.credit import jobs, refreshing, service
from portal.credit.ids import ConsentId
from portal.credit.words import Dataset, Purpose
from portal.production.derived_models import KpiOutput, KpiTime
from portal.production.sums import OutputSums, TimeSums
from portal.production.words import Grain
from tests.cast import KANG_YI, KONG_KUN

DAY_S = 86_400.0
UNITS = 2


def units_of(admin: psycopg.Connection, company: TenantId) -> list[object]:
    """Return the company's place and its first machines, by code."""
    rows = admin.execute(
        "SELECT id FROM place WHERE tenant_id = %s AND level = 'unit' ORDER BY code LIMIT %s",
        [company, UNITS],
    ).fetchall()
    return [row[0] for row in rows]


def close_days(
    admin: psycopg.Connection,
    jobs_db: Database,
    company: TenantId,
    *,
    last: date,
    count: int,
    version: int = 1,
    apt_s: float = 50_000.0,
    unk_s: float = 0.0,
    good: float = 281.0,
) -> None:
    """Write closed days of the company and two of its machines, as production derives them."""
    place = admin.execute(
        "SELECT id FROM place WHERE tenant_id = %s AND level = 'company'", [company]
    ).fetchone()[0]
    times, outputs = [], []
    for back in range(count):
        day = last - timedelta(days=back)
        places = [("company", place, UNITS)] + [("unit", u, 1) for u in units_of(admin, company)]
        for level, place_id, share in places:
            row = _row(company, place_id, level, day, version)
            times.append(row | _time(share, apt_s, unk_s))
            outputs.append(_output_of(row) | _output(share, good))
    with jobs_db.work(worker(company)) as work:
        work.session.execute(insert(KpiTime), times)
        work.session.execute(insert(KpiOutput), outputs)


def _row(company, place_id, level, day, version):
    return {
        "tenant_id": company,
        "place_id": place_id,
        "level": level,
        "grain": Grain.DAY,
        "bucket_start": datetime.combine(day, time(), UTC),
        "production_day": day,
        "version": version,
        "current": True,
        "fact_count": 100,
        "derived_at": clock.now(),
        "closes_at": clock.now(),
        "closed_at": clock.now(),
        "revised_because": "late" if version > 1 else None,
        "inputs_sha256": sha256(b"inputs").digest(),
        "newest_fact_at": None,
    }


def _output_of(row):
    kept = (
        "tenant_id",
        "place_id",
        "level",
        "grain",
        "bucket_start",
        "production_day",
        "version",
        "current",
    )
    return {name: row[name] for name in kept} | {"product_code": ""}


def _time(share, apt_s, unk_s):
    sums = TimeSums(
        cal_s=DAY_S * share,
        pbt_s=DAY_S * share,
        apt_s=apt_s * share,
        unk_s=unk_s * share,
        idle_s=(DAY_S - apt_s - unk_s) * share,
        energy_kwh=120.5 * share,
    )
    return {field.name: getattr(sums, field.name) for field in fields(sums)}


def _output(share, good):
    sums = OutputSums(pq=(good + 5) * share, gq=good * share, prig_s=0.0)
    return {field.name: getattr(sums, field.name) for field in fields(sums)}


def record_days(jobs_db: Database, company: TenantId, *, last: date, count: int) -> int:
    """Record evidence of the closed days; return the rows written."""
    first = last - timedelta(days=count - 1)
    with jobs_db.work(worker(company)) as work:
        return jobs.recording.record_days(work, company, first=first, last=last)


def refresh(jobs_db: Database, company: TenantId) -> refreshing.Refreshed:
    """Compute the figures and documents of a company."""
    with jobs_db.work(worker(company)) as work:
        return refreshing.refresh(work, company)


def deliver(admin: psycopg.Connection, jobs_db: Database) -> list[str]:
    """Hand every waiting event of this package to its subscribers, as the worker does."""
    subscriptions = Subscriptions()
    jobs.subscribe(subscriptions)
    rows = admin.execute(
        "SELECT id, tenant_id, kind, body FROM outbox WHERE delivered_at IS NULL ORDER BY id"
    ).fetchall()
    for outbox_id, tenant_id, kind, body in rows:
        with jobs_db.work(worker()) as work:
            for subscriber in subscriptions.of(kind):
                subscriber(work, Delivery(kind, TenantId(tenant_id), body))
        admin.execute("UPDATE outbox SET delivered_at = now() WHERE id = %s", [outbox_id])
    return [row[2] for row in rows]


def grant(
    work_as,
    *,
    bank: str = "granite",
    purpose: Purpose = Purpose.UNDERWRITING,
    datasets=tuple(Dataset),
    level: int = 2,
    data_from: date = date(2020, 1, 1),
    days: int = 180,
    by=(KANG_YI, KONG_KUN),
) -> ConsentId:
    """Let two people of a company give a consent to a bank; return its id."""
    preparer, approver = by
    with work_as(preparer) as work:
        consent_id = service.draft_consent(work, bank=bank, purpose=purpose, days=days)
        service.prepare_consent(
            work, consent_id, datasets=datasets, level=level, data_from=data_from, days=days
        )
    with work_as(approver) as work:
        service.approve_consent(work, consent_id)
    return consent_id
