"""Whether closed figures still follow from the facts: computed anew, nothing is written."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import select

from kernel.db import Database, Work, worker
from kernel.ids import PlaceId, TenantId
from portal.production.derive import roll_up_units
from portal.production.derived_models import KpiTime
from portal.production.loading import load_facts, runs_of
from portal.production.rollup import DaySums
from portal.production.setups import CompanySetup, load_company
from portal.production.unitruns import Run, derive_run
from portal.production.words import Grain
from portal.production.writing import unit_sums
from tenants.words import Level

SPAN: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One closed day of one place: the hash that is stored, and the one computed from the facts."""

    place_id: PlaceId
    level: Level
    production_day: date
    version: int
    stored: bytes
    computed: bytes | None

    @property
    def holds(self) -> bool:
        """Whether the day still follows from its facts."""
        return self.stored == self.computed


def verify(
    database: Database, tenant_id: TenantId, *, first: date, last: date
) -> Iterator[Verdict]:
    """Yield a verdict on every closed day of a company's places, both ends included, by day."""
    at = first
    while at <= last:
        until = min(at + SPAN - timedelta(days=1), last)
        with database.work(worker(tenant_id), read_only=True) as work:
            yield from _verify_span(work, tenant_id, at, until)
        at = until + timedelta(days=1)


def _verify_span(work: Work, tenant_id: TenantId, first: date, last: date) -> list[Verdict]:
    setup = load_company(work, tenant_id)
    stored = work.session.scalars(
        select(KpiTime)
        .where(
            KpiTime.tenant_id == tenant_id,
            KpiTime.grain == Grain.DAY,
            KpiTime.current,
            KpiTime.closed_at.is_not(None),
            KpiTime.production_day.between(first, last),
        )
        .order_by(KpiTime.production_day, KpiTime.level, KpiTime.place_id)
    ).all()
    units = {(r.place_id, r.production_day): r.version for r in stored if r.level is Level.UNIT}
    computed = _compute_units(work, setup, units)
    above = roll_up_units(
        setup,
        {
            day: [(sums, units[sums.place_id, day]) for sums in found]
            for day, found in _by_day(computed).items()
        },
    )
    hashes = {(s.place_id, s.day): s.inputs_sha256 for s in (*computed, *above)}
    return [
        Verdict(
            place_id=row.place_id,
            level=row.level,
            production_day=row.production_day,
            version=row.version,
            stored=row.inputs_sha256,
            computed=hashes.get((row.place_id, row.production_day)),
        )
        for row in stored
    ]


def _compute_units(
    work: Work, setup: CompanySetup, units: dict[tuple[PlaceId, date], int]
) -> list[DaySums]:
    days: dict[PlaceId, list[date]] = defaultdict(list)
    for unit_id, day in units:
        days[unit_id].append(day)
    runs = [
        Run(setup.units[unit_id], run)
        for unit_id, wanted in days.items()
        if unit_id in setup.units
        for run in runs_of(wanted)
    ]
    load_facts(work, setup.tenant_id, runs)
    return [unit_sums(day) for run in runs for day in derive_run(run, now=work.now)]


def _by_day(found: list[DaySums]) -> dict[date, list[DaySums]]:
    days: dict[date, list[DaySums]] = defaultdict(list)
    for sums in found:
        days[sums.day].append(sums)
    return days
