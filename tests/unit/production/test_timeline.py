import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.production.states import MachineState, Rank
from portal.production.timeline import OffSpan, StateReport, intervals, open_until

S = MachineState
DAY = datetime(2026, 11, 23, tzinfo=UTC)
NEXT = DAY + timedelta(days=1)


def at(seconds):
    return DAY + timedelta(seconds=seconds)


def report(seconds, state, *, until=None, **more):
    ended_at = None if until is None else at(until)
    return StateReport(at(seconds), state, ended_at, **more)


def draw(reports, *, until=1000, heard=range(0, 1001, 60), **more):
    return intervals(
        reports, starts_at=DAY, ends_at=at(until), heard_at=[at(s) for s in heard], **more
    )


def told(drawn):
    return [
        ((i.started_at - DAY).total_seconds(), (i.ended_at - DAY).total_seconds(), str(i.state))
        for i in drawn
    ]


def test_a_state_holds_until_the_next():
    drawn = draw([report(0, S.PRODUCING), report(400, S.IDLE)], heard=range(0, 1200, 60))
    assert told(drawn) == [(0, 400, "producing"), (400, 1000, "idle")]


@pytest.mark.parametrize("word", ["hold", "down"])
@pytest.mark.parametrize(("length", "state"), [(119, "minor_stop"), (120, "down"), (121, "down")])
def test_a_stop_is_judged_by_its_length(word, length, state):
    drawn = draw([report(0, S.PRODUCING), report(100, word), report(100 + length, S.PRODUCING)])
    assert told(drawn)[1] == (100, 100 + length, state)


def test_a_stop_over_the_end_of_the_span_is_judged_whole():
    reports = [report(0, S.PRODUCING), report(960, "hold"), report(1100, S.PRODUCING)]
    drawn = draw(reports, heard=range(0, 1400, 60))
    assert told(drawn)[-1] == (960, 1000, "down")


def test_a_stop_from_before_the_span_is_judged_whole_and_counted_before_it():
    reports = [report(-100, "hold"), report(40, S.PRODUCING)]
    drawn = draw(reports, heard=range(-600, 1400, 60))
    assert (told(drawn)[0], drawn[0].stops) == ((0, 40, "down"), 0)


def test_stops_of_two_reasons_are_judged_apart():
    reports = [
        report(0, S.PRODUCING),
        report(100, "down", reason_code="door"),
        report(190, "down", reason_code="coolant"),
        report(280, S.PRODUCING),
    ]
    assert [i[2] for i in told(draw(reports))][1:3] == ["minor_stop", "minor_stop"]


def test_two_touching_stops_of_one_reason_are_one():
    reports = [
        report(0, S.PRODUCING),
        report(100, "down"),
        report(190, "down"),
        report(280, S.IDLE),
    ]
    drawn = draw(reports)
    assert told(drawn)[1] == (100, 280, "down")
    assert sum(i.stops for i in drawn) == 1


def test_stops_less_than_two_seconds_apart_count_once_but_keep_their_seconds():
    reports = [
        report(0, S.PRODUCING),
        report(100, "down"),
        report(300, S.PRODUCING),
        report(301, "down"),
        report(500, S.PRODUCING),
    ]
    drawn = draw(reports)
    assert sum(i.stops for i in drawn) == 1
    assert sum(i.seconds for i in drawn if i.state is S.DOWN) == 399


def test_a_lost_source_is_unknown_from_its_last_message():
    drawn = draw([report(0, S.PRODUCING)], heard=[0, 60, 120, 180, 240])
    assert told(drawn) == [(0, 240, "producing"), (240, 1000, "unknown")]


@pytest.mark.parametrize(
    ("silence", "state"), [(180, "producing"), (180.001, "unknown"), (181, "unknown")]
)
def test_silence_of_three_heartbeats_is_still_heard(silence, state):
    drawn = draw([report(0, S.PRODUCING)], until=silence, heard=[0, silence])
    assert [i.state for i in drawn] == [state]


def test_the_state_goes_on_after_a_gap_only_when_it_is_told_again():
    drawn = draw([report(0, S.PRODUCING)], heard=[0, 100, 600, 700, 800, 900, 1000])
    assert told(drawn) == [(0, 100, "producing"), (100, 600, "unknown"), (600, 1000, "producing")]


def test_nothing_said_is_unknown():
    assert told(draw([], heard=[])) == [(0, 1000, "unknown")]


def test_an_empty_span_has_no_intervals():
    assert draw([report(0, S.IDLE)], until=0) == []


