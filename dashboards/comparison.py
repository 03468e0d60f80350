"""From sums to what a board says of them: the figures, the change, the judgement against baseline.

Works for companies, lines and machines alike: each is compared with its own last 90 days.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from dashboards.exception import Deviation, Score, judge, score
from dashboards.profiles import BASELINE_DAYS, Kpi, measures_of
from portal.production.oee import Kpis, kpis
from portal.production.sums import Bucket, OutputSums, TimeSums, total_output, total_time

_HOUR_S: Final = 3_600.0
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Figures:
    """The sums of one place and span with everything that they allow to compute."""

    time: TimeSums
    output: OutputSums
    kpis: Kpis

    @property
    def lost_s(self) -> float:
        """Planned machine time that gave no good output, unknown time left out."""
        return max(0.0, self.time.pbt_s - self.time.unk_s - self.output.prig_s)

    def value(self, kpi: Kpi) -> float | None:
        """Return what is compared for `kpi`: a ratio, kWh per good piece, or pieces per hour."""
        if kpi is Kpi.OUTPUT:
            # Per planned hour: a month with a holiday must not look like a worse month.
            good = self.output.gq
            return None if good is None or not self.time.pbt_s else good * _HOUR_S / self.time.pbt_s
        found: float | None = getattr(self.kpis, kpi.value)
        return found


def figures(parts: Iterable[Bucket | Figures]) -> Figures:
    """Return the figures of several places or spans together, Σ/Σ."""
    known = list(parts)
    return of_sums(
        total_time(part.time for part in known), total_output(part.output for part in known)
    )


def of_sums(time: TimeSums, output: OutputSums) -> Figures:
    """Return the figures that these sums allow."""
    return Figures(time, output, kpis(time, output))


def figures_of(bucket: Bucket | None) -> Figures | None:
    """Return the figures of one place; None where it has no sums at all."""
    return None if bucket is None else of_sums(bucket.time, bucket.output)


def baseline_window(first: date) -> tuple[date, date]:
    """Return the 90 days before `first`, both ends included."""
    return first - _DAY * BASELINE_DAYS, first - _DAY


def compare(
    profile: str | None, now: Figures | None, base: Figures | None, *, silent: int = 0
) -> Score:
    """Judge every measure of the profile and add up the exception score."""
    coverage = now.kpis.coverage if now else None
    parts: list[Deviation] = []
    for measure in measures_of(profile):
        value = now.value(measure.kpi) if now else None
        parts.append(
            judge(measure, value, base.value(measure.kpi) if base else None, coverage=coverage)
        )
    return score(parts, silent=silent)


def sum_by_day(rows: Iterable[tuple[date, Bucket]]) -> Mapping[date, Figures]:
    """Return the figures of each production day over all places, sorted by day."""
    by_day: dict[date, list[Bucket]] = {}
    for day, bucket in rows:
        by_day.setdefault(day, []).append(bucket)
    return {day: figures(by_day[day]) for day in sorted(by_day)}
