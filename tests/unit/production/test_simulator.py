import itertools
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.demo.plants import HEARTBEAT_S, PLANTS, REASONS, SEED
from portal.production import counters, energy
from portal.production.buckets import UnitFacts, UnitRules, unit_days
from portal.production.oee import kpis
from portal.production.output import Quantity
from portal.production.simulator import Play, Player
from portal.production.states import REPORTED
from portal.production.sums import total_output, total_time
from portal.production.timeline import StateReport
from portal.production.worktime import workday

NOW = datetime(2026, 11, 24, 0, 5, tzinfo=UTC)
UNITS = [
    (plant.company, site, line, unit)
    for plant in PLANTS.values()
    for site, line, unit in plant.units()
    if unit.machine
]
BY_CODE = {(company, unit.code): (site, line, unit) for company, site, line, unit in UNITS}


def calendar_of(site, line):
    zone, rules = ZoneInfo(site.zone), line.calendar or site.calendar
    return lru_cache(lambda day: workday(day, zone=zone, day_start=site.day_start, rules=rules))


def player(company, code, seed=SEED):
    site, line, unit = BY_CODE[company, code]
    return Player(Play(seed, company, unit.machine, calendar_of(site, line), NOW))


def derive(company, code, days):
    site, line, unit = BY_CODE[company, code]
    lines = player(company, code).lines(NOW - timedelta(days=days + 1), NOW)
    pri = {p.code: p.pri_s for p in unit.products}
    at = datetime.fromisoformat
    readings = [
        counters.Reading(at(one["at"]), one["counter"], one["product"])
        for one in lines
        if "counter" in one
    ]
    metered = [
        energy.MeterReading(at(one["at"]), one["v"], over_s=one["over_s"])
        for one in lines
        if one["k"] == "meter"
    ]
    counted = counters.count(readings, pri_s=pri.get)
    facts = UnitFacts(
        reports=[
            StateReport(at(one["at"]), one["state"], reason_code=one.get("reason"))
            for one in lines
            if one["k"] == "state"
        ],
        heard_at=[at(one["at"]) for one in lines],
        bookings={"produced": counted.bookings},
        quantities=[
            Quantity(at(one["at"]), one["kind"], one["qty"], one["product"])
            for one in lines
            if "qty" in one
        ],
        told=frozenset({"scrap"}),
        energy=energy.steps(metered),
    )
    return unit_days(
        [(NOW - timedelta(days=back)).date() for back in range(1, days + 1)],
        facts,
        calendar=calendar_of(site, line),
        rules=UnitRules(heartbeat_s=HEARTBEAT_S),
        rate=lambda product, moment: pri.get(product),
        until=NOW,
    )


def figures(company, code, days):
    derived = derive(company, code, days)
    time = total_time(day.day.time for day in derived)
    return kpis(time, total_output(day.day.output for day in derived))


def test_there_are_at_most_sixty_simulated_units_with_a_name_each():
    assert 40 <= len(UNITS) <= 60
    assert len(BY_CODE) == len(UNITS)


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(0, 72 * 60), min_size=1, max_size=5), st.sampled_from(sorted(BY_CODE)))
def test_the_same_seed_gives_the_same_facts_however_cut(minutes, key):
    first = NOW - timedelta(days=3)
    cuts = sorted({first, NOW, *(first + timedelta(minutes=m) for m in minutes)})
    whole = player(*key).lines(first, NOW)
    parts = [player(*key).lines(a, b) for a, b in itertools.pairwise(cuts)]
    assert [line for part in parts for line in part] == whole
    again = player(*key)
    newest_first = [again.lines(a, b) for a, b in reversed(list(itertools.pairwise(cuts)))]
    assert [line for part in reversed(newest_first) for line in part] == whole


def test_another_seed_gives_other_facts():
    span = (NOW - timedelta(days=1), NOW)
    assert player("kestrel", "L2-07").lines(*span) != player("kestrel", "L2-07", 7).lines(*span)


@pytest.fixture(scope="module")
def three_days():
    span = (NOW - timedelta(days=3), NOW)
    return {key: player(*key).lines(*span) for key in sorted(BY_CODE)}


