from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.production.states import MachineState
from portal.production.worktime import (
    CalendarRule,
    RuleKind,
    day_span,
    production_day,
    workday,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
KOLKATA = ZoneInfo("Asia/Kolkata")
MONDAY = date(2026, 11, 23)
EARLY = CalendarRule(RuleKind.SHIFT, time(8), time(20), shift_code="A")
NIGHT = CalendarRule(RuleKind.SHIFT, time(20), time(8), shift_code="B")
LUNCH = CalendarRule(RuleKind.BREAK, time(12), time(13))


def planned(day, *rules, zone=SHANGHAI, day_start=time(8)):
    return workday(day, zone=zone, day_start=day_start, rules=rules)


def off_seconds(compiled, state):
    spans = [o for o in compiled.off if o.state is state]
    return sum((o.ended_at - o.started_at).total_seconds() for o in spans)


def test_without_shifts_all_of_the_day_is_planned():
    compiled = planned(MONDAY)
    assert (compiled.off, compiled.shifts) == ((), ())
    assert compiled.starts_at == datetime(2026, 11, 23, 0, tzinfo=UTC)


def test_what_no_shift_covers_is_not_scheduled():
    compiled = planned(MONDAY, EARLY, LUNCH)
    assert off_seconds(compiled, MachineState.NOT_SCHEDULED) == 12 * 3600
    assert off_seconds(compiled, MachineState.PLANNED_STOP) == 3600


def test_two_shifts_fill_the_day_and_the_night_one_belongs_to_it():
    compiled = planned(MONDAY, EARLY, NIGHT)
    assert [s.code for s in compiled.shifts] == ["A", "B"]
    assert compiled.shifts[1].ends_at == compiled.ends_at
    assert compiled.off == ()


def test_a_break_outside_every_shift_stops_nothing():
    dinner = CalendarRule(RuleKind.BREAK, time(21), time(22))
    assert off_seconds(planned(MONDAY, EARLY, dinner), MachineState.PLANNED_STOP) == 0


def test_two_rules_never_take_out_a_second_twice():
    meeting = CalendarRule(RuleKind.MEETING, time(12, 30), time(13, 30))
    compiled = planned(MONDAY, EARLY, LUNCH, meeting)
    assert off_seconds(compiled, MachineState.PLANNED_STOP) == 5400


def test_overlapping_shifts_plan_a_second_once():
    late = CalendarRule(RuleKind.SHIFT, time(18), time(22), shift_code="L")
    assert off_seconds(planned(MONDAY, EARLY, late), MachineState.NOT_SCHEDULED) == 10 * 3600


def test_a_rule_holds_on_its_weekdays_and_dates():
    weekdays = CalendarRule(
        RuleKind.SHIFT, time(8), time(16), 0b001_1111, "A", date(2026, 11, 24), date(2026, 12, 1)
    )
    days = [MONDAY + timedelta(days=i) for i in range(9)]
    worked = [day.day for day in days if planned(day, weekdays).shifts]
    assert worked == [24, 25, 26, 27, 30]


def test_a_shift_that_began_on_the_day_before_reaches_into_the_production_day():
    late = CalendarRule(RuleKind.SHIFT, time(22), time(6), 0b000_0001, "N")
    compiled = planned(date(2026, 11, 24), late, day_start=time(0))
    assert [(s.code, s.ends_at) for s in compiled.shifts] == [
        ("N", datetime(2026, 11, 23, 22, tzinfo=UTC))
    ]


@pytest.mark.parametrize(
    ("day", "seconds"),
    [(date(2026, 3, 28), 82_800), (date(2026, 10, 24), 90_000), (date(2026, 10, 25), 86_400)],
)
def test_the_days_of_the_clock_change_have_23_and_25_hours(day, seconds):
    compiled = planned(day, zone=BERLIN, day_start=time(6))
    assert (compiled.ends_at - compiled.starts_at).total_seconds() == seconds
    assert len(compiled.hours) == seconds // 3600


def test_a_night_shift_through_the_clock_change_is_an_hour_longer():
    compiled = planned(date(2026, 10, 24), NIGHT, zone=BERLIN)
    shift = compiled.shifts[0]
    assert (shift.ends_at - shift.starts_at).total_seconds() == 13 * 3600


def test_hours_are_counted_from_the_start_of_the_day():
    compiled = planned(MONDAY, zone=KOLKATA, day_start=time(7, 30))
    assert compiled.hours[0] == datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
    assert len(compiled.hours) == 24


ZONES = st.sampled_from([SHANGHAI, BERLIN, KOLKATA, ZoneInfo("America/New_York")])
STARTS = st.times().map(lambda t: t.replace(second=0, microsecond=0))
MOMENTS = st.integers(0, 730 * 86_400).map(
    lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
)


@given(MOMENTS, ZONES, STARTS)
def test_every_moment_lies_in_its_production_day(moment, zone, day_start):
    day = production_day(moment, zone=zone, day_start=day_start)
    first, last = day_span(day, zone=zone, day_start=day_start)
    assert first <= moment < last


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)), ZONES, STARTS)
def test_days_follow_one_another_without_gap(day, zone, day_start):
    end = day_span(day, zone=zone, day_start=day_start)[1]
    assert end == day_span(day + timedelta(days=1), zone=zone, day_start=day_start)[0]


RULES = st.lists(
    st.builds(
        CalendarRule,
        kind=st.sampled_from(RuleKind),
        local_start=STARTS,
        local_end=STARTS,
        weekdays=st.integers(1, 127),
        shift_code=st.just("A"),
    ),
    max_size=6,
)


@given(RULES, st.dates(date(2026, 3, 1), date(2026, 11, 30)), ZONES, STARTS)
def test_unplanned_spans_are_in_order_disjoint_and_inside_the_day(rules, day, zone, day_start):
    compiled = workday(day, zone=zone, day_start=day_start, rules=rules)
    edges = [compiled.starts_at, *(m for o in compiled.off for m in (o.started_at, o.ended_at))]
    assert edges == sorted(edges)
    assert edges[-1] <= compiled.ends_at
