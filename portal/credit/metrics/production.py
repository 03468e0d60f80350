"""What the machine-days say: activity, utilisation, idle days, trend of output, yield, energy.

Each function takes the usable facts of its window and the last day of it, and returns sums and the
integer of them. Below its minimum it returns no value and says what is missing.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from statistics import median
from typing import Final

from portal.credit.metrics.facts import (
    DayFact,
    coverage_permille,
    days_before,
    known_s,
    permille,
    sum_by_day,
    within,
)
from portal.credit.metrics.figure import FULL_COVERAGE, Missing, Outcome, WhyMissing

MIN_DAYS: Final = 28
TREND_DAYS: Final = 42  # six whole weeks: both halves have the same weekdays
MIN_TREND_DAYS: Final = 38
ENERGY_DAYS: Final = 28
MIN_ENERGY_DAYS: Final = 26
MIN_EARLIER_SUMS: Final = 4
WEEK: Final = timedelta(days=7)


def active_days(facts: Sequence[DayFact], as_of: date) -> Outcome:
    """Count the days with good pieces. High: had every unknown day been an active one."""
    counted = [fact for fact in facts if fact.gq_milli is not None]
    good = sum_by_day(counted, "gq_milli")
    if len(good) < MIN_DAYS:
        return _too_few(facts, counted, len(good), none=Missing.NO_COUNTS)
    active = sum(1 for amount in good.values() if amount > 0)
    coverage = coverage_permille(counted)
    low = high = None
    if _poor(coverage):
        unknown = sum_by_day(counted, "unk_s")
        doubtful = sum(1 for day, amount in good.items() if amount <= 0 < unknown[day])
        low, high = _if_apart(active, active + doubtful)
    return Outcome(counted, active, len(good), active, low, high, coverage)


def utilisation(facts: Sequence[DayFact], as_of: date) -> Outcome:
    """Σ APT / Σ PBT. Low and high: unknown time as stopped, as producing."""
    planned = [fact for fact in facts if fact.pbt_s > 0]
    days = len({fact.day for fact in planned})
    if days < MIN_DAYS:
        return _too_few(facts, planned, days, none=Missing.NOTHING_PLANNED)
    num, den = sum(fact.apt_s for fact in planned), sum(fact.pbt_s for fact in planned)
    coverage = coverage_permille(planned)
    low = high = None
    if _poor(coverage):
        unknown = sum(min(fact.unk_s, fact.pbt_s) for fact in planned)
        low, high = _if_apart(permille(num, den), permille(min(num + unknown, den), den))
    return Outcome(planned, num, den, permille(num, den), low, high, coverage)


def idle_days(facts: Sequence[DayFact], as_of: date) -> Outcome:
    """Count planned days with less than a tenth of the median day's production time."""
    planned = [fact for fact in facts if fact.pbt_s > 0]
    produced, unknown = sum_by_day(planned, "apt_s"), sum_by_day(planned, "unk_s")
    if len(produced) < MIN_DAYS:
        return _too_few(facts, planned, len(produced), none=Missing.NOTHING_PLANNED)
    usual = median(produced.values())
    idle = sum(1 for amount in produced.values() if 10 * amount < usual)
    coverage = coverage_permille(planned)
    low = high = None
    if _poor(coverage):
        certain = sum(1 for day, amount in produced.items() if 10 * (amount + unknown[day]) < usual)
        low, high = _if_apart(certain, idle)
    return Outcome(planned, idle, len(produced), idle, low, high, coverage)


def good_trend(facts: Sequence[DayFact], as_of: date) -> Outcome:
    """Σ good of the last six weeks / Σ good of the six before − 1."""
    counted = [fact for fact in facts if fact.gq_milli is not None]
    turn = days_before(as_of, TREND_DAYS)
    late = sum_by_day(within(counted, first=turn, last=as_of), "gq_milli")
    early = sum_by_day(
        within(counted, first=days_before(as_of, 2 * TREND_DAYS), last=turn - timedelta(days=1)),
        "gq_milli",
    )
    fewest = min(len(late), len(early))
    if fewest < MIN_TREND_DAYS:
        return _too_few(facts, counted, fewest, none=Missing.NO_COUNTS, need=MIN_TREND_DAYS)
    num, den = sum(late.values()), sum(early.values())
    if den <= 0:
        return Outcome(counted, num, den, missing=WhyMissing(Missing.NO_EARLIER_DAYS))
    coverage = coverage_permille(counted)
    return Outcome(counted, num, den, permille(num, den) - 1000, coverage=coverage)


