"""What the derivation of one unit depends on besides facts: its clock, calendar, rates, model."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from kernel.ids import PlaceId
from portal.production import worktime
from portal.production.daylines import UnitRules
from portal.production.mtconnect import DeviceModel
from portal.production.words import CountsFrom
from portal.production.worktime import Workday


class Calendar:
    """The working days of one place: its clock and the rules of the nearest place that has any."""

    def __init__(
        self, zone: ZoneInfo, day_start: time, rules: Sequence[worktime.CalendarRule]
    ) -> None:
        self.zone, self.day_start, self.rules = zone, day_start, tuple(rules)
        self._days: dict[date, Workday] = {}

    def __call__(self, day: date) -> Workday:
        """Return one production day."""
        if day not in self._days:
            self._days[day] = worktime.workday(
                day, zone=self.zone, day_start=self.day_start, rules=self.rules
            )
        return self._days[day]

    def day_of(self, at: datetime) -> date:
        """Return the production day of an aware moment."""
        return worktime.production_day(at, zone=self.zone, day_start=self.day_start)


class Rates:
    """Planned run times of one unit, in seconds per item, by product and date."""

    def __init__(self, rows: Sequence[tuple[str, date, float]], zone: ZoneInfo) -> None:
        self._zone = zone
        self.rows = tuple(sorted(rows))
        self._by_product: dict[str, tuple[list[date], list[float]]] = {}
        for product, valid_from, pri_s in self.rows:
            days, values = self._by_product.setdefault(product, ([], []))
            days.append(valid_from)
            values.append(pri_s)

    def __call__(self, product: str | None, at: datetime) -> float | None:
        """Return the rate of a product at a moment: its own, else the unit's, else None."""
        on = at.astimezone(self._zone).date()
        for code in dict.fromkeys((product or "", "")):
            days, values = self._by_product.get(code, ([], []))
            place = bisect_right(days, on) - 1
            if place >= 0:
                return values[place]
        return None


@dataclass(frozen=True, slots=True)
class UnitSetup:
    """One unit with everything its derivation depends on besides facts."""

    unit_id: PlaceId
    code: str
    rules: UnitRules
    counts_from: CountsFrom
    calendar: Calendar
    rate: Rates
    model: DeviceModel | None

    @property
    def fingerprint(self) -> str:
        """The rules in one text, a part of what the sums of a day were made from."""
        return repr((self.rules, self.counts_from, self.rate.rows, self.model))
