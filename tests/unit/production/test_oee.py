import random
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.production.oee import ENOUGH, FORMULAS, Kpis, kpis, losses
from portal.production.sums import OutputSums, TimeSums, total_output, total_time

# The production day 11-23 of a lathe, in hours: 22 planned, 17.09 producing.
HOURS = {
    "apt_s": 17.09, "aust_s": 0.37, "minor_s": 0.26, "down_s": 1.62, "starved_s": 0.65,
    "blocked_s": 0.35, "idle_s": 0.62, "maint_s": 0.50, "unk_s": 0.54,
}  # fmt: skip
TIME = TimeSums(
    cal_s=86_400,
    planned_stop_s=7_200,
    pbt_s=sum(HOURS.values()) * 3600,
    energy_kwh=470.0,
    idle_kwh=14.2,
    down_count=3,
    **{name: hours * 3600 for name, hours in HOURS.items()},
)
OUTPUT = OutputSums(pq=286, gq=281, sq=5, prit_s=286 * 210.0, prig_s=281 * 210.0)


def test_oee_is_availability_times_effectiveness_times_quality():
    figures = kpis(TIME, OUTPUT)
    assert figures.availability == pytest.approx(0.777, abs=1e-3)
    assert figures.effectiveness == pytest.approx(0.976, abs=1e-3)
    assert figures.quality == pytest.approx(0.983, abs=1e-3)
    assert figures.oee == pytest.approx(0.745, abs=1e-3)
    product = figures.availability * figures.effectiveness * figures.quality
    assert figures.oee == pytest.approx(product, rel=1e-12)


def test_the_other_figures_of_the_day():
    figures = kpis(TIME, OUTPUT)
    assert figures.energy_per_good_kwh == pytest.approx(1.673, abs=1e-3)
    assert figures.scrap_ratio == pytest.approx(5 / 286)
    assert figures.idle_energy_ratio == pytest.approx(14.2 / 470)
    assert figures.coverage == pytest.approx(0.975, abs=1e-3)
    assert figures.teep == pytest.approx(281 * 210 / 86_400)
    assert figures.idle_s == pytest.approx((0.62 + 0.50) * 3600)


def test_nothing_planned_is_not_a_hundred_percent():
    figures = kpis(TimeSums(cal_s=86_400, not_scheduled_s=86_400), OutputSums(pq=0, gq=0))
    assert not figures.busy
    assert [figures.availability, figures.oee, figures.coverage] == [None, None, None]


def test_without_a_count_source_there_is_no_output_figure():
    figures = kpis(TIME, OutputSums())
    assert figures.availability is not None
    assert [figures.effectiveness, figures.quality, figures.oee] == [None, None, None]
    assert (figures.oee_low, figures.oee_high, figures.energy_per_good_kwh) == (None, None, None)


def test_without_a_planned_run_time_effectiveness_and_oee_are_unknown():
    figures = kpis(TIME, replace(OUTPUT, norate_pq=3))
    assert (figures.effectiveness, figures.oee, figures.oee_low) == (None, None, None)
    assert figures.quality == pytest.approx(281 / 286)


def test_without_a_meter_there_is_no_energy_figure():
    assert kpis(replace(TIME, energy_kwh=None, idle_kwh=None), OUTPUT).energy_per_good_kwh is None


def test_effectiveness_above_one_is_not_hidden():
    fast = replace(OUTPUT, prit_s=TIME.apt_s * 1.4, prig_s=TIME.apt_s * 1.4)
    assert kpis(TIME, fast).effectiveness == pytest.approx(1.4)


@pytest.mark.parametrize(("unknown", "is_range"), [(0.05, False), (0.0501, True)])
def test_below_enough_coverage_there_is_only_a_range(unknown, is_range):
    time = TimeSums(cal_s=1000, pbt_s=1000, apt_s=1000 * (1 - unknown), unk_s=1000 * unknown)
    figures = kpis(time, OutputSums(pq=9, gq=9, prit_s=700, prig_s=700))
    assert figures.is_range is is_range
    assert figures.oee_low == pytest.approx(0.7)
    assert figures.oee_high == pytest.approx(0.7 + unknown)


def test_output_of_unknown_time_raises_the_lower_bound_alone():
    time = TimeSums(cal_s=1000, pbt_s=1000, apt_s=800, unk_s=200)
    figures = kpis(time, OutputSums(pq=9, gq=9, prit_s=700, prig_s=700, prig_gap_s=100))
    assert (figures.oee_low, figures.oee_high) == (pytest.approx(0.8), pytest.approx(0.9))


def test_the_waterfall_ends_at_good_output():
    steps = losses(TIME, OUTPUT)
    assert [s.code for s in steps if s.total] == ["calendar", "pbt", "apt", "net", "good"]
    assert [s.code for s in steps[3:6]] == ["down_s", "starved_s", "idle_s"]
    left = 0.0
    for step in steps:
        left = left - step.seconds if not step.total else left or step.seconds
        if step.total:
            assert left == pytest.approx(step.seconds, abs=1e-6)


def test_the_waterfall_stops_at_run_time_where_the_pace_is_unknown():
    assert losses(TIME, OutputSums())[-1].code == "apt"


def test_each_formula_computes_the_figure_of_its_name():
    figures = kpis(TIME, OUTPUT)
    shared = [f.name for f in fields(Kpis) if f.name in FORMULAS]
    assert len(shared) > 12
    for code in shared:
        if code in ("rework_ratio",):
            continue
        assert FORMULAS[code].compute(TIME, OUTPUT) == pytest.approx(getattr(figures, code)), code


def test_a_formula_names_its_sums():
    assert FORMULAS["coverage"].terms == ("pbt_s", "unk_s")
    assert FORMULAS["gq"].compute(TIME, OUTPUT) == 281
    assert FORMULAS["rework_ratio"].compute(TIME, OUTPUT) is None


SECONDS = st.floats(0, 86_400)


@st.composite
def sums(draw):
    states = {name: draw(SECONDS) for name in HOURS}
    time = TimeSums(cal_s=86_400, pbt_s=sum(states.values()), **states)
    pq = draw(st.integers(0, 500))
    gq = draw(st.integers(0, pq))
    pri_s = draw(st.sampled_from([1.0, 90.0, 600.0]))
    return time, OutputSums(pq=pq, gq=gq, sq=pq - gq, prit_s=pri_s * pq, prig_s=pri_s * gq)


@given(st.lists(sums(), min_size=2, max_size=12), st.randoms(use_true_random=False))
def test_figures_are_the_same_however_machines_are_grouped(parts, shuffle: random.Random):
    whole = kpis(total_time(t for t, _ in parts), total_output(o for _, o in parts))
    shuffle.shuffle(parts)
    cut = shuffle.randrange(len(parts))
    groups = [parts[:cut], parts[cut:]]
    time = total_time(total_time(t for t, _ in group) for group in groups)
    output = total_output(total_output(o for _, o in group) for group in groups)
    again = kpis(time, output)
    for field in ("availability", "effectiveness", "quality", "oee", "oee_low", "coverage"):
        one, other = getattr(whole, field), getattr(again, field)
        assert one == other if one is None else other == pytest.approx(one, rel=1e-9)


@given(sums())
def test_availability_never_exceeds_one_and_ranges_are_in_order(both):
    figures = kpis(*both)
    assert figures.availability is None or 0 <= figures.availability <= 1 + 1e-12
    assert figures.oee_low is None or figures.oee_low <= figures.oee_high
    assert figures.oee is None or figures.coverage >= ENOUGH
