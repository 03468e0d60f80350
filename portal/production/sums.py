"""The sums that every KPI is made of: time of the machine, output of the product.

Only sums live here, never ratios; `oee.py` divides them at any level. Times are seconds, energies
kWh, quantities pieces (or the product's own unit). Adding the sums of two places, days or shifts
gives the sums of both together: that is why a ratio at every level is Σ/Σ.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, Self

from kernel.ids import PlaceId


@dataclass(frozen=True, slots=True)
class TimeSums:
    """ISO 22400-2 time elements of one bucket, in seconds; counts of stops; energy in kWh.

    `energy_kwh` is None where no meter has reported in the bucket: unknown is not zero.
    """

    cal_s: float = 0.0
    not_scheduled_s: float = 0.0
    planned_stop_s: float = 0.0
    overtime_s: float = 0.0
    pbt_s: float = 0.0
    apt_s: float = 0.0
    aust_s: float = 0.0
    minor_s: float = 0.0
    minor_count: int = 0
    down_s: float = 0.0
    down_count: int = 0
    starved_s: float = 0.0
    blocked_s: float = 0.0
    idle_s: float = 0.0
    maint_s: float = 0.0
    eng_s: float = 0.0
    unk_s: float = 0.0
    declared_s: float = 0.0
    energy_kwh: float | None = None
    idle_kwh: float | None = None

    def __add__(self, other: Self) -> Self:
        return type(self)(*_columns(_TIME(self), _TIME(other)))


@dataclass(frozen=True, slots=True)
class OutputSums:
    """Quantities of one bucket; `prit_s` = Σ PRI·PQ, `prig_s` = Σ PRI·GQ (seconds).

    `prig_gap_s` is earned time whose moment is unknown; `norate_pq` is produced quantity of
    products without a planned run time. A unit without a count source has `pq` None, not 0.
    """

    pq: float | None = None
    gq: float | None = None
    sq: float | None = None
    rq: float | None = None
    declared_gq: float | None = None
    prit_s: float = 0.0
    prig_s: float = 0.0
    prig_gap_s: float = 0.0
    norate_pq: float = 0.0

    def __add__(self, other: Self) -> Self:
        return type(self)(*_columns(_OUTPUT(self), _OUTPUT(other)))


_TIME: Final = attrgetter(*(f.name for f in fields(TimeSums)))
_OUTPUT: Final = attrgetter(*(f.name for f in fields(OutputSums)))


@dataclass(frozen=True, slots=True)
class Bucket:
    """The sums of one place over one span, with what a reader must know about their age."""

    place_id: PlaceId
    level: str
    time: TimeSums
    output: OutputSums
    bucket_start: datetime | None = None
    version: int = 1
    closed: bool = False
    revised_because: str | None = None
    newest_fact_at: datetime | None = None


def total_time(parts: Iterable[TimeSums]) -> TimeSums:
    """Return the sum of `parts`; nothing gives all zeros and no energy."""
    return TimeSums(*_columns(_TIME(TimeSums()), *map(_TIME, parts)))


def total_output(parts: Iterable[OutputSums]) -> OutputSums:
    """Return the sum of `parts`; nothing gives no count source."""
    return OutputSums(*_columns(_OUTPUT(OutputSums()), *map(_OUTPUT, parts)))


def _columns(*rows: tuple[Any, ...]) -> Iterator[Any]:
    """Yield the sum of each column: of what is known, or None where nothing is."""
    for column in zip(*rows, strict=True):
        known = [value for value in column if value is not None]
        yield sum(known) if known else None
