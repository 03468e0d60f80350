"""The tables of the boards, each described once: the page draws it, CSV and XLSX write it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from dashboards import words
from dashboards.boards.figure import Part
from dashboards.boards.group import CompanyLine
from dashboards.boards.scope import Scope
from dashboards.boards.standing import Standing
from dashboards.comparison import Figures
from dashboards.exception import Deviation
from dashboards.hours import Hour
from dashboards.profiles import Kpi
from dashboards.texts import _
from dashboards.thinning import Segment
from portal.production.labels import source_word
from portal.production.oee import Kpis, LossStep
from portal.production.rows import FactRow
from portal.ui.filters import locale_code
from portal.ui.tables import Cell, CellKind, Column, Table

_NOTHING = (None,) * 10


def companies(rows: Sequence[CompanyLine], total: Figures) -> Table:
    """Return the group's companies, the worst first, with the whole group as the last row."""
    body: list[Sequence[Cell]] = [
        (
            row.company.name(locale_code()),
            row.score.total,
            *_kpi_cells(row.now),
            _change(row.score.parts.get(Kpi.OEE)),
            _change(row.score.parts.get(Kpi.ENERGY)),
            len(row.late),
            row.newest,
        )
        for row in rows
    ]
    body.append((_("Group Σ/Σ"), None, *_kpi_cells(total), None, None, None, None))
    columns = (
        Column(_("Company")),
        Column(_("Exception score"), CellKind.DECIMAL),
        *_kpi_columns(),
        Column(_("OEE against baseline"), CellKind.POINTS),
        Column(_("Energy per good unit against baseline"), CellKind.RATIO),
        Column(_("Late lines"), CellKind.INTEGER),
        Column(_("Newest data"), CellKind.MOMENT),
    )
    return Table("companies", _("Companies and measures"), columns, body)


def places(name: str, title: str, rows: Iterable[Standing], zone: str) -> Table:
    """Return lines or machines with their figures."""
    columns = (
        Column(_("Code")),
        Column(_("Name")),
        *_kpi_columns(),
        Column(_("OEE against baseline"), CellKind.POINTS),
        Column(_("Energy per good unit against baseline"), CellKind.RATIO),
        Column(_("Newest data"), CellKind.MOMENT, zone=zone),
    )
    body = [
        (
            row.place.code,
            row.place.name(locale_code()),
            *_kpi_cells(row.now),
            _change(row.part(Kpi.OEE)),
            _change(row.part(Kpi.ENERGY)),
            row.newest,
        )
        for row in rows
    ]
    return Table(name, title, columns, body)


def losses(steps: Sequence[LossStep]) -> Table:
    """Return the waterfall from calendar time to good output."""
    columns = (Column(_("Step")), Column(_("Time"), CellKind.HOURS, digits=2))
    body = [(step_word(step), step.seconds if step.total else -step.seconds) for step in steps]
    return Table("losses", _("Where the time went"), columns, body)


def days(rows: Mapping[date, Figures]) -> Table:
    """Return the figures of each production day."""
    columns = (Column(_("Production day"), CellKind.DAY), *_kpi_columns())
    body = [(day, *_kpi_cells(figures)) for day, figures in rows.items()]
    return Table("days", _("Figures by production day"), columns, body)


def states(lanes: Mapping[str, Sequence[Segment]], zone: str) -> Table:
    """Return every interval of every lane: what the drawing may have thinned out."""
    columns = (
        Column(_("Machine")),
        Column(_("From"), CellKind.MOMENT, zone=zone),
        Column(_("Until"), CellKind.MOMENT, zone=zone),
        Column(_("Length"), CellKind.DURATION),
        Column(_("State")),
        Column(_("Reason")),
    )
    body = [
        (code, each.start, each.end, each.seconds, str(words.STATES[each.state]), each.reason)
        for code, lane in lanes.items()
        for each in lane
    ]
    return Table("states", _("States"), columns, body)


def stops(lane: Iterable[Segment], zone: str) -> Table:
    """Return the stops of one machine."""
    columns = (
        Column(_("From"), CellKind.MOMENT, zone=zone),
        Column(_("Until"), CellKind.MOMENT, zone=zone),
        Column(_("Length"), CellKind.DURATION),
        Column(_("State")),
        Column(_("Reason")),
    )
    body = [
        (each.start, each.end, each.seconds, str(words.STATES[each.state]), each.reason or None)
        for each in lane
    ]
    return Table("stops", _("Stops"), columns, body)


