"""What the demo's machines have to say: the lines of one data source over a span of time."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from heapq import merge
from typing import Any
from zoneinfo import ZoneInfo

from portal.demo.plants import PLANTS, SEED, Calendar, LinePlan, SitePlan, UnitPlan
from portal.production.simulator import Play, Player
from portal.production.worktime import Workday, workday


def lines_of(
    company: str, line: str, first: datetime, until: datetime, *, story_ends_at: datetime
) -> list[dict[str, Any]]:
    """Return what a line's machines report with `first` ≤ at < `until`, in order of time.

    The same arguments give the same lines, however the span is cut. A line without sensors and an
    unknown one say nothing.
    """
    players = _players(company, line, story_ends_at)
    told = merge(*(player.lines(first, until) for player in players), key=lambda each: each["at"])
    return list(told)


@lru_cache(maxsize=64)
def _players(company: str, line: str, story_ends_at: datetime) -> tuple[Player, ...]:
    return tuple(_player(company, *each, story_ends_at) for each in _units(company, line))


def _units(company: str, line: str) -> Iterator[tuple[SitePlan, LinePlan, UnitPlan]]:
    plant = PLANTS.get(company)
    for site, plan, unit in plant.units() if plant else ():
        if plan.code == line and unit.machine is not None:
            yield site, plan, unit


def _player(
    company: str, site: SitePlan, line: LinePlan, unit: UnitPlan, story_ends_at: datetime
) -> Player:
    assert unit.machine is not None
    return Player(
        Play(
            seed=SEED,
            company=company,
            machine=replace(unit.machine, code=unit.code),
            calendar=_calendar(site, line.calendar or site.calendar),
            story_ends_at=story_ends_at,
        )
    )


def _calendar(site: SitePlan, rules: Calendar) -> Callable[[date], Workday]:
    zone = ZoneInfo(site.zone)
    return lambda day: workday(day, zone=zone, day_start=site.day_start, rules=rules)
