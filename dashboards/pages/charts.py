"""The charts of the boards: what each reads, draws, says in a sentence and lists in its table.

The callback of a chart and its export call the same `read`, so file and picture agree.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from dashboards import tables, words
from dashboards.boards import states
from dashboards.boards.scope import Scope, machines_under
from dashboards.comparison import Figures, baseline_window, figures_of, sum_by_day
from dashboards.figures.hourly import HourTexts, count_traces, energy_traces
from dashboards.figures.timeline import timeline_traces
from dashboards.figures.trend import TrendTexts, trend_traces
from dashboards.hours import Hour
from dashboards.texts import _
from dashboards.thinning import MOST_SEGMENTS, Segment, drawn
from kernel.db import Work
from portal.production import queries as production
from portal.production.states import MachineState
from portal.ui import filters
from portal.ui.tables import Table
from portal.ui.theme import MOST_POINTS, chart, ink

TREND_DAYS: Final = 30
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Drawing:
    """One chart, read: the picture (of a theme), a sentence that says the finding, the table."""

    figure: go.Figure
    sentence: str
    table: Table


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart of a board by name. `read` asks the queries and draws for a theme."""

    name: str
    title: LazyString
    read: Callable[[Work, Scope, str], Drawing]


def read_trend(work: Work, scope: Scope, theme: str) -> Drawing:
    """OEE by day: at least 30 days up to the window's last, so that a day has its context."""
    window = scope.window
    first = min(window.first, window.last - (TREND_DAYS - 1) * _DAY)
    rows = production.sums_by_day(
        work,
        level=scope.place.level,
        first=first,
        last=window.last,
        under=scope.place.id,
        tenant_id=scope.company.id,
    )
    days = sum_by_day((row.production_day, row.bucket) for row in rows)
    base_first, base_last = baseline_window(first)
    base = production.sums_by_place(
        work,
        level=scope.place.level,
        first=base_first,
        last=base_last,
        under=scope.place.id,
        tenant_id=scope.company.id,
    )
    usual = figures_of(base.get(scope.place.id))
    baseline = usual.kpis.oee if usual else None
    texts = TrendTexts(
        value=_("OEE"),
        range=_("Range, coverage below %(share)s", share="95%"),
        baseline=_("Own 90 days before"),
    )
    traces = trend_traces(days, baseline=baseline, texts=texts, ink=ink(theme))
    shown = [day for day in days.values() if day.kpis.oee is not None or day.kpis.is_range]
    sentence = _trend_sentence(days.values(), baseline)
    floor = _axis_floor(shown)
    cut = _("axis from %(floor)s%%", floor=floor) if floor else ""
    axes: dict[str, Any] = {
        "xaxis": {"type": "date", "tickformat": "%m-%d"},
        "yaxis": {"range": [floor, 100]},
    }
    picture = chart(
        traces if shown else [],
        title=sentence,
        y_title=f"OEE % {cut}".strip(),
        theme=theme,
        **(axes if shown else {}),
    )
    return Drawing(picture, sentence, tables.days(days))


def read_states(work: Work, scope: Scope, theme: str) -> Drawing:
    """The state timeline of the machines at and below the place, through one production day."""
    machines = machines_under(work, scope.place.id)
    found = states.shown_day(work, scope, [machine.id for machine in machines])
    lanes = {machine.code: found.by_unit[machine.id] for machine in machines}
    most = min(MOST_SEGMENTS, MOST_POINTS // max(1, len(lanes)))
    thinned = {code: drawn(lane, most=most) for code, lane in lanes.items()}
    traces = timeline_traces(
        thinned,
        words={state: str(word) for state, word in words.STATES.items()},
        zone=scope.clock.zone,
        ink=ink(theme),
    )
    sentence = _states_sentence(lanes.values())
    picture = chart(
        traces,
        title=sentence,
        y_title="",
        theme=theme,
        height=max(150, 70 + 44 * len(lanes)),
        barmode="overlay",
        showlegend=True,
        **_lane_axes(scope, list(lanes), drawn=bool(traces)),
    )
    return Drawing(picture, sentence, tables.states(lanes, scope.clock.zone))


def read_hours(work: Work, scope: Scope, theme: str) -> Drawing:
    """Good pieces of each hour against the plan, machines of a line together."""
    rows = _hours(work, scope)
    traces = count_traces(rows, zone=scope.clock.zone, texts=_hour_texts(), ink=ink(theme))
    counted = any(row.good is not None for row in rows)
    sentence = (
        _hours_sentence(rows) if counted else _("No count source: pieces are not shown as 0.")
    )
    picture = chart(
        traces if counted else [],
        title=sentence,
        y_title=_("pieces per hour"),
        theme=theme,
        **(_hour_axis(scope) if counted else {}),
    )
    return Drawing(picture, sentence, tables.hours(rows, scope.clock.zone))


def read_energy(work: Work, scope: Scope, theme: str) -> Drawing:
    """Energy of each hour, and what of it produced nothing."""
    rows = _hours(work, scope)
    traces = energy_traces(rows, zone=scope.clock.zone, texts=_hour_texts(), ink=ink(theme))
    used = sum(row.energy_kwh or 0.0 for row in rows)
    idle = sum(row.idle_kwh or 0.0 for row in rows)
    sentence = (
        _("%(used)s, of which %(idle)s without producing.", used=filters.kwh(used, 1),
          idle=filters.kwh(idle, 1))
        if traces
        else _("No meter has reported on this day.")
    )  # fmt: skip
    axis = _hour_axis(scope) if traces else {}
    picture = chart(traces, title=sentence, y_title="kWh", theme=theme, barmode="stack", **axis)
    return Drawing(picture, sentence, tables.energy(rows, scope.clock.zone))


CHARTS: Final[Mapping[str, Chart]] = {
    each.name: each
    for each in (
        Chart("states", _l("States over a day"), read_states),
        Chart("hours", _l("Hour by hour"), read_hours),
        Chart("energy", _l("Energy by hour"), read_energy),
        Chart("trend", _l("OEE by day"), read_trend),
    )
}
PAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "company": ("trend",),
    "line": ("states", "hours", "trend"),
    "machine": ("states", "hours", "energy", "trend"),
}
"""Which charts stand on which board, in order."""


