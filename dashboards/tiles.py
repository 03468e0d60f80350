"""The tiles of the group's and a company's board: figure, change, status, how it is computed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from markupsafe import Markup

from dashboards import words
from dashboards.boards.company import CompanyBoard
from dashboards.boards.group import GroupBoard
from dashboards.boards.scope import Scope
from dashboards.boards.standing import Standing
from dashboards.comparison import Figures, compare
from dashboards.exception import Deviation, Status, change_of
from dashboards.links import Links
from dashboards.profiles import Kpi, Scale, measures_of
from dashboards.shown import changed
from dashboards.texts import _
from portal.ui import filters, svg

TILES: Final = 6


@dataclass(frozen=True, slots=True)
class Tile:
    """What the macro `tile` is given."""

    label: str
    figure: str
    unit: str = ""
    href: str = ""
    status: Any = None
    facts: Sequence[tuple[str, str]] = field(default_factory=tuple)
    spark: Markup | str = ""
    how: str = ""


def group_tiles(board: GroupBoard, links: Links) -> Sequence[Tile]:
    """Return the eight tiles of the group, each with its change and how it is computed."""
    now, before = board.now, board.before
    rate = _change(now, before, Kpi.OUTPUT)
    energy = _change(now, before, Kpi.ENERGY)
    idle = now.kpis.idle_energy_ratio
    late = len(board.late)
    concerned = len({each.company.id for each in board.late})
    return (
        Tile(
            _("Good output"),
            filters.integer(now.output.gq),
            _("pcs"),
            facts=((_("per planned hour, vs before"), filters.change(rate)),
                   (_("Scrap"), filters.integer(now.output.sq))),
            spark=_spark(board, _("Good output by day"), lambda day: day.output.gq),
            how=links.figure(None, "gq"),
        ),
        _oee_tile(board, links),
        _ratio_tile(board, links, Kpi.AVAILABILITY, _("Availability")),
        _ratio_tile(board, links, Kpi.QUALITY, _("Quality"), digits=2),
        Tile(
            _("Energy per good unit"),
            filters.decimal(now.kpis.energy_per_good_kwh, 3),
            "kWh",
            status=_status(board, Kpi.ENERGY),
            facts=((_("vs before"), filters.change(energy)),
                   (_("in all"), filters.kwh(now.time.energy_kwh)),
                   (_("without producing"), filters.ratio(idle))),
            spark=_spark(board, _("Energy per good unit by day"),
                         lambda day: day.kpis.energy_per_good_kwh),
            how=links.figure(None, "energy_per_good_kwh"),
        ),
        Tile(
            _("Down"),
            filters.decimal(now.time.down_s / 3600, 0),
            "h",
            facts=((_("before"), filters.hours(before.time.down_s, 0)),
                   (_("of planned time"), filters.ratio(_share(now.time.down_s, now)))),
            spark=_spark(board, _("Hours down by day"), lambda day: day.time.down_s),
            how=links.figure(None, "down_s"),
        ),
        Tile(
            _("Time without data"),
            filters.decimal(now.time.unk_s / 3600, 0),
            "h",
            facts=((_("before"), filters.hours(before.time.unk_s, 0)),
                   (_("of planned time"), filters.ratio(_share(now.time.unk_s, now)))),
            spark=_spark(board, _("Hours without data by day"), lambda day: day.time.unk_s),
            how=links.figure(None, "unk_s"),
        ),
        Tile(
            _("Late lines"),
            filters.integer(late),
            _("of %(count)s", count=board.lines),
            status="stale" if late else "ok",
            facts=((_("Companies concerned"), filters.integer(concerned)),),
        ),
    )  # fmt: skip


def company_tiles(board: CompanyBoard, scope: Scope, links: Links) -> Sequence[Tile]:
    """Return a company's tiles: measures of its profile in their order, then lost time."""
    whole = board.whole
    if whole.now is None:
        return ()
    found = [
        _measure_tile(whole, links, measure.kpi)
        for measure in measures_of(scope.company.kpi_profile)
    ][: TILES - 1]
    now = whole.now
    found.append(
        Tile(
            _("Lost time"),
            filters.decimal(now.lost_s / 3600, 0),
            "h",
            facts=((_("Down"), filters.hours(now.time.down_s, 0)),
                   (_("Without data"), filters.hours(now.time.unk_s, 0))),
            how=links.figure(whole.place, "down_s"),
        )
    )  # fmt: skip
    return found


