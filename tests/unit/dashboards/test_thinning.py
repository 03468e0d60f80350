"""The drawing of a timeline may lose detail, but neither time nor a breakdown."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dashboards.thinning import Segment, clip, drawn
from portal.production.states import MachineState as S

START = datetime(2026, 11, 23, tzinfo=UTC)


def lane(lengths_s, states):
    at, made = START, []
    for length, state in zip(lengths_s, states, strict=False):
        made.append(Segment(state, at, at + timedelta(seconds=length)))
        at = made[-1].end
    return made


def test_a_short_lane_is_drawn_as_it_is():
    segments = lane([60, 30, 90], [S.PRODUCING, S.DOWN, S.PRODUCING])
    assert drawn(segments) == segments


def test_neighbours_of_one_state_are_one():
    joined = drawn(lane([60, 30], [S.PRODUCING, S.PRODUCING]))
    assert [each.seconds for each in joined] == [90]


def test_a_second_of_down_survives_among_ten_thousand_states():
    segments = lane([8, 0.5] * 5_000, [S.PRODUCING, S.MINOR_STOP] * 5_000)
    segments[4_321] = Segment(S.DOWN, segments[4_321].start, segments[4_321].end)
    kept = drawn(segments)
    assert len(kept) <= 1_200
    assert [each.state for each in kept].count(S.DOWN) == 1


@given(
    st.lists(
        st.tuples(st.integers(1, 4_000), st.sampled_from([S.PRODUCING, S.DOWN, S.IDLE])),
        min_size=1,
        max_size=300,
    )
)
def test_the_drawing_tiles_the_same_span(made):
    segments = lane([length for length, _ in made], [state for _, state in made])
    kept = drawn(segments, most=40)
    assert (kept[0].start, kept[-1].end) == (segments[0].start, segments[-1].end)
    assert all(a.end == b.start for a, b in pairwise(kept))
    assert len(kept) <= 40


def test_a_cut_keeps_only_what_lies_inside():
    segments = lane([100, 100, 100], [S.PRODUCING, S.DOWN, S.IDLE])
    inside = clip(segments, START + timedelta(seconds=50), START + timedelta(seconds=200))
    assert [(each.state, each.seconds) for each in inside] == [(S.PRODUCING, 50), (S.DOWN, 100)]
