from enum import StrEnum

import pytest

from kernel.lifecycle import Lifecycle, MoveNotAllowed, Side


class State(StrEnum):
    OPEN = "open"
    SHUT = "shut"
    GONE = "gone"


DOOR = Lifecycle[State](
    name="door",
    moves={
        State.OPEN: {State.SHUT: {Side.COMPANY}},
        State.SHUT: {State.OPEN: {Side.COMPANY}, State.GONE: {Side.CLOCK}},
    },
)


def test_a_listed_move_by_a_listed_side_is_allowed():
    DOOR.require(State.OPEN, State.SHUT, by=Side.COMPANY)


@pytest.mark.parametrize(
    ("old", "new", "side"),
    [
        (State.OPEN, State.GONE, Side.COMPANY),
        (State.SHUT, State.GONE, Side.COMPANY),
        (State.GONE, State.OPEN, Side.COMPANY),
        (State.OPEN, State.OPEN, Side.COMPANY),
    ],
)
def test_any_other_move_is_refused(old, new, side):
    with pytest.raises(MoveNotAllowed):
        DOOR.require(old, new, by=side)


def test_rows_are_what_the_database_is_told():
    assert DOOR.rows() == [
        ("door", "open", "shut", "company"),
        ("door", "shut", "gone", "clock"),
        ("door", "shut", "open", "company"),
    ]


def test_final_states_are_those_that_nothing_leaves():
    assert DOOR.final_states() == [State.GONE]
