"""What of a state timeline is drawn: at most so many segments, and never a lost breakdown.

Several states within one cell of the grid are drawn as the longest of them; a cell in which the
machine was down at all is drawn as down. The table under the chart has every interval.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from portal.production.states import MachineState

MOST_SEGMENTS: Final = 1_200


@dataclass(frozen=True, slots=True)
class Segment:
    """One state of one lane from `start` to `end` (aware); `reason` as the plant says it."""

    state: MachineState
    start: datetime
    end: datetime
    reason: str = ""

    @property
    def seconds(self) -> float:
        """The segment's length."""
        return (self.end - self.start).total_seconds()


def clip(segments: Iterable[Segment], start: datetime, end: datetime) -> list[Segment]:
    """Return what of `segments` lies between `start` and `end`; nothing of no length."""
    cut = (
        Segment(each.state, max(each.start, start), min(each.end, end), each.reason)
        for each in segments
    )
    return [each for each in cut if each.end > each.start]


def drawn(segments: Sequence[Segment], *, most: int = MOST_SEGMENTS) -> list[Segment]:
    """Return at most `most` segments for the drawing, sorted by time.

    `segments` are those of one lane and do not overlap. Neighbours of one state are joined.
    """
    ordered = sorted(segments, key=lambda each: each.start)
    joined = _join(ordered)
    if len(joined) <= most:
        return joined
    start, end = joined[0].start, max(each.end for each in joined)
    # Half the cells: a cell's edge may cut a long segment, which gives a second piece.
    cell = (end - start) / max(1, most // 2)
    return _join(_on_grid(joined, start, cell))


def _on_grid(segments: Sequence[Segment], start: datetime, cell: timedelta) -> list[Segment]:
    kept: list[Segment] = []
    waiting: list[Segment] = []
    edge = start + cell
    for each in segments:
        while each.start >= edge:
            kept += _as_one(waiting)
            waiting, edge = [], edge + cell
        if each.end - each.start >= cell:
            kept += _as_one(waiting)
            waiting = []
            kept.append(each)
            while edge <= each.end:
                edge += cell
        else:
            waiting.append(each)
    return kept + _as_one(waiting)


def _as_one(cell: Sequence[Segment]) -> list[Segment]:
    if not cell:
        return []
    down = [each for each in cell if each.state is MachineState.DOWN]
    shown = max(down or cell, key=lambda each: each.seconds)
    return [Segment(shown.state, cell[0].start, cell[-1].end, shown.reason)]


def _join(segments: Iterable[Segment]) -> list[Segment]:
    joined: list[Segment] = []
    for each in segments:
        last = joined[-1] if joined else None
        if last and (last.state, last.reason, last.end) == (each.state, each.reason, each.start):
            joined[-1] = Segment(last.state, last.start, each.end, last.reason)
        else:
            joined.append(each)
    return joined
