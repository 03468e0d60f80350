from datetime import date, timedelta

from portal.demo.plants import DOVE
from portal.demo.sheets import sheets_between
from portal.production import sheet

FIRST, LAST = date(2026, 10, 26), date(2026, 11, 21)


def test_every_sheet_is_sound():
    handed_in = list(sheets_between(FIRST, LAST))
    assert handed_in
    assert [sheet.check(one) for _, one in handed_in] == [[]] * len(handed_in)


def test_some_sheets_are_missing_and_none_is_of_a_sunday():
    handed_in = list(sheets_between(FIRST, LAST))
    due = 24 * len(list(DOVE.units()))
    assert 0.88 * due < len(handed_in) < due
    assert {one.production_day.weekday() for _, one in handed_in} == set(range(6))


def test_the_same_days_give_the_same_sheets():
    whole = list(sheets_between(FIRST, LAST))
    days = [FIRST + timedelta(days=i) for i in range((LAST - FIRST).days + 1)]
    assert [one for day in days for one in sheets_between(day, day)] == whole


def test_a_cartons_line_comes_to_plausible_figures():
    handed_in = [one for _, one in sheets_between(FIRST, LAST)]
    made = sum(line.produced for one in handed_in for line in one.products)
    good = sum(line.good for one in handed_in for line in one.products)
    busy_s = sum(one.busy_s for one in handed_in)
    assert 0.96 < good / made < 0.985
    assert 0.6 < good * 1.4 / busy_s < 0.82
