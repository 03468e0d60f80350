"""When a place's newest fact is old enough to say so. Pure.

The group may not read a machine's heartbeat, so the limit follows from how the company's facts
come: from machines within minutes, from a replay by events alone, from shift sheets once a shift.
"""

from datetime import datetime, timedelta
from typing import Final

from portal.production.sums import TimeSums
from tenants.words import Origin

FROM_MACHINES: Final = timedelta(hours=2)
FROM_REPLAY: Final = timedelta(hours=24)
FROM_SHEETS: Final = timedelta(hours=36)
_MOSTLY: Final = 0.5


def longest_silence(origin: Origin, time: TimeSums) -> timedelta:
    """Return how old the newest fact may be before the place counts as late."""
    if time.pbt_s > 0 and time.declared_s / time.pbt_s > _MOSTLY:
        return FROM_SHEETS
    return FROM_REPLAY if origin is Origin.REPLAYED else FROM_MACHINES


def is_late(newest: datetime | None, *, now: datetime, longest: timedelta) -> bool:
    """Say whether nothing has come for too long; a place that never sent anything is late."""
    return newest is None or now - newest > longest
