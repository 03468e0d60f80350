"""The machine's board: now, the day's figures, its stops, its raw facts and where they are used."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from dashboards.boards import states
from dashboards.boards.scope import Scope
from dashboards.boards.standing import Standing, standing
from dashboards.thinning import Segment
from kernel.db import Work
from portal.production import queries as production
from portal.production.oee import LossStep, losses
from portal.production.rows import FactRow, RateRow, UnitRow, VersionRow

LATEST_FACTS: Final = 8
LATEST_WITHIN: Final = timedelta(hours=4)
ENOUGH: Final = 500
LEAST_STOP_S: Final = 60
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class MachineBoard:
    """All that the page and its exports show; the charts read their own rows.

    `current` is what the machine is doing, where the window reaches into the present. Raw facts
    and planned run times are empty for the group, to which they are not shared.
    """

    whole: Standing
    unit: UnitRow
    current: Segment | None
    stops: Sequence[Segment]
    losses: Sequence[LossStep]
    rates: Sequence[RateRow]
    latest: Sequence[FactRow]
    versions: Sequence[VersionRow]


def read(work: Work, scope: Scope) -> MachineBoard:
    """Return the board of the scope's machine."""
    unit_id = scope.place.id
    whole = standing(work, scope)
    start, end = scope.day_span
    lane = states.lanes(work, [unit_id], start, max(min(end, scope.now), start)).by_unit[unit_id]
    sees = scope.audience.sees_facts
    return MachineBoard(
        whole=whole,
        unit=production.get_unit(work, unit_id),
        current=_current(work, scope),
        stops=states.stops(lane, least_s=LEAST_STOP_S),
        losses=losses(whole.now.time, whole.now.output) if whole.now else (),
        rates=production.list_rates(work, [unit_id]) if sees else (),
        latest=_latest(work, scope) if sees else (),
        versions=production.versions(work, unit_id, scope.day),
    )


def _current(work: Work, scope: Scope) -> Segment | None:
    found = states.lanes(work, [scope.place.id], scope.now - _DAY, scope.now)
    lane = found.by_unit[scope.place.id]
    return lane[-1] if lane else None


def _latest(work: Work, scope: Scope) -> Sequence[FactRow]:
    start, end = scope.day_span
    until = min(end, scope.now)
    for kind in ("count", "energy", "state"):
        # Facts come oldest first, so the newest are the end of a page of the last hours.
        for since in (until - LATEST_WITHIN, start):
            page = production.facts(work, scope.place.id, since, until, kind=kind, limit=ENOUGH)
            if page.rows:
                return page.rows[-LATEST_FACTS:][::-1]
    return ()
