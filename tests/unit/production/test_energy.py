from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.production.energy import EnergyStep, MeterReading, ReadingKind, share, steps

START = datetime(2026, 11, 23, tzinfo=UTC)
EDGES = [START + timedelta(hours=i) for i in range(5)]


def at(hours):
    return START + timedelta(hours=hours)


def used(hours, kwh, over=1.0):
    return MeterReading(at(hours), kwh, over_s=over * 3600)


def meter(hours, kwh):
    return MeterReading(at(hours), kwh, ReadingKind.CUMULATIVE)


def test_a_cumulative_meter_gives_differences():
    found = steps([meter(2, 130.0), meter(0, 100.0), meter(1, 110.0)])
    assert [(s.kwh, s.estimated) for s in found] == [(10.0, False), (20.0, False)]


def test_a_meter_that_falls_starts_anew():
    assert [s.kwh for s in steps([meter(0, 900), meter(1, 4), meter(2, 9)])] == [5]


def test_a_long_gap_of_a_meter_is_an_estimate():
    assert steps([meter(0, 0), meter(3, 30)])[0].estimated


def test_energy_is_laid_evenly_over_its_span():
    found = share(steps([used(2.5, 30.0, over=1.5)]), EDGES, idle=[])
    assert [s.used_kwh if s else None for s in found] == [None, 20.0, 10.0, None]


def test_energy_while_not_producing_is_idle():
    found = share([EnergyStep(at(0), at(1), 10.0)], EDGES, idle=[(at(0.5), at(0.75))])
    assert (found[0].used_kwh, found[0].idle_kwh) == (10.0, 2.5)


def test_a_bucket_without_a_reading_is_unknown_and_a_reading_of_zero_is_not():
    found = share(steps([used(1, 0.0)]), EDGES, idle=[])
    assert (found[0].used_kwh, found[1]) == (0.0, None)


def test_repeated_and_overlapping_interval_readings_count_once():
    found = steps([used(1, 10.0), used(1, 10.0), used(1.5, 10.0)])
    assert sum(s.kwh for s in found) == 15.0


@given(st.dictionaries(st.integers(1, 96), st.floats(0, 1000), max_size=30))
def test_no_kwh_is_lost_or_made(quarters):
    readings = [used(quarter / 4, kwh, over=0.25) for quarter, kwh in quarters.items()]
    edges = [at(i) for i in range(25)]
    found = [s for s in share(steps(readings), edges, idle=[(at(3), at(9))]) if s]
    assert sum(s.used_kwh for s in found) == pytest.approx(sum(quarters.values()))
    assert all(-1e-9 <= s.idle_kwh <= s.used_kwh + 1e-9 for s in found)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 1000)), max_size=20))
def test_steps_of_a_meter_never_overlap_nor_fall(readings):
    found = steps([meter(h / 4, float(v)) for h, v in readings])
    assert all(a.ends_at <= b.starts_at for a, b in pairwise(found))
    assert all(s.kwh >= 0 for s in found)
