import random
from dataclasses import astuple
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.production import counters, energy
from portal.production.buckets import UnitFacts, UnitRules, unit_days
from portal.production.counters import Reading
from portal.production.oee import kpis
from portal.production.output import Quantity
from portal.production.states import MachineState
from portal.production.sums import OutputSums, TimeSums, total_time
from portal.production.timeline import StateReport
from portal.production.worktime import CalendarRule, RuleKind, workday

S = MachineState
FIRST = date(2026, 10, 23)  # a Friday; in Berlin the clock goes back on the Sunday
DAYS = [FIRST + timedelta(days=i) for i in range(4)]
BERLIN = ZoneInfo("Europe/Berlin")
RULES = (
    CalendarRule(RuleKind.SHIFT, time(6), time(22), 0b011_1111, "A"),
    CalendarRule(RuleKind.BREAK, time(12), time(12, 30)),
)
START = datetime(2026, 10, 23, 4, tzinfo=UTC)
PRI_S = 100.0


@lru_cache
def calendar(day):
    return workday(day, zone=BERLIN, day_start=time(6), rules=RULES)


@lru_cache
def around_the_clock(day):
    return workday(day, zone=UTC, day_start=time(0))


def at(seconds):
    return START + timedelta(seconds=seconds)


def days_of(facts, *, days=DAYS, on=calendar, rate=lambda p, at: PRI_S, **rules):
    return unit_days(days, facts, calendar=on, rules=UnitRules(**rules), rate=rate)


def near(one, other):
    return [
        a == b if a is None or b is None else a == pytest.approx(b, rel=1e-9, abs=1e-6)
        for a, b in zip(astuple(one), astuple(other), strict=True)
    ]


def make_facts(events, counts, scrap=(), heard=()):
    booked = counters.count([Reading(at(s), float(v)) for s, v in counts]).bookings
    return UnitFacts(
        reports=[StateReport(at(s), state) for s, state in events],
        heard_at=[at(s) for s, _ in counts] + [at(s) for s in heard],
        bookings={"produced": booked},
        quantities=[Quantity(at(s), "scrap", float(q)) for s, q in scrap],
        told=frozenset({"scrap"}),
        energy=energy.steps(
            energy.MeterReading(at(3600 * h), 7.0 + h % 5, over_s=3600.0) for h in range(1, 90)
        ),
    )


STATES = st.sampled_from(["producing", "producing", "setup", "hold", "down", "idle", "unknown"])
SPAN = 97 * 3600
EVENTS = st.lists(st.tuples(st.integers(-7200, SPAN), STATES), min_size=1, max_size=60)
COUNTS = st.lists(st.tuples(st.integers(-7200, SPAN), st.integers(0, 12)), max_size=40).map(
    lambda steps: [
        (s, sum(q for _, q in sorted(steps)[: i + 1])) for i, (s, _) in enumerate(sorted(steps))
    ]
)
SCRAP = st.lists(st.tuples(st.integers(0, SPAN), st.integers(0, 6)), max_size=12)
FACTS = st.builds(make_facts, EVENTS, COUNTS, SCRAP, st.just(range(-7200, SPAN, 3000)))


@settings(deadline=None)
@given(FACTS)
def test_hours_tile_the_day_and_time_elements_add_up(facts):
    days = days_of(facts, heartbeat_s=1200)
    assert [len(day.hours) for day in days] == [24, 25, 24, 24]
    for day in days:
        time_ = day.day.time
        assert all(near(total_time(h.time for h in day.hours), time_))
        parts = (
            time_.apt_s + time_.aust_s + time_.minor_s + time_.down_s + time_.starved_s
            + time_.blocked_s + time_.idle_s + time_.maint_s + time_.eng_s + time_.unk_s
        )  # fmt: skip
        assert time_.pbt_s == pytest.approx(parts, abs=1e-6)
        planned = time_.cal_s - time_.not_scheduled_s - time_.planned_stop_s + time_.overtime_s
        assert time_.pbt_s == pytest.approx(planned, abs=1e-6)
        assert kpis(time_, day.day.output).availability in (None, pytest.approx(0.5, abs=0.5))


@settings(deadline=None)
@given(FACTS)
def test_no_sum_is_ever_negative_and_good_is_never_more_than_produced(facts):
    buckets = [b for day in days_of(facts, heartbeat_s=1200) for b in (*day.hours, day.day)]
    for bucket in buckets:
        assert all(v is None or v >= 0 for v in (*astuple(bucket.time), *astuple(bucket.output)))
        assert bucket.output.pq is None or bucket.output.gq <= bucket.output.pq


