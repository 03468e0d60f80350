"""Places and machines of the demo as rows: the tree, calendars, products, rates, sources."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy.orm import Session

from kernel.db import Base
from kernel.ids import PlaceId, SourceId, new_id
from portal.demo.cast import Company
from portal.demo.plants import HEARTBEAT_S, REASONS, Calendar, LinePlan, Plant, SitePlan, UnitPlan
from portal.demo.testbed import HEARTBEAT_S as REAL_HEARTBEAT_S
from portal.demo.testbed import TEST_BED, models
from portal.production.ids import RuleId
from portal.production.models import (
    CalendarRule,
    DataSource,
    Product,
    ProductRate,
    StopReason,
    Unit,
)
from portal.production.words import Basis, CountsFrom, SourceKind
from tenants.models import Place, PlaceParent
from tenants.words import Level

ON_SHEETS: Final = frozenset({"changeover", "mechanical", "no_material", "output_full"})
"""Stop reasons of a plant whose people write them on shift sheets."""

SOURCE_HEARTBEAT_S: Final = 300  # the simulator speaks every minute


def place_id(company: Company, code: str) -> PlaceId:
    """Return the fixed id of a place of the demo; the company's own place has its code."""
    return PlaceId(uuid5(NAMESPACE_URL, f"gongyun-demo/{company.code}/{code}"))


def source_id(company: Company, code: str) -> SourceId:
    """Return the fixed id of the data source of a line of the demo."""
    return SourceId(uuid5(NAMESPACE_URL, f"gongyun-demo/{company.code}/source/{code}"))


def add_plant(session: Session, company: Company, plant: Plant, moment: datetime) -> None:
    """Write everything of one company's plant; its company place must be there."""
    for rows in (_places, _parents, _master, _units, _rates, _sources):
        session.add_all(rows(company, plant, moment))
        session.flush()


def _places(company: Company, plant: Plant, moment: datetime) -> Iterator[Base]:
    def place(plan: SitePlan | LinePlan | UnitPlan, level: Level, **more: object) -> Place:
        return Place(
            id=place_id(company, plan.code),
            tenant_id=company.id,
            level=level,
            code=plan.code,
            name_zh=plan.name_zh,
            name_en=plan.name_en,
            created_at=moment,
            **more,
        )

    for site in plant.sites:
        yield place(site, Level.SITE, zone=site.zone, day_start=site.day_start)
        for line in site.lines:
            yield place(line, Level.LINE)
            yield from (place(unit, Level.UNIT) for unit in line.units)


def _parents(company: Company, plant: Plant, moment: datetime) -> Iterator[Base]:
    def parent(code: str, level: Level, above: str, above_level: Level) -> PlaceParent:
        return PlaceParent(
            tenant_id=company.id,
            place_id=place_id(company, code),
            place_rank=level.rank,
            parent_id=place_id(company, above),
            parent_rank=above_level.rank,
            valid_from=moment,
        )

    for site in plant.sites:
        yield parent(site.code, Level.SITE, company.code, Level.COMPANY)
        for line in site.lines:
            yield parent(line.code, Level.LINE, site.code, Level.SITE)
            for unit in line.units:
                yield parent(unit.code, Level.UNIT, line.code, Level.LINE)


def _master(company: Company, plant: Plant, moment: datetime) -> Iterator[Base]:
    for site in plant.sites:
        yield from _rules(company, site.code, site.calendar, moment)
        for line in site.lines:
            yield from _rules(company, line.code, line.calendar, moment)
    for product in plant.products:
        yield Product(
            tenant_id=company.id,
            code=product.code,
            name_zh=product.name_zh,
            name_en=product.name_en,
            quantity_unit=product.unit,
        )
    known = _reasons(plant)
    for reason in (each for each in REASONS if each.code in known):
        yield StopReason(
            tenant_id=company.id,
            code=reason.code,
            name_zh=reason.name_zh,
            name_en=reason.name_en,
            state=reason.state,
        )


def _reasons(plant: Plant) -> frozenset[str]:
    """Return the codes of the reasons that can stand at this company's machines."""
    machines = [unit.machine for _, _, unit in plant.units() if unit.machine is not None]
    if not machines:
        return ON_SHEETS
    losses = {loss.reason for machine in machines for loss in machine.losses if loss.reason}
    return frozenset(losses | {"warm_up", "off"})


def _rules(company: Company, code: str, calendar: Calendar, moment: datetime) -> Iterator[Base]:
    for rule in calendar:
        yield CalendarRule(
            id=RuleId(new_id()),
            tenant_id=company.id,
            place_id=place_id(company, code),
            kind=rule.kind,
            shift_code=rule.shift_code,
            weekdays=rule.weekdays,
            local_start=rule.local_start,
            local_end=rule.local_end,
            valid_from=moment.date(),
            valid_until=None,
        )


def _units(company: Company, plant: Plant, moment: datetime) -> Iterator[Base]:
    real = models() if plant is TEST_BED else {}
    for _, _, unit in plant.units():
        has_counter = unit.machine is not None or unit.code in real
        yield Unit(
            tenant_id=company.id,
            place_id=place_id(company, unit.code),
            class_code=unit.class_code,
            rated_power_kw=unit.rated_power_kw,
            min_stop_s=unit.min_stop_s,
            heartbeat_s=REAL_HEARTBEAT_S if unit.code in real else HEARTBEAT_S,
            counts_from=CountsFrom.COUNTER if has_counter else CountsFrom.SHEET,
            device_items=real[unit.code].to_json() if unit.code in real else {},
        )


def _rates(company: Company, plant: Plant, moment: datetime) -> Iterator[Base]:
    for _, _, unit in plant.units():
        for product in unit.products:
            yield ProductRate(
                tenant_id=company.id,
                unit_id=place_id(company, unit.code),
                product_code=product.code,
                valid_from=moment.date(),
                pri_s=product.pri_s,
                basis=Basis.DEMONSTRATED,
            )


def _sources(company: Company, plant: Plant, moment: datetime) -> Iterator[Base]:
    for site in plant.sites:
        for line in site.lines:
            if plant is not TEST_BED and line.units[0].machine is None:
                continue  # told by shift sheets, which bring their own source
            kind = SourceKind.MTCONNECT if plant is TEST_BED else SourceKind.SIMULATOR
            yield DataSource(
                id=source_id(company, line.code),
                tenant_id=company.id,
                kind=kind,
                name=f"gateway-{site.code}-{line.code}".lower(),
                heartbeat_s=SOURCE_HEARTBEAT_S if kind is SourceKind.SIMULATOR else 86_400,
                settings={"line": line.code},
                created_at=moment,
            )
