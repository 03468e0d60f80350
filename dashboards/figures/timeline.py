"""What each machine did through a production day: one lane a machine, one trace a state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from dashboards.thinning import Segment
from portal.production.states import MachineState as S
from portal.ui.theme import escape


@dataclass(frozen=True, slots=True)
class Look:
    """How a state is drawn: its token, its pattern, the height of its bar in the lane."""

    ink: str
    shape: str
    height: float = 0.86


LOOKS: Final[Mapping[S, Look]] = {
    S.PRODUCING: Look("st-producing", "", 0.62),
    S.SETUP: Look("st-setup", "|"),
    S.MINOR_STOP: Look("st-minor", ""),
    S.DOWN: Look("st-down", "x"),
    S.STARVED: Look("st-starved", "/"),
    S.BLOCKED: Look("st-blocked", "\\"),
    S.IDLE: Look("st-idle", "."),
    S.MAINT_PLANNED: Look("st-maint", "-"),
    S.ENGINEERING: Look("st-eng", "+"),
    S.PLANNED_STOP: Look("st-planned", "-"),
    S.UNKNOWN: Look("st-unknown", "/"),
}
"""States that are drawn, in the order of the legend; `not_scheduled` is left blank."""

_HOLLOW: Final = frozenset({S.UNKNOWN, S.PLANNED_STOP})
"""Drawn as an outline with a pattern on paper: nothing happened, or nobody knows what."""


def timeline_traces(
    lanes: Mapping[str, Sequence[Segment]],
    *,
    words: Mapping[S, str],
    zone: str,
    ink: Mapping[str, str],
) -> list[go.Bar]:
    """Return a bar trace a state over all lanes, the first lane on top; times in `zone`."""
    at_zone = ZoneInfo(zone)
    traces = []
    for state, look in LOOKS.items():
        found = [
            (name, each) for name, lane in lanes.items() for each in lane if each.state is state
        ]
        if found:
            traces.append(_bars(state, look, found, words[state], at_zone, ink))
    return traces


def _bars(
    state: S,
    look: Look,
    found: Sequence[tuple[str, Segment]],
    word: str,
    zone: ZoneInfo,
    ink: Mapping[str, str],
) -> go.Bar:
    paper = ink["card"] if state in _HOLLOW else ink[look.ink]
    line = ink[look.ink] if state in _HOLLOW else ink["st-ink"]
    return go.Bar(
        base=[_local(each.start, zone) for _, each in found],
        x=[each.seconds * 1_000 for _, each in found],
        y=[name for name, _ in found],
        text=[_sentence(each, zone) for _, each in found],
        textposition="none",
        orientation="h",
        width=look.height,
        name=word,
        hovertemplate="%{y} · " + word + "<br>%{text}<extra></extra>",
        marker={
            "color": paper,
            "line": {"color": ink[look.ink], "width": 1 if state in _HOLLOW else 0},
            "pattern": {
                "shape": look.shape,
                "size": 6,
                "solidity": 0.3,
                "fgcolor": line,
                "bgcolor": paper,
            },
        },
    )


def _sentence(each: Segment, zone: ZoneInfo) -> str:
    span = f"{each.start.astimezone(zone):%H:%M:%S}–{each.end.astimezone(zone):%H:%M:%S}"
    return f"{span} {escape(each.reason)}" if each.reason else span


def _local(moment: datetime, zone: ZoneInfo) -> str:
    # Plotly draws what it is given without a zone: the reader's wall clock at the site.
    return moment.astimezone(zone).replace(tzinfo=None).isoformat(timespec="seconds")
