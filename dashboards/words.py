"""Words of the boards by code: measures, machine states, losses, levels; as Babel collects them."""

from collections.abc import Mapping
from typing import Final

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from dashboards.profiles import Kpi
from portal.production.states import MachineState as S
from portal.ui.periods import Period
from tenants.words import Origin

KPIS: Final[Mapping[Kpi, LazyString]] = {
    Kpi.OUTPUT: _l("Good output per planned hour"),
    Kpi.OEE: _l("OEE"),
    Kpi.AVAILABILITY: _l("Availability"),
    Kpi.EFFECTIVENESS: _l("Effectiveness"),
    Kpi.QUALITY: _l("Quality"),
    Kpi.ENERGY: _l("Energy per good unit"),
    Kpi.COVERAGE: _l("Coverage"),
}
STATES: Final[Mapping[S, LazyString]] = {
    S.PRODUCING: _l("Producing"),
    S.SETUP: _l("Set-up"),
    S.MINOR_STOP: _l("Minor stop"),
    S.DOWN: _l("Down"),
    S.STARVED: _l("Starved"),
    S.BLOCKED: _l("Blocked"),
    S.IDLE: _l("Idle"),
    S.MAINT_PLANNED: _l("Planned maintenance"),
    S.ENGINEERING: _l("Engineering"),
    S.UNKNOWN: _l("No data"),
    S.PLANNED_STOP: _l("Planned stop"),
    S.NOT_SCHEDULED: _l("Not scheduled"),
}
STEPS: Final[Mapping[str, LazyString]] = {
    "calendar": _l("Calendar time"),
    "pbt": _l("Planned time PBT"),
    "apt": _l("Production time APT"),
    "net": _l("At the planned rate"),
    "good": _l("Good output"),
    "speed": _l("Speed loss"),
    "scrap": _l("Scrap"),
    "overtime_s": _l("Produced outside planned time"),
}
PERIODS: Final[Mapping[Period, LazyString]] = {
    Period.TODAY: _l("Today"),
    Period.YESTERDAY: _l("Yesterday"),
    Period.WEEK: _l("Last 7 days"),
    Period.MONTH: _l("Last 30 days"),
    Period.MONTH_TO_DATE: _l("Month to date"),
    Period.QUARTER: _l("Last 90 days"),
    Period.CUSTOM: _l("Chosen days"),
}
ORIGINS: Final[Mapping[Origin, LazyString]] = {
    Origin.LIVE: _l("Live"),
    Origin.SIMULATED: _l("Simulated"),
    Origin.REPLAYED: _l("Replay of public data"),
}
SUMS: Final[Mapping[str, LazyString]] = {
    "cal_s": _l("Calendar time"),
    "pbt_s": _l("Planned busy time PBT"),
    "apt_s": _l("Actual production time APT"),
    "aust_s": _l("Set-up time"),
    "minor_s": _l("Minor stops"),
    "down_s": _l("Downtime"),
    "starved_s": _l("Starved"),
    "blocked_s": _l("Blocked"),
    "unk_s": _l("Time without data"),
    "declared_s": _l("Declared on shift sheets"),
    "energy_kwh": _l("Energy"),
    "idle_kwh": _l("Energy used without producing"),
    "pq": _l("Produced quantity PQ"),
    "gq": _l("Good quantity GQ"),
    "sq": _l("Scrap quantity SQ"),
    "rq": _l("Rework quantity RQ"),
    "prit_s": _l("Planned run time of what was produced Σ(PRI·PQ)"),
    "prig_s": _l("Planned run time of what was good Σ(PRI·GQ)"),
    "prig_gap_s": _l("of which made at an unknown moment"),
    "declared_gq": _l("Good quantity from shift sheets"),
}
FORMULA_TITLES: Final[Mapping[str, LazyString]] = {
    "availability": _l("Availability"),
    "effectiveness": _l("Effectiveness"),
    "quality": _l("Quality ratio"),
    "oee": _l("OEE index"),
    "oee_low": _l("OEE, lower bound"),
    "oee_high": _l("OEE, upper bound"),
    "teep": _l("TEEP"),
    "coverage": _l("Coverage"),
    "declared_ratio": _l("Declared share"),
    "utilisation": _l("Utilisation"),
    "allocation": _l("Allocation"),
    "setup_ratio": _l("Set-up ratio"),
    "scrap_ratio": _l("Scrap ratio"),
    "rework_ratio": _l("Rework ratio"),
    "good_ratio": _l("Good ratio"),
    "energy_per_good_kwh": _l("Energy per good unit"),
    "idle_energy_ratio": _l("Idle energy share"),
    "gq": _l("Good quantity"),
    "pq": _l("Produced quantity"),
    "sq": _l("Scrap quantity"),
    "energy_kwh": _l("Energy"),
    "unk_s": _l("Time without data"),
    "down_s": _l("Downtime"),
    "pbt_s": _l("Planned busy time"),
    "apt_s": _l("Actual production time"),
}
REVISED: Final[Mapping[str, LazyString]] = {
    "facts": _l("late facts"),
    "correction": _l("a correction"),
    "rules": _l("changed rules"),
    "neighbour": _l("a change of the day beside it"),
    "clock": _l("closing"),
}
LATE: Final = _l("Late lines")
DRAWN: Final = tuple(state for state in STATES if state is not S.NOT_SCHEDULED)
"""States with a picture; time not scheduled stays empty."""
