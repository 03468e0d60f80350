"""Rules of consent: how long, who approves, and whether a live one opens what is asked."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from kernel.ids import PersonId
from portal.credit.errors import PeriodOutOfRange, SecondPersonNeeded, WaitsForTheDay
from portal.credit.lifecycle import ConsentState
from portal.credit.words import Dataset, Purpose

LONGEST: Final = timedelta(days=365)
ANSWER_WITHIN: Final = timedelta(days=30)
APPROVE_WITHIN: Final = timedelta(days=14)
RESUME_WITHIN: Final = timedelta(days=30)
ALONE_WAITS: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a consent opens, to whom it is opened stands beside it. Moments are aware, in UTC."""

    state: ConsentState
    purpose: Purpose
    datasets: Set[Dataset]
    level: int
    data_from: date
    valid_from: datetime | None
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to read; `data_from` is the earliest day, None where none is named."""

    datasets: Set[Dataset]
    level: int
    purpose: Purpose | None = None
    data_from: date | None = None


class Refusal(StrEnum):
    """The first thing that stands in the way of a read."""

    NOT_LIVE = "not_live"
    PURPOSE = "purpose"
    LEVEL = "level"
    DATASET = "dataset"
    DATA_FROM = "data_from"


def refusal(terms: Terms, asked: Asked, now: datetime) -> Refusal | None:
    """Return what stands in the way of reading, None where nothing does.

    The database asks the same again, of its own clock, before it shows a row.
    """
    if not is_live(terms, now):
        return Refusal.NOT_LIVE
    if asked.purpose is not None and asked.purpose is not terms.purpose:
        return Refusal.PURPOSE
    if asked.level > terms.level:
        return Refusal.LEVEL
    if not asked.datasets <= terms.datasets:
        return Refusal.DATASET
    if asked.data_from is not None and asked.data_from < terms.data_from:
        return Refusal.DATA_FROM
    return None


def is_live(terms: Terms, now: datetime) -> bool:
    """Say whether the consent is active and `now` lies in its period, the end left out."""
    if terms.valid_from is None or terms.valid_until is None:
        return False
    return terms.state is ConsentState.ACTIVE and terms.valid_from <= now < terms.valid_until


def period_end(start: datetime, days: int) -> datetime:
    """Return the end of a consent of `days` days. Raises `PeriodOutOfRange` beyond a year."""
    if not 1 <= days <= LONGEST.days:
        raise PeriodOutOfRange(field="days", limit_days=LONGEST.days)
    return start + timedelta(days=days)


def approves_alone(
    *,
    prepared_by: PersonId,
    prepared_at: datetime,
    approver: PersonId,
    others_may: bool,
    now: datetime,
) -> bool:
    """Say whether the approval is one person's own; False where another person approves.

    Raises `SecondPersonNeeded` for the preparer while a colleague may approve, `WaitsForTheDay`
    for the only person there is until a day has passed since the preparation.
    """
    if approver != prepared_by:
        return False
    if others_may:
        raise SecondPersonNeeded
    if now < prepared_at + ALONE_WAITS:
        raise WaitsForTheDay(moment=f"{prepared_at + ALONE_WAITS:%Y-%m-%d %H:%M} UTC")
    return True
