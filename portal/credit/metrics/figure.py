"""What a metric is and what it answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from portal.credit.canonical import digest
from portal.credit.metrics.facts import DayFact
from portal.credit.words import Dataset

FULL_COVERAGE: Final = 950
"""Below this share of known time (thousandths) a range is shown in place of one number."""


class Unit(StrEnum):
    """What the integer of a figure counts."""

    PERMILLE = "permille"
    CHANGE = "change"
    DAYS = "days"


class Better(StrEnum):
    """Which direction is the safer one."""

    HIGHER = "higher"
    LOWER = "lower"


class Missing(StrEnum):
    """Why a figure has no value."""

    NO_FACTS = "no_facts"
    NO_COUNTS = "no_counts"
    NO_ENERGY = "no_energy"
    TOO_FEW_DAYS = "too_few_days"
    NO_EARLIER_DAYS = "no_earlier_days"
    NOTHING_PLANNED = "nothing_planned"
    OUTSIDE_CONSENT = "outside_consent"


@dataclass(frozen=True, slots=True)
class WhyMissing:
    """The reason, with what is there and what is needed (days)."""

    reason: Missing
    have: int = 0
    need: int = 0

    def __str__(self) -> str:
        return f"{self.reason.value}:{self.have}:{self.need}"

    @classmethod
    def parse(cls, text: str) -> "WhyMissing":
        """Read back what `str` wrote."""
        reason, have, need = text.split(":")
        return cls(Missing(reason), int(have), int(need))


@dataclass(frozen=True, slots=True)
class Outcome:
    """A metric's answer about one window. `low` and `high` stand when too much is unknown."""

    facts: Sequence[DayFact]
    num: int = 0
    den: int = 0
    value: int | None = None
    low: int | None = None
    high: int | None = None
    coverage: int | None = None
    missing: WhyMissing | None = None


Measure = Callable[[Sequence[DayFact], date], Outcome]


@dataclass(frozen=True, slots=True)
class Metric:
    """A released definition. A change of formula, window or minimum is a new version."""

    code: str
    version: int
    dataset: Dataset
    unit: Unit
    window_d: int
    better: Better
    min_level: int
    min_count: int
    formula: str
    amounts: tuple[str, ...]
    measure: Measure = field(compare=False)

    @property
    def sha256(self) -> bytes:
        """The hash of the definition: two definitions under one version cannot hide."""
        return digest(
            {
                "code": self.code,
                "version": self.version,
                "dataset": self.dataset.value,
                "unit": self.unit.value,
                "window_d": self.window_d,
                "better": self.better.value,
                "min_level": self.min_level,
                "min_count": self.min_count,
                "formula": self.formula,
                "amounts": list(self.amounts),
            }
        )


@dataclass(frozen=True, slots=True)
class Figure:
    """One value of one metric at `as_of`, as known at `known_at`, with the facts behind it."""

    metric: Metric
    as_of: date
    known_at: datetime
    first: date
    outcome: Outcome
    root: bytes
