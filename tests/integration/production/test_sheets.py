from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from kernel.db import worker
from kernel.errors import Forbidden
from portal.demo.places import place_id
from portal.production import derive, queries, sheet_queries, sheet_service
from portal.production.errors import (
    SheetChanged,
    SheetExists,
    SheetMinutesTooMany,
    SheetSelfSigned,
    SheetSigned,
    SheetSumsDiffer,
    ShiftNotOver,
    ShiftUnknown,
)
from portal.production.loading import load_facts
from portal.production.models import Unit
from portal.production.setups import load_company
from portal.production.sheet import ProductLine
from portal.production.sheet_service import LostEntry, SheetEntry
from portal.production.unitruns import Run, derive_run
from portal.production.words import CountsFrom
from tests.cast import DAI_HE, DING_NING, DOVE, KE_LAN, PEI_NUAN
from tests.conftest import NOW

DAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def unit_id(work_as):
    """A machine of Dove, which has no sensors."""
    with work_as(DING_NING) as work:
        found = work.session.scalars(
            select(Unit.place_id)
            .where(Unit.counts_from == CountsFrom.SHEET)
            .order_by(Unit.place_id)
        )
        return next(iter(found))


@pytest.fixture(scope="module")
def shift_code(work_as, unit_id):
    with work_as(DING_NING) as work:
        due = sheet_queries.list_due(work, unit_ids=[unit_id])
    return next(d.shift_code for d in due if d.production_day == DAY)


@pytest.fixture
def make_sheet(unit_id, shift_code):
    def make(**changes):
        entry = SheetEntry(
            unit_id=unit_id,
            production_day=DAY,
            shift_code=shift_code,
            products=[ProductLine("DV-1", 1000.0, 970.0, 25.0, 5.0)],
            lost=[LostEntry("mechanical", 40.0, 2)],
        )
        return replace(entry, **changes)

    return make


def test_a_sheet_becomes_facts_graded_lower_and_the_day_is_declared(
    work_as, make_sheet, unit_id, rows, jobs_db
):
    with work_as(DING_NING) as work:
        sheet_service.hand_in(work, make_sheet())
    assert rows("SELECT value, declared_s, stops, rank FROM state_fact WHERE value = 'down'") == [
        ("down", 2400.0, 2, 10)
    ]
    assert dict(rows("SELECT kind, qty FROM count_fact")) == {
        "produced": 1000.0,
        "good": 970.0,
        "scrap": 25.0,
        "rework": 5.0,
    }
    derive.derive_company(jobs_db, DOVE.id)
    with work_as(DING_NING) as work:
        day = queries.sums_by_place(work, level="unit", first=DAY, last=DAY)[unit_id]
    assert (day.output.pq, day.output.gq, day.output.declared_gq) == (1000.0, 970.0, 970.0)
    assert (day.time.down_s, day.time.down_count) == (2400.0, 2)
    assert day.time.declared_s > 0


@pytest.mark.parametrize(
    ("changes", "refusal", "numbers"),
    [
        (
            {"products": [ProductLine("DV-1", 1000.0, 900.0, 25.0, 5.0)]},
            SheetSumsDiffer,
            ("1000", "930"),
        ),
        ({"lost": [LostEntry("mechanical", 5000.0)]}, SheetMinutesTooMany, ("5000",)),
    ],
)
def test_numbers_that_do_not_agree_are_refused_with_both(
    work_as, make_sheet, rows, changes, refusal, numbers
):
    with work_as(DING_NING) as work, pytest.raises(refusal) as refused:
        sheet_service.hand_in(work, make_sheet(**changes))
    assert set(numbers) <= set(refused.value.values.values())
    assert rows("SELECT count(*) FROM shift_sheet") == [(0,)]


def test_a_second_sheet_of_a_shift_is_only_taken_as_a_correction(work_as, make_sheet, rows):
    with work_as(DING_NING) as work:
        first = sheet_service.hand_in(work, make_sheet())
    with pytest.raises(SheetExists), work_as(DING_NING) as work:
        sheet_service.hand_in(work, make_sheet())
    better = make_sheet(products=[ProductLine("DV-1", 1000.0, 980.0, 15.0, 5.0)])
    with work_as(DING_NING) as work:
        sheet_service.correct(work, first, better, reason="Counted again")
    with pytest.raises(SheetChanged), work_as(DING_NING) as work:
        sheet_service.correct(work, first, better, reason="And again")
    found = rows("SELECT reason, supersedes_id FROM shift_sheet ORDER BY entered_at, id")
    assert found == [(None, None), ("Counted again", first)]


def test_only_the_correction_counts(work_as, make_sheet, unit_id, jobs_db):
    with work_as(DING_NING) as work:
        first = sheet_service.hand_in(work, make_sheet())
    derive.derive_company(jobs_db, DOVE.id)
    better = make_sheet(products=[ProductLine("DV-1", 1200.0, 1190.0, 10.0)], lost=[])
    with work_as(DING_NING) as work:
        sheet_service.correct(work, first, better, reason="The second pallet was forgotten")
    derive.derive_company(jobs_db, DOVE.id)
    with work_as(DING_NING) as work:
        day = queries.sums_by_place(work, level="unit", first=DAY, last=DAY)[unit_id]
    assert (day.output.pq, day.output.gq, day.time.down_s) == (1200.0, 1190.0, 0.0)