def test_lines_are_in_order_and_in_the_words_of_the_door(three_days):
    known = {reason.code for reason in REASONS}
    assert len(three_days) == len(UNITS)
    for (_, code), lines in three_days.items():
        moments = [line["at"] for line in lines]
        assert moments == sorted(moments)
        assert {line["unit"] for line in lines} == {code}
        assert {line["k"] for line in lines} <= {"state", "count", "meter", "alive"}
        told = [line for line in lines if line["k"] == "state"]
        assert all(line["state"] in REPORTED for line in told)
        assert {line["reason"] for line in told if "reason" in line} <= known


def test_no_unit_tells_the_same_thing_twice(three_days):
    for lines in three_days.values():
        keys = Counter(
            (line["k"], line["at"], line.get("kind"), line.get("meter")) for line in lines
        )
        assert max(keys.values()) == 1


def test_a_unit_sends_little_enough(three_days):
    per_day = {key: len(lines) / 3 for key, lines in three_days.items()}
    assert max(per_day.values()) <= 190
    assert sum(per_day.values()) / len(per_day) <= 140


@pytest.mark.parametrize(
    ("company", "code", "low", "high"),
    [
        ("kestrel", "L1-01", 0.74, 0.86),
        ("kestrel", "L2-05", 0.66, 0.80),
        ("kestrel", "G1-02", 0.65, 0.80),
        ("hoopoe", "SMT-01", 0.72, 0.88),
        ("wren", "C-01", 0.66, 0.82),
        ("cormorant", "M-01", 0.55, 0.78),
        ("pelican", "F1-01", 0.85, 0.96),
        ("oriole", "P-01", 0.80, 0.93),
        ("gannet", "T-01", 0.78, 0.92),
    ],
)
def test_figures_are_those_of_such_a_plant(company, code, low, high):
    shown = figures(company, code, 14)
    assert low <= shown.oee <= high
    assert shown.coverage > 0.95
    assert shown.effectiveness < 1.0
    assert shown.energy_per_good_kwh > 0


def test_what_was_planted_comes_back():
    _site, _line, unit = BY_CODE["kestrel", "L1-04"]
    derived = derive("kestrel", "L1-04", 7)
    output = total_output(day.day.output for day in derived)
    time = total_time(day.day.time for day in derived)
    assert output.pq * unit.products[0].pri_s > 0
    assert output.sq / output.pq == pytest.approx(unit.machine.scrap, abs=0.006)
    hours = sum((d.workday.ends_at - d.workday.starts_at).total_seconds() for d in derived) / 3600
    full = unit.machine.power_kw
    assert full * 0.5 * hours < time.energy_kwh < full * 1.05 * hours


def down_minutes(company, code, reason, days):
    seconds = defaultdict(float)
    for day in derive(company, code, days):
        for interval in day.intervals:
            if interval.reason_code == reason and interval.state == "down":
                seconds[day.workday.day] += interval.seconds
    return [seconds[day] / 60 for day in sorted(d.workday.day for d in derive(company, code, days))]


def test_the_chuck_pressure_of_one_lathe_gets_worse_over_two_weeks():
    minutes = down_minutes("kestrel", "L2-07", "chuck_pressure", 35)
    assert sum(minutes[-6:]) / 6 > 2 * sum(minutes[:15]) / 15


def test_one_boiler_burns_more_than_a_month_ago():
    def per_t(days):
        output = total_output(day.day.output for day in days)
        return total_time(day.day.time for day in days).energy_kwh / output.gq

    days = derive("pelican", "B-03", 60)
    assert per_t(days[-4:]) / per_t(days[:25]) == pytest.approx(1.068, abs=0.025)


def test_one_line_has_gone_silent():
    newest = {
        code: player("hoopoe", code).lines(NOW - timedelta(days=1), NOW)[-1]["at"]
        for code in ("AS-01", "SMT-01")
    }
    assert newest["AS-01"] < "2026-11-23T17:26" < "2026-11-23T23:00" < newest["SMT-01"]


def test_a_source_that_was_silent_comes_back_and_tells_its_state():
    lines = player("hoopoe", "AS-01").lines(NOW, NOW + timedelta(days=2))
    assert lines[0]["at"].startswith("2026-11-25T12:05")
    assert lines[0]["k"] == "state"
