"""The exception score: how far a company is from what it usually does, in the bad direction.

Each measure of the company's profile gives weight x deviation / tolerance, from 0 to 3 tolerances;
a silent plant gives one more. Companies are ranked by change against their own baseline and never
by raw OEE: a lathe shop is not worse than a boiler house. Deterministic and explained part by part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from dashboards.profiles import LOWEST_COVERAGE, Kpi, Measure, Scale

MOST_TOLERANCES: Final = 3.0
WATCH_BEYOND: Final = 1.0
OFF_BEYOND: Final = 2.0
_EDGE: Final = 1e-9


class Status(StrEnum):
    """What a reader must do about a figure: nothing, look, act; or why it cannot be judged."""

    OK = "ok"
    WATCH = "watch"
    OFF = "off"
    LOW_COVERAGE = "low_coverage"
    MISSING = "missing"
    NO_BASELINE = "no_baseline"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True)
class Deviation:
    """One measure of one company, judged. `change` is a fraction (of points, or of the baseline).

    `points` is what it adds to the score; it is 0 wherever the measure cannot be judged.
    """

    kpi: Kpi
    value: float | None
    baseline: float | None
    change: float | None
    status: Status
    points: float
    scale: Scale = Scale.POINTS


@dataclass(frozen=True, slots=True)
class Score:
    """A company's place in the list: the sum, its parts, and how many plants are silent."""

    total: float
    parts: Mapping[Kpi, Deviation]
    silent: int

    def worst(self) -> list[Deviation]:
        """Return the parts that count, the largest first."""
        counting = [part for part in self.parts.values() if part.points > 0]
        return sorted(counting, key=lambda part: (-part.points, part.kpi))


def change_of(value: float | None, base: float | None, scale: Scale) -> float | None:
    """Return `value` against `base`: the difference of ratios, the relative change of amounts.

    None where either is missing, and for an amount against 0: never infinite.
    """
    if value is None or base is None:
        return None
    if scale is Scale.POINTS:
        return value - base
    return None if base == 0 else (value - base) / abs(base)


def judge(
    measure: Measure, value: float | None, baseline: float | None, *, coverage: float | None
) -> Deviation:
    """Judge one measure. With coverage under 95 % only coverage itself is judged."""
    base = baseline if measure.against is None else measure.against
    change = change_of(value, base, measure.scale)
    covered = coverage is not None and coverage >= LOWEST_COVERAGE
    if measure.kpi is not Kpi.COVERAGE and coverage is not None and not covered:
        return _unjudged(measure, value, base, Status.LOW_COVERAGE)
    if value is None:
        return _unjudged(measure, value, base, Status.MISSING)
    if change is None:
        return _unjudged(measure, value, base, Status.NO_BASELINE)
    tolerances = max(0.0, -change * measure.better / measure.tolerance)
    points = measure.weight * min(tolerances, MOST_TOLERANCES)
    status = _status(tolerances)
    return Deviation(measure.kpi, value, base, change, status, points, measure.scale)


def score(parts: Sequence[Deviation], *, silent: int) -> Score:
    """Add up what the parts of one company give, and one for every silent plant."""
    total = sum(part.points for part in parts) + silent
    return Score(total, {part.kpi: part for part in parts}, silent)


def rank_key(score: Score, *, lost_s: float, code: str) -> tuple[float, float, str]:
    """Return the sort key of the group's list: score, then time lost, both falling; then code."""
    return (-round(score.total, 6), -round(lost_s, 3), code)


def _status(tolerances: float) -> Status:
    # A change of exactly one tolerance is within it; binary fractions must not decide otherwise.
    if tolerances > OFF_BEYOND + _EDGE:
        return Status.OFF
    return Status.WATCH if tolerances > WATCH_BEYOND + _EDGE else Status.OK


def _unjudged(
    measure: Measure, value: float | None, base: float | None, status: Status
) -> Deviation:
    return Deviation(measure.kpi, value, base, None, status, 0.0, measure.scale)
