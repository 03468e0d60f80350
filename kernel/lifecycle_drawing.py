"""The page `docs/lifecycles.md`: each life cycle as a drawing and a table, from the code's data."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from kernel.lifecycle import Lifecycle

HEADER: Final = (
    "# Life cycles\n\n"
    "Drawn from the code (`Lifecycle(…)`); the database holds the same moves in `lifecycle_move`,\n"
    "and a trigger refuses every other one. The clock moves what people have left lying.\n"
)


def page(lifecycles: Iterable[Lifecycle[StrEnum]]) -> str:
    """Return the whole page, life cycles by name."""
    ordered = sorted(lifecycles, key=lambda each: each.name)
    return HEADER + "".join(_section(each) for each in ordered)


def _section(lifecycle: Lifecycle[StrEnum]) -> str:
    arrows = [
        f"    {old.value} --> {new.value} : {', '.join(sorted(side.value for side in sides))}"
        for old, targets in lifecycle.moves.items()
        for new, sides in targets.items()
    ]
    ends = [f"    {state.value} --> [*]" for state in lifecycle.final_states()]
    drawing = "\n".join(["```mermaid", "stateDiagram-v2", *arrows, *ends, "```"])
    return f"\n## {lifecycle.name}\n\n{drawing}\n\n{_table(lifecycle)}"


def _table(lifecycle: Lifecycle[StrEnum]) -> str:
    lines = ["| state | goes to | by | until |", "| --- | --- | --- | --- |"]
    for state in lifecycle.states():
        targets = lifecycle.moves.get(state, {})
        goes = ", ".join(new.value for new in targets) or "end"
        sides = sorted({side.value for moved in targets.values() for side in moved})
        until = f"`{lifecycle.deadlines[state]}`" if state in lifecycle.deadlines else "–"
        lines.append(f"| {state.value} | {goes} | {', '.join(sides) or '–'} | {until} |")
    return "\n".join(lines) + "\n"
