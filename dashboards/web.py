"""Pages and files of the boards: the same views for both audiences, each behind its permission."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from dashboards import exports, shown, tables, tiles
from dashboards.audience import GROUP, Audience
from dashboards.boards import company, figure, group, line, machine
from dashboards.boards.scope import Scope, first_place, open_scope
from dashboards.guard import GuardedDash
from dashboards.links import Links
from dashboards.profiles import Kpi
from kernel.errors import NotFound
from kernel.web import current_work, pages, requires
from portal.production import queries as production
from portal.production.labels import source_word
from portal.ui.look import set_zone
from portal.ui.tables import Table, csv_response, xlsx_response
from portal.ui.viewstate import ViewState
from tenants.permissions import Permission
from tenants.words import Level

FACT_KINDS: Final = ("state", "count", "energy")
FACTS_A_PAGE: Final = 100
MOST_STOPS: Final = 12
WORST: Final = 15
ALL: Final = "all"
"""The group's table shows the worst companies first, all of them on a click and in the files."""
MOST_ROWS: Final = 1_000


def _fragment(table: Table) -> Response:
    shown_rows = replace(table, rows=table.rows[:MOST_ROWS])
    more = max(0, len(table.rows) - MOST_ROWS)
    return Response(render_template("dashboards/_table.html", table=shown_rows, more=more))


_FILES: Final = {"csv": csv_response, "xlsx": xlsx_response, "html": _fragment}


def make_pages(audience: Audience, app: GuardedDash) -> Blueprint:
    """Return the blueprint of one audience; its boards are drawn inside `app`."""
    bp = pages(audience.blueprint, __name__, audience=audience.kind)
    views: Mapping[str, Callable[..., ResponseReturnValue]] = {
        "company": _board(audience, app, Level.COMPANY, _company),
        "line": _board(audience, app, Level.LINE, _line),
        "machine": _board(audience, app, Level.UNIT, _machine),
        "figure": lambda: _show_figure(audience),
    }
    for page, view in views.items():
        _add(bp, audience, page, view)
    if audience.sees_facts:
        _add(bp, audience, "facts", lambda: _show_facts(audience))
    bp.add_url_rule(
        f"{audience.prefix}export/<string:table>.<string:ending>",
        endpoint="export",
        view_func=requires(audience.permission)(_export(audience)),
    )
    return bp


def show_group_home() -> ResponseReturnValue:
    """Show the executive's home: the whole group, the worst company first."""
    work = current_work()
    work.require(Permission.PRODUCTION_GROUP_READ)
    view = ViewState.from_query(request.args)
    window = shown.group_window(work, view)
    board = group.read(work, window)
    links = Links(GROUP, view)
    return render_template(
        "dashboards/group_home.html",
        board=board,
        shown_companies=board.companies if view.metric == ALL else board.companies[:WORST],
        all_href=view.href("/home", metric=ALL),
        view=view,
        window=window,
        links=links,
        K=Kpi,
        group_tiles=tiles.group_tiles(board, links),
        sentence=shown.group_sentence(board),
        score_bar=shown.score_bar,
        data_as_of=board.newest,
    )


def _add(
    bp: Blueprint, audience: Audience, page: str, view: Callable[..., ResponseReturnValue]
) -> None:
    def show() -> ResponseReturnValue:
        return view()

    bp.add_url_rule(
        audience.prefix + page,
        endpoint=f"show_{page}",
        view_func=requires(audience.permission)(show),
    )


def _board(
    audience: Audience,
    app: GuardedDash,
    level: Level,
    read: Callable[[Scope, Links], tuple[str, dict[str, Any]]],
) -> Callable[[], ResponseReturnValue]:
    def show() -> ResponseReturnValue:
        work = current_work()
        view = ViewState.from_query(request.args)
        links = Links(audience, view)
        if view.node is None:
            # Where somebody is granted one line alone, his boards begin there.
            place = first_place(work, audience)
            if place.level is not level:
                return redirect(links.board(place), code=303)
            view = view.with_(node=place.id)
            links = Links(audience, view)
        scope = open_scope(work, audience, view, level)
        set_zone(scope.clock.zone)
        template, context = read(scope, links)
        return app.page(template, **shown.common(work, scope, links), **context)

    return show


