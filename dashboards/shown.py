"""From what a board has read to what its template draws: tiles, bars, strips, sentences."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from markupsafe import Markup

from dashboards import tables, words
from dashboards.boards.company import CompanyBoard
from dashboards.boards.figure import FigurePage, called
from dashboards.boards.group import GroupBoard, is_exception
from dashboards.boards.scope import Scope
from dashboards.boards.standing import Standing
from dashboards.boards.states import Lanes
from dashboards.exception import Deviation, Score, Status
from dashboards.links import Links
from dashboards.profiles import Kpi, Scale
from dashboards.texts import _
from dashboards.thinning import drawn
from kernel.db import Work
from kernel.ids import PlaceId
from portal.production.oee import LossStep
from portal.production.states import MachineState
from portal.production.worktime import day_span, production_day
from portal.ui import filters, svg
from portal.ui.numbers import GAP
from portal.ui.periods import Window, window
from portal.ui.viewstate import ViewState
from tenants.access import places_under
from tenants.permissions import Permission
from tenants.queries import DEFAULT_CLOCK

FACT_KINDS: Final = ("state", "count", "energy")
STRIP_SEGMENTS: Final = 240
_DAY: Final = timedelta(days=1)
_FILLS: Final = {"good": "ok", "scrap": "bad"}


def common(work: Work, scope: Scope, links: Links) -> dict[str, Any]:
    """Return what every board's template is given."""
    within = places_under(work, scope.audience.permission)
    return {
        "scope": scope,
        "links": links,
        "K": Kpi,
        "strips": strip,
        "hour_scale": lambda lanes: hour_scale(lanes, scope.clock.zone),
        "state_keys": [(state.value, str(words.STATES[state])) for state in words.DRAWN],
        "strip_title": _("Last 24 h") if scope.is_recent else str(scope.day),
        "day_title": _("last 24 hours") if scope.is_rolling else str(scope.day),
        "called": called,
        "state_word": lambda state: str(words.STATES[state]),
        "revised_word": lambda because: str(words.REVISED.get(because, because)),
        "opens_credit": work.actor.may(Permission.CREDIT_PROFILE_READ),
        "may_open": lambda place: within is None or place.id in within,
    }


def group_window(work: Work, view: ViewState) -> Window:
    """Return the days of the group's board: dates, by the clock of a company without a site."""
    clock = DEFAULT_CLOCK
    today = production_day(work.now, zone=ZoneInfo(clock.zone), day_start=clock.day_start)
    return window(view, today)


def window_span(scope: Scope) -> tuple[datetime, datetime]:
    """Return the UTC span of all production days of the window."""
    zone = ZoneInfo(scope.clock.zone)
    first = day_span(scope.window.first, zone=zone, day_start=scope.clock.day_start)
    last = day_span(scope.window.last, zone=zone, day_start=scope.clock.day_start)
    return first[0], last[1]


def about_reading(work: Work) -> Sequence[tuple[str, str]]:
    """Return who reads and when, for the second sheet of an export."""
    return [(_("Read by"), work.actor.name), (_("Read at"), work.now.isoformat(timespec="seconds"))]


def group_sentence(board: GroupBoard) -> str:
    """Say which company is furthest off, and which could not be compared."""
    found = ((row, part) for row in board.companies for part in row.score.worst())
    worst = next(((row, part) for row, part in found if is_exception(part)), None)
    said = []
    if worst is not None:
        row, part = worst
        said.append(
            _(
                "%(company)s is furthest from its own baseline: %(measure)s %(change)s.",
                company=row.company.name(filters.locale_code()),
                measure=str(words.KPIS[part.kpi]),
                change=changed(part),
            )
        )
    gaps = [row for row in board.companies if _has_gap(row.score)]
    if gaps:
        names = ", ".join(row.company.name(filters.locale_code()) for row in gaps)
        said.append(_("Not compared, because data are missing: %(names)s.", names=names))
    return " ".join(said) or _("Every company is within tolerance of its own baseline.")


def company_sentence(board: CompanyBoard) -> str:
    """Say which line is furthest from its own baseline and which show a range alone."""
    found = [(line, part) for line in board.lines for part in line.score.worst()]
    off = [(line, part) for line, part in found if is_exception(part)]
    worst = max(off, key=lambda each: each[1].points, default=None)
    said = []
    if worst is not None:
        line, part = worst
        said.append(
            _(
                "%(line)s is furthest from its own baseline: %(measure)s %(change)s.",
                line=line.place.name(filters.locale_code()),
                measure=str(words.KPIS[part.kpi]),
                change=changed(part),
            )
        )
    ranges = [line for line in board.lines if line.now and line.now.kpis.is_range]
    if ranges:
        names = ", ".join(line.place.name(filters.locale_code()) for line in ranges)
        said.append(_("Too little data for one number, so a range: %(names)s.", names=names))
    return " ".join(said) or _("Every line is within tolerance of its own baseline.")


def place_sentence(whole: Standing) -> str:
    """Say in one sentence how a line or machine stands."""
    if whole.now is None:
        return _("Nothing is known of these days.")
    if whole.now.kpis.is_range:
        return _("Too little data for one number: OEE lies within the range.")
    return _("OEE %(oee)s.", oee=filters.ratio(whole.now.kpis.oee))


def late_sentence(rows: Iterable[Standing], links: Links) -> Sequence[tuple[str, str]]:
    """Return a sentence and an address for each line or machine whose data are late."""
    return [
        (
            _(
                "%(place)s: newest data %(age)s. The time since then counts as unknown;"
                " the last state does not go on.",
                place=row.place.name(filters.locale_code()),
                age=filters.age(row.newest),
            ),
            links.board(row.place),
        )
        for row in rows
        if row.late
    ]


