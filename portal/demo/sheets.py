"""The shift sheets of the demo's plant without sensors: the same seed, the same sheets."""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from portal.demo.plants import DOVE, SEED, Calendar, Plant, SitePlan, UnitPlan
from portal.production.sheet import LostTime, ProductLine, Sheet, busy_seconds
from portal.production.simulator import Product
from portal.production.states import MachineState
from portal.production.worktime import Shift, Workday, workday

_MISSING: Final = 0.03
_SCRAP: Final = 0.022
_REWORK: Final = 0.004
_PACE: Final = 0.88

_LOST: Final = (
    # reason, state, share of shifts with it, minutes on average
    ("changeover", MachineState.SETUP, 0.9, 34.0),
    ("mechanical", MachineState.DOWN, 0.45, 28.0),
    ("no_material", MachineState.STARVED, 0.5, 22.0),
    ("output_full", MachineState.BLOCKED, 0.2, 12.0),
)


def sheets_between(
    first: date, last: date, *, plant: Plant = DOVE, seed: int = SEED
) -> Iterator[tuple[UnitPlan, Sheet]]:
    """Yield each unit's sheets of the production days `first` to `last` (both in it), by day.

    About one sheet in thirty was never handed in.
    """
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        for site, line, unit in plant.units():
            compiled = _workday(day, site, line.calendar or site.calendar)
            for shift in compiled.shifts:
                random = Random(f"{seed}/{plant.company}/{unit.code}/{day}/{shift.code}")  # noqa: S311
                if random.random() >= _MISSING:
                    yield unit, _sheet(random, unit, compiled, shift)


def _workday(day: date, site: SitePlan, rules: Calendar) -> Workday:
    return workday(day, zone=ZoneInfo(site.zone), day_start=site.day_start, rules=rules)


def _sheet(random: Random, unit: UnitPlan, compiled: Workday, shift: Shift) -> Sheet:
    busy_s = busy_seconds(compiled, shift)
    lost = [
        LostTime(float(round(random.gammavariate(3.0, minutes / 3.0))), state, reason)
        for reason, state, share, minutes in _LOST
        if random.random() < share
    ]
    lost = [one for one in lost if one.minutes >= 1]
    running_s = max(busy_s - sum(one.minutes for one in lost) * 60, 0.0)
    line = _product_line(random, random.choice(unit.products), running_s)
    return Sheet(compiled.day, shift, busy_s, [line], lost)


def _product_line(random: Random, product: Product, running_s: float) -> ProductLine:
    pace = _PACE * random.uniform(0.96, 1.04)
    # People count pallets, not boxes: a sheet holds round figures.
    produced = float(round(running_s / product.pri_s * pace, -1))
    scrap = float(round(produced * _SCRAP * random.uniform(0.5, 1.5)))
    rework = float(round(produced * _REWORK * random.uniform(0.0, 2.0)))
    return ProductLine(product.code, produced, produced - scrap - rework, scrap, rework)
