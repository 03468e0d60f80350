"""How one figure came about: formula, sums, and the days and places they were added from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from dashboards.boards.group import has_oee
from dashboards.boards.scope import Scope
from dashboards.comparison import Figures, figures, figures_of
from kernel.db import Work
from kernel.errors import NotFound
from kernel.ids import PlaceId
from portal.production import queries as production
from portal.production.oee import FORMULAS, Formula
from portal.production.rows import VersionRow
from portal.production.sums import Bucket
from portal.ui.filters import locale_code
from portal.ui.periods import Window
from tenants import queries as tenants
from tenants.queries import PlaceRow
from tenants.words import Level

_BELOW: Final = {Level.COMPANY: Level.LINE, Level.SITE: Level.LINE, Level.AREA: Level.LINE,
          Level.LINE: Level.UNIT}  # fmt: skip
MOST_DAYS: Final = 92
OF_RATED: Final = ("oee", "effectiveness")
"""Of the group, these are of the companies of which OEE says something."""


@dataclass(frozen=True, slots=True)
class Part:
    """One addend: a day or a place, its sums in the formula's order, and its own result."""

    label: str
    sums: Sequence[float | None]
    result: float | None
    place: PlaceRow | None = None
    day: date | None = None
    bucket: Bucket | None = None


@dataclass(frozen=True, slots=True)
class FigurePage:
    """A figure opened up. `hidden_below`: the parts by place are not shared with the reader."""

    formula: Formula
    figures: Figures
    result: float | None
    sums: Sequence[float | None]
    days: Sequence[Part]
    places: Sequence[Part]
    places_level: Level | None
    versions: Sequence[VersionRow]
    day_limit: int = MOST_DAYS


def formula_of(code: str) -> Formula:
    """Return the formula of a figure's code. Raises `NotFound` for an unknown one."""
    found = FORMULAS.get(code or "oee")
    if found is None:
        raise NotFound
    return found


def read(work: Work, scope: Scope) -> FigurePage:
    """Return a figure of one place, opened up. Raises `NotFound` for an unknown figure."""
    formula = formula_of(scope.view.metric)
    level, window = scope.place.level, scope.window
    by_day = [
        row
        for row in production.sums_by_day(
            work, level=level, first=_latest(window), last=window.last, tenant_id=scope.company.id
        )
        if row.place_id == scope.place.id
    ]
    whole = production.sums_by_place(
        work, level=level, first=window.first, last=window.last, tenant_id=scope.company.id
    )
    total = figures_of(whole.get(scope.place.id)) or figures(())
    return FigurePage(
        formula=formula,
        figures=total,
        result=_result(formula, total),
        sums=_sums(formula, total),
        days=[_of_day(formula, row.production_day, row.bucket) for row in by_day],
        places=_below(work, scope, formula),
        places_level=_BELOW.get(level),
        versions=_versions(work, scope),
    )


def read_group(work: Work, window: Window, code: str) -> FigurePage:
    """Return a figure of the whole group, opened up by company and day."""
    formula = formula_of(code)
    names = {place.id: place for place in tenants.list_places(work, level=Level.COMPANY)}
    whole = production.sums_by_place(
        work, level=Level.COMPANY, first=window.first, last=window.last
    )
    if formula.code in OF_RATED:
        companies = {row.id: row for row in tenants.list_companies(work)}
        whole = {
            place_id: bucket
            for place_id, bucket in whole.items()
            if has_oee(companies[names[place_id].tenant_id], bucket)
        }
    by_day: dict[date, list[Bucket]] = {}
    for row in production.sums_by_day(
        work, level=Level.COMPANY, first=_latest(window), last=window.last
    ):
        if row.place_id in whole:
            by_day.setdefault(row.production_day, []).append(row.bucket)
    total = figures(whole.values())
    return FigurePage(
        formula=formula,
        figures=total,
        result=_result(formula, total),
        sums=_sums(formula, total),
        days=[_part(formula, str(day), figures(by_day[day]), day=day) for day in sorted(by_day)],
        places=_parts_of(formula, whole, names),
        places_level=Level.COMPANY,
        versions=(),
    )


def called(place: PlaceRow) -> str:
    """Return a place's name with its code, unless the name has it already."""
    name = place.name(locale_code())
    return name if place.code in name else f"{place.code} {name}"


def _latest(window: Window) -> date:
    return max(window.first, window.last - timedelta(days=MOST_DAYS - 1))


def _below(work: Work, scope: Scope, formula: Formula) -> Sequence[Part]:
    level = _BELOW.get(scope.place.level)
    if level is None:
        return ()
    names = {
        place.id: place for place in tenants.list_places(work, under=scope.place.id, level=level)
    }
    sums = production.sums_by_place(
        work,
        level=level,
        first=scope.window.first,
        last=scope.window.last,
        tenant_id=scope.company.id,
    )
    return _parts_of(formula, sums, names)


def _parts_of(
    formula: Formula, sums: Mapping[PlaceId, Bucket], names: Mapping[PlaceId, PlaceRow]
) -> Sequence[Part]:
    known = sorted((names[place_id] for place_id in sums if place_id in names),
                   key=lambda place: place.code)  # fmt: skip
    return [
        _part(
            formula,
            called(place),
            figures([sums[place.id]]),
            place=place,
            bucket=sums[place.id],
        )
        for place in known
    ]


def _versions(work: Work, scope: Scope) -> Sequence[VersionRow]:
    if scope.window.days > 1:
        return ()
    return production.versions(work, scope.place.id, scope.window.first)


def _of_day(formula: Formula, day: date, bucket: Bucket) -> Part:
    return _part(formula, str(day), figures([bucket]), day=day, bucket=bucket)


def _part(
    formula: Formula,
    label: str,
    of: Figures,
    *,
    place: PlaceRow | None = None,
    day: date | None = None,
    bucket: Bucket | None = None,
) -> Part:
    return Part(label, _sums(formula, of), _result(formula, of), place, day, bucket)


def _result(formula: Formula, of: Figures) -> float | None:
    # The page shows what the board shows: below enough coverage there is no single OEE.
    if hasattr(of.kpis, formula.code):
        shown: float | None = getattr(of.kpis, formula.code)
        return shown
    return formula.compute(of.time, of.output)


def _sums(formula: Formula, of: Figures) -> Sequence[float | None]:
    return [
        getattr(of.time, term) if hasattr(of.time, term) else getattr(of.output, term)
        for term in formula.terms
    ]
