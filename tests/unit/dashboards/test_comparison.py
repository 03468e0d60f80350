"""Figures of several places are Σ/Σ, and each place is measured against itself."""

from datetime import date
from uuid import UUID

import pytest

from dashboards.comparison import baseline_window, compare, figures, sum_by_day
from dashboards.exception import Status
from dashboards.profiles import Kpi
from portal.production.sums import Bucket, OutputSums, TimeSums


def bucket(*, pbt_h=10.0, apt_h=8.0, unk_h=0.0, good=100.0, scrap=2.0, kwh=50.0):
    pri_s = 240.0
    made = good + scrap
    time = TimeSums(
        cal_s=pbt_h * 3600,
        pbt_s=pbt_h * 3600,
        apt_s=apt_h * 3600,
        unk_s=unk_h * 3600,
        idle_s=(pbt_h - apt_h - unk_h) * 3600,
        energy_kwh=kwh,
    )
    output = OutputSums(pq=made, gq=good, sq=scrap, prit_s=made * pri_s, prig_s=good * pri_s)
    return Bucket(UUID(int=1), "company", time, output)


def test_oee_of_two_places_is_not_the_mean_of_their_oee():
    both = figures([bucket(good=100), bucket(pbt_h=1, apt_h=1, good=1)])
    assert both.kpis.oee == pytest.approx(101 * 240 / (11 * 3600))


def test_output_is_compared_by_planned_hour():
    assert figures([bucket(pbt_h=20, good=100)]).value(Kpi.OUTPUT) == 5


def test_a_company_is_measured_against_its_own_baseline():
    judged = compare("discrete", figures([bucket(good=90)]), figures([bucket(good=100)]))
    assert judged.parts[Kpi.OEE].status is Status.OFF
    assert judged.total > 9


def test_without_facts_nothing_is_judged_but_silence_counts():
    judged = compare("discrete", None, None, silent=2)
    assert (judged.total, judged.parts[Kpi.OEE].status) == (2, Status.MISSING)


def test_low_coverage_gives_no_comparison_but_a_bad_mark_for_coverage():
    judged = compare("discrete", figures([bucket(unk_h=1)]), figures([bucket()]))
    assert judged.parts[Kpi.OEE].status is Status.LOW_COVERAGE
    assert judged.parts[Kpi.COVERAGE].status is Status.OFF


def test_the_baseline_is_the_ninety_days_before():
    assert baseline_window(date(2026, 11, 1)) == (date(2026, 8, 3), date(2026, 10, 31))


def test_days_are_summed_over_places_and_sorted():
    days = [date(2026, 11, 2), date(2026, 11, 1), date(2026, 11, 2)]
    summed = sum_by_day((day, bucket()) for day in days)
    assert [(day, each.output.gq) for day, each in summed.items()] == [
        (date(2026, 11, 1), 100),
        (date(2026, 11, 2), 200),
    ]
