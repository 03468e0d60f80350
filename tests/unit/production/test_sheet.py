from datetime import date, time
from zoneinfo import ZoneInfo

import pytest

from portal.production import sheet
from portal.production.buckets import UnitFacts, UnitRules, unit_days
from portal.production.oee import kpis
from portal.production.sheet import LostTime, ProductLine, Sheet
from portal.production.states import MachineState
from portal.production.worktime import CalendarRule, RuleKind, workday

DAY = date(2026, 11, 23)
RULES = (
    CalendarRule(RuleKind.SHIFT, time(8), time(16), shift_code="A"),
    CalendarRule(RuleKind.SHIFT, time(16), time(0), shift_code="B"),
    CalendarRule(RuleKind.BREAK, time(12), time(12, 30)),
)
PRI_S = 60.0


def calendar(day):
    return workday(day, zone=ZoneInfo("Asia/Shanghai"), day_start=time(8), rules=RULES)


def make_sheet(*, shift="A", products=None, lost=()):
    compiled = calendar(DAY)
    of_day = next(s for s in compiled.shifts if s.code == shift)
    lines = [ProductLine("BOX", 300, 290, 8, 2)] if products is None else products
    return Sheet(DAY, of_day, sheet.busy_seconds(compiled, of_day), lines, lost)


def derive(*sheets):
    told = [sheet.facts(one) for one in sheets]
    facts = UnitFacts(
        reports=[r for t in told for r in t.reports],
        quantities=[q for t in told for q in t.quantities],
    )
    rules = UnitRules(counts=False)
    (day,) = unit_days([DAY], facts, calendar=calendar, rules=rules, rate=lambda p, at: PRI_S)
    return day


def test_the_planned_time_of_a_shift_is_without_its_breaks():
    assert make_sheet().busy_s == 7.5 * 3600
    assert make_sheet(shift="B").busy_s == 8 * 3600


def test_a_sound_sheet_has_no_problem():
    assert sheet.check(make_sheet(lost=[LostTime(450.0)])) == []


def test_produced_must_be_good_scrap_and_rework_together():
    (problem,) = sheet.check(make_sheet(products=[ProductLine("BOX", 300, 290, 8, 1)]))
    assert (problem.field, problem.code) == ("products.0.produced", "sum")
    assert (problem.given, problem.expected) == (300, 299)


def test_no_more_minutes_are_lost_than_were_planned():
    (problem,) = sheet.check(make_sheet(lost=[LostTime(300.0), LostTime(151.0)]))
    assert (problem.code, problem.given, problem.expected) == ("minutes", 451.0, 450.0)


def test_every_negative_number_is_named():
    bad = make_sheet(products=[ProductLine("BOX", -1, 0, -1)], lost=[LostTime(-5.0)])
    fields = [p.field for p in sheet.check(bad) if p.code == "negative"]
    assert fields == ["products.0.produced", "products.0.scrap", "lost.0.minutes"]


def test_a_sheet_becomes_the_sums_of_its_shift():
    day = derive(make_sheet(lost=[LostTime(45.0, MachineState.DOWN, "glue", stops=3)]))
    time_, output = day.day.time, day.day.output
    assert time_.apt_s == 27_000 - 2_700
    assert (time_.down_s, time_.down_count) == (2_700, 3)
    assert (time_.unk_s, time_.declared_s, time_.pbt_s) == (28_800, 27_000, 55_800)
    assert (output.pq, output.gq, output.sq, output.rq) == (300, 290, 8, 2)
    assert (output.declared_gq, output.prig_s) == (290, 290 * PRI_S)


def test_a_declared_day_has_no_hours():
    assert derive(make_sheet()).hours == ()


def test_a_missing_sheet_lowers_coverage_by_exactly_its_planned_time():
    both = kpis(derive(make_sheet(), make_sheet(shift="B")).day.time, derive().day.output)
    one = kpis(derive(make_sheet()).day.time, derive().day.output)
    assert both.coverage == 1.0
    assert one.coverage == pytest.approx(27_000 / 55_800)


def test_forgotten_minutes_move_availability_but_never_oee():
    careful = derive(make_sheet(lost=[LostTime(60.0)]), make_sheet(shift="B"))
    careless = derive(make_sheet(), make_sheet(shift="B"))
    a, b = (kpis(day.day.time, day.day.output) for day in (careful, careless))
    assert a.oee == pytest.approx(b.oee)
    assert a.availability < b.availability
    assert a.effectiveness > b.effectiveness
