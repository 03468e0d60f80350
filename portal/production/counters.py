"""From cumulative counter readings to quantities, and from quantities to producing seconds.

A controller shows 0 at power-on, is reset by a program, rolls over, is set by hand: only what a
reading proves is booked, the rest waits for the next reading or for a person.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

LOW_AFTER_RESET: Final = 0.1
"""A fall to at most this share of the highest value can be a reset; a lesser fall cannot."""

FASTEST: Final = 2.0
"""More pieces than this many times what the planned run time allows are not believed."""


class Flag(StrEnum):
    """How a quantity came about, where it is not the plain difference of two readings."""

    RESET = "reset"
    ROLLOVER = "rollover"
    SPREAD = "spread"


class Doubt(StrEnum):
    """Why a reading waits for a person."""

    BACK = "E-BACK"
    JUMP = "E-JUMP"


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of a cumulative counter. `baseline`: a person confirmed it as the new level.

    `key` is the caller's own name of the fact, handed back with what is booked or doubted.
    """

    at: datetime
    value: float
    product: str | None = None
    baseline: bool = False
    key: object = None


@dataclass(frozen=True, slots=True)
class Booking:
    """Pieces made after `from_at` and until `at`, proven by the reading `key`."""

    from_at: datetime
    at: datetime
    quantity: float
    product: str | None = None
    flag: Flag | None = None
    key: object = None


@dataclass(frozen=True, slots=True)
class Doubted:
    """A reading that is set aside, with the value before it."""

    reading: Reading
    code: Doubt
    high: float


@dataclass(frozen=True, slots=True)
class Counter:
    """Where the reading of one counter stands: all that its next readings need of its past.

    `high` is the last accepted value, read at `high_at`, first shown at `changed_at`; `low` a fall
    that the next reading explains. `moved`: it has ever shown two values; a counter that never
    moves is no count source.
    """

    high: float | None = None
    high_at: datetime | None = None
    changed_at: datetime | None = None
    low: float | None = None
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """What a series of readings came to, and where its counter stands now."""

    bookings: tuple[Booking, ...]
    doubted: tuple[Doubted, ...]
    counter: Counter

    @property
    def quantity(self) -> float | None:
        """All that was booked; None where the counter never moved."""
        return sum(b.quantity for b in self.bookings) if self.counter.moved else None


def count(
    readings: Iterable[Reading],
    *,
    counter: Counter | None = None,
    pri_s: Callable[[str | None], float | None] | None = None,
    modulus: float | None = None,
) -> Counted:
    """Book a series of readings, in any order, repeated or not, after those of `counter`.

    `pri_s` gives the planned run time per item of a product (None: not known, then a jump cannot be
    told). Counting in two goes with the counter in between equals counting once.
    """
    counter = counter or Counter()
    bookings: list[Booking] = []
    doubted: list[Doubted] = []
    for reading in _in_order(readings):
        counter, outcome = _step(counter, reading, pri_s, modulus)
        if isinstance(outcome, Booking):
            bookings.append(outcome)
        elif outcome is not None:
            doubted.append(Doubted(reading, outcome, counter.high or 0.0))
    return Counted(tuple(bookings), tuple(doubted), counter)


def _in_order(readings: Iterable[Reading]) -> list[Reading]:
    # Of readings of one moment the higher comes last: a restated 0 must not follow the true value.
    return sorted(readings, key=lambda reading: (reading.at, reading.value))


def _step(
    counter: Counter,
    reading: Reading,
    pri_s: Callable[[str | None], float | None] | None,
    modulus: float | None,
) -> tuple[Counter, Booking | Doubt | None]:
    value, at, high, low = reading.value, reading.at, counter.high, counter.low
    if high is None or counter.high_at is None or reading.baseline:
        moved = counter.moved or high not in (None, value)
        return Counter(value, at, at, None, moved), None
    quantity, flag = _quantity(high, low, value, modulus)
    if quantity is None:
        if low is not None and low > LOW_AFTER_RESET * high and value >= low:
            return counter, Doubt.BACK
        return replace(counter, low=value, moved=True), None
    if quantity == 0:
        return replace(counter, high_at=at, low=None), None
    if _is_jump(counter, reading, quantity, pri_s):
        return replace(counter, moved=True), Doubt.JUMP
    booking = Booking(counter.high_at, at, quantity, reading.product, flag, reading.key)
    return Counter(value, at, at, None, True), booking


def _is_jump(
    counter: Counter,
    reading: Reading,
    quantity: float,
    pri_s: Callable[[str | None], float | None] | None,
) -> bool:
    # Since the last change, not the last reading: a slow item spans many readings of one value.
    item_s = pri_s(reading.product) if pri_s else None
    if not item_s or counter.changed_at is None:
        return False
    if quantity <= 1 and not counter.moved:
        return False  # it may have been begun long before anybody looked at the counter
    return quantity > FASTEST * ((reading.at - counter.changed_at) / timedelta(seconds=1)) / item_s


