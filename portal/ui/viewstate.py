"""What a board shows is what its address says: one parser for pages, charts and exports.

Reading forgives: a bad value becomes the default and its name goes into `ignored`, which the page
says. Writing is canonical: keys sorted, defaults left out, so equal views have equal addresses.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from portal.ui.periods import LONGEST_DAYS, Comparison, Period


class Grain(StrEnum):
    """How finely a trend is drawn."""

    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class ViewState:
    """One view of a board. `node` is a place of the tree: it selects, the database decides.

    `first` and `last` are set exactly when the period is custom. `metric` is a code of a figure,
    `sort` a column's name, `-` before it for descending, `cursor` where a list goes on.
    """

    node: UUID | None = None
    period: Period = Period.WEEK
    first: date | None = None
    last: date | None = None
    grain: Grain = Grain.DAY
    compare: Comparison = Comparison.PREVIOUS
    metric: str = ""
    sort: str = ""
    cursor: str = ""
    ignored: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def from_query(cls, query: str | Mapping[str, str] | None) -> Self:
        """Read an address's query, "?a=b" or a mapping; whatever is wrong is left out."""
        given = _pairs(query)
        values: dict[str, Any] = {}
        ignored: list[str] = []
        for name, read in _READERS.items():
            text = given.get(name, "")
            if not text:
                continue
            try:
                values[name] = read(text)
            except ValueError:
                ignored.append(name)
        custom = values.get("period") is Period.CUSTOM
        if not custom or not _is_span(values.get("first"), values.get("last")):
            if custom:
                del values["period"]
                ignored.append("period")
            values.pop("first", None)
            values.pop("last", None)
        return cls(**values, ignored=tuple(ignored))

    def to_query(self) -> str:
        """Return the canonical query, without "?"; empty for the default view."""
        return urlencode({name: _text(value) for name, value in self._told().items()})

    def _told(self) -> dict[str, Any]:
        default = ViewState()
        return {
            name: getattr(self, name)
            for name in sorted(_READERS)
            if getattr(self, name) != getattr(default, name)
        }

    def href(self, path: str, **changes: Any) -> str:
        """Return the address of `path` with this view, changed."""
        query = self.with_(**changes).to_query()
        return f"{path}?{query}" if query else path

    def with_(self, **changes: Any) -> Self:
        """Return this view with other values; a list begins anew unless `cursor` is given."""
        if changes.get("period", Period.CUSTOM) is not Period.CUSTOM:
            changes = {"first": None, "last": None} | changes
        return replace(self, **({"cursor": "", "ignored": ()} | changes))


def _pairs(query: str | Mapping[str, str] | None) -> Mapping[str, str]:
    if query is None or isinstance(query, str):
        return dict(parse_qsl((query or "").removeprefix("?"), max_num_fields=50))
    return query


def _word(text: str) -> str:
    if len(text) > 200 or not text.isprintable():
        raise ValueError(text)
    return text


def _day(text: str) -> date:
    day = date.fromisoformat(text)
    if not 2000 <= day.year <= 2100:
        raise ValueError(text)
    return day


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "node": UUID,
    "period": Period,
    "first": _day,
    "last": _day,
    "grain": Grain,
    "compare": Comparison,
    "metric": _word,
    "sort": _word,
    "cursor": _word,
}


def _is_span(first: date | None, last: date | None) -> bool:
    return first is not None and last is not None and 0 <= (last - first).days < LONGEST_DAYS


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
