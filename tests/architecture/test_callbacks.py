"""Every callback of every board went through the guard, and none takes a company from outside."""

import re
from collections.abc import Iterator, Mapping

import pytest
from dash import Input, Output, html
from flask import Flask

from dashboards.guard import GuardedDash
from kernel.actor import Kind

COMPANY = re.compile(r"tenant|company[-_]?id|owner", re.IGNORECASE)


def find_faulty_callbacks(app: GuardedDash) -> Iterator[str]:
    """Yield callbacks that the guard has not registered or that would take a company as input."""
    for key in app.callback_map:
        if key not in app.guarded:
            yield f"{key}: register it with `app.callback(…, permission=…)` of the guarded app"
    for key, guarded in app.guarded.items():
        if guarded.permission is None and not guarded.clientside:
            yield f"{key}: name the permission it asks for"
        for name, _ in (*guarded.inputs, *guarded.states):
            if COMPANY.search(name):
                yield f"{key}: {name} names a company; row-level security decides whose rows"


def boards(app: Flask) -> Mapping[str, GuardedDash]:
    """Return the mounted boards by audience."""
    found: Mapping[str, GuardedDash] = app.extensions["boards"].apps
    return found


def test_every_callback_is_guarded(app: Flask) -> None:
    found = [line for board in boards(app).values() for line in find_faulty_callbacks(board)]
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def test_the_walk_sees_both_boards(app: Flask) -> None:
    assert {board.audience for board in boards(app).values()} == {Kind.TENANT, Kind.GROUP}
    assert all(len(board.callback_map) >= 1 for board in boards(app).values())


def test_dashs_global_registries_are_empty(app: Flask) -> None:
    # What stands there is taken by the first app that is served, whoever it is for.
    from dash._callback import GLOBAL_CALLBACK_LIST, GLOBAL_CALLBACK_MAP

    assert (list(GLOBAL_CALLBACK_LIST), dict(GLOBAL_CALLBACK_MAP)) == ([], {})


def test_planted_callbacks_are_found() -> None:
    board = GuardedDash(Flask("planted"), prefix="/boards/planted/", audience=Kind.TENANT)
    board.layout = html.Div()

    @board.callback(Output("a", "children"), Input("tenant-id", "value"), permission="x.y.read")
    def guarded(value: str) -> str:
        return value

    # Past the guard, as a careless import of Dash's own method would do it.
    super(GuardedDash, board).callback(Output("b", "children"), Input("c", "value"))(lambda c: c)
    found = list(find_faulty_callbacks(board))
    assert [line.split(":")[0] for line in found] == ["b.children", "a.children"]
