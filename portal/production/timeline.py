"""From state reports to intervals that tile a span: what the machine did, second by second.

The result depends on the set of reports alone, not on their order or how they came. Where nobody
vouches for a moment it is `unknown`; the last state never goes on by itself. Not here: how a
vendor's items become reports (`mtconnect.py`), calendars (`worktime.py`), sums (`buckets.py`).
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from . import segments
from .segments import Segment
from .states import CALENDAR_STATES, HOLD, PRECEDENCE, MachineState, Rank, from_us, to_us

LOST_AFTER: Final = 3
"""A source is lost when it has been silent for more than this many heartbeats."""

SAME_STOP_S: Final = 2
"""Two stops of one word and reason that are closer count, and are drawn, as one."""

_SECOND: Final = 1_000_000
_DECLARED_ORDER: Final = {str(state): place for place, state in enumerate(MachineState)}


@dataclass(frozen=True, slots=True)
class StateReport:
    """What one source says of one machine. Moments are aware.

    Without `ended_at` it lasts until the next such report of the same rank, while the source is
    heard. With `declared_s` it is a share of its span (a shift), not a position in it; `stops` is
    then how often. `state` is one of `states.REPORTED`.
    """

    started_at: datetime
    state: str
    ended_at: datetime | None = None
    reason_code: str | None = None
    rank: Rank = Rank.MACHINE
    declared_s: float | None = None
    stops: int | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """One state of one machine over a span without gap. Moments are aware, in UTC.

    `stops` is 1 where a stop begins, 0 in its later pieces. `overtime`: the machine produced while
    the calendar did not ask for it.
    """

    started_at: datetime
    ended_at: datetime
    state: MachineState
    reason_code: str | None = None
    source_rank: int | None = None
    declared: bool = False
    stops: int = 0
    overtime: bool = False

    @property
    def seconds(self) -> float:
        """The length in seconds."""
        return (self.ended_at - self.started_at) / timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class OffSpan:
    """A span that the calendar does not ask for: `planned_stop` or `not_scheduled`, with why."""

    started_at: datetime
    ended_at: datetime
    state: MachineState
    reason_code: str | None = None


def look_around(*, min_stop_s: int, heartbeat_s: int) -> timedelta:
    """Return how far before and after a span reports and messages must be known to judge it.

    Besides, the last open report before that reach is needed: it may hold into it.
    """
    return timedelta(seconds=min_stop_s + LOST_AFTER * heartbeat_s)


def open_until(*, now: datetime, last_heard_at: datetime | None, heartbeat_s: int) -> datetime:
    """Return where a running day ends for now: a live source's last message, else `now`.

    What a live source has not said yet is no loss; once it is silent, all since its last message
    is unknown.
    """
    if last_heard_at is None or now - last_heard_at > timedelta(seconds=LOST_AFTER * heartbeat_s):
        return now
    return min(last_heard_at, now)


def intervals(
    reports: Iterable[StateReport],
    *,
    starts_at: datetime,
    ends_at: datetime,
    min_stop_s: int = 120,
    heartbeat_s: int = 60,
    heard_at: Iterable[datetime] = (),
    off: Sequence[OffSpan] = (),
    cuts: Iterable[datetime] = (),
) -> list[Interval]:
    """Return the intervals that tile [`starts_at`, `ends_at`) exactly, in order.

    `reports` and `heard_at` (the moments of all other lines of the unit, of any kind) may come in
    any order, repeated, and should reach `look_around` beyond the span: stops are judged by their
    whole length before any split. `off` is the calendar, in order and without overlap; `cuts` are
    further moments at which to split, such as hours. An empty span gives no interval.
    """
    first, last = to_us(starts_at), to_us(ends_at)
    if last <= first:
        return []
    margin = min_stop_s * _SECOND
    reach = (first - margin, last + margin)
    calendar = [
        Segment(to_us(span.started_at), to_us(span.ended_at), span.state, span.reason_code)
        for span in off
    ]
    by_rank = defaultdict(list)
    for report in reports:
        by_rank[report.rank].append(report)
    alive = _alive(by_rank, heard_at, heartbeat_s)
    said: list[Segment] = []
    unsaid: list[Segment] = []
    for rank in sorted(by_rank, reverse=True):
        layer = _positions(by_rank[rank], alive, reach)
        if rank < Rank.CORRECTION:
            # "I do not know" must not hide what a lesser source does know of the same moment.
            unsaid.extend(s for s in layer if s.word == MachineState.UNKNOWN)
            layer = [s for s in layer if s.word != MachineState.UNKNOWN]
        said = segments.fill(said, layer)
        said = segments.fill(said, _declared(by_rank[rank], calendar, said))
    silence = [Segment(*reach, MachineState.UNKNOWN)]
    whole = segments.fill(segments.fill(said, segments.union(unsaid)), silence)
    judged = _judge(segments.merge(whole), margin)
    inside = [s for s in judged if s.end > first and s.start < last]
    planned = _under_calendar(inside, calendar, first=first, last=last)
    at = sorted({us for us in map(to_us, cuts) if first < us < last})
    return [_interval(segment) for segment in segments.cut(planned, at)]


def _alive(
    by_rank: dict[Rank, list[StateReport]], heard_at: Iterable[datetime], heartbeat_s: int
) -> list[tuple[int, int]]:
    moments = {to_us(moment) for moment in heard_at}
    for reports in by_rank.values():
        moments.update(to_us(report.started_at) for report in reports if report.ended_at is None)
    return segments.spans_of(sorted(moments), longest=LOST_AFTER * heartbeat_s * _SECOND)


def _positions(
    reports: Sequence[StateReport], alive: Sequence[tuple[int, int]], reach: tuple[int, int]
) -> list[Segment]:
    """Return the layer of those reports of one rank that say when, not only how long."""
    layer = list(segments.overlap(_held([r for r in reports if r.ended_at is None], reach), alive))
    closed = [
        Segment(to_us(r.started_at), to_us(r.ended_at), r.state, r.reason_code, r.rank)
        for r in reports
        if r.ended_at is not None and r.declared_s is None
    ]
    if not closed:
        return layer
    return segments.union([*layer, *(s for c in closed for s in segments.overlap([c], [reach]))])


def _held(reports: Iterable[StateReport], reach: tuple[int, int]) -> list[Segment]:
    """Return each open report until the next one, within `reach`."""
    moments: dict[int, StateReport] = {}
    for report in reports:
        us = to_us(report.started_at)
        known = moments.get(us)
        if known is None or _order(report) < _order(known):
            moments[us] = report
    starts = sorted(moments)
    starts = starts[max(bisect_right(starts, reach[0]) - 1, 0) :]
    held = []
    for us, following in pairwise([*starts, reach[1]]):
        report = moments[us]
        start, end = max(us, reach[0]), min(following, reach[1])
        if start < end:
            held.append(Segment(start, end, report.state, report.reason_code, report.rank))
    return held


def _order(report: StateReport) -> tuple[int, str]:
    return (PRECEDENCE.get(report.state, len(PRECEDENCE)), report.reason_code or "")


def _declared(
    reports: Iterable[StateReport], calendar: Sequence[Segment], better: Sequence[Segment]
) -> list[Segment]:
    """Lay declared shares end to end over the busy time of their shift, in a fixed order.

    A shift of which a better source knows anything keeps that source: nothing is added twice.
    """
    shifts = defaultdict(set)
    for report in reports:
        if report.declared_s is not None and report.ended_at is not None:
            shifts[(to_us(report.started_at), to_us(report.ended_at))].add(report)
    off = [(s.start, s.end) for s in calendar]
    laid: list[Segment] = []
    for (start, end), shares in sorted(shifts.items()):
        shift = [Segment(start, end, "")]
        busy = [(s.start, s.end) for s in segments.subtract(shift, off)]
        if any(True for _ in segments.overlap(better, busy)):
            continue
        laid.extend(_end_to_end(sorted(shares, key=_declared_order), busy))
    return laid


def _declared_order(report: StateReport) -> tuple[int, str, float]:
    known = _DECLARED_ORDER.get(report.state, len(_DECLARED_ORDER))
    return (known, report.reason_code or "", report.declared_s or 0.0)


def _end_to_end(
    shares: Iterable[StateReport], busy: Sequence[tuple[int, int]]
) -> Iterable[Segment]:
    free = list(reversed(busy))
    for report in shares:
        left = round((report.declared_s or 0.0) * _SECOND)
        stops = report.stops or 0
        while left > 0 and free:
            start, end = free.pop()
            until = min(end, start + left)
            yield Segment(start, until, report.state, report.reason_code, report.rank, True, stops)
            left, stops = left - (until - start), 0
            if until < end:
                free.append((until, end))


def _judge(runs: Iterable[Segment], margin: int) -> list[Segment]:
    """Call each hold and stop minor or down by its whole length, and mark where stops begin."""
    judged: list[Segment] = []
    ended: dict[tuple[str, str | None], int] = {}
    for run in runs:
        if run.declared or run.word not in (HOLD, MachineState.DOWN, MachineState.MINOR_STOP):
            # A declared share is no position: how long each of its stops was nobody knows.
            judged.append(run._replace(word=MachineState.DOWN) if run.word == HOLD else run)
            continue
        word = run.word
        if word != MachineState.MINOR_STOP:
            short = run.end - run.start < margin
            word = MachineState.MINOR_STOP if short else MachineState.DOWN
        before = ended.get((word, run.reason))
        again = before is not None and run.start - before < SAME_STOP_S * _SECOND
        ended[(word, run.reason)] = run.end
        judged.append(run._replace(word=word, stops=0 if again else 1))
    return judged


def _under_calendar(
    runs: Sequence[Segment], calendar: Sequence[Segment], *, first: int, last: int
) -> list[Segment]:
    """Lay the calendar over `runs`: only what was produced stays, as overtime."""
    off = [(s.start, s.end) for s in calendar]
    planned: list[Segment] = []
    for run in runs:
        begins = run.start >= first or any(start <= first < end for start, end in off)
        inside = run._replace(start=max(run.start, first), end=min(run.end, last))
        busy = list(segments.subtract([inside], off))
        for place, piece in enumerate(busy):
            stops = run.stops if begins and place == 0 else 0
            planned.append(piece._replace(stops=stops))
        for piece in segments.overlap([inside], off):
            if run.word == MachineState.PRODUCING:
                planned.append(piece._replace(overtime=True))
            else:
                planned.extend(
                    span._replace(start=max(span.start, piece.start), end=min(span.end, piece.end))
                    for span in segments.overlap(calendar, [(piece.start, piece.end)])
                )
    return _merge_calendar(sorted(planned))


def _merge_calendar(planned: Iterable[Segment]) -> list[Segment]:
    """Join the pieces of one calendar span that the states below it had cut."""
    result: list[Segment] = []
    for segment in planned:
        last = result[-1] if result else None
        same = last is not None and last.word in CALENDAR_STATES and last[2:4] == segment[2:4]
        if last is not None and same and last.end == segment.start:
            result[-1] = last._replace(end=segment.end)
        else:
            result.append(segment)
    return result


def _interval(segment: Segment) -> Interval:
    return Interval(
        started_at=from_us(segment.start),
        ended_at=from_us(segment.end),
        state=MachineState(segment.word),
        reason_code=segment.reason,
        source_rank=segment.rank,
        declared=segment.declared,
        stops=segment.stops or 0,
        overtime=segment.overtime,
    )
