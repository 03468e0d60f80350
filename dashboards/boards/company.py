"""The company's board: its lines and machines, each against itself, and where the time went."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.boards import states
from dashboards.boards.scope import Scope
from dashboards.boards.standing import Standing, standing, standings
from dashboards.boards.states import Lanes
from kernel.db import Work
from kernel.ids import PlaceId
from portal.production.oee import LossStep, losses
from tenants import queries as tenants
from tenants.queries import PlaceRow
from tenants.words import Level


@dataclass(frozen=True, slots=True)
class LineGroup:
    """One line with its machines, under its site."""

    line: Standing
    site: PlaceRow | None
    machines: Sequence[Standing]


@dataclass(frozen=True, slots=True)
class CompanyBoard:
    """All that the page, its tables and its exports show."""

    whole: Standing
    groups: Sequence[LineGroup]
    machines: Sequence[Standing]
    lanes: Lanes
    losses: Sequence[LossStep]

    @property
    def lines(self) -> Sequence[Standing]:
        """The lines in the order of the table."""
        return [group.line for group in self.groups]


def read(work: Work, scope: Scope) -> CompanyBoard:
    """Return the board of the scope's company."""
    places = tenants.list_places(work, under=scope.place.id)
    by_id = {place.id: place for place in places}
    lines = standings(work, scope, Level.LINE, _of(places, Level.LINE))
    machines = standings(work, scope, Level.UNIT, _of(places, Level.UNIT))
    groups = [
        LineGroup(
            line,
            _site(line.place, by_id),
            [machine for machine in machines if line.place.id in machine.place.path],
        )
        for line in lines
    ]
    groups.sort(key=_worst_first)
    whole = standing(work, scope)
    return CompanyBoard(
        whole=whole,
        groups=groups,
        machines=machines,
        lanes=states.last_day(work, scope, [machine.place.id for machine in machines]),
        losses=losses(whole.now.time, whole.now.output) if whole.now else (),
    )


def _of(places: Sequence[PlaceRow], level: Level) -> Sequence[PlaceRow]:
    return [place for place in places if place.level is level]


def _site(place: PlaceRow, by_id: dict[PlaceId, PlaceRow]) -> PlaceRow | None:
    above = (by_id[step] for step in place.path if step in by_id)
    return next((each for each in above if each.level is Level.SITE), None)


def _worst_first(group: LineGroup) -> tuple[str, float, str]:
    site = group.site.code if group.site else ""
    return (site, -round(group.line.score.total, 6), group.line.place.code)
