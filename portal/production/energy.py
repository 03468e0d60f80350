"""From meter readings to kWh per bucket, and the part of them that produced nothing.

A reading says how much, not when within its span: it is laid over its span evenly. Not here:
factors for primary energy and emissions.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final

BRIDGED: Final = timedelta(hours=1)
"""Up to this long a span's course is taken as even; beyond, the energy in it is estimated."""


class ReadingKind(StrEnum):
    """What a meter sends: its counter, or what has been used since its last reading."""

    CUMULATIVE = "cumulative"
    INTERVAL = "interval"


@dataclass(frozen=True, slots=True)
class MeterReading:
    """One reading at `at`: kWh since the meter was new, or in the `over_s` seconds before `at`."""

    at: datetime
    kwh: float
    kind: ReadingKind = ReadingKind.INTERVAL
    over_s: float | None = None


@dataclass(frozen=True, slots=True)
class EnergyStep:
    """Energy used evenly between two moments; `estimated` where the course within is a guess."""

    starts_at: datetime
    ends_at: datetime
    kwh: float
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class EnergyShare:
    """The energy of one bucket in kWh: in all, while not producing, and how much is a guess."""

    used_kwh: float
    idle_kwh: float
    estimated_kwh: float


def steps(readings: Iterable[MeterReading]) -> list[EnergyStep]:
    """Return the energy steps of one meter, in order; readings may come in any order, repeated.

    Of two readings of one moment the higher counts. A cumulative reading lower than the one before
    (a changed or reset meter) starts anew: nothing is made up for the fall. Interval readings that
    overlap are cut to begin where the one before ended, with their energy in proportion.
    """
    unique = sorted(set(readings), key=lambda reading: (reading.at, reading.kwh))
    latest = {(reading.kind, reading.at): reading for reading in unique}
    cumulative = [r for r in latest.values() if r.kind is ReadingKind.CUMULATIVE]
    metered = [
        EnergyStep(a.at, b.at, b.kwh - a.kwh, b.at - a.at > BRIDGED)
        for a, b in pairwise(cumulative)
        if b.kwh >= a.kwh
    ]
    return sorted(
        [*metered, *_intervals([r for r in latest.values() if r.kind is ReadingKind.INTERVAL])],
        key=lambda step: step.starts_at,
    )


def _intervals(readings: Sequence[MeterReading]) -> list[EnergyStep]:
    result: list[EnergyStep] = []
    for reading in readings:
        span = timedelta(seconds=reading.over_s or 0)
        if span <= timedelta():
            continue
        start = reading.at - span
        if result:
            start = max(start, result[-1].ends_at)
        if start < reading.at:
            share = (reading.at - start) / span
            result.append(EnergyStep(start, reading.at, reading.kwh * share, span > BRIDGED))
    return result


def share(
    energy: Sequence[EnergyStep],
    edges: Sequence[datetime],
    idle: Sequence[tuple[datetime, datetime]],
) -> list[EnergyShare | None]:
    """Return the energy of each bucket between two neighbours of `edges`; None without a reading.

    `energy` is in order of its starts; `idle` are the spans in which the machine did not produce,
    in order, without overlap: a step that lies partly in them is idle for that part of its time.
    """
    sums: list[list[float] | None] = [None] * (len(edges) - 1)
    idle_ends = [end for _, end in idle]
    for step in energy:
        if step.ends_at <= edges[0] or step.starts_at >= edges[-1]:
            continue
        length = step.ends_at - step.starts_at
        place = max(bisect_right(edges, step.starts_at) - 1, 0)
        while place < len(sums) and edges[place] < step.ends_at:
            start, end = max(edges[place], step.starts_at), min(edges[place + 1], step.ends_at)
            near = idle[bisect_right(idle_ends, start) :]
            used = step.kwh * ((end - start) / length)
            bucket = sums[place] or [0.0, 0.0, 0.0]
            bucket[0] += used
            bucket[1] += step.kwh * (_covered(start, end, near) / length)
            bucket[2] += used if step.estimated else 0.0
            sums[place] = bucket
            place += 1
    return [EnergyShare(*bucket) if bucket else None for bucket in sums]


def _covered(
    start: datetime, end: datetime, spans: Iterable[tuple[datetime, datetime]]
) -> timedelta:
    covered = timedelta()
    for first, last in spans:
        if first >= end:
            break
        covered += min(end, last) - max(start, first)
    return covered
