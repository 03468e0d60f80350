"""A month of the NIST archive through the door, and what its facts come to in the database."""

import csv
import gzip
import io
from datetime import UTC, datetime

import pytest

from kernel import jobs
from kernel.db import worker
from portal.demo.places import place_id
from portal.demo.testbed import ARCHIVE
from portal.production import importer
from portal.production.importer import Upload
from portal.production.words import ImportForm
from tests.cast import NIST

WINDOW = (datetime(2017, 5, 15, tzinfo=UTC), datetime(2017, 5, 18, tzinfo=UTC))
MAZAK01 = place_id(NIST, "Mazak01")


@pytest.fixture(scope="module")
def three_days():
    """The archive's rows of three days, those that Hurco01 stamped 2002, and the header."""
    with gzip.open(ARCHIVE, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        kept = [r for r in rows if r[1][:4] == "2002" or "2017-05-15" <= r[1][:10] < "2017-05-18"]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *kept])
    return text.getvalue().encode(), len(kept)


@pytest.fixture
def import_now(jobs_db):
    def run(body, form=ImportForm.ARCHIVE, **more):
        upload = Upload("archive.csv", form, body, *WINDOW, **more)
        with jobs_db.work(worker(NIST.id)) as work:
            _, operation_id = importer.send_file(work, upload, tenant_id=NIST.id)
        jobs.run_now("kernel.run_operation", jobs_db, operation_id=str(operation_id))
        return operation_id

    return run


def result_of(rows, operation_id):
    ((state, result),) = rows("SELECT state, result FROM operation WHERE id = %s", operation_id)
    assert state == "succeeded"
    return result


def test_every_row_is_stored_known_already_or_in_quarantine(import_now, three_days, rows):
    body, count = three_days
    result = result_of(rows, import_now(body))
    assert result["rows"] == count
    assert result["accepted"] + result["duplicate"] + result["quarantined"] == count
    codes = dict(rows("SELECT code, count(*) FROM quarantine GROUP BY code"))
    assert codes["E-CLOCK"] == 8
    assert rows("SELECT count(*) FROM state_fact") == [(result["accepted"],)]


def test_importing_twice_adds_nothing(import_now, three_days, rows):
    body, _ = three_days
    first = result_of(rows, import_now(body))
    again = result_of(rows, import_now(body))
    assert again["accepted"] == 0
    assert rows("SELECT count(*) FROM state_fact") == [(first["accepted"],)]


def test_days_are_derived_when_the_import_has_ended(import_now, three_days, rows):
    body, _ = three_days
    import_now(body)
    assert rows("SELECT count(*) FROM dirty_day") == [(0,)]
    found = dict(
        rows(
            "SELECT state, round(sum(extract(epoch FROM ended_at - started_at))::numeric, 3)"
            " FROM state_interval WHERE unit_id = %s GROUP BY state",
            MAZAK01,
        )
    )
    assert found["producing"] > 0
    assert found["unknown"] > 0


def test_a_cut_last_row_is_named_and_the_rest_stands(import_now, three_days, rows):
    body, count = three_days
    result = result_of(rows, import_now(body[:-3]))
    assert [p["code"] for p in result["problems"]] == ["cut"]
    assert result["problems"][0]["line"] == count + 1
    assert result["accepted"] > 0


def test_a_broken_archive_is_refused_whole(import_now, three_days, rows):
    body, _ = three_days
    operation_id = import_now(gzip.compress(body)[:-100])
    ((state, code),) = rows("SELECT state, error_code FROM operation WHERE id = %s", operation_id)
    assert (state, code) == ("failed", "production.file_unreadable")
    assert rows("SELECT count(*) FROM state_fact") == [(0,)]


def test_adapter_lines_of_a_machine_come_to_the_known_day(import_now, rows):
    from pathlib import Path

    raw = next(Path("tests/data/nist").glob("Mazak01*")).read_bytes()
    result = result_of(rows, import_now(raw, ImportForm.SHDR, unit="Mazak01"))
    assert result["problems"] == []
    found = dict(
        rows(
            "SELECT state, round(sum(extract(epoch FROM least(ended_at, %s)"
            " - greatest(started_at, %s)))::numeric, 3)::float FROM state_interval"
            " WHERE unit_id = %s AND ended_at > %s AND started_at < %s GROUP BY state",
            datetime(2017, 5, 17, tzinfo=UTC),
            datetime(2017, 5, 16, tzinfo=UTC),
            MAZAK01,
            datetime(2017, 5, 16, tzinfo=UTC),
            datetime(2017, 5, 17, tzinfo=UTC),
        )
    )
    assert found["producing"] == pytest.approx(560.535, abs=0.001)
    assert found["setup"] == pytest.approx(13.620, abs=0.001)
    assert found["minor_stop"] == pytest.approx(16.865, abs=0.001)
    assert found["down"] == pytest.approx(621.944, abs=0.001)
