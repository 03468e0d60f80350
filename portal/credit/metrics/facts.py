"""A machine-day as evidence holds it, and which ones count at a moment of knowledge."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from portal.credit.canonical import Json
from portal.credit.ids import EvidenceId
from portal.credit.words import Quality


@dataclass(frozen=True, slots=True)
class DayFact:
    """One machine, one production day, one revision. Times in s, quantities in thousandths.

    A quantity or energy that nobody counted is None, never 0. `version` is the version of the
    closed day; `revision` counts how often this evidence was written anew.
    """

    evidence_id: EvidenceId
    unit_id: UUID
    day: date
    revision: int
    version: int
    quality: Quality
    recorded_at: datetime
    commit: bytes
    pbt_s: int
    apt_s: int
    unk_s: int
    declared_s: int = 0
    pq_milli: int | None = None
    gq_milli: int | None = None
    energy_wh: int | None = None


def body_of(
    *,
    unit_id: UUID,
    day: date,
    version: int,
    amounts: Mapping[str, int | None],
) -> dict[str, Json]:
    """Return the evidence body of a machine-day; what is unknown is left out."""
    known = {name: amount for name, amount in amounts.items() if amount is not None}
    return {"unit": str(unit_id), "day": day.isoformat(), "version": version, **known}


def usable(facts: Iterable[DayFact], *, known_at: datetime) -> list[DayFact]:
    """Return the facts known at `known_at`: newest revision of each, none in quarantine.

    Ordered by day and machine. A later revision that is in quarantine takes the earlier one out:
    the earlier has been found wrong.
    """
    newest: dict[tuple[UUID, date], DayFact] = {}
    for fact in facts:
        if fact.recorded_at > known_at:
            continue
        held = newest.get((fact.unit_id, fact.day))
        if held is None or held.revision < fact.revision:
            newest[fact.unit_id, fact.day] = fact
    chosen = (fact for fact in newest.values() if fact.quality is not Quality.QUARANTINED)
    return sorted(chosen, key=lambda fact: (fact.day, str(fact.unit_id)))


def within(facts: Iterable[DayFact], *, first: date, last: date) -> list[DayFact]:
    """Return the facts of the production days from `first` to `last`, both in."""
    return [fact for fact in facts if first <= fact.day <= last]


def sum_by_day(facts: Iterable[DayFact], amount: str) -> dict[date, int]:
    """Return Σ `amount` of each day on which at least one machine knows it."""
    sums: defaultdict[date, int] = defaultdict(int)
    for fact in facts:
        value = getattr(fact, amount)
        if value is not None:
            sums[fact.day] += value
    return dict(sums)


def days_before(last: date, count: int) -> date:
    """Return the first day of the `count` days that end with `last`."""
    return last - timedelta(days=count - 1)


def coverage_permille(facts: Sequence[DayFact]) -> int | None:
    """Return 1 − Σ unknown / Σ planned busy time in thousandths; None where nothing was planned."""
    planned = sum(fact.pbt_s for fact in facts)
    if planned == 0:
        return None
    return permille(sum(known_s(fact) for fact in facts), planned)


def known_s(fact: DayFact) -> int:
    """Return the planned busy time of which the machine's state is known."""
    return max(fact.pbt_s - fact.unk_s, 0)


def permille(num: int, den: int) -> int:
    """Return num/den in thousandths, rounded half to even, exact at any size."""
    whole, rest = divmod(1000 * num, den)
    double = 2 * rest
    return whole + (double > den or (double == den and whole % 2 == 1))
