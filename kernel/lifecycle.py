"""State machines as data: who may move what from where to where, and until when.

The same table is enforced here, by the trigger `ctx.lifecycle_guard` in the database, and drawn in
`docs/lifecycles.md`.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from flask_babel import lazy_gettext as _l

from kernel.errors import Conflict


class Side(StrEnum):
    """Who moves an object; the database derives the side from the role of the transaction."""

    COMPANY = "company"
    BANK = "bank"
    PLATFORM = "platform"
    CLOCK = "clock"
    AUTHN = "authn"
    INGEST = "ingest"


class MoveNotAllowed(Conflict):
    """The object's state does not allow this step, or not for this side."""

    code = "move_not_allowed"
    sentence = _l("This step is not possible in its present state.")


S = TypeVar("S", bound=StrEnum)


@dataclass(frozen=True)  # no slots: they break `Lifecycle[State](…)` on Python 3.11
class Lifecycle(Generic[S]):
    """States of one kind of object. `deadlines` names the column with the clock's moment."""

    name: str
    moves: Mapping[S, Mapping[S, Set[Side]]]
    deadlines: Mapping[S, str] = field(default_factory=dict)

    def require(self, state: S, to: S, *, by: Side) -> None:
        """Raise `MoveNotAllowed` unless `by` may move an object from `state` to `to`."""
        if by not in self.moves.get(state, {}).get(to, frozenset()):
            raise MoveNotAllowed

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return (machine, from_state, to_state, side), sorted: what `lifecycle_move` must hold."""
        return sorted(
            (self.name, old.value, new.value, side.value)
            for old, targets in self.moves.items()
            for new, sides in targets.items()
            for side in sides
        )

    def states(self) -> list[S]:
        """Return every state once, in the order of the table."""
        seen: dict[S, None] = {}
        for old, targets in self.moves.items():
            seen.update(dict.fromkeys([old, *targets]))
        return list(seen)

    def final_states(self) -> list[S]:
        """Return the states that nothing leaves."""
        return [state for state in self.states() if not self.moves.get(state)]