def _axis_floor(days: Sequence[Figures]) -> int:
    # A cut axis says where it begins; a multiple of ten below everything that is drawn.
    drawn_at = [day.kpis.oee or day.kpis.oee_low or 0.0 for day in days]
    return max(0, int(min(drawn_at, default=0.0) * 10 - 1) * 10)


def _hours(work: Work, scope: Scope) -> list[Hour]:
    machines = machines_under(work, scope.place.id)
    return states.day_hours(work, scope, [machine.id for machine in machines])


def _hour_texts() -> HourTexts:
    return HourTexts(
        good=_("Good pieces"),
        short=_("Under %(share)s of plan", share="80%"),
        plan=_("Plan"),
        energy=_("While producing"),
        idle=_("Without producing"),
    )


def _hour_axis(scope: Scope) -> dict[str, Any]:
    return {"xaxis": {"type": "date", "tickformat": "%H:%M", "range": _local_span(scope)}}


def _lane_axes(scope: Scope, lanes: Sequence[str], *, drawn: bool) -> dict[str, Any]:
    if not drawn:
        return {}
    lane = {"autorange": "reversed", "categoryorder": "array", "categoryarray": list(lanes)}
    return {**_hour_axis(scope), "yaxis": {"type": "category", "showgrid": False, **lane}}


def _local_span(scope: Scope) -> list[str]:
    zone = ZoneInfo(scope.clock.zone)
    return [moment.astimezone(zone).replace(tzinfo=None).isoformat() for moment in scope.day_span]


def _trend_sentence(days: Collection[Figures], baseline: float | None) -> str:
    known = [day for day in days if day.kpis.oee is not None]
    if not known:
        return _("No OEE can be computed for these days.")
    best = max(known, key=lambda day: day.kpis.oee or 0.0).kpis.oee
    worst = min(known, key=lambda day: day.kpis.oee or 0.0).kpis.oee
    if baseline is None:
        return _(
            "Between %(worst)s and %(best)s a day. Choose a day to open it.",
            worst=filters.ratio(worst),
            best=filters.ratio(best),
        )
    return _(
        "Between %(worst)s and %(best)s a day; own 90 days before: %(base)s."
        " Choose a day to open it.",
        worst=filters.ratio(worst),
        best=filters.ratio(best),
        base=filters.ratio(baseline),
    )


def _states_sentence(lanes: Collection[Sequence[Segment]]) -> str:
    every = [each for lane in lanes for each in lane]
    if not every:
        return _("Nothing is known of this day.")
    down = sum(each.seconds for each in every if each.state is MachineState.DOWN)
    unknown = sum(each.seconds for each in every if each.state is MachineState.UNKNOWN)
    return _(
        "Down %(down)s in all; no data for %(unknown)s, which is not filled in.",
        down=filters.duration(down),
        unknown=filters.duration(unknown),
    )


def _hours_sentence(rows: Sequence[Hour]) -> str:
    good = sum(row.good or 0.0 for row in rows)
    last = next((row.gap for row in reversed(rows) if row.gap is not None), None)
    if last is None:
        return _("%(good)s good; no planned run time, so no plan.", good=filters.integer(good))
    return _(
        "%(good)s good, %(gap)s against plan so far; short hours are hatched.",
        good=filters.integer(good),
        gap=filters.decimal(last, 0, signed=True),
    )