def _quantity(
    high: float, low: float | None, value: float, modulus: float | None
) -> tuple[float | None, Flag | None]:
    """Return what `value` proves, and how; None while only the next reading can tell."""
    if value >= high:
        return value - high, None
    if modulus is not None and low is None and high > 0.9 * modulus and value < 0.1 * modulus:
        return value + modulus - high, Flag.ROLLOVER
    if low is not None and low <= LOW_AFTER_RESET * high and value > low:
        return value, Flag.RESET
    return None, None


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a booking. `gap`: its moment is unknown.

    `at` is the end of the time in which it was made: one at a full hour belongs to the hour before.
    """

    at: datetime
    quantity: float
    product: str | None = None
    gap: bool = False
    flag: Flag | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the span of one bucket: how long it produced and how long nothing is known."""

    ends_at: datetime
    producing_s: float
    unknown_s: float


def spread(
    booking: Booking,
    stretches: Sequence[Stretch],
    *,
    heartbeat_s: float,
    pri_s: float | None = None,
) -> Iterator[Piece]:
    """Lay a booking over the buckets between its two readings, by producing seconds.

    `stretches` are the parts of `booking`'s span, one per bucket, in order. A span of at most one
    heartbeat, or one in which nothing is known to have happened, is booked at the reading. The part
    that fell into unknown time is booked at the reading as a gap: it counts as output, but its
    speed cannot be judged. Whole pieces stay whole.
    """
    producing = sum([s.producing_s for s in stretches])
    unknown = sum([s.unknown_s for s in stretches])
    short = booking.at - booking.from_at <= timedelta(seconds=heartbeat_s)
    one_hour = len(stretches) == 1 and unknown == 0
    if short or one_hour or producing + unknown <= 0:
        yield Piece(booking.at, booking.quantity, booking.product, flag=booking.flag)
        return
    weights = [s.producing_s for s in stretches]
    whole = booking.quantity == int(booking.quantity)
    *shares, gap = _shares(booking.quantity, [*weights, unknown], whole=whole)
    if producing > 0 and pri_s and gap * pri_s > unknown:
        # No more than the unknown seconds can hold, or the range of OEE would turn inside out.
        gap = float(int(unknown / pri_s)) if whole else unknown / pri_s
        shares = _shares(booking.quantity - gap, weights, whole=whole)
    flag = booking.flag or (Flag.SPREAD if len(stretches) > 1 or gap else None)
    for stretch, share in zip(stretches, shares, strict=True):
        if share:
            yield Piece(stretch.ends_at, share, booking.product, flag=flag)
    if gap:
        yield Piece(booking.at, gap, booking.product, gap=True, flag=flag)


def _shares(quantity: float, weights: Sequence[float], *, whole: bool) -> list[float]:
    """Divide `quantity` by `weights`; whole pieces by the largest remainder, ties to the first."""
    total = sum(weights)
    exact = [quantity * weight / total for weight in weights]
    if not whole:
        return exact
    shares = [float(int(share)) for share in exact]
    left = round(quantity - sum(shares))
    by_remainder = sorted(range(len(exact)), key=lambda i: (shares[i] - exact[i], i))
    for place in by_remainder[:left]:
        shares[place] += 1.0
    return shares


@dataclass(frozen=True, slots=True)
class PlacedScrap:
    """Scrap per bucket, the pieces that are left there, and scrap for which no piece is known."""

    scrap: list[float]
    left: list[float]
    lost: float


def place_scrap(
    made: Mapping[int, float], scrap: Mapping[int, float], *, buckets: int
) -> PlacedScrap:
    """Move scrap to buckets that made pieces.

    A piece is thrown away after it was made, often in the next hour: taken off where it was
    reported, an hour's good quantity would fall below zero. It is taken off that bucket, else the
    nearest before, else the nearest after. Buckets are numbered from 0; those missing hold 0.

    What is left is counted down, not subtracted at the end: of kilograms, which are no whole
    numbers, the parts can add up to a hair more than the whole.
    """
    free = [made.get(place, 0.0) for place in range(buckets)]
    placed = [0.0] * buckets
    lost = 0.0
    for place in sorted(scrap):
        left = scrap[place]
        for near in (*range(place, -1, -1), *range(place + 1, buckets)):
            if left <= 0:
                break
            taken = min(left, free[near])
            free[near] -= taken
            placed[near] += taken
            left -= taken
        lost += max(left, 0.0)
    return PlacedScrap(placed, free, lost)