@settings(deadline=None)
@given(FACTS, st.randoms(use_true_random=False))
def test_deriving_one_by_one_in_any_order_equals_deriving_at_once(facts, shuffle: random.Random):
    whole = days_of(facts, heartbeat_s=1200)
    mixed = UnitFacts(
        reports=shuffle.sample(facts.reports, len(facts.reports)),
        heard_at=[*facts.heard_at, *facts.heard_at],
        bookings=facts.bookings,
        quantities=shuffle.sample(facts.quantities, len(facts.quantities)),
        told=facts.told,
        energy=facts.energy,
    )
    order = shuffle.sample(DAYS, len(DAYS))
    alone = {day: days_of(mixed, days=[day], heartbeat_s=1200)[0] for day in order}
    assert [alone[day] for day in DAYS] == whole


@settings(deadline=None)
@given(COUNTS, SCRAP)
def test_every_counted_piece_lands_in_exactly_one_day(counts, scrap):
    facts = make_facts([(0, "producing")], counts, scrap, heard=range(-7200, SPAN, 3000))
    everywhere = [FIRST + timedelta(days=i) for i in range(-2, 8)]
    days = days_of(facts, days=everywhere, heartbeat_s=1200)
    booked = sum(b.quantity for b in facts.bookings["produced"])
    assert sum(day.day.output.pq for day in days) == booked
    told = sum(q.quantity for q in {*facts.quantities})
    lost = sum(day.scrap_without_piece for day in days)
    assert sum(day.day.output.sq for day in days) + lost == pytest.approx(told)


def test_pieces_made_before_midnight_count_there_though_they_are_read_after():
    counts = [(0, 0), (30 * 3600, 30)]
    events = [(0, "producing"), (10 * 3600, "idle")]
    facts = make_facts(events, counts, heard=range(0, 31 * 3600, 1800))
    first, second = days_of(facts, days=DAYS[:2], heartbeat_s=900)
    assert (first.day.output.pq, second.day.output.pq) == (30, 0)


def test_a_count_at_the_full_hour_belongs_to_the_hour_before():
    facts = UnitFacts(quantities=[Quantity(at(3600), "produced", 4.0)])
    (day,) = days_of(facts, days=[FIRST])
    assert [h.output.pq for h in day.hours[:2]] == [4, 0]


def test_a_unit_without_a_count_source_has_no_output():
    facts = make_facts([(0, "producing")], [(0, 5), (3600, 5)])
    (day,) = days_of(facts, days=[FIRST], counts=False)
    assert (day.day.output.pq, day.day.output.gq) == (None, None)


def test_a_unit_that_could_count_and_made_nothing_has_zero():
    facts = UnitFacts(bookings={"produced": ()})
    (day,) = days_of(facts, days=[FIRST])
    assert (day.day.output.pq, day.day.output.gq, day.day.output.sq) == (0, 0, None)


def test_scrap_told_in_the_next_hour_is_taken_off_the_one_that_made_it():
    facts = UnitFacts(
        quantities=[Quantity(at(3000), "produced", 10.0), Quantity(at(4000), "scrap", 3.0)]
    )
    (day,) = days_of(facts, days=[FIRST])
    assert [(h.output.gq, h.output.sq) for h in day.hours[:2]] == [(7, 3), (0, 0)]


def test_good_without_a_counter_of_produced_adds_up():
    facts = UnitFacts(
        quantities=[
            Quantity(at(600), "good", 8.0),
            Quantity(at(700), "scrap", 1.0),
            Quantity(at(700), "rework", 1.0),
        ]
    )
    (day,) = days_of(facts, days=[FIRST])
    output = day.day.output
    assert (output.pq, output.gq, output.sq, output.rq) == (10, 8, 1, 1)
    assert kpis(day.day.time, output).quality == pytest.approx(0.8)


def test_each_product_is_judged_by_its_own_pace():
    rates = {"A": 60.0, "B": 10.0, "C": None}
    told = [("A", 5.0), ("B", 30.0)]
    quantities = [Quantity(at(600), "produced", q, product) for product, q in told]
    (day,) = days_of(UnitFacts(quantities=quantities), days=[FIRST], rate=lambda p, at: rates[p])
    assert day.day.output.prit_s == 5 * 60 + 30 * 10
    assert {p: o.pq for p, o in day.day.by_product.items()} == {"A": 5, "B": 30}
    (day,) = days_of(
        UnitFacts(quantities=[*quantities, Quantity(at(700), "produced", 2.0, "C")]),
        days=[FIRST],
        rate=lambda p, at: rates[p],
    )
    assert day.day.output.norate_pq == 2


def test_rework_is_delivered_but_not_good():
    told = [("produced", 10.0), ("rework", 2.0)]
    facts = UnitFacts(quantities=[Quantity(at(600), kind, q) for kind, q in told])
    (day,) = days_of(facts, days=[FIRST])
    assert (day.day.output.gq, day.day.output.rq) == (8, 2)
    assert day.day.output.prig_s < day.day.output.prit_s


