"""Charts for boards: one function that every Plotly figure comes from.

The board's bundle draws cartesian charts only and would silently draw any other type as scatter;
so an unknown type raises here. Colours are tokens of the theme shown; no figure carries a template
of Plotly's own. Names of companies and machines are escaped: Plotly reads a little HTML in texts.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go

from portal.ui.tokens import tokens

ALLOWED: Final = frozenset(
    {
        "scatter",
        "bar",
        "box",
        "violin",
        "pie",
        "heatmap",
        "contour",
        "histogram",
        "histogram2d",
        "histogram2dcontour",
        "image",
        "scatterternary",
    }
)
MOST_POINTS: Final = 2_000
SERIES: Final = tuple(f"s{number}" for number in range(1, 9))
CONFIG: Final[Mapping[str, Any]] = {
    "displaylogo": False,
    "showSendToCloud": False,
    "plotlyServerURL": "",
    "responsive": True,
    "modeBarButtonsToRemove": ["sendDataToCloud", "lasso2d", "select2d", "autoScale2d"],
}
"""For `dcc.Graph(config=)`: nothing leaves the page, the picture follows its place."""


class ChartRefused(ValueError):
    """A figure that the board could not draw, or not quickly. A programming error."""


def ink(theme: str) -> Mapping[str, str]:
    """Return the colours of "light" or "dark" by token name; anything else is light."""
    return tokens()["dark" if theme == "dark" else "light"]


def escape(text: str) -> str:
    """Return text for a chart: `& < >` written out, so that a name stays a name."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def chart(
    traces: Sequence[Any],
    *,
    title: str,
    y_title: str,
    x_title: str = "",
    theme: str = "light",
    height: int = 260,
    **layout: Any,
) -> go.Figure:
    """Return a figure in the portal's look.

    `title` is read by screen readers and says what is shown (or that there is nothing); `y_title`
    has the unit. Raises `ChartRefused` for a trace type outside `ALLOWED` or more than
    `MOST_POINTS` points in one trace.
    """
    for trace in traces:
        _check(trace)
    figure = go.Figure(data=list(traces))
    figure.update_layout(template=template(theme), height=height, meta={"title": title})
    figure.update_layout(
        xaxis_title={"text": x_title or None},
        yaxis_title={"text": y_title or None},
        showlegend=len(traces) > 1,
    )
    if not traces:
        _say_empty(figure, title)
    figure.update_layout(**layout)
    return figure


def template(theme: str) -> go.layout.Template:
    """Return the layout that both themes share, in the theme's colours."""
    colour = ink(theme)
    axis = {
        "gridcolor": colour["hair"],
        "linecolor": colour["line"],
        "zerolinecolor": colour["line"],
        "tickcolor": colour["line"],
        "tickfont": {"size": 12, "color": colour["muted"]},
        "title": {"font": {"size": 12, "color": colour["muted"]}, "standoff": 8},
        "automargin": True,
    }
    made = go.layout.Template()
    made.layout = go.Layout(
        colorway=[colour[name] for name in SERIES],
        paper_bgcolor=colour["card"],
        plot_bgcolor=colour["card"],
        font={"family": tokens()["scale"]["font"], "size": 12, "color": colour["text"]},
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={**axis, "showgrid": False},
        yaxis={**axis, "rangemode": "tozero"},
        legend={
            "orientation": "h",
            "y": -0.18,
            "x": 0,
            "font": {"size": 12, "color": colour["muted"]},
        },
        hoverlabel={
            "bgcolor": colour["raised"],
            "bordercolor": colour["line"],
            "font": {"color": colour["text"], "size": 12},
        },
        hovermode="closest",
        dragmode=False,
        bargap=0.15,
        modebar={
            "bgcolor": "rgba(0,0,0,0)",
            "color": colour["muted"],
            "activecolor": colour["action"],
        },
    )
    return made


def _say_empty(figure: go.Figure, title: str) -> None:
    hidden = {"visible": False}
    figure.update_layout(xaxis=hidden, yaxis=hidden)
    figure.add_annotation(
        text=escape(title), showarrow=False, xref="paper", yref="paper", x=0.5, y=0.5
    )


def _check(trace: Any) -> None:
    kind = trace.type
    if kind not in ALLOWED:
        raise ChartRefused(f"the board's bundle does not draw {kind!r}; use {sorted(ALLOWED)}")
    points = max((len(values) for values in (_values(trace, "x"), _values(trace, "y"))), default=0)
    if points > MOST_POINTS:
        raise ChartRefused(f"{points} points in one trace; thin them to {MOST_POINTS} first")


def _values(trace: Any, name: str) -> Sequence[Any]:
    values = getattr(trace, name, None) if name in trace else None
    return () if values is None else values
