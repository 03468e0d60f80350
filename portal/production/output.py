"""From bookings and declared quantities to the output of the buckets of one unit and day.

Good means right first time. Where pieces are counted as produced, good is what is left after scrap
and rework; only where nobody counts them is it what somebody says is good.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from .counters import Booking, Piece, place_scrap, spread
from .daylines import DayLines, UnitRules
from .sums import OutputSums

Rate = Callable[[str | None, datetime], float | None]
"""The planned run time (s) of an item of a product at a moment; None where there is none."""

PRODUCED: Final = "produced"
GOOD: Final = "good"
SCRAP: Final = "scrap"
REWORK: Final = "rework"
KINDS: Final = (PRODUCED, GOOD, SCRAP, REWORK)


@dataclass(frozen=True, slots=True)
class Quantity:
    """Pieces told as such, not by a counter: made in the `over_s` seconds before `at`.

    `declared`: by a person, for a whole shift.
    """

    at: datetime
    kind: str
    quantity: float
    product: str | None = None
    over_s: float = 0.0
    declared: bool = False

    @property
    def from_at(self) -> datetime:
        """The start of the span in which they were made."""
        return self.at - timedelta(seconds=self.over_s)


@dataclass(frozen=True, slots=True)
class Placed:
    """Pieces of one kind in one bucket (numbered from 0)."""

    bucket: int
    kind: str
    piece: Piece
    declared: bool = False


def best_grade(
    quantities: Iterable[Quantity],
    counted: Mapping[str, Iterable[datetime]],
    *,
    span: tuple[datetime, datetime],
) -> list[Quantity]:
    """Return the quantities of `span`, each once, without declared ones that a machine counted.

    `counted` holds by kind the moments of what counters booked. The better grade counts for the
    whole shift; a produced quantity of a machine also replaces the declared good one: good is then
    produced less scrap and rework.
    """
    near = {q for q in quantities if touches(q.from_at, q.at, *span)}
    machine = {kind: list(moments) for kind, moments in counted.items()}
    for quantity in near:
        if not quantity.declared:
            machine.setdefault(quantity.kind, []).append(quantity.at)
    return [
        q for q in sorted(near, key=quantity_order) if not (q.declared and _is_counted(q, machine))
    ]


def touches(from_at: datetime, at: datetime, first: datetime, last: datetime) -> bool:
    """Return whether pieces made in (`from_at`, `at`] can belong to the span (`first`, `last`]."""
    return at > first and (from_at < last or at <= last)


def _is_counted(quantity: Quantity, machine: Mapping[str, Iterable[datetime]]) -> bool:
    kinds = (GOOD, PRODUCED) if quantity.kind == GOOD else (quantity.kind,)
    moments = (at for kind in kinds for at in machine.get(kind, ()))
    return any(quantity.from_at < at <= quantity.at for at in moments)


def quantity_order(quantity: Quantity) -> tuple[datetime, str, str, float, float, bool]:
    """Return all that a quantity says, for an order that does not depend on where rows lie."""
    return (
        quantity.at,
        quantity.kind,
        quantity.product or "",
        quantity.quantity,
        quantity.over_s,
        quantity.declared,
    )


def place(
    bookings: Mapping[str, Sequence[Booking]],
    quantities: Iterable[Quantity],
    *,
    edges: Sequence[datetime],
    lines: DayLines,
    rules: UnitRules,
    rate: Rate,
) -> list[Placed]:
    """Return the pieces that fall into the buckets between `edges`.

    What was made is laid over the time in which it was made; scrap and rework stay where they were
    told, and what a person declares for a shift stays in that shift.
    """
    placed: list[Placed] = []
    laid = PRODUCED if PRODUCED in bookings else GOOD
    for kind, of_kind in bookings.items():
        for booking in of_kind:
            if touches(booking.from_at, booking.at, edges[0], edges[-1]):
                pieces = _pieces(booking, lines, rules, rate, spread_out=kind == laid)
                placed += _inside(pieces, kind, edges)
    for told in quantities:
        booking = Booking(told.from_at, told.at, told.quantity, told.product)
        made = not told.declared and told.kind in (PRODUCED, GOOD)
        pieces = _pieces(booking, lines, rules, rate, spread_out=made)
        placed += _inside(pieces, told.kind, edges, declared=told.declared)
    return placed


def _pieces(
    booking: Booking, lines: DayLines, rules: UnitRules, rate: Rate, *, spread_out: bool
) -> Iterable[Piece]:
    if not spread_out:
        return [Piece(booking.at, booking.quantity, booking.product, flag=booking.flag)]
    return spread(
        booking,
        lines.stretches(booking.from_at, booking.at),
        heartbeat_s=rules.heartbeat_s,
        pri_s=rate(booking.product, booking.at),
    )


def _inside(
    pieces: Iterable[Piece], kind: str, edges: Sequence[datetime], *, declared: bool = False
) -> Iterator[Placed]:
    for piece in pieces:
        if edges[0] < piece.at <= edges[-1]:
            yield Placed(bisect_left(edges, piece.at) - 1, kind, piece, declared)


def bucket_outputs(
    placed: Sequence[Placed],
    starts: Sequence[datetime],
    *,
    rate: Rate,
    told: frozenset[str],
) -> tuple[list[dict[str | None, OutputSums]], float]:
    """Return the output of each bucket by product, and the scrap that found no piece.

    `starts` are the starts of the buckets, at which `rate` is asked. `told` are the kinds the unit
    reports at all: a kind that is not among them and has no piece is unknown, not 0. Without
    `produced`, produced is good, scrap and rework together.
    """
    results: list[dict[str | None, OutputSums]] = [{} for _ in starts]
    lost = 0.0
    by_product: dict[str | None, list[Placed]] = defaultdict(list)
    for one in placed:
        by_product[one.piece.product].append(one)
    if not by_product and told:
        by_product[None] = []
    for product in sorted(by_product, key=lambda code: (code is not None, code or "")):
        made = _Made(by_product[product], len(starts), told)
        lost += made.lost
        for bucket, start in enumerate(starts):
            results[bucket][product] = made.sums(bucket, rate(product, start))
    return results, lost


class _Made:
    """The pieces of one product by bucket, known and unknown moments apart."""

    def __init__(self, placed: Iterable[Placed], buckets: int, told: frozenset[str]) -> None:
        self.known: dict[str, dict[int, float]] = {kind: defaultdict(float) for kind in KINDS}
        self.gap: dict[str, dict[int, float]] = {kind: defaultdict(float) for kind in KINDS}
        self.declared: dict[int, float] = defaultdict(float)
        kinds = set(told)
        for one in placed:
            by_bucket = self.gap if one.piece.gap else self.known
            by_bucket[one.kind][one.bucket] += one.piece.quantity
            kinds.add(one.kind)
            if one.declared and one.kind == GOOD:
                self.declared[one.bucket] += one.piece.quantity
        self.kinds = kinds
        self.lost = 0.0
        if PRODUCED in kinds:
            self._take_off_produced(buckets)
        elif GOOD in kinds:
            self._add_up(buckets)

    def _take_off_produced(self, buckets: int) -> None:
        made = self.known[PRODUCED], self.gap[PRODUCED]
        left = [dict(part) for part in made]
        if GOOD in self.kinds and not self.kinds & {SCRAP, REWORK}:
            self.known[GOOD], self.gap[GOOD] = self._place(GOOD, left, buckets)
            return
        for kind in (SCRAP, REWORK):
            self.known[kind], self.gap[kind] = self._place(kind, left, buckets)
        self.known[GOOD], self.gap[GOOD] = left

    def _place(
        self, kind: str, left: list[dict[int, float]], buckets: int
    ) -> tuple[dict[int, float], dict[int, float]]:
        """Take the pieces of `kind` off produced ones (`left`), those of known moments first."""
        wanted = dict(self.known[kind])
        for bucket, quantity in self.gap[kind].items():
            wanted[bucket] = wanted.get(bucket, 0.0) + quantity
        result = []
        for part in left:
            placed = place_scrap(part, wanted, buckets=buckets)
            part.update(enumerate(placed.left))
            result.append(dict(enumerate(placed.scrap)))
            wanted = {buckets - 1: placed.lost} if placed.lost > 0 else {}
        self.lost += sum(wanted.values())
        return result[0], result[1]

    def _add_up(self, buckets: int) -> None:
        for part in (self.known, self.gap):
            for bucket in range(buckets):
                total = sum(part[kind].get(bucket, 0.0) for kind in (GOOD, SCRAP, REWORK))
                part[PRODUCED][bucket] = total

    def sums(self, bucket: int, pri_s: float | None) -> OutputSums:
        known = {kind: self.known[kind].get(bucket, 0.0) for kind in KINDS}
        gap = {kind: self.gap[kind].get(bucket, 0.0) for kind in KINDS}
        whole = {kind: known[kind] + gap[kind] for kind in KINDS}
        counted = bool(self.kinds & {PRODUCED, GOOD})
        item_s = pri_s or 0.0
        return OutputSums(
            pq=whole[PRODUCED] if counted else None,
            gq=whole[GOOD] if counted else None,
            sq=whole[SCRAP] if SCRAP in self.kinds else None,
            rq=whole[REWORK] if REWORK in self.kinds else None,
            declared_gq=self.declared.get(bucket),
            prit_s=known[PRODUCED] * item_s,
            prig_s=known[GOOD] * item_s,
            prig_gap_s=gap[GOOD] * item_s,
            norate_pq=0.0 if pri_s else whole[PRODUCED],
        )