def test_a_running_day_ends_where_its_knowledge_ends():
    facts = make_facts([(0, "producing")], [(0, 0), (5400, 50)], heard=range(0, 5401, 600))
    (day,) = unit_days(
        DAYS, facts, calendar=calendar, rules=UnitRules(heartbeat_s=600),
        rate=lambda p, at: PRI_S, until=at(5400),
    )  # fmt: skip
    assert (day.until, len(day.hours), day.day.time.cal_s) == (at(5400), 2, 5400)
    assert kpis(day.day.time, day.day.output).coverage == 1.0


def test_overtime_is_in_the_planned_time_and_availability_stays_below_one():
    facts = make_facts([(0, "producing")], [(0, 0)], heard=range(0, 25 * 3600, 600))
    (day,) = days_of(facts, days=[FIRST], heartbeat_s=600)
    assert day.day.time.overtime_s == 8.5 * 3600
    assert kpis(day.day.time, day.day.output).availability == 1.0


def test_a_machine_that_counts_leaves_the_declared_quantity_beside_it():
    shift = {"over_s": 8 * 3600.0, "declared": True}
    facts = UnitFacts(
        bookings={
            "produced": counters.count([Reading(at(0), 0.0), Reading(at(3600), 9.0)]).bookings
        },
        quantities=[
            Quantity(at(8 * 3600), "produced", 50.0, **shift),
            Quantity(at(8 * 3600), "good", 48.0, **shift),
            Quantity(at(8 * 3600), "scrap", 2.0, **shift),
        ],
    )
    (day,) = days_of(facts, days=[FIRST])
    assert (day.day.output.pq, day.day.output.gq, day.day.output.sq) == (9, 7, 2)


LOG_PRI_S = 240.0
MIDNIGHT = datetime(2026, 10, 23, tzinfo=UTC)


def play(seed):
    """Return the full log of a machine over a day: states, and a counter read at every piece."""
    random_ = random.Random(seed)
    states, pieces, now, made, ready = [], [(0.0, 0.0)], 0.0, 0.0, 0.0
    while now < 86_400:
        run = random_.expovariate(1 / 2400)
        states.append((now, "producing"))
        cycle = LOG_PRI_S / random_.uniform(0.7, 1.0)
        seconds = min(run, 86_400 - now)
        while ready + seconds >= cycle:
            step = cycle - ready
            now, seconds, ready, made = now + step, seconds - step, 0.0, made + 1
            pieces.append((now, made))
        ready, now = ready + seconds, now + seconds
        states.append((now, random_.choice(["idle", "down", "setup", "starved"])))
        now += random_.expovariate(1 / 600)
    return states, pieces, [float(s) for s in range(0, 86_401, 120)]


def holes(random_):
    for _ in range(random_.randrange(1, 6)):
        start = random_.uniform(-3600, 86_400)
        yield start, start + random_.expovariate(1 / 4000)


def held(states, moment):
    return [state for s, state in states if s <= moment][-1]


@lru_cache
def full_log(seed):
    log = play(seed)
    return log, figures(*log).oee


def figures(states, pieces, heard):
    stamp = [MIDNIGHT + timedelta(seconds=s) for s in heard]
    readings = [Reading(MIDNIGHT + timedelta(seconds=s), v) for s, v in pieces]
    facts = UnitFacts(
        reports=[StateReport(MIDNIGHT + timedelta(seconds=s), state) for s, state in states],
        heard_at=[*stamp, *(r.at for r in readings)],
        bookings={"produced": counters.count(readings).bookings},
    )
    rate = lambda product, at: LOG_PRI_S  # noqa: E731
    (day,) = days_of(facts, days=[FIRST], on=around_the_clock, heartbeat_s=60, rate=rate)
    return kpis(day.day.time, day.day.output)


def test_the_range_shown_for_a_log_with_holes_always_contains_the_true_oee():
    ranges = 0
    for case in range(1000):
        (states, pieces, heard), truth = full_log(case % 40)
        cut = list(holes(random.Random(f"holes/{case}")))

        def kept(moment, cut=cut):
            return not any(start <= moment <= end for start, end in cut)

        # After a hole the gateway tells again what holds.
        told_again = [(end, held(states, end)) for _, end in cut if end > 0 and kept(end + 1e-6)]
        shown = figures(
            sorted([s for s in states if kept(s[0])] + told_again),
            [p for p in pieces if kept(p[0])],
            [s for s in heard if kept(s)],
        )
        if shown.is_range:
            ranges += 1
            assert shown.oee_low - 1e-9 <= truth <= shown.oee_high + 1e-9, case
    assert ranges > 300


def test_sums_without_facts_are_unknown_time_and_no_output():
    (day,) = days_of(UnitFacts(), days=[FIRST])
    assert day.day.time == TimeSums(
        cal_s=86_400.0, not_scheduled_s=28_800.0, planned_stop_s=1_800.0, pbt_s=55_800.0,
        unk_s=55_800.0,
    )  # fmt: skip
    assert day.day.output == OutputSums()
