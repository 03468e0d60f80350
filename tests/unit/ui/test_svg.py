"""Small pictures: escaped, without styles, with the right places."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.ui import svg

START = datetime(2026, 11, 23, tzinfo=UTC)
EVIL = '<script>"&'


def hours(first: float, last: float, state: str = "down", title: str = "") -> svg.Span:
    return svg.Span(START + timedelta(hours=first), START + timedelta(hours=last), state, title)


def test_names_are_escaped():
    lane = svg.Lane([hours(0, 1, title=EVIL)])
    drawn = svg.state_strip([lane], first_at=START, until_at=START + timedelta(1), title=EVIL)
    drawn += svg.sparkline([1, 2], title=EVIL) + svg.meter(1, 2, title=EVIL)
    drawn += svg.BarRow(EVIL, 0, 1, 1).bar()
    assert "<script>" not in drawn
    assert "&lt;script&gt;" in drawn
    assert "style" not in drawn


def test_a_strip_cuts_what_lies_outside_and_leaves_unplanned_time_blank():
    lane = svg.Lane([hours(-2, 6), hours(6, 12, "not_scheduled"), hours(12, 30, "producing")])
    drawn = svg.state_strip([lane], first_at=START, until_at=START + timedelta(1), title="t")
    assert 'x="0.00%" width="25.00%"' in drawn
    assert 'x="50.00%" width="50.00%"' in drawn
    assert drawn.count("<rect") == 2


def test_a_gap_breaks_the_line_of_a_sparkline():
    drawn = svg.sparkline([1, 2, None, 3], title="t")
    assert drawn.count("M") == 2


@pytest.mark.parametrize("values", [[], [1.0], [None, 2.0, None]])
def test_one_point_is_no_trend(values):
    assert svg.sparkline(values, title="t") == ""


def test_a_waterfall_hangs_each_loss_at_the_end_of_what_is_left():
    rows = svg.waterfall(
        [
            svg.Step("planned", 100, total=True),
            svg.Step("down", 30, fill="down"),
            svg.Step("faster than planned", -5),
            svg.Step("good", 75, total=True),
        ]
    )
    assert [(row.start, row.length, row.kind) for row in rows] == [
        (0, 100, "total"),
        (70, 30, ""),
        (70, 5, ""),
        (0, 75, "end"),
    ]


@given(st.lists(st.floats(0.1, 100), min_size=1, max_size=6))
def test_bars_of_a_waterfall_stay_inside(losses):
    steps = [svg.Step("all", sum(losses), total=True), *(svg.Step("loss", x) for x in losses)]
    for row in svg.waterfall(steps):
        assert row.start >= -1e-6
        assert row.start + row.length <= row.whole + 1e-6
