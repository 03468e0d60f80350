"""One table, three forms, equal figures; nothing that a spreadsheet computes."""

import csv
import io
from datetime import UTC, date, datetime

import pytest
from flask import Flask
from flask_babel import Babel
from openpyxl import load_workbook

from portal.ui.cellsafe import safe_text
from portal.ui.tables import CellKind, Column, Table, csv_response, xlsx_response

COLUMNS = (
    Column("Part"),
    Column("OEE", CellKind.RATIO),
    Column("Good", CellKind.INTEGER),
    Column("Energy", CellKind.DECIMAL, "kWh"),
    Column("Lost", CellKind.HOURS),
    Column("Paid", CellKind.MONEY, "CNY"),
    Column("At", CellKind.MOMENT, zone="Asia/Shanghai"),
    Column("Day", CellKind.DAY),
)
AT = datetime(2026, 11, 23, 9, 5, tzinfo=UTC)
ROWS = (
    ("=WF-0450", 0.7449, 281, 1234.56, 5832, 9_792_000, AT, date(2026, 11, 23)),
    ("001", None, None, float("nan"), 0, -5, None, None),
)
TABLE = Table("parts", "Parts", COLUMNS, ROWS, [("Filter", "=1+1")])


@pytest.fixture(autouse=True)
def _app():
    app = Flask("t")
    Babel(app, locale_selector=lambda: "en")
    with app.test_request_context():
        yield


def test_what_is_exported_is_what_is_shown():
    shown = [column.show(value) for column, value in zip(COLUMNS, ROWS[0], strict=True)]
    exported = [column.export(value) for column, value in zip(COLUMNS, ROWS[0], strict=True)]
    assert shown == [
        "=WF-0450", "74.5%", "281", "1,234.6", "1.6", "97,920.00", "11-23 17:05", "2026-11-23",
    ]  # fmt: skip
    assert exported == [
        "'=WF-0450", 74.5, 281, 1234.6, 1.6, 97920.0, "2026-11-23T17:05:00+08:00", "2026-11-23",
    ]  # fmt: skip


def test_csv_opens_in_a_spreadsheet():
    answer = csv_response(TABLE)
    assert answer.data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert rows[0][:4] == ["Part", "OEE (%)", "Good", "Energy (kWh)"]
    assert rows[1][:4] == ["'=WF-0450", "74.5", "281", "1234.6"]
    assert rows[2][:6] == ["001", "", "", "", "0.0", "-0.05"]
    assert answer.headers["Content-Disposition"] == 'attachment; filename="parts.csv"'


def test_xlsx_has_numbers_texts_and_says_what_it_is():
    book = load_workbook(io.BytesIO(xlsx_response(TABLE).data))
    sheet, about = book.worksheets
    assert [cell.value for cell in sheet[2]][:4] == ["'=WF-0450", 74.5, 281, 1234.6]
    assert sheet["A3"].value == "001"
    assert sheet["B3"].value is None
    assert {cell.data_type for row in (*sheet.rows, *about.rows) for cell in row} <= {"s", "n"}
    assert about["B2"].value == "'=1+1"


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\tx", "\rx", "\nx", "＝1", "＠a"])
def test_text_that_would_be_computed_is_made_safe(text):
    assert safe_text(text) == "'" + text


def test_other_text_stays():
    assert safe_text("WF=0450") == "WF=0450"
