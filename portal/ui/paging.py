"""Lists by offset, one more row read than shown: whether there is a next page costs no count."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from flask import request

PAGE_SIZE: Final = 50
_MOST: Final = 100_000
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class Page(Generic[_R]):
    """The rows of one page and where it stands."""

    rows: Sequence[_R]
    offset: int
    has_next: bool
    size: int = PAGE_SIZE

    @property
    def previous_offset(self) -> int | None:
        """Where the page before begins, or None on the first."""
        return max(self.offset - self.size, 0) if self.offset else None

    @property
    def next_offset(self) -> int | None:
        """Where the next page begins, or None on the last."""
        return self.offset + self.size if self.has_next else None


def read_offset(name: str = "offset") -> int:
    """Return where the asked page begins; a bad value means the first page."""
    text = request.args.get(name, "")
    return min(int(text), _MOST) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def page_of(rows: Sequence[_R], *, offset: int, size: int = PAGE_SIZE) -> Page[_R]:
    """Make a page of rows that were read with `limit=size + 1`."""
    return Page(rows[:size], offset, len(rows) > size, size)
