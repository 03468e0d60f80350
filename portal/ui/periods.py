"""Which production days a period means, and which days it is compared with.

Pure: `today` is the production day that runs now at the place shown. Periods of several days end
with yesterday, the last day that is whole; "month to date" likewise, but never before the 1st.
"""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, Protocol

LONGEST_DAYS: Final = 366
"""The longest period a page shows; a longer one in an address falls back to the default."""


class Period(StrEnum):
    """A named span of production days."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    WEEK = "7d"
    MONTH = "30d"
    MONTH_TO_DATE = "mtd"
    QUARTER = "90d"
    CUSTOM = "custom"


class Comparison(StrEnum):
    """What a period is compared with."""

    PREVIOUS = "previous"
    LAST_YEAR = "last_year"


_DAYS: Final = {Period.WEEK: 7, Period.MONTH: 30, Period.QUARTER: 90}


class Asked(Protocol):
    """What is asked of this module: a `ViewState` has it."""

    @property
    def period(self) -> Period: ...
    @property
    def first(self) -> date | None: ...
    @property
    def last(self) -> date | None: ...
    @property
    def compare(self) -> Comparison: ...


@dataclass(frozen=True, slots=True)
class Window:
    """Production days from `first` to `last`, both included, and those compared with."""

    first: date
    last: date
    before_first: date
    before_last: date
    today: date

    @property
    def days(self) -> int:
        """How many days the window has."""
        return (self.last - self.first).days + 1


def window(asked: Asked, today: date) -> Window:
    """Return the days that are asked for; a custom period without days means yesterday."""
    first, last = _span(asked, today)
    if asked.compare is Comparison.LAST_YEAR:
        before = (_years_back(first), _years_back(last))
    elif asked.period is Period.MONTH_TO_DATE:
        before = (_month_back(first), _month_back(last))
    else:
        length = last - first + timedelta(days=1)
        before = (first - length, last - length)
    return Window(first, last, *before, today)


def _span(asked: Asked, today: date) -> tuple[date, date]:
    yesterday = today - timedelta(days=1)
    if asked.period is Period.TODAY:
        return today, today
    if asked.period is Period.MONTH_TO_DATE:
        # On the 1st there is no whole day yet: the day that runs is shown, not last month.
        first = today.replace(day=1)
        return first, max(first, yesterday)
    if asked.period in _DAYS:
        return today - timedelta(days=_DAYS[asked.period]), yesterday
    if asked.period is Period.CUSTOM and asked.first and asked.last:
        return asked.first, asked.last
    return yesterday, yesterday


def _month_back(day: date) -> date:
    year, month = (day.year, day.month - 1) if day.month > 1 else (day.year - 1, 12)
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _years_back(day: date) -> date:
    return date(day.year - 1, day.month, min(day.day, 28 if day.month == 2 else day.day))


def relative_change(value: float | None, before: float | None) -> float | None:
    """Return (v − v₀)/|v₀| of an amount; None where either is missing or v₀ is 0, never ∞."""
    if value is None or not before:
        return None
    return (value - before) / abs(before)


def difference(value: float | None, before: float | None) -> float | None:
    """Return v − v₀ of a ratio, shown in percentage points; None where either is missing."""
    return None if value is None or before is None else value - before