def test_a_correction_wins_over_the_machine_even_where_it_is_unknown():
    reports = [
        report(0, S.IDLE),
        report(200, S.PRODUCING, until=400, rank=Rank.CORRECTION),
        report(500, S.UNKNOWN, until=600, rank=Rank.CORRECTION),
    ]
    drawn = told(draw(reports, heard=range(0, 1200, 60)))
    assert drawn == [
        (0, 200, "idle"),
        (200, 400, "producing"),
        (400, 500, "idle"),
        (500, 600, "unknown"),
        (600, 1000, "idle"),
    ]


def test_a_machine_that_knows_nothing_does_not_hide_the_log():
    reports = [
        report(0, S.UNKNOWN),
        report(100, S.SETUP, until=300, rank=Rank.LOG),
        report(600, S.IDLE),
    ]
    drawn = told(draw(reports, heard=range(0, 1200, 60)))
    assert drawn[:3] == [(0, 100, "unknown"), (100, 300, "setup"), (300, 600, "unknown")]


def test_overlapping_reports_of_a_log_are_united_before_any_sum():
    log = [
        report(0, S.PRODUCING, until=500, rank=Rank.LOG),
        report(100, S.PRODUCING, until=700, rank=Rank.LOG),
        report(200, S.SETUP, until=300, rank=Rank.LOG),
        report(250, S.MAINT_PLANNED, until=280, rank=Rank.LOG),
        report(400, S.DOWN, until=650, rank=Rank.LOG),
        report(680, S.IDLE, until=800, rank=Rank.LOG),
    ]
    drawn = told(draw(log, until=800, heard=[]))
    assert drawn == [
        (0, 200, "producing"),
        (200, 250, "setup"),
        (250, 280, "maint_planned"),
        (280, 300, "setup"),
        (300, 400, "producing"),
        (400, 650, "down"),
        (650, 700, "producing"),
        (700, 800, "idle"),
    ]


def test_a_report_without_length_counts_nothing():
    reports = [report(0, S.PRODUCING), report(300, S.DOWN, until=300, rank=Rank.LOG)]
    assert told(draw(reports, heard=range(0, 1200, 60))) == [(0, 1000, "producing")]


BREAK = OffSpan(at(400), at(500), S.PLANNED_STOP, "break")


def test_the_calendar_takes_out_all_but_what_was_produced():
    reports = [report(0, S.PRODUCING), report(440, S.IDLE), report(600, S.PRODUCING)]
    drawn = draw(reports, heard=range(0, 1200, 60), off=[BREAK])
    assert told(drawn) == [
        (0, 400, "producing"),
        (400, 440, "producing"),
        (440, 500, "planned_stop"),
        (500, 600, "idle"),
        (600, 1000, "producing"),
    ]
    assert [i.overtime for i in drawn] == [False, True, False, False, False]


def test_unknown_time_is_no_loss_while_the_calendar_asks_for_nothing():
    assert told(draw([], heard=[], until=600, off=[BREAK]))[1] == (400, 500, "planned_stop")


def test_a_break_the_calendar_does_not_know_is_not_planned():
    drawn = draw([report(0, S.IDLE, reason_code="break")], heard=range(0, 1200, 60))
    assert [(i.state, i.reason_code) for i in drawn] == [(S.IDLE, "break")]


def test_a_stop_through_a_break_counts_once():
    reports = [report(0, S.PRODUCING), report(300, "down"), report(700, S.PRODUCING)]
    drawn = draw(reports, heard=range(0, 1200, 60), off=[BREAK])
    assert [i.stops for i in drawn if i.state is S.DOWN] == [1, 0]


def test_pieces_of_a_split_inherit_the_reason_and_begin_no_stop():
    reports = [report(0, "down", reason_code="spindle"), report(900, S.PRODUCING)]
    drawn = draw(reports, heard=range(0, 1200, 60), cuts=[at(300), at(600), at(600), at(5000)])
    assert [(i.seconds, i.reason_code, i.stops) for i in drawn[:3]] == [
        (300, "spindle", 1),
        (300, "spindle", 0),
        (300, "spindle", 0),
    ]


def declared(state, seconds, stops=1, **more):
    return report(0, state, until=900, rank=Rank.SHEET, declared_s=seconds, stops=stops, **more)


