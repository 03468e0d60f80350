"""The boards' tables by name, read with the view of the address: the screen as a file."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from dashboards import shown, tables
from dashboards.audience import GROUP, Audience
from dashboards.boards import company, figure, group, machine, standing
from dashboards.boards.scope import Scope, machines_under, open_scope
from dashboards.pages.charts import CHARTS
from dashboards.texts import _
from kernel.db import Work
from kernel.errors import NotFound
from portal.production import queries as production
from portal.production.oee import losses
from portal.ui.tables import MOST_ROWS, Table
from portal.ui.viewstate import ViewState
from tenants.words import Level


def table(work: Work, audience: Audience, view: ViewState, name: str) -> Table:
    """Return one table of a board. Raises `NotFound` for a name that no board has."""
    if name == "companies":
        return _companies(work, audience, view)
    if name == "figure":
        return _figure(work, audience, view)
    scope = open_scope(work, audience, view, None)
    if name in CHARTS:
        found = CHARTS[name].read(work, scope, "light").table
    elif name in _TABLES:
        found = _TABLES[name](work, scope)
    else:
        raise NotFound
    return replace(found, about=tables.about(scope, shown.about_reading(work)))


def _companies(work: Work, audience: Audience, view: ViewState) -> Table:
    if audience is not GROUP:
        raise NotFound
    window = shown.group_window(work, view)
    board = group.read(work, window)
    found = tables.companies(board.companies, board.now)
    days = (_("Production days"), f"{window.first} … {window.last}")
    return replace(found, about=tables.about(None, [days, *shown.about_reading(work)]))


def _figure(work: Work, audience: Audience, view: ViewState) -> Table:
    if view.node is None and audience is GROUP:
        window = shown.group_window(work, view)
        opened, scope = figure.read_group(work, window, view.metric), None
    else:
        scope = open_scope(work, audience, view, None)
        opened = figure.read(work, scope)
    found = tables.parts([*opened.days, *opened.places], opened.formula.terms)
    said = [(str(shown.FigureWords(opened).title), opened.formula.text)]
    return replace(found, about=tables.about(scope, [*said, *shown.about_reading(work)]))


def _lines(work: Work, scope: Scope) -> Table:
    _must_be(scope, Level.COMPANY)
    rows = company.read(work, scope).lines
    return tables.places("lines", _("Lines"), rows, scope.clock.zone)


def _machines(work: Work, scope: Scope) -> Table:
    found = machines_under(work, scope.place.id)
    rows = standing.standings(work, scope, Level.UNIT, found)
    return tables.places("machines", _("Machines"), rows, scope.clock.zone)


def _losses(work: Work, scope: Scope) -> Table:
    whole = standing.standing(work, scope).now
    return tables.losses(losses(whole.time, whole.output) if whole else ())


def _stops(work: Work, scope: Scope) -> Table:
    _must_be(scope, Level.UNIT)
    return tables.stops(machine.read(work, scope).stops, scope.clock.zone)


def _facts(work: Work, scope: Scope) -> Table:
    _must_be(scope, Level.UNIT)
    if not scope.audience.sees_facts:
        raise NotFound
    start, end = shown.window_span(scope)
    kind = scope.view.metric if scope.view.metric in shown.FACT_KINDS else "state"
    page = production.facts(work, scope.place.id, start, end, kind=kind, limit=MOST_ROWS)
    return tables.facts(page.rows, scope.clock.zone)


_TABLES: Final[Mapping[str, Callable[[Work, Scope], Table]]] = {
    "lines": _lines,
    "machines": _machines,
    "losses": _losses,
    "stops": _stops,
    "facts": _facts,
}
EXPORTS: Final = ("companies", "figure", *_TABLES, *CHARTS)
"""Every table that can be had as a file."""


def _must_be(scope: Scope, level: Level) -> None:
    if scope.place.level is not level:
        raise NotFound
