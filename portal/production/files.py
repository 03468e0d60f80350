"""Files of machine data as lines of the door: archive rows, our own table, adapter lines.

Read as a stream, so that an archive of years needs little memory. Nothing is stored here.
"""

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from typing import Any, Final

from portal.production.lines import Line, LineProblem, read_fields
from portal.production.mtconnect import DeviceModel, read_shdr
from portal.production.words import ImportForm

ARCHIVE_HEADER: Final = ["machine", "time", "item", "value"]
_GZIP: Final = b"\x1f\x8b"
_NUMBERS: Final = frozenset({"counter", "qty", "over_s"})
_LARGEST: Final = 512 * 1024 * 1024

Read = Line | Sequence[LineProblem]
"""One row: a line of the door, or all that is wrong with it."""


class Unreadable(Exception):
    """The file as a whole cannot be read; the text says why, in English, for the log."""


def read_file(
    body: bytes, form: ImportForm, *, unit: str | None = None, model: DeviceModel | None = None
) -> Iterator[Read]:
    """Yield the rows of a file, plain or packed with gzip. Raises `Unreadable` where it ends.

    A last row without line end may have been cut within a value: it is a problem with the code
    `cut`, which does not speak against the rows before it.
    """
    text = _text(body)
    try:
        if form is ImportForm.SHDR:
            yield from _adapter_lines(text, unit or "", model)
        elif form is ImportForm.ARCHIVE:
            yield from _archive_rows(text)
        else:
            yield from _table_rows(text)
    except (EOFError, gzip.BadGzipFile, OSError, csv.Error) as broken:
        raise Unreadable(type(broken).__name__) from broken
    except UnicodeDecodeError as broken:
        raise Unreadable("not UTF-8") from broken


def _text(body: bytes) -> Iterator[str]:
    """Yield the lines of a file with their line ends, unpacking as it goes."""
    packed = io.BytesIO(body)
    raw = gzip.GzipFile(fileobj=packed) if body[:2] == _GZIP else packed
    size = 0
    for line in io.TextIOWrapper(raw, encoding="utf-8-sig", newline=""):
        size += len(line)
        if size > _LARGEST:
            raise Unreadable("too large when unpacked")
        yield line


def _archive_rows(text: Iterator[str]) -> Iterator[Read]:
    last = _Last(text)
    rows = csv.reader(last)
    if next(rows, None) != ARCHIVE_HEADER:
        raise Unreadable(f"the first row must be {','.join(ARCHIVE_HEADER)}")
    for no, row in enumerate(rows, start=2):
        if last.is_cut:
            yield [LineProblem(no, "line", "cut")]
        elif len(row) != len(ARCHIVE_HEADER):
            yield [LineProblem(no, "line", "columns", len(ARCHIVE_HEADER))]
        else:
            machine, at, item, value = row
            yield read_fields(
                no, {"k": "event", "unit": machine, "at": at, "item": item, "v": value}
            )


class _Last:
    """Lines on their way through; knows whether the last one had no line end."""

    def __init__(self, text: Iterator[str]) -> None:
        self._text = text
        self.is_cut = False

    def __iter__(self) -> Iterator[str]:
        for line in self._text:
            self.is_cut = not line.endswith("\n")
            yield line


def _table_rows(text: Iterator[str]) -> Iterator[Read]:
    rows = csv.DictReader(text, restkey="", restval=None)
    if not rows.fieldnames or not {"k", "unit", "at"} <= set(rows.fieldnames):
        raise Unreadable("the first row must name the columns k, unit and at")
    for no, row in enumerate(rows, start=2):
        if "" in row or None in row.values():
            yield [LineProblem(no, "line", "columns", len(rows.fieldnames))]
        else:
            yield read_fields(no, _sent({k: v for k, v in row.items() if v != ""}))


def _sent(row: dict[str, str]) -> dict[str, Any]:
    """Return a row with its numbers as numbers: a table knows only text."""
    numbers = _NUMBERS | ({"v"} if row.get("k") == "meter" else frozenset())
    return {name: _number(value) if name in numbers else value for name, value in row.items()}


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text  # named as a fault by its field


def _adapter_lines(text: Iterator[str], unit: str, model: DeviceModel | None) -> Iterator[Read]:
    for no, line in enumerate(text, start=1):
        events, faulty = read_shdr(line, model)
        for fault in faulty:
            yield [LineProblem(no, "line", "cut" if fault.code == "E-CUT" else "unreadable")]
        for event in events:
            yield read_fields(
                no,
                {
                    "k": "event",
                    "unit": unit,
                    "at": event.at.isoformat(),
                    "item": event.item,
                    "v": event.value,
                },
            )
