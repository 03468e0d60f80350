"""Reads that boards alone need: totals by day over every place of a level, words for stops."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select

from kernel.db import Work
from kernel.ids import PlaceId
from portal.production.derived_models import OUTPUT_FIELDS, TIME_FIELDS, KpiOutput, KpiTime
from portal.production.models import StopReason
from portal.production.queries import of_days
from portal.production.states import MachineState
from portal.production.sums import OutputSums, TimeSums
from tenants.queries import PlaceRow
from tenants.words import Level, localised

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """A company's word for why a machine stands."""

    code: str
    name_zh: str
    name_en: str
    state: MachineState

    def name(self, locale: object = None) -> str:
        """The word in the reader's language."""
        return localised(self.name_zh, self.name_en, locale)


def totals_by_day(
    work: Work, *, level: str, first: date, last: date
) -> Mapping[date, tuple[TimeSums, OutputSums]]:
    """Return the sums of each day over all places of a level that the actor may see, by day.

    One row a day however many places there are: the group's sparklines are drawn from it.
    """
    outputs = _by_day(work, KpiOutput, OUTPUT_FIELDS, level, first, last)
    times = _by_day(work, KpiTime, TIME_FIELDS, level, first, last)
    made = {row[0]: OutputSums(*row[1:]) for row in outputs}
    return {row[0]: (TimeSums(*row[1:]), made.get(row[0], OutputSums())) for row in times}


def newest_by_place(
    work: Work, *, level: str, first: date, last: date
) -> Mapping[PlaceId, tuple[datetime | None, TimeSums]]:
    """Return the newest fact of each place of a level over days, and how its time is known.

    Of the time only `pbt_s` and `declared_s` are filled: a whole group's lines are asked at once.
    """
    statement = (
        select(
            KpiTime.place_id,
            func.max(KpiTime.newest_fact_at),
            func.sum(KpiTime.pbt_s),
            func.sum(KpiTime.declared_s),
        )
        .where(of_days(KpiTime, level, first, last))
        .group_by(KpiTime.place_id)
    )
    return {
        PlaceId(place): (newest, TimeSums(pbt_s=planned, declared_s=declared))
        for place, newest, planned, declared in work.session.execute(statement)
    }


def sums_of(
    work: Work,
    places: Collection[PlaceRow],
    *,
    level: Level,
    first: date,
    since: date,
    last: date,
) -> Mapping[tuple[PlaceId, bool], tuple[TimeSums, OutputSums]]:
    """Return the sums of these places of one level, of whatever company, over `first`…`last`.

    The days from `since` on stand under (place, True), those before it under (place, False).
    """
    if not places:
        return {}
    days = (first, since, last)
    times = _by_place(work, KpiTime, TIME_FIELDS, level, places, days)
    outputs = _by_place(work, KpiOutput, OUTPUT_FIELDS, level, places, days)
    made = {(row[0], row[1]): OutputSums(*row[2:]) for row in outputs}
    return {
        (row[0], row[1]): (TimeSums(*row[2:]), made.get((row[0], row[1]), OutputSums()))
        for row in times
    }


def list_reasons(work: Work) -> Sequence[ReasonRow]:
    """Return the company's stop reasons, by code; the group is not told them."""
    rows = work.session.scalars(select(StopReason).order_by(StopReason.code))
    return [ReasonRow(row.code, row.name_zh, row.name_en, row.state) for row in rows]


def _utc(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _by_place(
    work: Work,
    model: type[KpiTime] | type[KpiOutput],
    names: Sequence[str],
    level: Level,
    places: Collection[PlaceRow],
    days: tuple[date, date, date],
) -> Sequence[Any]:
    first, since, last = days
    # A machine's key ends with the start of its bucket: it cuts the index to the days, whatever
    # the zone of the site. Above machines an index by day holds all that is asked for.
    in_key = (
        [model.bucket_start.between(_utc(first) - _DAY, _utc(last) + 2 * _DAY)]
        if level is Level.UNIT
        else []
    )
    statement = (
        select(
            model.place_id,
            (model.production_day >= since).label("since"),
            *(func.sum(getattr(model, name)) for name in names),
        )
        .where(
            of_days(model, level, first, last),
            # Keys begin with the company: without it no index leads to a place.
            model.tenant_id.in_(sorted({place.tenant_id for place in places})),
            model.place_id.in_([place.id for place in places]),
            *in_key,
        )
        .group_by(model.place_id, "since")
    )
    return work.session.execute(statement).all()


def _by_day(
    work: Work,
    model: type[KpiTime] | type[KpiOutput],
    names: Sequence[str],
    level: str,
    first: date,
    last: date,
) -> Sequence[Any]:
    statement = (
        select(model.production_day, *(func.sum(getattr(model, name)) for name in names))
        .where(of_days(model, level, first, last))
        .group_by(model.production_day)
        .order_by(model.production_day)
    )
    return work.session.execute(statement).all()