def test_declared_shares_are_laid_end_to_end_around_the_break():
    drawn = draw(
        [declared(S.DOWN, 200, stops=3), declared(S.PRODUCING, 600, stops=0)],
        until=900,
        heard=[],
        off=[BREAK],
    )
    assert told(drawn) == [
        (0, 400, "producing"),
        (400, 500, "planned_stop"),
        (500, 700, "producing"),
        (700, 900, "down"),
    ]
    assert (drawn[-1].stops, drawn[-1].declared, drawn[1].declared) == (3, True, False)


def test_a_short_declared_stop_is_not_judged_by_its_share():
    drawn = draw([declared(S.DOWN, 60), declared(S.PRODUCING, 840)], until=900, heard=[])
    assert drawn[-1].state is S.DOWN


def test_a_shift_that_a_machine_knows_anything_of_keeps_the_machine():
    reports = [report(0, S.IDLE), report(60, S.IDLE), declared(S.PRODUCING, 900)]
    drawn = draw(reports, until=900, heard=[])
    assert told(drawn) == [(0, 60, "idle"), (60, 900, "unknown")]


def test_a_running_day_ends_with_the_last_message_of_a_live_source():
    last = at(100)
    assert open_until(now=at(200), last_heard_at=last, heartbeat_s=60) == last
    assert open_until(now=at(281), last_heard_at=last, heartbeat_s=60) == at(281)
    assert open_until(now=at(50), last_heard_at=None, heartbeat_s=60) == at(50)


WORDS = st.sampled_from(
    ["producing", "setup", "hold", "down", "idle", "starved", "unknown", "maint_planned"]
)
SECONDS = st.integers(-4000, 90_000).map(lambda s: s / 1)


@st.composite
def any_report(draw_from):
    start = draw_from(st.integers(-4000, 90_000))
    kind = draw_from(st.sampled_from(["open", "closed", "declared"]))
    state = draw_from(WORDS)
    reason = draw_from(st.sampled_from([None, "a", "b"]))
    if kind == "open":
        return report(start, state, reason_code=reason)
    rank = draw_from(st.sampled_from([Rank.LOG, Rank.MACHINE, Rank.CORRECTION]))
    until = start + draw_from(st.integers(0, 20_000))
    if kind == "closed":
        return report(start, state, until=until, reason_code=reason, rank=rank)
    seconds = float(draw_from(st.integers(0, 30_000)))
    return report(0, state, until=28_800, rank=Rank.SHEET, declared_s=seconds, stops=1)


REPORTS = st.lists(any_report(), max_size=25)
HEARD = st.lists(st.integers(-4000, 90_000).map(at), max_size=40)
OFF = [
    OffSpan(at(14_400), at(18_000), S.PLANNED_STOP, "break"),
    OffSpan(at(57_600), NEXT, S.NOT_SCHEDULED),
]
HOURS = [at(3600 * hour) for hour in range(25)]


def whole_day(reports, heard, heartbeat_s=3600):
    return intervals(
        reports,
        starts_at=DAY,
        ends_at=NEXT,
        heartbeat_s=heartbeat_s,
        heard_at=heard,
        off=OFF,
        cuts=HOURS,
    )


@given(REPORTS, HEARD)
def test_intervals_tile_the_day(reports, heard):
    drawn = whole_day(reports, heard)
    assert (drawn[0].started_at, drawn[-1].ended_at) == (DAY, NEXT)
    assert all(a.ended_at == b.started_at for a, b in pairwise(drawn))
    assert all(i.started_at < i.ended_at for i in drawn)
    assert all(i.state in set(S) for i in drawn)


@given(REPORTS, HEARD, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_matters(reports, heard, shuffle: random.Random):
    again = [*reports, *reports[: len(reports) // 2]]
    shuffle.shuffle(again)
    later = [*heard, *heard]
    shuffle.shuffle(later)
    assert whole_day(again, later) == whole_day(reports, heard)


@given(REPORTS, HEARD)
def test_only_what_is_produced_survives_the_calendar(reports, heard):
    drawn = whole_day(reports, heard)
    inside = [i for i in drawn for o in OFF if o.started_at <= i.started_at < o.ended_at]
    assert inside
    assert all(i.overtime == (i.state is S.PRODUCING) for i in inside)
    assert all(i.state in (S.PRODUCING, S.PLANNED_STOP, S.NOT_SCHEDULED) for i in inside)


@given(st.lists(any_report().filter(lambda r: r.ended_at is None), max_size=25), HEARD)
def test_less_heard_never_makes_more_known(reports, heard):
    def unknown(drawn):
        return sum(i.seconds for i in drawn if i.state is S.UNKNOWN)

    assert unknown(whole_day(reports, heard[::2])) >= unknown(whole_day(reports, heard)) - 1e-6
