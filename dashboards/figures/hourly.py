"""Good pieces and energy of each hour of a production day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from dashboards.hours import Hour


@dataclass(frozen=True, slots=True)
class HourTexts:
    """Words of the charts in the reader's language."""

    good: str
    short: str
    plan: str
    energy: str
    idle: str


def count_traces(
    rows: Sequence[Hour], *, zone: str, texts: HourTexts, ink: Mapping[str, str]
) -> list[go.Bar | go.Scatter]:
    """Return good pieces an hour, hatched under 80 % of plan, and the plan as a line.

    An hour of which nothing is known has no bar: a gap, not a zero.
    """
    known = [row for row in rows if row.known and row.good is not None]
    kept = [row for row in known if not row.short]
    short = [row for row in known if row.short]
    at = ZoneInfo(zone)
    traces: list[go.Bar | go.Scatter] = [
        _bars(kept, [row.good for row in kept], texts.good, at, ink["bar"], "", ink["card"]),
        _bars(
            short,
            [row.good for row in short],
            texts.short,
            at,
            ink["s1"],
            "/",
            ink["card"],
            ink["card"],
        ),
    ]
    planned = [row for row in rows if row.plan is not None]
    if planned:
        traces.append(
            go.Scatter(
                x=[_middle(row.start, at) for row in planned],
                text=[_span(row.start, at) for row in planned],
                y=[row.plan for row in planned],
                mode="lines",
                name=texts.plan,
                line={"color": ink["text"], "width": 1.5, "shape": "hvh"},
                hovertemplate="%{text}<br>%{y:.1f}<extra>" + texts.plan + "</extra>",
            )
        )
    return [trace for trace in traces if len(trace.x or ())]


def energy_traces(
    rows: Sequence[Hour], *, zone: str, texts: HourTexts, ink: Mapping[str, str]
) -> list[go.Bar]:
    """Return kWh an hour, what was used without producing hatched on top."""
    metered = [row for row in rows if row.energy_kwh is not None]
    at = ZoneInfo(zone)
    idle = [row.idle_kwh or 0.0 for row in metered]
    busy = [max(0.0, (row.energy_kwh or 0.0) - i) for row, i in zip(metered, idle, strict=True)]
    traces = [
        _bars(metered, busy, texts.energy, at, ink["bar"], "", ink["card"]),
        _bars(metered, idle, texts.idle, at, ink["st-idle"], ".", ink["card"]),
    ]
    return [trace for trace in traces if len(trace.x or ())]


def _bars(
    rows: Sequence[Hour],
    values: Sequence[float | None],
    name: str,
    zone: ZoneInfo,
    colour: str,
    shape: str,
    paper: str,
    ground: str | None = None,
) -> go.Bar:
    return go.Bar(
        x=[_middle(row.start, zone) for row in rows],
        text=[_span(row.start, zone) for row in rows],
        textposition="none",
        y=[None if value is None else round(value, 3) for value in values],
        width=3_000_000,
        name=name,
        hovertemplate="%{text}<br>%{y:,.1f}<extra>" + name + "</extra>",
        marker={
            "color": ground or colour,
            "line": {"color": colour, "width": 1},
            "pattern": {
                "shape": shape,
                "size": 5,
                "solidity": 0.35,
                "fgcolor": colour if ground else paper,
                "bgcolor": ground or colour,
            },
        },
    )


def _middle(hour: datetime, zone: ZoneInfo) -> str:
    # A bar stands on the middle of its hour, so that it fills the hour on the axis.
    middle = (hour + timedelta(minutes=30)).astimezone(zone)
    return middle.replace(tzinfo=None).isoformat(timespec="minutes")


def _span(hour: datetime, zone: ZoneInfo) -> str:
    start, end = hour.astimezone(zone), (hour + timedelta(hours=1)).astimezone(zone)
    return f"{start:%H:%M}–{end:%H:%M}"
