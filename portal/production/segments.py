"""Segments: words over whole microseconds, and the few operations the timeline is made of.

All sequences of segments are in order and without overlap unless a function says otherwise.
"""

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import chain, pairwise
from typing import Final, NamedTuple

from .states import PRECEDENCE

_LAST: Final = len(PRECEDENCE)


class Segment(NamedTuple):
    """One word from `start` until before `end` (µs since 1970)."""

    start: int
    end: int
    word: str
    reason: str | None = None
    rank: int | None = None
    declared: bool = False
    stops: int | None = None
    overtime: bool = False


def fill(upper: Sequence[Segment], lower: Sequence[Segment]) -> list[Segment]:
    """Return `upper` and what `lower` says where `upper` says nothing."""
    if not upper or not lower:
        return list(upper or lower)
    return sorted(chain(upper, subtract(lower, [(s.start, s.end) for s in upper])))


def subtract(segments: Iterable[Segment], holes: Sequence[tuple[int, int]]) -> Iterator[Segment]:
    """Yield the parts of `segments` outside `holes` (in order, without overlap)."""
    at = 0
    for segment in segments:
        start = segment.start
        while at < len(holes) and holes[at][1] <= start:
            at += 1
        near = at
        while near < len(holes) and holes[near][0] < segment.end:
            if holes[near][0] > start:
                yield segment._replace(start=start, end=holes[near][0])
            start = max(start, holes[near][1])
            near += 1
        if start < segment.end:
            yield segment if start == segment.start else segment._replace(start=start)


def overlap(segments: Iterable[Segment], spans: Sequence[tuple[int, int]]) -> Iterator[Segment]:
    """Yield the parts of `segments` inside `spans` (in order, without overlap)."""
    at = 0
    for segment in segments:
        while at < len(spans) and spans[at][1] <= segment.start:
            at += 1
        near = at
        while near < len(spans) and spans[near][0] < segment.end:
            start, end = max(segment.start, spans[near][0]), min(segment.end, spans[near][1])
            whole = start == segment.start and end == segment.end
            yield segment if whole else segment._replace(start=start, end=end)
            near += 1


def union(segments: Iterable[Segment]) -> list[Segment]:
    """Return what holds at each instant where `segments` overlap, in any order: the precedence.

    One instant is counted once, however many reports cover it.
    """
    waiting = sorted((s for s in segments if s.end > s.start), key=lambda s: s.start)
    edges = sorted({us for s in waiting for us in (s.start, s.end)})
    active: list[tuple[int, str, int, Segment]] = []
    result: list[Segment] = []
    at = 0
    for start, end in pairwise(edges):
        while at < len(waiting) and waiting[at].start <= start:
            segment = waiting[at]
            order = (PRECEDENCE.get(segment.word, _LAST), segment.reason or "", -segment.end)
            heappush(active, (*order, segment))
            at += 1
        while active and active[0][3].end <= start:
            heappop(active)
        if active:
            result.append(active[0][3]._replace(start=start, end=end))
    return merge(result)


def merge(segments: Iterable[Segment]) -> list[Segment]:
    """Return `segments` with touching ones of one word and reason made one; the best rank stays."""
    result: list[Segment] = []
    for segment in segments:
        if result:
            last = result[-1]
            if (
                last.end == segment.start
                and last.word == segment.word
                and last.reason == segment.reason
                and not last.declared
                and not segment.declared
            ):
                rank = max((r for r in (last.rank, segment.rank) if r is not None), default=None)
                result[-1] = last._replace(end=segment.end, rank=rank)
                continue
        result.append(segment)
    return result


def cut(segments: Iterable[Segment], at: Sequence[int]) -> Iterator[Segment]:
    """Yield `segments` split at each of `at` (µs, in order); later pieces begin no stop."""
    near = 0
    for segment in segments:
        while near < len(at) and at[near] <= segment.start:
            near += 1
        rest = segment
        while near < len(at) and at[near] < rest.end:
            yield rest._replace(end=at[near])
            rest = rest._replace(start=at[near], stops=0)
            near += 1
        yield rest


def spans_of(moments: Sequence[int], *, longest: int) -> list[tuple[int, int]]:
    """Return the spans in which `moments` (in order) follow one another within `longest`."""
    spans: list[tuple[int, int]] = []
    for before, after in pairwise(moments):
        if after - before > longest:
            continue
        if spans and spans[-1][1] == before:
            spans[-1] = (spans[-1][0], after)
        else:
            spans.append((before, after))
    return spans