def loss_bars(steps: Sequence[LossStep]) -> list[svg.BarRow]:
    """Return the waterfall as the rows of a bar table, hours written beside the bars."""
    whole = [step for step in steps if step.total or abs(step.seconds) >= 1]
    return svg.waterfall(
        [
            svg.Step(
                label=tables.step_word(step),
                amount=step.seconds,
                total=step.total,
                fill=_fill(step),
                values=(filters.decimal(_signed(step) / 3600, 1),),
            )
            for step in whole
        ]
    )


def loss_sentence(steps: Sequence[LossStep]) -> str:
    """Name the largest loss of planned time."""
    outside = ("not_scheduled_s", "planned_stop_s", "overtime_s")
    lost = [step for step in steps if not step.total and step.code not in outside]
    worst = max(lost, key=lambda step: step.seconds, default=None)
    if worst is None or worst.seconds <= 0:
        return _("From calendar time to good output, in machine hours.")
    return _(
        "%(loss)s cost most: %(hours)s of machine time.",
        loss=tables.step_word(worst),
        hours=filters.hours(worst.seconds),
    )


def strip(units: Sequence[PlaceId], lanes: Lanes, label: str) -> Markup:
    """Draw the last day of some machines as lanes above each other."""
    found = [drawn(lanes.by_unit.get(unit, ()), most=STRIP_SEGMENTS) for unit in units]
    known = [svg.Lane([svg.Span(e.start, e.end, e.state.value) for e in lane]) for lane in found]
    height = min(64, max(14, 9 * len(known)))
    title = _("%(place)s: %(words)s", place=label, words=_day_words(found))
    return svg.state_strip(
        known, first_at=lanes.start, until_at=lanes.end, title=title, height=height
    )


def hour_scale(lanes: Lanes, zone: str) -> Markup:
    """Return the hours over a strip of 24: every second one, in the site's clock."""
    step = (lanes.end - lanes.start) / 12
    hours = [filters.clock_time(lanes.start + step * number, zone)[:2] for number in range(12)]
    cells = Markup("").join(Markup("<span>{}</span>").format(hour) for hour in hours)
    return Markup('<div class="hours" aria-hidden="true">{}</div>').format(cells)


def score_bar(score: Score) -> Markup:
    """Draw an exception score against 12, which is far out."""
    return svg.meter(min(score.total, 12.0), 12.0, title=filters.decimal(score.total))


def neighbours(scope: Scope, links: Links) -> Mapping[str, str]:
    """Return the addresses of the day before and after the shown one."""
    day = scope.day
    found = {"before": links.on_day(scope.place, day - _DAY)}
    if day < scope.window.today:
        found["after"] = links.on_day(scope.place, day + _DAY)
    return found


def fact_kinds() -> Sequence[tuple[str, str]]:
    """Return the kinds of raw facts with their names."""
    return (("state", _("States")), ("count", _("Counts")), ("energy", _("Energy readings")))


def changed(part: Deviation) -> str:
    """Write a judged change: points of a ratio, per cent of an amount."""
    if part.change is None:
        return GAP
    write = filters.points if part.scale is Scale.POINTS else filters.change
    return write(part.change)


class FigureWords:
    """The opened figure in words: its title, its value with unit, its sums."""

    def __init__(self, page: FigurePage) -> None:
        self.formula = page.formula

    @property
    def title(self) -> str:
        """The figure's name in the reader's language."""
        return str(words.FORMULA_TITLES.get(self.formula.code, self.formula.title))

    @property
    def terms(self) -> Sequence[str]:
        """The names of the sums, in the formula's order."""
        return [str(words.SUMS.get(term, term)) for term in self.formula.terms]

    def value(self, value: float | None) -> str:
        """Write a result of the formula with its unit."""
        match self.formula.unit:
            case "ratio":
                return filters.ratio(value, 2)
            case "s":
                return filters.hours(value, 2)
            case "kWh":
                return filters.kwh(value, 3)
        return filters.decimal(value, 0)

    def sum(self, index: int, value: float | None) -> str:
        """Write one sum: seconds also as hours, energy in kWh, pieces plain."""
        term = self.formula.terms[index]
        if term.endswith("_s"):
            return filters.hours(value, 2)
        return filters.kwh(value, 1) if term.endswith("_kwh") else filters.decimal(value, 0)

    def revised(self, because: str | None) -> str:
        """Say why a version was made."""
        return str(words.REVISED.get(because or "", because or ""))


def _has_gap(score: Score) -> bool:
    return any(part.status is Status.LOW_COVERAGE for part in score.parts.values())


def _fill(step: LossStep) -> str:
    if step.state is not None and step.state is not MachineState.NOT_SCHEDULED:
        return step.state.value
    return _FILLS.get(step.code, "bar" if step.total else "loss")


def _signed(step: LossStep) -> float:
    return step.seconds if step.total else -step.seconds


def _day_words(found: Sequence[Sequence[Any]]) -> str:
    sums: dict[MachineState, float] = {}
    for lane in found:
        for each in lane:
            sums[each.state] = sums.get(each.state, 0.0) + each.seconds
    shown = sorted(sums, key=lambda state: -sums[state])[:4]
    parts = [f"{words.STATES[state]} {filters.duration(sums[state])}" for state in shown]
    return ", ".join(parts) or _("nothing known")
