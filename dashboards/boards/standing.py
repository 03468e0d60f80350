"""How places stand in a window: figures, those before, the own baseline, the facts' age."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from dashboards.boards.scope import Scope
from dashboards.comparison import Figures, baseline_window, compare, figures_of
from dashboards.exception import Deviation, Score
from dashboards.lateness import is_late, longest_silence
from dashboards.profiles import Kpi
from kernel.db import Work
from kernel.ids import PlaceId
from portal.production import queries as production
from portal.production.sums import Bucket, TimeSums
from tenants.queries import PlaceRow
from tenants.words import Level


@dataclass(frozen=True, slots=True)
class Standing:
    """One place in the window. `now` is None where the window holds no sums of it."""

    place: PlaceRow
    now: Figures | None
    before: Figures | None
    base: Figures | None
    score: Score
    bucket: Bucket | None
    newest: datetime | None
    late: bool

    def part(self, kpi: Kpi) -> Deviation | None:
        """Return how one measure was judged; None where the profile does not have it."""
        return self.score.parts.get(kpi)


def standings(
    work: Work, scope: Scope, level: Level, places: Iterable[PlaceRow]
) -> Sequence[Standing]:
    """Return how `places`, all of one level of the scope's company, stand in its window."""
    window = scope.window
    now = _sums(work, scope, level, window.first, window.last)
    before = _sums(work, scope, level, window.before_first, window.before_last)
    base = _sums(work, scope, level, *baseline_window(window.first))
    newest = production.freshness(work, level=level, tenant_id=scope.company.id)
    return [
        _standing(
            scope,
            place,
            (now.get(place.id), before.get(place.id), base.get(place.id)),
            newest.get(place.id),
        )
        for place in places
    ]


def standing(work: Work, scope: Scope) -> Standing:
    """Return how the scope's own place stands."""
    (found,) = standings(work, scope, scope.place.level, [scope.place])
    return found


def _sums(
    work: Work, scope: Scope, level: Level, first: date, last: date
) -> Mapping[PlaceId, Bucket]:
    return production.sums_by_place(
        work, level=level, first=first, last=last, tenant_id=scope.company.id
    )


def _standing(
    scope: Scope,
    place: PlaceRow,
    sums: tuple[Bucket | None, Bucket | None, Bucket | None],
    newest: datetime | None,
) -> Standing:
    now, before, base = sums
    current, usual = figures_of(now), figures_of(base)
    longest = longest_silence(scope.company.origin, now.time if now else TimeSums())
    return Standing(
        place=place,
        now=current,
        before=figures_of(before),
        base=usual,
        score=compare(scope.company.kpi_profile, current, usual),
        bucket=now,
        newest=newest,
        late=scope.is_recent and is_late(newest, now=scope.now, longest=longest),
    )
