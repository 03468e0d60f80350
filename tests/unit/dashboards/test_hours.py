"""Plan, actual and running gap of an hour."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from dashboards.hours import hours
from portal.production.states import MachineState
from portal.production.sums import Bucket, OutputSums, TimeSums

PLACE = UUID(int=1)


def bucket(hour, *, good, down_s=0.0, pbt_s=3_600.0, pri_s=200.0):
    time = TimeSums(cal_s=3_600, pbt_s=pbt_s, apt_s=pbt_s - down_s, down_s=down_s)
    output = OutputSums(pq=good, gq=good, sq=0, prit_s=good * pri_s, prig_s=good * pri_s)
    start = datetime(2026, 11, 23, hour, tzinfo=UTC)
    return Bucket(PLACE, "unit", time, output, bucket_start=start)


def test_the_gap_runs_on_from_hour_to_hour():
    rows = hours([bucket(9, good=10, down_s=1_600), bucket(8, good=18)])
    assert [row.plan for row in rows] == [18, 18]
    assert [row.gap for row in rows] == [0, -8]
    assert [row.worst for row in rows] == [None, MachineState.DOWN]
    assert [row.short for row in rows] == [False, True]


def test_machines_of_one_hour_are_added():
    (row,) = hours([bucket(8, good=18), bucket(8, good=9)])
    assert (row.good, row.plan) == (27, pytest.approx(36))


def test_without_a_planned_run_time_there_is_no_plan():
    (row,) = hours([bucket(8, good=18, pri_s=0.0)])
    assert (row.plan, row.gap, row.short) == (None, None, False)