def _company(scope: Scope, links: Links) -> tuple[str, dict[str, Any]]:
    board = company.read(current_work(), scope)
    return "dashboards/company.html", {
        "board": board,
        "as_of": board.whole.newest,
        "data_as_of": board.whole.newest,
        "sentence": shown.company_sentence(board),
        "board_tiles": tiles.company_tiles(board, scope, links),
        "bars": shown.loss_bars(board.losses),
        "losses_say": shown.loss_sentence(board.losses),
        "late": shown.late_sentence(board.lines, links),
    }


def _line(scope: Scope, links: Links) -> tuple[str, dict[str, Any]]:
    board = line.read(current_work(), scope)
    return "dashboards/line.html", {
        "board": board,
        "as_of": board.whole.newest,
        "data_as_of": board.whole.newest,
        "sentence": shown.place_sentence(board.whole),
        "bars": shown.loss_bars(board.losses),
        "losses_say": shown.loss_sentence(board.losses),
        "late": shown.late_sentence(board.machines, links),
    }


def _machine(scope: Scope, links: Links) -> tuple[str, dict[str, Any]]:
    board = machine.read(current_work(), scope)
    return "dashboards/machine.html", {
        "board": board,
        "as_of": board.whole.newest,
        "data_as_of": board.whole.newest,
        "sentence": shown.place_sentence(board.whole),
        "bars": shown.loss_bars(board.losses),
        "losses_say": shown.loss_sentence(board.losses),
        "source_word": source_word,
        "stops_table": tables.stops(board.stops[:MOST_STOPS], scope.clock.zone),
        "days": shown.neighbours(scope, links),
    }


def _show_figure(audience: Audience) -> ResponseReturnValue:
    work = current_work()
    view = ViewState.from_query(request.args)
    links = Links(audience, view)
    if view.node is None and audience is GROUP:
        window = shown.group_window(work, view)
        opened, scope = figure.read_group(work, window, view.metric), None
    else:
        scope = open_scope(work, audience, view, None)
        set_zone(scope.clock.zone)
        window = scope.window
        opened = figure.read(work, scope)
    words = shown.FigureWords(opened)
    return render_template(
        "dashboards/figure.html",
        page=opened,
        scope=scope,
        view=view,
        window=window,
        links=links,
        audience=audience,
        words=words,
        heads=[{"label": term, "number": True} for term in words.terms],
        K=Kpi,
    )


def _show_facts(audience: Audience) -> ResponseReturnValue:
    work = current_work()
    view = ViewState.from_query(request.args)
    scope = open_scope(work, audience, view, Level.UNIT)
    set_zone(scope.clock.zone)
    kind = view.metric if view.metric in FACT_KINDS else "state"
    start, end = shown.window_span(scope)
    links = Links(audience, view)
    page = production.facts(
        work,
        scope.place.id,
        start,
        end,
        kind=kind,
        limit=FACTS_A_PAGE,
        cursor=view.cursor or None,
    )
    return render_template(
        "dashboards/facts.html",
        source_word=source_word,
        scope=scope,
        view=view,
        window=scope.window,
        links=links,
        kind=kind,
        kind_tabs=[
            (word, links.facts(scope.place, code), code == kind)
            for code, word in shown.fact_kinds()
        ],
        page=page,
        K=Kpi,
    )


def _export(audience: Audience) -> Callable[..., ResponseReturnValue]:
    def export(table: str, ending: str) -> ResponseReturnValue:
        """Return a table of a board as a file or a piece of page: the same query and view."""
        answer = _FILES.get(ending)
        if answer is None:
            raise NotFound
        view = ViewState.from_query(request.args)
        return answer(exports.table(current_work(), audience, view, table))

    return export
