"""Charts: a gap stays a gap, states keep their colour and pattern, plans are lines."""

from datetime import UTC, date, datetime, timedelta

import pytest

from dashboards.comparison import figures
from dashboards.figures.hourly import HourTexts, count_traces, energy_traces
from dashboards.figures.timeline import LOOKS, timeline_traces
from dashboards.figures.trend import TrendTexts, trend_traces
from dashboards.hours import Hour
from dashboards.thinning import Segment
from portal.production.states import MachineState as S
from portal.production.sums import Bucket, OutputSums, TimeSums
from portal.ui.theme import chart, ink

START = datetime(2026, 11, 23, tzinfo=UTC)
TEXTS = TrendTexts("OEE", "range", "usual")
HOUR_TEXTS = HourTexts("good", "short", "plan", "used", "idle")
WORDS = {state: state.value for state in S}


def day(*, unk_s=0.0):
    time = TimeSums(cal_s=1000, pbt_s=1000, apt_s=800 - unk_s, unk_s=unk_s, idle_s=200)
    output = OutputSums(pq=8, gq=7, sq=1, prit_s=800, prig_s=700)
    return figures([Bucket(None, "unit", time, output)])


def hour(number, **changes):
    values = {
        "start": START + timedelta(hours=number),
        "plan": 18.0,
        "good": 17.0,
        "scrap": 0.0,
        "gap": 0.0,
        "worst": None,
        "worst_s": 0.0,
        "energy_kwh": 4.0,
        "idle_kwh": 1.0,
        "known": True,
    }
    return Hour(**(values | changes))


def test_a_day_with_a_range_is_a_gap_in_the_line_and_a_bar_of_its_own():
    days = {date(2026, 11, 22): day(), date(2026, 11, 23): day(unk_s=100)}
    line, bars, usual = trend_traces(days, baseline=0.72, texts=TEXTS, ink=ink("light"))
    assert list(line.y) == [70.0, None]
    assert list(bars.text) == ["70.0–80.0%"]
    assert list(usual.y) == [72.0, 72.0]


def test_nothing_known_has_nothing_to_draw_but_the_line_of_nothing():
    (line,) = trend_traces({}, baseline=None, texts=TEXTS, ink=ink("light"))
    assert len(line.x) == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_state_is_a_trace_in_its_colour_and_pattern(theme):
    colours = ink(theme)
    lane = [
        Segment(S.PRODUCING, START, START + timedelta(hours=1)),
        Segment(S.DOWN, START + timedelta(hours=1), START + timedelta(hours=2), "chuck <b>"),
    ]
    running, down = timeline_traces({"L2-07": lane}, words=WORDS, zone="Asia/Shanghai", ink=colours)
    assert (running.marker.color, running.marker.pattern.shape) == (colours["st-producing"], "")
    assert (down.marker.color, down.marker.pattern.shape) == (colours["st-down"], "x")
    assert list(down.base) == ["2026-11-23T09:00:00"]
    assert list(down.x) == [3_600_000]
    assert "<b>" not in down.text[0]


def test_time_not_scheduled_is_left_blank():
    assert S.NOT_SCHEDULED not in LOOKS
    lane = [Segment(S.NOT_SCHEDULED, START, START + timedelta(hours=8))]
    assert timeline_traces({"L2-07": lane}, words=WORDS, zone="UTC", ink=ink("light")) == []


def test_an_hour_without_data_has_no_bar_and_a_short_one_is_hatched():
    rows = [hour(0), hour(1, good=5.0), hour(2, good=0.0, known=False)]
    kept, short, plan = count_traces(rows, zone="UTC", texts=HOUR_TEXTS, ink=ink("light"))
    assert (list(kept.y), list(short.y)) == ([17.0], [5.0])
    assert short.marker.pattern.shape == "/"
    assert len(plan.x) == 3


def test_energy_that_produced_nothing_stands_on_top():
    used, idle = energy_traces([hour(0)], zone="UTC", texts=HOUR_TEXTS, ink=ink("light"))
    assert (list(used.y), list(idle.y)) == ([3.0], [1.0])


def test_an_hour_without_a_meter_has_no_energy_bar():
    rows = [hour(0, energy_kwh=None, idle_kwh=None)]
    assert energy_traces(rows, zone="UTC", texts=HOUR_TEXTS, ink=ink("light")) == []


def test_the_charts_are_of_a_type_that_the_bundle_draws():
    traces = count_traces([hour(0)], zone="UTC", texts=HOUR_TEXTS, ink=ink("dark"))
    picture = chart(traces, title="t", y_title="pcs", theme="dark")
    assert {trace.type for trace in picture.data} == {"bar", "scatter"}
