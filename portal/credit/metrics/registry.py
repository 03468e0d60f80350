"""The metrics that are released, and the one way to compute them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from portal.credit.canonical import root
from portal.credit.metrics import production
from portal.credit.metrics.facts import DayFact, days_before, usable, within
from portal.credit.metrics.figure import Better, Figure, Measure, Metric, Unit
from portal.credit.words import FIGURES, Dataset

QUARTER: Final = 90
YEAR: Final = 364  # 52 whole weeks


def _metric(
    code: str,
    dataset: Dataset,
    unit: Unit,
    better: Better,
    formula: str,
    amounts: tuple[str, ...],
    measure: Measure,
    *,
    window_d: int = QUARTER,
    min_count: int = production.MIN_DAYS,
) -> Metric:
    return Metric(
        code=code,
        version=1,
        dataset=dataset,
        unit=unit,
        window_d=window_d,
        better=better,
        min_level=FIGURES,
        min_count=min_count,
        formula=formula,
        amounts=amounts,
        measure=measure,
    )


METRICS: Final[Mapping[str, Metric]] = {
    metric.code: metric
    for metric in (
        _metric(
            "B5",
            Dataset.QUALITY,
            Unit.PERMILLE,
            Better.HIGHER,
            "sum(GQ) / sum(PQ)",
            ("gq_milli", "pq_milli"),
            production.good_share,
        ),
        _metric(
            "C0",
            Dataset.PRODUCTION,
            Unit.DAYS,
            Better.HIGHER,
            "days with GQ > 0",
            ("gq_milli",),
            production.active_days,
        ),
        _metric(
            "C1",
            Dataset.PRODUCTION,
            Unit.PERMILLE,
            Better.HIGHER,
            "sum(APT) / sum(PBT)",
            ("apt_s", "pbt_s"),
            production.utilisation,
        ),
        _metric(
            "C4",
            Dataset.PRODUCTION,
            Unit.PERMILLE,
            Better.HIGHER,
            "energy(28 d) / median of earlier 28-day sums",
            ("energy_wh",),
            production.energy_activity,
            window_d=YEAR,
            min_count=production.MIN_ENERGY_DAYS,
        ),
        _metric(
            "C5",
            Dataset.PRODUCTION,
            Unit.DAYS,
            Better.LOWER,
            "days with PBT > 0 and APT < 10 % of the median day",
            ("apt_s", "pbt_s"),
            production.idle_days,
        ),
        _metric(
            "C10",
            Dataset.PRODUCTION,
            Unit.CHANGE,
            Better.HIGHER,
            "sum(GQ, 42 d) / sum(GQ, 42 d before) - 1",
            ("gq_milli",),
            production.good_trend,
            window_d=2 * production.TREND_DAYS,
            min_count=production.MIN_TREND_DAYS,
        ),
        _metric(
            "G2",
            Dataset.HISTORY,
            Unit.PERMILLE,
            Better.HIGHER,
            "sum(PBT - unknown) / sum(PBT)",
            ("pbt_s", "unk_s"),
            production.coverage,
            min_count=1,
        ),
    )
}
LONGEST_WINDOW_D: Final = max(metric.window_d for metric in METRICS.values())


def compute(code: str, facts: Iterable[DayFact], *, as_of: date, known_at: datetime) -> Figure:
    """Return the figure of one metric; facts recorded after `known_at` change nothing."""
    return _compute(METRICS[code], usable(facts, known_at=known_at), as_of, known_at)


def compute_all(facts: Iterable[DayFact], *, as_of: date, known_at: datetime) -> list[Figure]:
    """Return every metric's figure, in the order of `METRICS`."""
    chosen = usable(facts, known_at=known_at)
    return [_compute(metric, chosen, as_of, known_at) for metric in METRICS.values()]


def _compute(metric: Metric, chosen: Sequence[DayFact], as_of: date, known_at: datetime) -> Figure:
    first = days_before(as_of, metric.window_d)
    outcome = metric.measure(within(chosen, first=first, last=as_of), as_of)
    return Figure(
        metric=metric,
        as_of=as_of,
        known_at=known_at,
        first=first,
        outcome=outcome,
        root=root(fact.commit for fact in outcome.facts),
    )
