"""The exception score against tables worked out by hand."""

import random

import pytest

from dashboards.exception import Status, change_of, judge, rank_key, score
from dashboards.profiles import LOWEST_COVERAGE, PROFILES, Kpi, Measure, Scale, measures_of

OEE = Measure(Kpi.OEE, 3, 0.015)
ENERGY = Measure(Kpi.ENERGY, 1, 0.03, Scale.PERCENT, better=-1)
COVERAGE = next(m for m in PROFILES["discrete"] if m.kpi is Kpi.COVERAGE)


@pytest.mark.parametrize(
    ("measure", "value", "baseline", "status", "points"),
    [
        # OEE in points: 74.9 against 77.8 is -2.9 pp, 1.933 tolerances of 1.5, times 3.
        (OEE, 0.749, 0.778, Status.WATCH, 5.8),
        (OEE, 0.745, 0.812, Status.OFF, 9.0),  # -6.7 pp: cut at 3 tolerances
        (OEE, 0.763, 0.778, Status.OK, 3.0),  # exactly one tolerance is not yet "watch"
        (OEE, 0.748, 0.778, Status.WATCH, 6.0),  # exactly two is not yet "off"
        (OEE, 0.800, 0.778, Status.OK, 0.0),  # better costs nothing
        # Energy in per cent, less is better: +6.8 % is 2.267 tolerances of 3 %.
        (ENERGY, 1.068, 1.0, Status.OFF, 2.2666666667),
        (ENERGY, 0.90, 1.0, Status.OK, 0.0),
        # Coverage against a fixed 98 %: 94.9 is just over one tolerance of 3, 88.4 over three.
        (COVERAGE, 0.949, None, Status.WATCH, 1.0333333333),
        (COVERAGE, 0.884, None, Status.OFF, 3.0),
        (COVERAGE, 0.979, 0.5, Status.OK, 0.0333333333),
    ],
)
def test_a_measure_gives_weight_times_tolerances(measure, value, baseline, status, points):
    judged = judge(measure, value, baseline, coverage=0.99)
    assert (judged.status, judged.points) == (status, pytest.approx(points))


@pytest.mark.parametrize(
    ("value", "baseline", "coverage", "status"),
    [
        (0.7, 0.8, 0.9, Status.LOW_COVERAGE),
        (None, 0.8, 0.99, Status.MISSING),
        (0.7, None, 0.99, Status.NO_BASELINE),
    ],
)
def test_what_cannot_be_judged_costs_nothing(value, baseline, coverage, status):
    judged = judge(OEE, value, baseline, coverage=coverage)
    assert (judged.status, judged.points, judged.change) == (status, 0, None)


def test_coverage_itself_is_judged_when_it_is_low():
    assert judge(COVERAGE, 0.9, None, coverage=0.9).status is Status.OFF


def test_a_change_of_an_amount_against_nothing_is_unknown_not_infinite():
    assert change_of(5.0, 0.0, Scale.PERCENT) is None
    assert change_of(5.0, None, Scale.PERCENT) is None
    assert change_of(0.5, 0.0, Scale.POINTS) == 0.5


def test_a_score_is_the_sum_of_its_parts_and_of_silent_plants():
    parts = [judge(OEE, 0.749, 0.778, coverage=0.99), judge(ENERGY, 1.068, 1.0, coverage=0.99)]
    whole = score(parts, silent=2)
    assert whole.total == pytest.approx(5.8 + 2.2666666667 + 2)
    assert [part.kpi for part in whole.worst()] == [Kpi.OEE, Kpi.ENERGY]


def test_companies_stand_worst_first_whatever_order_they_come_in():
    table = [
        ("kestrel", 7.4, 100.0),
        ("hoopoe", 4.6, 10.0),
        ("dove", 0.0, 5.0),
        ("egret", 0.0, 9.0),
        ("avocet", 0.0, 5.0),
    ]
    shuffled = random.Random(7).sample(table, len(table))
    ranked = sorted(
        shuffled,
        key=lambda row: rank_key(_of_total(row[1]), lost_s=row[2], code=row[0]),
    )
    assert [row[0] for row in ranked] == ["kestrel", "hoopoe", "egret", "avocet", "dove"]


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_the_weights_of_a_profile_add_up_to_eight(profile):
    assert sum(measure.weight for measure in PROFILES[profile]) == 8


def test_coverage_turns_to_watch_where_single_values_end():
    edge = judge(COVERAGE, LOWEST_COVERAGE, None, coverage=LOWEST_COVERAGE)
    below = judge(COVERAGE, LOWEST_COVERAGE - 0.001, None, coverage=LOWEST_COVERAGE - 0.001)
    assert (edge.status, below.status) == (Status.OK, Status.WATCH)


def test_an_unknown_profile_is_read_as_discrete():
    assert measures_of("unheard of") == PROFILES["discrete"] == measures_of(None)


def _of_total(total):
    return score([], silent=0).__class__(total, {}, 0)