def test_what_a_day_was_made_from_does_not_depend_on_where_rows_lie(
    work_as, make_sheet, unit_id, jobs_db
):
    lost = [LostEntry("mechanical", 40.0, 2), LostEntry("no_material", 10.0)]
    with work_as(DING_NING) as work:
        sheet_service.hand_in(work, make_sheet(lost=lost))
    with jobs_db.work(worker(DOVE.id), read_only=True) as work:
        run = Run(load_company(work, DOVE.id).units[unit_id], (DAY,))
        load_facts(work, DOVE.id, [run])
    assert len(run.counts) == 4
    hashes = set()
    for _ in range(2):
        (day,) = derive_run(run, now=NOW + timedelta(days=1))
        hashes.add(day.inputs_sha256)
        run.states.reverse()
        run.counts.reverse()
    assert len(hashes) == 1


def test_a_missing_sheet_is_a_shift_of_unknown_time(work_as, make_sheet, unit_id, jobs_db):
    with work_as(DING_NING) as work:
        sheet_service.hand_in(work, make_sheet())
    derive.derive_company(jobs_db, DOVE.id)
    with work_as(DING_NING) as work:
        day = queries.sums_by_place(work, level="unit", first=DAY, last=DAY)[unit_id]
        workday, shift = sheet_service.find_shift(work, unit_id, DAY, make_sheet().shift_code)
    others = [s for s in workday.shifts if s != shift]
    assert (day.time.unk_s > 0) == bool(others)
    assert day.time.pbt_s == pytest.approx(day.time.declared_s + day.time.unk_s)


def test_a_sheet_is_due_until_it_is_handed_in(work_as, make_sheet, unit_id):
    with work_as(DING_NING) as work:
        before = sheet_queries.list_due(work, unit_ids=[unit_id])
        sheet_service.hand_in(work, make_sheet())
        after = sheet_queries.list_due(work, unit_ids=[unit_id])
    gone = set(before) - set(after)
    assert [(d.production_day, d.shift_code) for d in gone] == [(DAY, make_sheet().shift_code)]
    assert all(d.ended_at <= NOW for d in after)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"shift_code": "no-such"}, ShiftUnknown),
        ({"production_day": NOW.date() + timedelta(days=1)}, ShiftNotOver),
    ],
)
def test_a_shift_that_is_not_over_or_not_there_has_no_sheet(
    work_as, make_sheet, rows, changes, refusal
):
    with work_as(DING_NING) as work, pytest.raises(refusal):
        sheet_service.hand_in(work, make_sheet(**changes))
    assert rows("SELECT count(*) FROM shift_sheet") == [(0,)]


def test_who_entered_a_sheet_does_not_sign_it(work_as, make_sheet, rows):
    with work_as(DING_NING) as work:
        sheet_id = sheet_service.hand_in(work, make_sheet())
    with pytest.raises(SheetSelfSigned), work_as(DING_NING) as work:
        sheet_service.sign(work, sheet_id)
    assert rows("SELECT signed_by FROM shift_sheet") == [(None,)]


def test_a_signed_sheet_is_not_signed_twice(work_as, make_sheet, admin, rows):
    with work_as(DING_NING) as work:
        sheet_id = sheet_service.hand_in(work, make_sheet())
    admin.execute("UPDATE shift_sheet SET signed_by = entered_by, signed_at = entered_at")
    with pytest.raises(SheetSigned), work_as(DING_NING) as work:
        sheet_service.sign(work, sheet_id)
    assert rows("SELECT count(*) FROM shift_sheet WHERE signed_at IS NOT NULL") == [(1,)]


def test_another_company_enters_no_sheet_here(work_as, make_sheet, rows):
    from kernel.errors import NotFound

    with pytest.raises(NotFound), work_as(KE_LAN) as work:
        sheet_service.hand_in(work, make_sheet())
    with pytest.raises(Forbidden), work_as(PEI_NUAN) as work:
        sheet_service.hand_in(work, make_sheet())
    assert rows("SELECT count(*) FROM shift_sheet") == [(0,)]
    assert place_id


def test_one_sheet_waits_for_a_signature_however_often_it_is_corrected(work_as, make_sheet):
    with work_as(DING_NING) as work:
        first = sheet_service.hand_in(work, make_sheet())
    better = make_sheet(products=[ProductLine("DV-1", 1000.0, 980.0, 15.0, 5.0)])
    with work_as(DING_NING) as work:
        sheet_service.correct(work, first, better, reason="Counted again")
    counts = []
    for person in (DAI_HE, DING_NING):
        with work_as(person) as work:
            counts.append(sheet_queries.count_to_sign(work))
    assert counts == [1, 0]
