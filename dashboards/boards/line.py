"""The line's board: its machines side by side, and where the line's time went."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.boards import states
from dashboards.boards.scope import Scope, machines_under
from dashboards.boards.standing import Standing, standing, standings
from dashboards.boards.states import Lanes
from kernel.db import Work
from portal.production.oee import LossStep, losses
from tenants.words import Level


@dataclass(frozen=True, slots=True)
class LineBoard:
    """All that the page and its exports show; the charts read their own rows."""

    whole: Standing
    machines: Sequence[Standing]
    lanes: Lanes
    losses: Sequence[LossStep]


def read(work: Work, scope: Scope) -> LineBoard:
    """Return the board of the scope's line."""
    whole = standing(work, scope)
    machines = standings(work, scope, Level.UNIT, machines_under(work, scope.place.id))
    return LineBoard(
        whole=whole,
        machines=machines,
        lanes=states.last_day(work, scope, [machine.place.id for machine in machines]),
        losses=losses(whole.now.time, whole.now.output) if whole.now else (),
    )
