"""Layout and callbacks: one card a chart, the address as the only state.

Layouts hold no data: words and empty places. Every callback goes through the guard.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final, cast

from dash import ClientsideFunction, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component
from flask_babel import get_locale

from dashboards.audience import Audience
from dashboards.boards.scope import open_scope
from dashboards.guard import GuardedDash
from dashboards.links import Links
from dashboards.pages.charts import CHARTS, PAGES, Chart
from dashboards.texts import _
from kernel.errors import NotFound
from kernel.web import current_work
from portal.ui.theme import CONFIG
from portal.ui.viewstate import ViewState
from tenants.words import Level

_LEVELS: Final = {"company": Level.COMPANY, "line": Level.LINE, "machine": Level.UNIT}


class Id(StrEnum):
    """Ids of the board's components that are not of one chart."""

    URL = "url"
    THEME = "theme"
    FRESH = "fresh"
    CHARTS = "charts"


class Slot(StrEnum):
    """Places within a chart's card; `of` gives the component's id."""

    FIGURE = "figure"
    SENTENCE = "sentence"
    TABLE = "table"  # its rows are fetched when it is opened: as components they take seconds
    CSV = "csv"
    XLSX = "xlsx"

    def of(self, chart: str) -> str:
        """Return the id of this place in the card of `chart`."""
        return f"{chart}-{self.value}"


def layout() -> Component:
    """Return the frame of every board: state holders and the empty place of the charts."""
    return html.Div(
        [
            dcc.Location(id=Id.URL, refresh=False),
            dcc.Store(id=Id.THEME, storage_type="memory"),
            dcc.Store(id=Id.FRESH, storage_type="memory"),
            html.Div(id=Id.CHARTS, className="charts"),
        ]
    )


def register(app: GuardedDash, audience: Audience) -> None:
    """Give `app` its layout and callbacks."""
    app.layout = layout
    _register_frame(app, audience)
    for chart in CHARTS.values():
        _register_chart(app, audience, chart)


def _register_frame(app: GuardedDash, audience: Audience) -> None:
    app.clientside_callback(
        ClientsideFunction("board", "theme"), Output(Id.THEME, "data"), Input(Id.URL, "pathname")
    )
    app.clientside_callback(
        ClientsideFunction("board", "sync"), Output(Id.CHARTS, "title"), Input(Id.URL, "search")
    )
    app.clientside_callback(
        ClientsideFunction("board", "pick"),
        Output(Id.URL, "search"),
        Input(Slot.FIGURE.of("trend"), "clickData"),
        State(Id.URL, "search"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output(Id.CHARTS, "children"),
        Input(Id.URL, "pathname"),
        permission=audience.permission,
    )
    def show_cards(pathname: str) -> list[Component]:
        return [_card(CHARTS[name]) for name in PAGES[_page(audience, pathname)]]


def _register_chart(app: GuardedDash, audience: Audience, chart: Chart) -> None:
    @app.callback(
        Output(Slot.FIGURE.of(chart.name), "figure"),
        Output(Slot.SENTENCE.of(chart.name), "children"),
        Output(Slot.TABLE.of(chart.name), "data-src"),
        Output(Slot.CSV.of(chart.name), "href"),
        Output(Slot.XLSX.of(chart.name), "href"),
        Input(Id.URL, "search"),
        Input(Id.THEME, "data"),
        Input(Id.FRESH, "data"),
        State(Id.URL, "pathname"),
        permission=audience.permission,
    )
    def show(
        search: str | None, theme: str | None, fresh: str | None, pathname: str
    ) -> Sequence[Any]:
        if theme is None:
            return [no_update] * 5  # the theme is told in a moment; nothing is drawn twice
        view = ViewState.from_query(search)
        work = current_work()
        scope = open_scope(work, audience, view, _LEVELS[_page(audience, pathname)])
        drawing = chart.read(work, scope, theme)
        links = Links(audience, view)
        return (
            drawing.figure,
            drawing.sentence,
            links.export(chart.name, "html"),
            links.export(chart.name, "csv"),
            links.export(chart.name, "xlsx"),
        )


def _page(audience: Audience, pathname: str) -> str:
    page = pathname.removeprefix(audience.prefix)
    if page not in PAGES or not pathname.startswith(audience.prefix):
        raise NotFound
    return page


def _card(chart: Chart) -> Component:
    name, title = chart.name, str(chart.title)
    config = {**CONFIG, "locale": "en" if str(get_locale()) == "en" else "zh-CN"}
    return html.Section(
        [
            html.Div(
                [
                    html.H2(title, id=f"{name}-title"),
                    html.Div(
                        [
                            html.A("CSV", id=Slot.CSV.of(name), className="btn btn-quiet"),
                            html.A("XLSX", id=Slot.XLSX.of(name), className="btn btn-quiet"),
                        ],
                        className="acts",
                    ),
                    html.P(id=Slot.SENTENCE.of(name), className="say"),
                ],
                className="panel-head",
            ),
            html.Div(
                [
                    html.Div(
                        dcc.Graph(id=Slot.FIGURE.of(name), config=cast(Any, config)),
                        className="chart",
                        role="figure",
                        **_aria(labelledby=f"{name}-title {Slot.SENTENCE.of(name)}"),
                    ),
                    html.Details(
                        [html.Summary(_("Show as table")), html.Div(id=Slot.TABLE.of(name))],
                        className="as-table",
                    ),
                ],
                className="panel-body",
            ),
        ],
        className="panel",
    )


def _aria(**values: str) -> dict[str, Any]:
    # Dash takes them as wildcard arguments, which its types do not know.
    return {f"aria-{name}": value for name, value in values.items()}
