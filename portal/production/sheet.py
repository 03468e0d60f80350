"""The shift sheet of a plant without sensors: what must agree on it, and the facts it becomes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from .output import GOOD, PRODUCED, REWORK, SCRAP, Quantity
from .states import MachineState, Rank
from .timeline import StateReport
from .worktime import Shift, Workday

_EQUAL: Final = 5e-4
"""Quantities have three decimals; a difference below half of the last is rounding."""


@dataclass(frozen=True, slots=True)
class ProductLine:
    """What was made of one product in the shift."""

    product: str | None
    produced: float
    good: float
    scrap: float = 0.0
    rework: float = 0.0


@dataclass(frozen=True, slots=True)
class LostTime:
    """Minutes lost for one reason, how often, and the state that the reason stands for."""

    minutes: float
    state: MachineState = MachineState.DOWN
    reason_code: str | None = None
    stops: int = 1


@dataclass(frozen=True, slots=True)
class Sheet:
    """One shift of one unit as a person enters it; `busy_s` is its planned time without breaks."""

    production_day: date
    shift: Shift
    busy_s: float
    products: Sequence[ProductLine] = ()
    lost: Sequence[LostTime] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class SheetProblem:
    """Two numbers of a sheet that do not agree: the field, the rule broken, what is and was due.

    `code` is `sum` (produced against good, scrap and rework together), `minutes` (lost against
    planned minutes) or `negative` (against 0).
    """

    field: str
    code: str
    given: float
    expected: float


@dataclass(frozen=True, slots=True)
class SheetFacts:
    """The facts that a sheet becomes: shares of the shift, and quantities at its end."""

    reports: tuple[StateReport, ...]
    quantities: tuple[Quantity, ...]


def busy_seconds(workday: Workday, shift: Shift) -> float:
    """Return the planned seconds of a shift: its length without breaks and other planned stops."""
    off = 0.0
    for span in workday.off:
        length = min(span.ended_at, shift.ends_at) - max(span.started_at, shift.starts_at)
        off += max(length.total_seconds(), 0.0)
    return (shift.ends_at - shift.starts_at).total_seconds() - off


def check(sheet: Sheet) -> list[SheetProblem]:
    """Return every disagreement on a sheet, in the order of its fields; none when it is sound."""
    problems = []
    for place, line in enumerate(sheet.products):
        for name in (PRODUCED, GOOD, SCRAP, REWORK):
            value = getattr(line, name)
            if value < 0:
                problems.append(SheetProblem(f"products.{place}.{name}", "negative", value, 0.0))
        together = line.good + line.scrap + line.rework
        if abs(line.produced - together) >= _EQUAL:
            field = f"products.{place}.produced"
            problems.append(SheetProblem(field, "sum", line.produced, together))
    for place, lost in enumerate(sheet.lost):
        if lost.minutes < 0:
            field = f"lost.{place}.minutes"
            problems.append(SheetProblem(field, "negative", lost.minutes, 0.0))
    minutes = sum(lost.minutes for lost in sheet.lost)
    if minutes > sheet.busy_s / 60 + _EQUAL:
        problems.append(SheetProblem("lost", "minutes", minutes, sheet.busy_s / 60))
    return problems


def facts(sheet: Sheet) -> SheetFacts:
    """Return the facts of a sound sheet: what was not lost of the planned time was producing."""
    lost_s = sum(lost.minutes for lost in sheet.lost) * 60
    shares = [
        _share(sheet, str(lost.state), lost.minutes * 60, lost.reason_code, lost.stops)
        for lost in sheet.lost
        if lost.minutes > 0
    ]
    if sheet.busy_s > lost_s:
        shares.append(_share(sheet, MachineState.PRODUCING, sheet.busy_s - lost_s, None, 0))
    quantities = [
        Quantity(
            at=sheet.shift.ends_at,
            kind=kind,
            quantity=getattr(line, kind),
            product=line.product,
            over_s=sheet.busy_s,
            declared=True,
        )
        for line in sheet.products
        for kind in (PRODUCED, GOOD, SCRAP, REWORK)
    ]
    return SheetFacts(tuple(shares), tuple(quantities))


def _share(
    sheet: Sheet, state: str, seconds: float, reason_code: str | None, stops: int
) -> StateReport:
    return StateReport(
        started_at=sheet.shift.starts_at,
        state=state,
        ended_at=sheet.shift.ends_at,
        reason_code=reason_code,
        rank=Rank.SHEET,
        declared_s=seconds,
        stops=stops,
    )
