"""From units to lines, sites and the company: the same sums, added. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256

from kernel.ids import PlaceId
from portal.production.sums import OutputSums, TimeSums, total_time
from tenants.words import Level


@dataclass(frozen=True, slots=True)
class DaySums:
    """One place's day as it shall stand: what the rows of both tables are made of."""

    place_id: PlaceId
    level: Level
    day: date
    starts_at: datetime
    closes_at: datetime
    time: TimeSums
    output: Mapping[str, OutputSums]
    newest_fact_at: datetime | None
    fact_count: int
    inputs_sha256: bytes


def roll_up(
    day: date,
    units: Sequence[tuple[DaySums, int]],
    *,
    paths: Mapping[PlaceId, Sequence[tuple[PlaceId, Level]]],
    begins: Mapping[PlaceId, datetime],
) -> list[DaySums]:
    """Return the day of every place above `units` (each with its version), highest first.

    `paths` gives the places above a unit from the company down, `begins` when the day begins at a
    place. A place is made of its units' present versions: their hashes make its hash.
    """
    below: dict[tuple[PlaceId, Level], list[tuple[DaySums, int]]] = {}
    for unit in units:
        for place in paths.get(unit[0].place_id, ()):
            below.setdefault(place, []).append(unit)
    rolled = [
        _sum(place, level, day, parts, begins[place]) for (place, level), parts in below.items()
    ]
    return sorted(rolled, key=lambda sums: (list(Level).index(sums.level), str(sums.place_id)))


def _sum(
    place_id: PlaceId,
    level: Level,
    day: date,
    parts: Sequence[tuple[DaySums, int]],
    starts_at: datetime,
) -> DaySums:
    ordered = sorted(parts, key=lambda part: str(part[0].place_id))
    digest = sha256()
    output: dict[str, OutputSums] = {}
    for sums, version in ordered:
        digest.update(f"{sums.place_id}/{version}/{sums.inputs_sha256.hex()}\n".encode())
        for product, made in sums.output.items():
            output[product] = output.get(product, OutputSums()) + made
    time: TimeSums = total_time(sums.time for sums, _ in ordered)
    newest = [sums.newest_fact_at for sums, _ in ordered if sums.newest_fact_at is not None]
    return DaySums(
        place_id=place_id,
        level=level,
        day=day,
        starts_at=starts_at,
        closes_at=max(sums.closes_at for sums, _ in ordered),
        time=time,
        output=output,
        newest_fact_at=max(newest, default=None),
        fact_count=sum(sums.fact_count for sums, _ in ordered),
        inputs_sha256=digest.digest(),
    )
