"""How figures are written."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.ui import numbers

NOW = datetime(2026, 11, 24, 0, 5, tzinfo=UTC)
SHANGHAI = "Asia/Shanghai"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (numbers.integer(1284300, "en"), "1,284,300"),
        (numbers.integer(-1030, "en"), "−1,030"),
        (numbers.ratio(0.745, "en"), "74.5%"),
        (numbers.ratio(1, "en"), "100%"),
        (numbers.points(-0.029, "en"), "−2.9\N{NO-BREAK SPACE}pp"),
        (numbers.points(0.0, "en"), "±0.0\N{NO-BREAK SPACE}pp"),
        (numbers.change(0.068, "en"), "+6.8%"),
        (numbers.ratio_range(0.553, 0.765, "en"), "55.3–76.5%"),
        (numbers.kwh(240964, "en"), "240,964\N{NO-BREAK SPACE}kWh"),
        (numbers.hours(3600 * 1.5, "en"), "1.5\N{NO-BREAK SPACE}h"),
        (numbers.money(10_880_000, "CNY", "en"), "108,800.00"),
        (numbers.decimal(Decimal("-0.04"), "en"), "0.0"),
    ],
)
def test_figures_are_written_as_in_the_kit(text, written):
    assert text == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "1 h 00 min"), (5820, "1 h 37 min")],
)
def test_a_duration_is_written_as_people_say_it(seconds, written):
    assert numbers.duration(seconds, "en").replace("\N{NO-BREAK SPACE}", " ") == written


@pytest.mark.parametrize("gap", [None, float("nan"), float("inf")])
def test_a_gap_is_never_zero(gap):
    written = {
        numbers.integer(gap, "en"),
        numbers.ratio(gap, "en"),
        numbers.points(gap, "en"),
        numbers.change(gap, "en"),
        numbers.quantity(gap, "kWh", "en"),
        numbers.hours(gap, "en"),
        numbers.duration(gap, "en"),
        numbers.ratio_range(gap, 0.5, "en"),
    }
    assert written == {numbers.GAP}


def test_a_moment_is_that_of_the_site_and_has_a_year_only_when_it_is_another():
    assert numbers.moment(NOW, SHANGHAI, now=NOW) == "11-24 08:05"
    assert numbers.moment(datetime(2025, 12, 31, 23, tzinfo=UTC), SHANGHAI, now=NOW) == (
        "01-01 07:00"
    )
    assert numbers.moment(datetime(2025, 12, 31, 15, tzinfo=UTC), SHANGHAI, now=NOW) == (
        "2025-12-31 23:00"
    )
    assert numbers.day(date(2026, 11, 23)) == "2026-11-23"


def test_a_zone_says_its_offset():
    assert numbers.zone_label("Asia/Kolkata", now=NOW) == "Asia/Kolkata (UTC+5:30)"
    assert numbers.zone_label("America/New_York", now=NOW) == "America/New_York (UTC−5)"


@given(st.integers(-(10**12), 10**12))
def test_an_integer_is_read_back_as_what_it_was(value):
    written = numbers.integer(value, "zh_CN").replace(",", "").replace("−", "-")
    assert int(written) == value
