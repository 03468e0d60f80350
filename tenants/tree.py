"""The place tree: what stands above and below, and how far a grant reaches. Pure."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field

from kernel.ids import PlaceId


@dataclass(frozen=True, slots=True)
class Tree:
    """Places with their present parents; the company's own place has None."""

    parents: Mapping[PlaceId, PlaceId | None]
    _below: Mapping[PlaceId, tuple[PlaceId, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Turn the parents round once, so that reach is linear."""
        below: dict[PlaceId, list[PlaceId]] = {}
        for place, parent in self.parents.items():
            if parent is not None:
                below.setdefault(parent, []).append(place)
        object.__setattr__(self, "_below", {top: tuple(found) for top, found in below.items()})

    def path(self, place: PlaceId) -> tuple[PlaceId, ...]:
        """Return the places from the top down to `place`, itself the last.

        A parent that the tree does not know (not shared with the reader) begins the path below it.
        """
        steps = [place]
        while (parent := self.parents.get(steps[-1])) is not None and parent in self.parents:
            steps.append(parent)
        return tuple(reversed(steps))

    def reach(self, granted: Iterable[PlaceId]) -> frozenset[PlaceId]:
        """Return the places of `granted` that the tree knows, and everything below them."""
        found: set[PlaceId] = set()
        waiting = [place for place in granted if place in self.parents]
        while waiting:
            place = waiting.pop()
            if place not in found:
                found.add(place)
                waiting.extend(self._below.get(place, ()))
        return frozenset(found)

    def covers(self, granted: Set[PlaceId], place: PlaceId) -> bool:
        """Say whether a grant at one of `granted` holds at `place`: there or somewhere above."""
        return not granted.isdisjoint(self.path(place))
