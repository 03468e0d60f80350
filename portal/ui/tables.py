"""One description of a table: the page draws it, CSV and XLSX write it, all with equal figures.

A page makes a `Table` from one query and hands it to the macro `rows_table`, to `csv_response` or
to `xlsx_response`. Exports carry plain numbers rounded as shown, the unit in the heading, ISO
dates, and text that no spreadsheet computes.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from flask import Response
from flask_babel import gettext
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from portal.ui import filters, numbers
from portal.ui.cellsafe import safe_text
from portal.ui.look import current_look

MOST_ROWS: Final = 5_000
"""More rows than this are an operation, not an answer."""


class CellKind(StrEnum):
    """What a column holds: how it is shown, and what of it is exported."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    RATIO = "ratio"
    POINTS = "points"
    HOURS = "hours"
    DURATION = "duration"
    MONEY = "money"
    MOMENT = "moment"
    DAY = "day"


_TEXTS: Final = frozenset({CellKind.TEXT, CellKind.MOMENT, CellKind.DAY})
_SCALES: Final = {CellKind.RATIO: 100, CellKind.POINTS: 100}
_UNITS: Final = {
    CellKind.RATIO: "%",
    CellKind.POINTS: "pp",
    CellKind.HOURS: "h",
    CellKind.DURATION: "s",
}
_DIGITS: Final = {CellKind.INTEGER: 0, CellKind.DURATION: 0, CellKind.MONEY: 2}
Cell = str | int | float | Decimal | datetime | date | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Ratios are 0…1, hours and durations seconds, money minor units, moments aware.

    `unit` stands in the heading; `zone` is the zone of moments, else the page's.
    """

    title: str
    kind: CellKind = CellKind.TEXT
    unit: str = ""
    digits: int | None = None
    zone: str | None = None

    @property
    def is_number(self) -> bool:
        """Whether the column is right-aligned and exported as numbers."""
        return self.kind not in _TEXTS

    @property
    def heading(self) -> str:
        """The heading of an export, with the unit."""
        unit = self.unit or _UNITS.get(self.kind, "")
        return f"{self.title} ({unit})" if unit else self.title

    def show(self, value: Cell) -> str:
        """Return what the page shows."""
        if value is None:
            return numbers.GAP
        if isinstance(value, datetime):
            return filters.moment(value, self.zone)
        if isinstance(value, date):
            return filters.day(value)
        if isinstance(value, str) or self.kind is CellKind.TEXT:
            return str(value)
        match self.kind:
            case CellKind.RATIO:
                return filters.ratio(value, self._digits)
            case CellKind.POINTS:
                return filters.points(value, self._digits)
            case CellKind.HOURS:
                return filters.decimal(value / 3600, self._digits)
            case CellKind.DURATION:
                return filters.duration(value)
            case CellKind.MONEY:
                return filters.decimal(Decimal(value).scaleb(-2), self._digits)
        return filters.decimal(value, self._digits)

    def export(self, value: Cell) -> str | int | float | None:
        """Return what a file gets: a number as shown, or safe text; None for a gap."""
        if value is None:
            return None
        if isinstance(value, datetime):
            zone = ZoneInfo(self.zone or current_look().zone)
            return value.astimezone(zone).isoformat(timespec="seconds")
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, str) or self.kind is CellKind.TEXT:
            return safe_text(str(value))
        if numbers.is_gap(value):
            return None
        scaled = value * _SCALES.get(self.kind, 1)
        if self.kind is CellKind.HOURS:
            scaled = value / 3600
        if self.kind is CellKind.MONEY:
            scaled = Decimal(value).scaleb(-2)
        rounded = scaled.__round__(self._digits)
        return int(rounded) if self._digits == 0 else float(rounded)

    @property
    def _digits(self) -> int:
        return _DIGITS.get(self.kind, 1) if self.digits is None else self.digits


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table. `name` is the file's; `about` are (what, said) pairs for the second sheet:
    who, when, filter in words, link, data as of, coverage, definitions.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    about: Sequence[tuple[str, str]] = field(default_factory=tuple)


def csv_response(table: Table) -> Response:
    """Return the table as CSV in UTF-8 with a byte order mark, which spreadsheets need."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([safe_text(column.heading) for column in table.columns])
    for row in _exported(table):
        writer.writerow(["" if value is None else value for value in row])
    return _download(table, "csv", "text/csv; charset=utf-8", ("\ufeff" + text.getvalue()).encode())


def xlsx_response(table: Table) -> Response:
    """Return the table as a workbook; its second sheet says what it is."""
    content = io.BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with Workbook(content, options) as book:
        strong = book.add_format({"bold": True})
        sheet = book.add_worksheet(gettext("Table"))
        _write_table(sheet, table, strong)
        about = book.add_worksheet(gettext("About"))
        about.set_column(0, 0, 24)
        about.set_column(1, 1, 80)
        for number, (what, said) in enumerate((("", table.title), *table.about)):
            about.write_string(number, 0, safe_text(what))
            about.write_string(number, 1, safe_text(said))
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return _download(table, "xlsx", kind, content.getvalue())


def _write_table(sheet: Worksheet, table: Table, strong: Format) -> None:
    sheet.freeze_panes(1, 0)
    for number, column in enumerate(table.columns):
        sheet.set_column(number, number, max(12, min(40, len(column.heading) * 2)))
    for number, column in enumerate(table.columns):
        sheet.write_string(0, number, safe_text(column.heading), strong)
    for line, row in enumerate(_exported(table), start=1):
        for number, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(line, number, value)
            elif value is not None:
                sheet.write_number(line, number, value)


def _exported(table: Table) -> Iterable[list[str | int | float | None]]:
    for row in table.rows:
        yield [column.export(value) for column, value in zip(table.columns, row, strict=True)]


def _download(table: Table, ending: str, media_type: str, content: bytes) -> Response:
    response = Response(content, content_type=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{table.name}.{ending}"'
    return response
