"""KPI profiles: what is measured of a company of which kind, how much it weighs, what is tolerated.

OEE says nothing of a boiler house, so every profile has its own list; what a profile lacks is
"n/a" on the group board and takes no part in the exception score. Pure data, no values.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kpi(StrEnum):
    """Measures of the group board; the value is the code of the formula, in URLs and exports."""

    OUTPUT = "gq"
    OEE = "oee"
    AVAILABILITY = "availability"
    EFFECTIVENESS = "effectiveness"
    QUALITY = "quality"
    ENERGY = "energy_per_good_kwh"
    COVERAGE = "coverage"


class Scale(StrEnum):
    """How a change is expressed: a ratio in percentage points, an amount in per cent."""

    POINTS = "points"
    PERCENT = "percent"


@dataclass(frozen=True, slots=True)
class Measure:
    """One KPI of a profile. `tolerance` is a fraction: 0.015 is 1.5 pp, or 1.5 % of an amount.

    `better` is +1 where more is better and -1 where less is. `against` replaces the place's own
    baseline where a habit of being bad must not become the measure, as for coverage.
    """

    kpi: Kpi
    weight: float
    tolerance: float
    scale: Scale = Scale.POINTS
    better: int = 1
    against: float | None = None


LOWEST_COVERAGE: Final = 0.95
"""Below it no single value is shown or compared, only a range."""

BASELINE_DAYS: Final = 90

_COVERAGE: Final = Measure(Kpi.COVERAGE, 1, 0.03, against=LOWEST_COVERAGE + 0.03)
_OUTPUT: Final = Measure(Kpi.OUTPUT, 1, 0.05, Scale.PERCENT)

PROFILES: Final[Mapping[str, tuple[Measure, ...]]] = {
    "discrete": (
        _OUTPUT,
        Measure(Kpi.OEE, 3, 0.015),
        Measure(Kpi.QUALITY, 2, 0.005),
        Measure(Kpi.ENERGY, 1, 0.03, Scale.PERCENT, better=-1),
        _COVERAGE,
    ),
    "process": (
        _OUTPUT,
        Measure(Kpi.AVAILABILITY, 2, 0.015),
        Measure(Kpi.EFFECTIVENESS, 1, 0.015),
        Measure(Kpi.QUALITY, 1, 0.005),
        Measure(Kpi.ENERGY, 2, 0.03, Scale.PERCENT, better=-1),
        _COVERAGE,
    ),
    "energy": (
        _OUTPUT,
        Measure(Kpi.AVAILABILITY, 3, 0.015),
        Measure(Kpi.ENERGY, 3, 0.03, Scale.PERCENT, better=-1),
        _COVERAGE,
    ),
    "project": (
        _OUTPUT,
        Measure(Kpi.AVAILABILITY, 3, 0.03),
        Measure(Kpi.QUALITY, 3, 0.005),
        _COVERAGE,
    ),
}
"""Weights of each profile add up to 8, so that companies of different kinds can be ranked."""


def measures_of(profile: str | None) -> tuple[Measure, ...]:
    """Return the measures of a profile, in the order of its tiles; an unknown one is discrete."""
    return PROFILES.get(profile or "discrete", PROFILES["discrete"])
