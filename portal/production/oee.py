"""KPIs after ISO 22400-2: sums in, ratios out, by one formula at every level.

Ratios are 0…1, never percent. None means that the figure cannot be computed from what was
measured; it never stands for 0. Below `ENOUGH` coverage there is no single OEE but a range.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .states import MachineState
from .sums import OutputSums, TimeSums

ENOUGH: Final = 0.95
"""Below this share of known planned time a single OEE would pretend to know."""


@dataclass(frozen=True, slots=True)
class Kpis:
    """The figures of one place and span. Ratios 0…1, `energy_per_good_kwh` in kWh per good item.

    `oee` is None below enough coverage, then `oee_low` and `oee_high` hold the range; both are
    also given above it. `busy` is False where nothing was planned: "not scheduled", not 100 %.
    """

    busy: bool
    availability: float | None
    effectiveness: float | None
    quality: float | None
    oee: float | None
    oee_low: float | None
    oee_high: float | None
    teep: float | None
    utilisation: float | None
    allocation: float | None
    setup_ratio: float | None
    scrap_ratio: float | None
    rework_ratio: float | None
    good_ratio: float | None
    coverage: float | None
    declared_ratio: float | None
    energy_per_good_kwh: float | None
    idle_energy_ratio: float | None
    idle_s: float

    @property
    def is_range(self) -> bool:
        """Whether only a range of OEE can be shown."""
        return self.oee is None and self.oee_low is not None


def kpis(time: TimeSums, output: OutputSums) -> Kpis:
    """Return every figure that the sums of one place and span allow."""
    coverage = _ratio(time.pbt_s - time.unk_s, time.pbt_s)
    rated = output.pq is not None and output.norate_pq == 0
    earned = _rated_output(output)
    low = _ratio(output.prig_s + output.prig_gap_s, time.pbt_s) if rated else None
    high = _ratio(output.prig_s + time.unk_s, time.pbt_s) if rated else None
    enough = coverage is not None and coverage >= ENOUGH
    busy_s = time.apt_s + time.aust_s + time.minor_s + time.down_s + time.starved_s + time.blocked_s
    return Kpis(
        busy=time.pbt_s > 0,
        availability=_ratio(time.apt_s, time.pbt_s),
        effectiveness=_ratio(output.prit_s, time.apt_s) if rated else None,
        quality=_ratio(output.prig_s, output.prit_s) if earned else _quality(output),
        oee=_ratio(output.prig_s, time.pbt_s) if rated and enough else None,
        oee_low=low,
        oee_high=max(low, high) if low is not None and high is not None else None,
        teep=_ratio(output.prig_s, time.cal_s) if rated and enough else None,
        utilisation=_ratio(time.apt_s, busy_s),
        allocation=_ratio(busy_s, time.pbt_s),
        setup_ratio=_ratio(time.aust_s, time.apt_s + time.aust_s),
        scrap_ratio=_ratio(output.sq, output.pq),
        rework_ratio=_ratio(output.rq, output.pq),
        good_ratio=_quality(output),
        coverage=coverage,
        declared_ratio=_ratio(time.declared_s, time.pbt_s),
        energy_per_good_kwh=_ratio(time.energy_kwh, output.gq),
        idle_energy_ratio=_ratio(time.idle_kwh, time.energy_kwh),
        idle_s=max(time.pbt_s - busy_s - time.unk_s, 0.0),
    )


def _rated_output(output: OutputSums) -> bool:
    return output.prit_s > 0 and output.norate_pq == 0


def _quality(output: OutputSums) -> float | None:
    return _ratio(output.gq, output.pq)


def _ratio(part: float | None, whole: float | None) -> float | None:
    if part is None or whole is None or whole <= 0:
        return None
    return part / whole


@dataclass(frozen=True, slots=True)
class Formula:
    """How one figure is computed: English title and text, and the sums it is made of.

    `numerator` and `denominator` name fields of `TimeSums` or `OutputSums`; a leading minus takes
    the sum off. `unit` is that of the result: "ratio", "kWh", "s" or "" for pieces.
    """

    code: str
    title: str
    text: str
    numerator: tuple[str, ...]
    denominator: tuple[str, ...] = ()
    unit: str = "ratio"

    @property
    def terms(self) -> tuple[str, ...]:
        """All sums of the formula, each once, without sign."""
        names = (name.removeprefix("-") for name in (*self.numerator, *self.denominator))
        return tuple(dict.fromkeys(names))

    def compute(self, time: TimeSums, output: OutputSums) -> float | None:
        """Return the figure from its sums; None where one is not known or the divisor is 0."""
        part = _total(self.numerator, time, output)
        return _ratio(part, _total(self.denominator, time, output)) if self.denominator else part


def _total(names: tuple[str, ...], time: TimeSums, output: OutputSums) -> float | None:
    total = 0.0
    for name in names:
        field = name.removeprefix("-")
        value = getattr(time, field) if hasattr(time, field) else getattr(output, field)
        if value is None:
            return None
        total += -value if name.startswith("-") else value
    return total


_BUSY: Final = ("apt_s", "aust_s", "minor_s", "down_s", "starved_s", "blocked_s")

FORMULAS: Final[Mapping[str, Formula]] = {
    formula.code: formula
    for formula in (
        Formula("availability", "Availability", "ΣAPT / ΣPBT", ("apt_s",), ("pbt_s",)),
        Formula("effectiveness", "Effectiveness", "Σ(PRI·PQ) / ΣAPT", ("prit_s",), ("apt_s",)),
        Formula("quality", "Quality ratio", "Σ(PRI·GQ) / Σ(PRI·PQ)", ("prig_s",), ("prit_s",)),
        Formula("oee", "OEE index", "Σ(PRI·GQ) / ΣPBT", ("prig_s",), ("pbt_s",)),
        Formula(
            "oee_low",
            "OEE, lower bound",
            "Σ(PRI·GQ, unknown time included) / ΣPBT",
            ("prig_s", "prig_gap_s"),
            ("pbt_s",),
        ),
        Formula(
            "oee_high",
            "OEE, upper bound",
            "Σ(PRI·GQ + unknown time) / ΣPBT",
            ("prig_s", "unk_s"),
            ("pbt_s",),
        ),
        Formula("teep", "TEEP", "Σ(PRI·GQ) / Σcalendar", ("prig_s",), ("cal_s",)),
        Formula("coverage", "Coverage", "1 − Σunknown / ΣPBT", ("pbt_s", "-unk_s"), ("pbt_s",)),
        Formula(
            "declared_ratio", "Declared share", "Σdeclared / ΣPBT", ("declared_s",), ("pbt_s",)
        ),
        Formula("utilisation", "Utilisation", "ΣAPT / ΣAUBT", ("apt_s",), _BUSY),
        Formula("allocation", "Allocation", "ΣAUBT / ΣPBT", _BUSY, ("pbt_s",)),
        Formula("setup_ratio", "Set-up ratio", "ΣAUST / ΣAUPT", ("aust_s",), ("apt_s", "aust_s")),
        Formula("scrap_ratio", "Scrap ratio", "ΣSQ / ΣPQ", ("sq",), ("pq",)),
        Formula("rework_ratio", "Rework ratio", "ΣRQ / ΣPQ", ("rq",), ("pq",)),
        Formula("good_ratio", "Good ratio", "ΣGQ / ΣPQ", ("gq",), ("pq",)),
        Formula(
            "energy_per_good_kwh",
            "Energy per good unit",
            "Σenergy / ΣGQ",
            ("energy_kwh",),
            ("gq",),
            "kWh",
        ),
        Formula(
            "idle_energy_ratio",
            "Idle energy share",
            "Σidle energy / Σenergy",
            ("idle_kwh",),
            ("energy_kwh",),
        ),
        Formula("gq", "Good quantity", "ΣGQ", ("gq",), unit=""),
        Formula("pq", "Produced quantity", "ΣPQ", ("pq",), unit=""),
        Formula("sq", "Scrap quantity", "ΣSQ", ("sq",), unit=""),
        Formula("energy_kwh", "Energy", "Σenergy", ("energy_kwh",), unit="kWh"),
        Formula("unk_s", "Time without data", "Σunknown", ("unk_s",), unit="s"),
        Formula("down_s", "Downtime", "Σdown", ("down_s",), unit="s"),
        Formula("pbt_s", "Planned busy time", "ΣPBT", ("pbt_s",), unit="s"),
        Formula("apt_s", "Actual production time", "ΣAPT", ("apt_s",), unit="s"),
    )
}
"""Every figure that a page may show, by its code: the field of `Kpis`, or of the sums."""


@dataclass(frozen=True, slots=True)
class LossStep:
    """One row of the waterfall: what is left (`total`), or what was lost before the next total.

    `code` is a field of the sums or one of calendar, pbt, apt, net, good; `state` is the machine
    state to draw a loss with, None where it is none. Seconds are of machine time.
    """

    code: str
    seconds: float
    total: bool = False
    state: MachineState | None = None


_STATE_LOSSES: Final = (
    ("down_s", MachineState.DOWN),
    ("aust_s", MachineState.SETUP),
    ("starved_s", MachineState.STARVED),
    ("blocked_s", MachineState.BLOCKED),
    ("idle_s", MachineState.IDLE),
    ("maint_s", MachineState.MAINT_PLANNED),
    ("minor_s", MachineState.MINOR_STOP),
    ("eng_s", MachineState.ENGINEERING),
    ("unk_s", MachineState.UNKNOWN),
)


def losses(time: TimeSums, output: OutputSums) -> list[LossStep]:
    """Return the waterfall from calendar time to good output, the largest time loss first.

    Totals: calendar, pbt, apt and, where every product has a planned run time, net and good. Each
    total is the one before less the losses between: the speed loss is negative where the machine
    was faster than planned.
    """
    steps = [
        LossStep("calendar", time.cal_s, total=True),
        LossStep("not_scheduled_s", time.not_scheduled_s, state=MachineState.NOT_SCHEDULED),
        LossStep("planned_stop_s", time.planned_stop_s, state=MachineState.PLANNED_STOP),
        LossStep("overtime_s", -time.overtime_s),
        LossStep("pbt", time.pbt_s, total=True),
    ]
    lost = [LossStep(code, getattr(time, code), state=state) for code, state in _STATE_LOSSES]
    steps += sorted(lost, key=lambda step: -step.seconds)
    steps.append(LossStep("apt", time.apt_s, total=True))
    if output.pq is not None and output.norate_pq == 0:
        steps += [
            LossStep("speed", time.apt_s - output.prit_s),
            LossStep("net", output.prit_s, total=True),
            LossStep("scrap", output.prit_s - output.prig_s),
            LossStep("good", output.prig_s, total=True),
        ]
    return [step for step in steps if step.total or step.seconds]
