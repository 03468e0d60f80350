"""Lines of the ingestion door: NDJSON in, checked lines and named problems out.

A body with one faulty line is refused whole: the sender's program is broken, and half a body would
hide it. What is well formed but cannot be placed is not judged here.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, Final, NamedTuple

LONGEST_LINE: Final = 16 * 1024
MOST_LINES: Final = 50_000
MOST_PROBLEMS: Final = 1_000
LONGEST_VALUE: Final = 1_000
LONGEST_REPORT: Final = timedelta(days=31)

KINDS: Final = ("state", "count", "meter", "alive", "event")


class Line(NamedTuple):
    """One well-formed line: number from 1, kind, unit code, moment (UTC), all its fields."""

    no: int
    k: str
    unit: str
    at: datetime
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LineProblem:
    """What is wrong with a field of a line; `code` for machines, `limit` where one is broken."""

    line: int
    field: str
    code: str
    limit: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as the answer shows it."""
        told = {"line": self.line, "field": self.field, "code": self.code}
        return told if self.limit is None else told | {"limit": self.limit}


Check = Callable[[Any], str | None]


def _text(longest: int, *, shortest: int = 1) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return "not_text"
        if not shortest <= len(value) <= longest:
            return "length"
        if value.isascii():
            return "control_character" if "\x00" in value or "\x1f" in value else None
        return _unstorable(value)

    return check


def _unstorable(value: str) -> str | None:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can write
        return "not_text"
    return "control_character" if "\x00" in value or "\x1f" in value else None


def _number(value: Any) -> str | None:
    # bool is an int in Python; a machine that sends true for a quantity is broken.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "not_a_number"
    try:
        value = float(value)
    except OverflowError:
        return "not_finite"
    if not isfinite(value):
        return "not_finite"
    return "negative" if value < 0 else None


def _positive(value: Any) -> str | None:
    return _number(value) or ("not_positive" if value <= 0 else None)


def _moment(value: Any) -> str | None:
    return None if read_moment(value) is not None else "not_a_moment"


def _one_of(words: Iterable[str]) -> Check:
    known = frozenset(words)

    def check(value: Any) -> str | None:
        return None if isinstance(value, str) and value in known else "unknown_word"

    return check


_NAME: Final = _text(100)
_ITEM_VALUE: Final = _text(LONGEST_VALUE, shortest=0)
_ALWAYS: Final[Mapping[str, Check]] = {"unit": _NAME}
_REQUIRED: Final[Mapping[str, Mapping[str, Check]]] = {
    "state": {"state": _NAME},
    "count": {},
    "meter": {"v": _number, "uom": _text(20)},
    "alive": {},
    "event": {"item": _NAME, "v": _ITEM_VALUE},
}
_OPTIONAL: Final[Mapping[str, Mapping[str, Check]]] = {
    "state": {"reason": _NAME, "until": _moment},
    "count": {
        "counter": _number,
        "qty": _number,
        "kind": _one_of(("produced", "good", "scrap", "rework")),
        "product": _NAME,
        "over_s": _number,
    },
    "meter": {
        "meter": _NAME,
        "carrier": _one_of(("electricity", "steam", "gas", "water", "air", "coal", "heat")),
        "kind": _one_of(("interval", "cumulative")),
        "over_s": _positive,
    },
    "alive": {},
    "event": {},
}
_KNOWN: Final = {
    kind: frozenset(("k", "at", *_ALWAYS, *_REQUIRED[kind], *_OPTIONAL[kind])) for kind in KINDS
}
_MUST: Final = {kind: (*_ALWAYS.items(), *_REQUIRED[kind].items()) for kind in KINDS}


def read_moment(value: Any) -> datetime | None:
    """Return an ISO 8601 moment with a zone in UTC, or None."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read_body(body: bytes) -> tuple[list[Line], list[LineProblem]]:
    """Return the lines of an NDJSON body and what is wrong with others, the first 1,000.

    Empty lines are passed over but counted. A body without a line is a problem of line 0.
    """
    raw = body.split(b"\n")
    if len(raw) - (not raw[-1]) > MOST_LINES:
        return [], [LineProblem(0, "body", "too_many_lines", MOST_LINES)]
    lines: list[Line] = []
    problems: list[LineProblem] = []
    for no, text in enumerate(raw, start=1):
        if not text.strip():
            continue
        found = read_line(no, text)
        if isinstance(found, Line):
            lines.append(found)
        else:
            problems.extend(found)
        if len(problems) >= MOST_PROBLEMS:
            return lines, problems[:MOST_PROBLEMS]
    if not lines and not problems:
        problems.append(LineProblem(0, "body", "empty"))
    return lines, problems


def read_line(no: int, text: bytes | str) -> Line | Sequence[LineProblem]:
    """Return one line, or everything that is wrong with it."""
    if len(text) > LONGEST_LINE:
        return [LineProblem(no, "line", "too_long", LONGEST_LINE)]
    try:
        sent = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return [LineProblem(no, "line", "not_json")]
    return read_fields(no, sent)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def read_fields(no: int, sent: Any) -> Line | Sequence[LineProblem]:
    """Return the fields of one line as a line, or everything that is wrong with them."""
    if not isinstance(sent, dict):
        return [LineProblem(no, "line", "not_an_object")]
    kind = sent.get("k")
    if not isinstance(kind, str) or kind not in _KNOWN:
        return [LineProblem(no, "k", "unknown_word")]
    problems: list[LineProblem] = []
    if not sent.keys() <= _KNOWN[kind]:
        problems = [
            LineProblem(no, str(name)[:100], "unknown_field") for name in sent.keys() - _KNOWN[kind]
        ]
    at = read_moment(sent.get("at"))
    if at is None:
        problems.append(LineProblem(no, "at", "missing" if "at" not in sent else "not_a_moment"))
    for name, check in _MUST[kind]:
        fault = check(sent[name]) if name in sent else "missing"
        if fault:
            problems.append(LineProblem(no, name, fault))
    if len(sent) > len(_MUST[kind]) + 2:
        for name, check in _OPTIONAL[kind].items():
            if name in sent and (fault := check(sent[name])):
                problems.append(LineProblem(no, name, fault))
    if not problems and (together := _together(kind, sent, at)):
        problems.append(LineProblem(no, *together))
    if problems or at is None:
        return problems
    return Line(no, kind, sent["unit"], at, sent)


def _together(kind: str, sent: Mapping[str, Any], at: datetime | None) -> tuple[str, str] | None:
    """Return what is wrong between fields that are sound one by one: (field, code)."""
    if kind == "count" and ("counter" in sent) == ("qty" in sent):
        return ("counter", "counter_or_qty")
    if kind == "meter" and sent.get("kind", "cumulative") == "interval" and "over_s" not in sent:
        return ("over_s", "missing")
    if kind == "state" and "until" in sent:
        until = read_moment(sent["until"])
        if at is not None and until is not None:
            if until < at:
                return ("until", "ends_before_start")
            return ("until", "longer_than_a_month") if until - at > LONGEST_REPORT else None
    return None
