"""The set-up of a company's machines, loaded for their derivation, and of one place's calendar."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import select

from kernel.db import Work
from kernel.ids import PlaceId, TenantId
from portal.production import worktime
from portal.production.daylines import UnitRules
from portal.production.models import CalendarRule, ProductRate, Unit
from portal.production.mtconnect import DeviceModel
from portal.production.unitsetup import Calendar, Rates, UnitSetup
from portal.production.words import CountsFrom
from tenants import queries as places
from tenants.queries import PlaceRow


@dataclass(frozen=True, slots=True)
class CompanySetup:
    """The machines of one company and the places above them."""

    tenant_id: TenantId
    units: Mapping[PlaceId, UnitSetup]
    places: Mapping[PlaceId, PlaceRow]

    def find(self, unit_id: PlaceId) -> UnitSetup | None:
        """Return a unit's setup; None for one that is no unit of the company."""
        return self.units.get(unit_id)


def load_company(work: Work, tenant_id: TenantId) -> CompanySetup:
    """Return the setup of one company, retired places and units included."""
    found = {
        place.id: place
        for place in places.list_places(work, tenant_id=tenant_id, include_retired=True)
    }
    rules = _rules(work, tenant_id)
    rates = _rates(work, tenant_id)
    calendars: dict[tuple[object, ...], Calendar] = {}
    units = {}
    for unit in work.session.scalars(select(Unit).where(Unit.tenant_id == tenant_id)):
        place = found.get(unit.place_id)
        if place is None:
            continue
        calendar = _calendar(place, rules, calendars)
        units[unit.place_id] = UnitSetup(
            unit_id=unit.place_id,
            code=place.code,
            rules=UnitRules(
                min_stop_s=unit.min_stop_s,
                heartbeat_s=unit.heartbeat_s,
                counts=unit.counts_from is not CountsFrom.NONE,
            ),
            counts_from=unit.counts_from,
            calendar=calendar,
            rate=Rates(rates.get(unit.place_id, ()), calendar.zone),
            model=DeviceModel.from_json(place.code, unit.device_items)
            if unit.device_items
            else None,
        )
    return CompanySetup(tenant_id, units, found)


def calendar_of(work: Work, place: PlaceRow) -> Calendar:
    """Return the calendar of any place: for sheets, which need a unit's shifts."""
    return _calendar(place, _rules(work, place.tenant_id), {})


def _calendar(
    place: PlaceRow,
    rules: Mapping[PlaceId, list[worktime.CalendarRule]],
    known: dict[tuple[object, ...], Calendar],
) -> Calendar:
    owner = next((step for step in reversed(place.path) if step in rules), None)
    clock = places.site_clock(place)
    key = (owner, clock.zone, clock.day_start)
    if key not in known:
        own = rules[owner] if owner is not None else []
        known[key] = Calendar(ZoneInfo(clock.zone), clock.day_start, own)
    return known[key]


def _rules(work: Work, tenant_id: TenantId) -> dict[PlaceId, list[worktime.CalendarRule]]:
    rules: dict[PlaceId, list[worktime.CalendarRule]] = {}
    for row in work.session.scalars(
        select(CalendarRule).where(CalendarRule.tenant_id == tenant_id).order_by(CalendarRule.id)
    ):
        rules.setdefault(row.place_id, []).append(
            worktime.CalendarRule(
                kind=row.kind,
                local_start=row.local_start,
                local_end=row.local_end,
                weekdays=row.weekdays,
                shift_code=row.shift_code,
                valid_from=row.valid_from,
                valid_until=row.valid_until,
            )
        )
    return rules


def _rates(work: Work, tenant_id: TenantId) -> dict[PlaceId, list[tuple[str, date, float]]]:
    rates: dict[PlaceId, list[tuple[str, date, float]]] = {}
    rows = work.session.execute(
        select(
            ProductRate.unit_id, ProductRate.product_code, ProductRate.valid_from, ProductRate.pri_s
        ).where(ProductRate.tenant_id == tenant_id)
    )
    for unit_id, product, valid_from, pri_s in rows:
        rates.setdefault(unit_id, []).append((product, valid_from, pri_s))
    return rates