def _measure_tile(whole: Standing, links: Links, kpi: Kpi) -> Tile:
    now, part = whole.now, whole.part(kpi)
    assert now is not None
    figure = {
        Kpi.OUTPUT: filters.integer(now.output.gq),
        Kpi.ENERGY: filters.decimal(now.kpis.energy_per_good_kwh, 3),
    }.get(kpi, filters.ratio(now.value(kpi), 2 if kpi is Kpi.QUALITY else 1))
    if kpi is Kpi.OEE and now.kpis.is_range:
        figure = filters.ratio_range(now.kpis.oee_low, now.kpis.oee_high)
    units = {Kpi.OUTPUT: _("pcs"), Kpi.ENERGY: "kWh"}
    titles = {Kpi.OUTPUT: _("Good output")}
    baseline = [(_("vs own baseline"), changed(part))] if part else []
    number, unit = _apart(figure)
    return Tile(
        titles.get(kpi, str(words.KPIS[kpi])),
        number,
        units.get(kpi, unit),
        status=_word_of(part),
        facts=tuple(baseline),
        how=links.figure(whole.place, kpi.value),
    )


def _word_of(part: Deviation | None) -> Any:
    if part is None or part.status in (Status.NO_BASELINE, Status.MISSING):
        return None
    if part.status is Status.LOW_COVERAGE:
        return ("low", _("Low coverage"))
    return part.status.value


def _ratio_tile(board: GroupBoard, links: Links, kpi: Kpi, label: str, digits: int = 1) -> Tile:
    now, before = board.now, board.before
    figure = filters.ratio(now.value(kpi), digits)
    base = change_of(now.value(kpi), board.base.value(kpi), Scale.POINTS)
    return Tile(
        label,
        *_apart(figure),
        status=_status(board, kpi),
        facts=((_("vs before"), filters.points(_change(now, before, kpi))),
               (_("vs 90-day baseline"), filters.points(base))),
        spark=_spark(board, _("%(measure)s by day", measure=label), lambda day: day.value(kpi)),
        how=links.figure(None, kpi.value),
    )  # fmt: skip


def _oee_tile(board: GroupBoard, links: Links) -> Tile:
    now, base = board.rated, board.rated_base
    figure = filters.ratio(now.kpis.oee)
    if now.kpis.is_range:
        figure = filters.ratio_range(now.kpis.oee_low, now.kpis.oee_high)
    part = compare("discrete", now, base).parts[Kpi.OEE]
    return Tile(
        _("OEE"),
        *_apart(figure),
        status=_word_of(part),
        facts=(
            (_("vs 90-day baseline"), changed(part)),
            (_("of companies"), filters.integer(board.rated_companies)),
        ),
        how=links.figure(None, "oee"),
    )


def _apart(figure: str) -> tuple[str, str]:
    return (figure[:-1], "%") if figure.endswith("%") else (figure, "")


def _status(board: GroupBoard, kpi: Kpi) -> Any:
    # The group as a whole is judged like a discrete company: against its own 90 days.
    parts = compare("process" if kpi is Kpi.AVAILABILITY else "discrete", board.now, board.base)
    return _word_of(parts.parts.get(kpi))


def _change(now: Figures, before: Figures, kpi: Kpi) -> float | None:
    scale = Scale.PERCENT if kpi in (Kpi.OUTPUT, Kpi.ENERGY) else Scale.POINTS
    return change_of(now.value(kpi), before.value(kpi), scale)


def _spark(board: GroupBoard, title: str, of: Callable[[Figures], float | None]) -> Markup:
    return svg.sparkline([of(day) for day in board.days.values()], title=title)


def _share(seconds: float, of: Figures) -> float | None:
    return seconds / of.time.pbt_s if of.time.pbt_s else None
