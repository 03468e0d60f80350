"""Which days a period means."""

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.ui.periods import Comparison, Period, difference, relative_change, window

TODAY = date(2026, 11, 24)


@dataclass(frozen=True)
class Asked:
    period: Period
    first: date | None = None
    last: date | None = None
    compare: Comparison = Comparison.PREVIOUS


def day(month: int, number: int, year: int = 2026) -> date:
    return date(year, month, number)


@pytest.mark.parametrize(
    ("period", "first", "last", "before_first", "before_last"),
    [
        (Period.TODAY, day(11, 24), day(11, 24), day(11, 23), day(11, 23)),
        (Period.YESTERDAY, day(11, 23), day(11, 23), day(11, 22), day(11, 22)),
        (Period.WEEK, day(11, 17), day(11, 23), day(11, 10), day(11, 16)),
        (Period.MONTH_TO_DATE, day(11, 1), day(11, 23), day(10, 1), day(10, 23)),
    ],
)
def test_a_named_period_ends_with_the_last_whole_day(
    period, first, last, before_first, before_last
):
    found = window(Asked(period), TODAY)
    assert (found.first, found.last) == (first, last)
    assert (found.before_first, found.before_last) == (before_first, before_last)


def test_month_to_date_on_the_first_is_the_day_that_runs():
    found = window(Asked(Period.MONTH_TO_DATE), day(3, 1))
    assert (found.first, found.last) == (day(3, 1), day(3, 1))


def test_month_to_date_is_compared_with_the_same_days_clipped_to_the_shorter_month():
    found = window(Asked(Period.MONTH_TO_DATE), day(3, 31))
    assert (found.before_first, found.before_last) == (day(2, 1), day(2, 28))


def test_last_year_of_a_leap_day_is_the_28th():
    asked = Asked(Period.CUSTOM, day(2, 29, 2024), day(2, 29, 2024), Comparison.LAST_YEAR)
    assert window(asked, TODAY).before_last == day(2, 28, 2023)


def test_a_custom_period_without_days_is_yesterday():
    assert window(Asked(Period.CUSTOM), TODAY).first == day(11, 23)


@given(
    st.sampled_from([p for p in Period if p not in (Period.CUSTOM, Period.MONTH_TO_DATE)]),
    st.dates(date(2001, 1, 1), date(2099, 12, 31)),
)
def test_the_previous_period_is_as_long_and_directly_before(period, today):
    found = window(Asked(period), today)
    assert found.before_last == found.first - timedelta(days=1)
    assert (found.before_last - found.before_first).days + 1 == found.days
    assert found.last <= today


def test_a_change_from_nothing_is_no_figure():
    assert relative_change(5, 0) is None
    assert relative_change(5, None) is None
    assert relative_change(-5, -10) == 0.5
    assert difference(0.5, None) is None
