"""OEE by production day: a line of what is known, a bar where only a range is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import plotly.graph_objects as go

from dashboards.comparison import Figures


@dataclass(frozen=True, slots=True)
class TrendTexts:
    """Words of the chart in the reader's language."""

    value: str
    range: str
    baseline: str


def trend_traces(
    days: Mapping[date, Figures],
    *,
    baseline: float | None,
    texts: TrendTexts,
    ink: Mapping[str, str],
) -> list[go.Scatter]:
    """Return the traces; `baseline` is drawn dashed. Every point carries its day as customdata."""
    keys = list(days)
    names = [day.isoformat() for day in keys]
    known = [_percent(days[day].kpis.oee) for day in keys]
    traces = [
        go.Scatter(
            x=names,
            y=known,
            customdata=names,
            mode="lines+markers",
            name=texts.value,
            line={"color": ink["s1"], "width": 2},
            marker={"size": 6},
            connectgaps=False,
            hovertemplate="%{x}<br>%{y:.1f}%<extra></extra>",
        )
    ]
    ranges = [day for day in keys if days[day].kpis.is_range]
    if ranges:
        traces.append(_ranges(ranges, days, texts, ink))
    if baseline is not None and names:
        traces.append(
            go.Scatter(
                x=[names[0], names[-1]],
                y=[baseline * 100] * 2,
                mode="lines",
                name=texts.baseline,
                line={"color": ink["line"], "width": 1, "dash": "dash"},
                hovertemplate="%{y:.1f}%<extra></extra>",
            )
        )
    return traces


def _ranges(
    keys: Sequence[date], days: Mapping[date, Figures], texts: TrendTexts, ink: Mapping[str, str]
) -> go.Scatter:
    low = [_percent(days[day].kpis.oee_low) or 0.0 for day in keys]
    high = [_percent(days[day].kpis.oee_high) or 0.0 for day in keys]
    middle = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
    names = [day.isoformat() for day in keys]
    return go.Scatter(
        x=names,
        y=middle,
        customdata=names,
        text=[f"{a:.1f}–{b:.1f}%" for a, b in zip(low, high, strict=True)],
        mode="markers",
        name=texts.range,
        marker={"symbol": "line-ew-open", "size": 1, "color": ink["line"]},
        error_y={
            "type": "data",
            "array": [b - m for b, m in zip(high, middle, strict=True)],
            "arrayminus": [m - a for a, m in zip(low, middle, strict=True)],
            "color": ink["line"],
            "thickness": 2,
            "width": 6,
        },
        hovertemplate="%{x}<br>%{text}<extra></extra>",
    )


def _percent(ratio: float | None) -> float | None:
    return None if ratio is None else round(ratio * 100, 3)
