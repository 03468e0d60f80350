"""What has happened here, for those above: a company's day was closed, or changed afterwards."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from kernel.ids import PlaceId
from kernel.outbox import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class DayClosed(Event):
    """A company's production day is complete; `place_id` is the company's place."""

    kind: ClassVar[str] = "production.day_closed.v1"
    place_id: PlaceId
    production_day: date
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRevised(Event):
    """Late facts changed a closed day; the version before stays readable."""

    kind: ClassVar[str] = "production.day_revised.v1"
    place_id: PlaceId
    production_day: date
    version: int
    because: str