def hours(rows: Sequence[Hour], zone: str) -> Table:
    """Return the hour-by-hour board."""
    columns = (
        Column(_("Hour from"), CellKind.MOMENT, zone=zone),
        Column(_("Plan"), CellKind.DECIMAL),
        Column(_("Good"), CellKind.INTEGER),
        Column(_("Scrap"), CellKind.INTEGER),
        Column(_("Gap so far"), CellKind.DECIMAL),
        Column(_("Largest loss")),
        Column(_("Time lost to it"), CellKind.DURATION),
    )
    body = [
        (
            row.start,
            row.plan,
            row.good,
            row.scrap,
            row.gap,
            str(words.STATES[row.worst]) if row.worst else None,
            row.worst_s if row.worst else None,
        )
        for row in rows
    ]
    return Table("hours", _("Hour by hour"), columns, body)


def energy(rows: Sequence[Hour], zone: str) -> Table:
    """Return the energy of each hour."""
    columns = (
        Column(_("Hour from"), CellKind.MOMENT, zone=zone),
        Column(_("Energy"), CellKind.DECIMAL, unit="kWh", digits=3),
        Column(_("of which without producing"), CellKind.DECIMAL, unit="kWh", digits=3),
    )
    body = [(row.start, row.energy_kwh, row.idle_kwh) for row in rows]
    return Table("energy", _("Energy by hour"), columns, body)


def facts(rows: Iterable[FactRow], zone: str) -> Table:
    """Return raw facts as they came."""
    columns = (
        Column(_("Occurred"), CellKind.MOMENT, zone=zone),
        Column(_("Item")),
        Column(_("Value")),
        Column(_("Until"), CellKind.MOMENT, zone=zone),
        Column(_("Reason")),
        Column(_("Product")),
        Column(_("Source")),
        Column(_("Recorded"), CellKind.MOMENT, zone=zone),
        Column(_("Batch")),
    )
    body = [
        (
            row.occurred_at,
            row.item,
            row.value,
            row.ended_at,
            row.reason_code,
            row.product_code,
            source_word(row.source_name),
            row.recorded_at,
            str(row.batch_id),
        )
        for row in rows
    ]
    return Table("facts", _("Raw facts"), columns, body)


def parts(rows: Sequence[Part], terms: Sequence[str]) -> Table:
    """Return what a figure was added up from."""
    columns = (
        Column(_("Part")),
        *(Column(str(words.SUMS.get(term, term)), _kind_of(term)) for term in terms),
    )
    body = [(part.label, *part.sums) for part in rows]
    return Table("figure", _("What it was added up from"), columns, body)


def step_word(step: LossStep) -> str:
    """Return the name of a step of the waterfall."""
    if step.state is not None:
        return str(words.STATES[step.state])
    return str(words.STEPS.get(step.code, step.code))


def about(scope: Scope | None, said: Iterable[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """Return the second sheet of an export: what, where, which days, and what `said` adds."""
    pairs: list[tuple[str, str]] = []
    if scope is not None:
        names = " › ".join(place.name(locale_code()) for place in scope.path)
        pairs += [
            (_("Place"), names),
            (_("Production days"), f"{scope.window.first} … {scope.window.last}"),
            (_("Time zone"), scope.clock.zone),
            (_("Origin of the data"), str(words.ORIGINS[scope.company.origin])),
        ]
    return [*pairs, *said]


def _kind_of(term: str) -> CellKind:
    return CellKind.HOURS if term.endswith("_s") else CellKind.DECIMAL


def _kpi_columns() -> Sequence[Column]:
    return (
        Column(_("Good"), CellKind.INTEGER),
        Column(_("OEE"), CellKind.RATIO),
        Column(_("OEE from"), CellKind.RATIO),
        Column(_("OEE to"), CellKind.RATIO),
        Column(_("Availability"), CellKind.RATIO),
        Column(_("Effectiveness"), CellKind.RATIO),
        Column(_("Quality"), CellKind.RATIO, digits=2),
        Column(_("Energy per good unit"), CellKind.DECIMAL, unit="kWh", digits=3),
        Column(_("Energy"), CellKind.DECIMAL, unit="kWh"),
        Column(_("Coverage"), CellKind.RATIO),
    )


def _kpi_cells(figures: Figures | None) -> Sequence[Cell]:
    if figures is None:
        return _NOTHING
    k: Kpis = figures.kpis
    return (
        figures.output.gq,
        k.oee,
        k.oee_low if k.is_range else None,
        k.oee_high if k.is_range else None,
        k.availability,
        k.effectiveness,
        k.quality,
        k.energy_per_good_kwh,
        figures.time.energy_kwh,
        k.coverage,
    )


def _change(part: Deviation | None) -> float | None:
    return None if part is None else part.change