def good_share(facts: Sequence[DayFact], as_of: date) -> Outcome:
    """Σ GQ / Σ PQ over machine-days that know both."""
    counted = [fact for fact in facts if fact.gq_milli is not None and fact.pq_milli is not None]
    days = len({fact.day for fact in counted})
    den = sum(fact.pq_milli or 0 for fact in counted)
    if days < MIN_DAYS or den <= 0:
        return _too_few(facts, counted, days, none=Missing.NO_COUNTS)
    num = sum(fact.gq_milli or 0 for fact in counted)
    return Outcome(counted, num, den, permille(num, den), coverage=coverage_permille(counted))


def energy_activity(facts: Sequence[DayFact], as_of: date) -> Outcome:
    """Energy of the last four weeks / median of the 28-day sums that end a week or more before.

    Sums step back by a week and end before the last four weeks begin; a sum with fewer than
    `MIN_ENERGY_DAYS` metered days is left out.
    """
    metered = [fact for fact in facts if fact.energy_wh is not None]
    by_day = sum_by_day(metered, "energy_wh")
    num, days = _span_sum(by_day, as_of)
    if days < MIN_ENERGY_DAYS:
        return _too_few(facts, metered, days, none=Missing.NO_ENERGY, need=MIN_ENERGY_DAYS)
    earlier = _earlier_sums(by_day, as_of)
    if len(earlier) < MIN_EARLIER_SUMS:
        have, need = len(by_day), 2 * ENERGY_DAYS + (MIN_EARLIER_SUMS - 1) * 7
        return Outcome(metered, num, missing=WhyMissing(Missing.NO_EARLIER_DAYS, have, need))
    den = _whole_median(earlier)
    if den <= 0:
        return Outcome(metered, num, den, missing=WhyMissing(Missing.NO_ENERGY))
    coverage = permille(days, ENERGY_DAYS)
    return Outcome(metered, num, den, permille(num, den), coverage=coverage)


def coverage(facts: Sequence[DayFact], as_of: date) -> Outcome:
    """Σ known planned busy time / Σ planned busy time."""
    planned = [fact for fact in facts if fact.pbt_s > 0]
    den = sum(fact.pbt_s for fact in planned)
    if den == 0:
        return _too_few(facts, planned, 0, none=Missing.NOTHING_PLANNED, need=1)
    num = sum(known_s(fact) for fact in planned)
    return Outcome(planned, num, den, permille(num, den), coverage=permille(num, den))


def _if_apart(low: int, high: int) -> tuple[int, int] | tuple[None, None]:
    # Where what is unknown cannot change the figure, it is one number after all.
    return (low, high) if low != high else (None, None)


def _poor(share: int | None) -> bool:
    return share is not None and share < FULL_COVERAGE


def _too_few(
    facts: Sequence[DayFact],
    used: Sequence[DayFact],
    have: int,
    *,
    none: Missing,
    need: int = MIN_DAYS,
) -> Outcome:
    if not facts:
        return Outcome((), missing=WhyMissing(Missing.NO_FACTS, 0, need))
    if not used:
        return Outcome((), missing=WhyMissing(none, 0, need))
    return Outcome(
        used,
        coverage=coverage_permille(used),
        missing=WhyMissing(Missing.TOO_FEW_DAYS, have, need),
    )


def _span_sum(by_day: dict[date, int], last: date) -> tuple[int, int]:
    first = days_before(last, ENERGY_DAYS)
    known = [amount for day, amount in by_day.items() if first <= day <= last]
    return sum(known), len(known)


def _earlier_sums(by_day: dict[date, int], as_of: date) -> list[int]:
    if not by_day:
        return []
    sums, last = [], as_of - timedelta(days=ENERGY_DAYS)
    while days_before(last, ENERGY_DAYS) >= min(by_day):
        amount, days = _span_sum(by_day, last)
        if days >= MIN_ENERGY_DAYS:
            sums.append(amount)
        last -= WEEK
    return sums


def _whole_median(amounts: Sequence[int]) -> int:
    # Half to even, like every other rounding here; `median` of an even number may end in .5.
    ordered = sorted(amounts)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    double = ordered[middle - 1] + ordered[middle]
    half = double // 2
    return half + (double % 2 and half % 2)
