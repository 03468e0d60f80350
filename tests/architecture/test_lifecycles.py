"""Life cycles: code, database and drawing say the same; the clock ends what people leave lying."""

import importlib
import pkgutil
from collections.abc import Iterator
from enum import StrEnum

import psycopg
import pytest

from kernel import lifecycle_drawing
from kernel.lifecycle import Lifecycle, Side
from tests.architecture.sources import PACKAGES, ROOT

DRAWING = ROOT / "docs" / "lifecycles.md"

WITHOUT_END: dict[tuple[str, str], str] = {
    ("data_source", "silent"): "silence is the alarm itself; it ends when the machine speaks",
    ("data_source", "paused"): "an administrator has paused it and sees so on its page",
    ("data_source", "live"): "the clock makes it silent, by the heartbeat of each source",
    ("quarantine", "replayed"): "is at rest; the clock opens it again when the doubt remains",
}
"""States that can be left, but without a deadline or a move by the clock; each with its reason."""


def lifecycles() -> list[Lifecycle[StrEnum]]:
    """Return every life cycle of the program, each once, by name."""
    found: dict[str, Lifecycle[StrEnum]] = {}
    for package in PACKAGES:
        root = importlib.import_module(package)
        for module in pkgutil.walk_packages(root.__path__, f"{package}."):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, Lifecycle):
                    assert found.setdefault(value.name, value) is value, f"two {value.name}"
    return [found[name] for name in sorted(found)]


def find_endless_states(lifecycle: Lifecycle[StrEnum]) -> Iterator[str]:
    """Yield what can lie for ever: a state that can be left, but not by the clock in time."""
    for state, targets in lifecycle.moves.items():
        if not targets or (lifecycle.name, state.value) in WITHOUT_END:
            continue
        if state not in lifecycle.deadlines:
            yield f"{lifecycle.name}.{state.value}: name its deadline's column in `deadlines`"
        if not any(Side.CLOCK in sides for sides in targets.values()):
            yield f"{lifecycle.name}.{state.value}: give the clock a move, for when people forget"


def test_code_and_database_hold_the_same_moves(admin: psycopg.Connection) -> None:
    in_code = sorted(row for each in lifecycles() for row in each.rows())
    in_database = sorted(
        admin.execute("SELECT machine, from_state, to_state, side FROM lifecycle_move").fetchall()
    )
    assert in_database == in_code


def test_each_guard_names_a_life_cycle(admin: psycopg.Connection) -> None:
    guarded = {
        row[0].rstrip(b"\0").split(b"\0")[0].decode()
        for row in admin.execute(
            "SELECT tgargs FROM pg_trigger WHERE tgname = 'lifecycle_guard' AND NOT tgisinternal"
        )
    }
    assert guarded == {each.name for each in lifecycles()}


def test_the_drawing_is_current() -> None:
    wanted = lifecycle_drawing.page(lifecycles())
    assert DRAWING.read_text(encoding="utf-8") == wanted, (
        "run `python -m tests.architecture.test_lifecycles`"
    )


def test_nothing_lies_for_ever() -> None:
    found = [line for each in lifecycles() for line in find_endless_states(each)]
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def test_the_walk_finds_life_cycles_and_deadlines_are_columns(admin: psycopg.Connection) -> None:
    found = lifecycles()
    assert {"operation", "consent", "data_source"} <= {each.name for each in found}
    columns = {
        tuple(row)
        for row in admin.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'portal'"
        )
    }
    wanted = {(each.name, column) for each in found for column in each.deadlines.values()}
    assert wanted <= columns


def test_a_planted_state_without_end_is_found() -> None:
    class State(StrEnum):
        OPEN = "open"
        SHUT = "shut"

    planted = Lifecycle[State]("door", {State.OPEN: {State.SHUT: {Side.COMPANY}}})
    assert len(list(find_endless_states(planted))) == 2  # type: ignore[arg-type]


def test_no_exception_has_outlived_its_state() -> None:
    states = {(each.name, state.value) for each in lifecycles() for state in each.states()}
    assert set(WITHOUT_END) <= states


if __name__ == "__main__":
    DRAWING.write_text(lifecycle_drawing.page(lifecycles()), encoding="utf-8")
