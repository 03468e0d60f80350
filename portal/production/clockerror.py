"""Whether the clock of a source can be believed."""

from datetime import datetime, timedelta
from typing import Final

OLDEST: Final = timedelta(days=7)
NEWEST: Final = timedelta(minutes=5)
RESTATED: Final = timedelta(days=366)
"""How far before the window of an archive a line may restate the last known value of an item."""

E_CLOCK: Final = "E-CLOCK"

Window = tuple[datetime, datetime]
"""From, and until before, which an archive declares its lines to be."""


def clock_error(
    occurred_at: datetime,
    received_at: datetime,
    window: Window | None = None,
    *,
    restates: bool = False,
) -> str | None:
    """Return `E-CLOCK` when a fact cannot have occurred then, else None.

    Without `window` it must lie within `OLDEST` before and `NEWEST` after its reception; with one,
    inside it. `restates`: the source repeats old values (MTConnect), so it may lie before.
    """
    if window is None:
        believed = received_at - OLDEST <= occurred_at <= received_at + NEWEST
    else:
        oldest = window[0] - RESTATED if restates else window[0]
        believed = oldest <= occurred_at < window[1]
    return None if believed else E_CLOCK


def is_restated(occurred_at: datetime, window: Window | None) -> bool:
    """Return whether a fact only tells what held at the start of `window`, and is no event."""
    return window is not None and occurred_at < window[0]
