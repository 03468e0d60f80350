"""The one real plant of the demo: the NIST test bed, whose recorded events are played again.

Three months of 2017 are moved by whole weeks, so that weekday and UTC hour stay, to end on the last
Monday; what followed plays on at real pace. The archive can show states, stops, faults, falling
counters and honest gaps. It has no planned run times and no meters: OEE and energy stay empty.
"""

import csv
import gzip
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from portal.demo.plants import LinePlan, Plant, SitePlan, UnitPlan
from portal.production.mtconnect import DeviceModel, read_devices, read_time

_FOLDER: Final = Path(__file__).parent / "nist"
ARCHIVE: Final = _FOLDER / "events_state_2016_2020.csv.gz"
"""491,518 events of 2016 to 2020 as `machine,time,item,value`."""

ARCHIVE_FROM: Final = datetime(2016, 5, 1, tzinfo=UTC)
ARCHIVE_UNTIL: Final = datetime(2020, 6, 1, tzinfo=UTC)
"""The window that an import of the whole archive declares."""

PLAYED_FROM: Final = datetime(2017, 4, 17, tzinfo=UTC)
PLAYED_UNTIL: Final = datetime(2017, 7, 17, tzinfo=UTC)

_BLOCK: Final = timedelta(weeks=4)

HEARTBEAT_S: Final = 28_800
"""The archive holds events alone, no samples: a silence of up to a day holds the state."""

_MACHINES: Final = (
    ("Mazak01", "车铣复合 Integrex 100-IV", "Mazak Integrex 100-IV", "turn_mill", 15.0),
    ("Mazak03", "数控车床 Mazak03", "Mazak03", "lathe", 11.0),
    ("GFAgie01", "加工中心 HPM600U", "GF Agie Charmilles HPM600U", "machining_centre", 36.0),
    ("Hurco01", "加工中心 Hurco01", "Hurco01", "machining_centre", 11.0),
    ("Hurco02", "加工中心 Hurco02", "Hurco02", "machining_centre", 11.0),
    ("Hurco03", "加工中心 Hurco03", "Hurco03", "machining_centre", 11.0),
    ("Hurco04", "加工中心 Hurco04", "Hurco04", "machining_centre", 11.0),
    ("Hurco06", "加工中心 Hurco06", "Hurco06", "machining_centre", 11.0),
)

TEST_BED: Final = Plant(
    "nist",
    (
        SitePlan(
            "GB",
            "盖瑟斯堡",
            "Gaithersburg",
            (
                LinePlan(
                    "ML",
                    "制造实验室",
                    "Manufacturing Lab",
                    tuple(
                        UnitPlan(code, name_zh, name_en, class_code, power_kw, None, ())
                        for code, name_zh, name_en, class_code, power_kw in _MACHINES
                    ),
                ),
            ),
            zone="America/New_York",
            day_start=time(0),
        ),
    ),
    (),
)
"""The eight machines of the test bed, without calendar: nobody said when they were to run."""


def models() -> dict[str, DeviceModel]:
    """Return the device models of the machines by name."""
    return read_devices((_FOLDER / "Devices.xml").read_bytes())


def moved_by(now: datetime) -> timedelta:
    """Return by how much the events are moved for a demo that begins at `now`: whole weeks."""
    return (now - PLAYED_UNTIL) // timedelta(weeks=1) * timedelta(weeks=1)


def lines_between(first: datetime, until: datetime, *, moved: timedelta) -> list[dict[str, Any]]:
    """Return the events with `first` ≤ at < `until` after moving, as lines of the door, in order.

    The archive restates old values at the start of each day; each event comes once.
    """
    start, end = first - moved, until - moved
    blocks = range((start - PLAYED_FROM) // _BLOCK, (end - PLAYED_FROM) // _BLOCK + 1)
    return [
        {"k": "event", "unit": machine, "at": _text(at + moved), "item": item, "v": value}
        for block in blocks
        for at, machine, item, value in _events(block)
        if start <= at < end
    ]


@lru_cache(maxsize=2)
def _events(block: int) -> tuple[tuple[datetime, str, str, str], ...]:
    """Return the events of one block of weeks, each once, in order.

    The archive is read once per block, not once a minute: reading it takes a second.
    """
    first = PLAYED_FROM + block * _BLOCK
    texts = (first.isoformat()[:19], (first + _BLOCK).isoformat()[:19])
    with gzip.open(ARCHIVE, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        found = {
            (read_time(at), machine, item, value)
            for machine, at, item, value in rows
            if texts[0] <= at < texts[1]
        }
    return tuple(sorted(found))


def _text(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")
