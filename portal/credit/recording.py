"""Evidence of closed days: one row for each machine and production day, written once.

Runs as the worker, in the delivery of what `portal.production` says about a day.
"""

import json
import secrets
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, insert, select, text

from kernel.db import Work
from kernel.ids import TenantId, new_id
from portal.credit.canonical import canonical, commitment
from portal.credit.metrics.facts import body_of
from portal.credit.models import Evidence, MetricValue
from portal.credit.words import Quality
from portal.production import queries as production
from portal.production.rows import UnitFigures

LATE_AFTER: Final = timedelta(days=30)
KIND: Final = "day"


def record_days(work: Work, tenant_id: TenantId, *, first: date, last: date) -> int:
    """Write evidence of the company's closed days from `first` to `last`; return the rows written.

    A machine-day whose sums are those of its newest row is left alone, so that it bears being run
    twice; one that differs supersedes it.
    """
    lock_company(work, tenant_id)
    recorded_at = _moment(work, tenant_id)
    known = _newest(work, tenant_id, first, last)
    rows = []
    for day in production.closed_days(work, tenant_id, first, last):
        for unit in day.units:
            body = body_of(
                unit_id=unit.unit_id,
                day=day.production_day,
                version=unit.version,
                amounts=amounts_of(unit),
            )
            before = known.get(_key(body))
            if before is None or _amounts(before.body) != _amounts(canonical(body)):
                rows.append(_row(tenant_id, body, before, day.production_day, recorded_at))
    if rows:
        work.session.execute(insert(Evidence), rows)
    return len(rows)


def lock_company(work: Work, tenant_id: TenantId) -> None:
    """Let one transaction at a time write evidence and figures of a company; until its end.

    Without it two deliveries of one day would both take the same revision, and figures could be
    dated later than facts that they did not see.
    """
    work.session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('credit:' || :tenant, 0))"),
        {"tenant": str(tenant_id)},
    )


def amounts_of(unit: UnitFigures) -> dict[str, int | None]:
    """Return a machine's sums as integers: seconds, thousandths of a piece, watt-hours."""
    return {
        "pbt_s": round(unit.pbt_s),
        "apt_s": round(unit.apt_s),
        "unk_s": round(unit.unk_s),
        "declared_s": round(unit.declared_s),
        "pq_milli": _thousandths(unit.pq),
        "gq_milli": _thousandths(unit.gq),
        "energy_wh": _thousandths(unit.energy_kwh),
    }


def _thousandths(amount: float | None) -> int | None:
    return None if amount is None else round(1000 * amount)


def _moment(work: Work, tenant_id: TenantId) -> datetime:
    # This transaction may have begun before figures were computed and got the lock after them:
    # facts they did not see are recorded after what they knew.
    known_at = work.session.scalar(
        select(func.max(MetricValue.known_at)).where(MetricValue.tenant_id == tenant_id)
    )
    if known_at is None or known_at < work.now:
        return work.now
    return known_at + timedelta(microseconds=1)


def _newest(work: Work, tenant_id: TenantId, first: date, last: date) -> dict[str, Any]:
    rows = work.session.execute(
        select(Evidence.id, Evidence.key, Evidence.revision, Evidence.body)
        .where(
            Evidence.tenant_id == tenant_id,
            Evidence.kind == KIND,
            Evidence.occurred_on.between(first, last),
        )
        .order_by(Evidence.key, Evidence.revision)
    )
    return {row.key: row for row in rows}


def _key(body: Mapping[str, Any]) -> str:
    return f"{body['unit']}/{body['day']}"


def _amounts(body: str | None) -> dict[str, Any]:
    # A version alone is no news: the machine's sums are what they were.
    sums = dict(json.loads(body)) if body else {}
    sums.pop("version", None)
    return sums


def _row(
    tenant_id: TenantId, body: Mapping[str, Any], before: Any, day: date, recorded_at: datetime
) -> dict[str, Any]:
    content, salt = canonical(body), secrets.token_bytes(32)
    late = recorded_at.date() - day > LATE_AFTER
    return {
        "id": new_id(),
        "tenant_id": tenant_id,
        "kind": KIND,
        "key": _key(body),
        "revision": before.revision + 1 if before else 1,
        "supersedes_id": before.id if before else None,
        "occurred_on": day,
        "recorded_at": recorded_at,
        "body": content,
        "salt": salt,
        "commit_sha256": commitment(salt, content),
        "quality": Quality.LATE if late else Quality.OK,
    }
