from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from kernel.ids import PlaceId
from portal.production import sheet_queries
from portal.production.models import Unit
from portal.production.words import CountsFrom
from tests.cast import DAI_HE, DING_NING, GAO_YAN, KE_LAN

DAY = date(2026, 11, 23)
NEW = "/production/shift-sheets/new"


@pytest.fixture(scope="module")
def shift(work_as):
    """A shift of Dove that is over and has no sheet."""
    with work_as(DING_NING) as work:
        units = list(
            work.session.scalars(
                select(Unit.place_id)
                .where(Unit.counts_from == CountsFrom.SHEET)
                .order_by(Unit.place_id)
            )
        )
        due = sheet_queries.list_due(work, unit_ids=units[:1])
    found = next(d for d in due if d.production_day == DAY)
    return {
        "unit_id": str(found.unit_id),
        "production_day": DAY.isoformat(),
        "shift_code": found.shift_code,
    }


@pytest.fixture
def form(shift):
    return shift | {
        "products.0.produced": "1000",
        "products.0.good": "970",
        "products.0.scrap": "25",
        "products.0.rework": "5",
        "products.1.product": "",
        "lost.0.reason": "mechanical",
        "lost.0.minutes": "40",
        "lost.0.stops": "2",
        "lost.1.reason": "no_material",
        "lost.1.minutes": "",
        "note": "Belt slipped twice",
    }


def test_the_newest_due_shift_is_filled_in_already(sign_in, shift):
    page = sign_in(DING_NING).get(NEW)
    assert page.status_code == 200
    assert 'name="products.0.produced"' in page.text
    assert 'inputmode="decimal"' in page.text


def test_a_sheet_is_handed_in_and_shown(sign_in, form, rows):
    client = sign_in(DING_NING)
    answer = client.post(NEW, data=form)
    assert answer.status_code == 303
    page = client.get(answer.location)
    assert page.status_code == 200
    assert "Belt slipped twice" in page.text
    assert rows("SELECT content->'lost' FROM shift_sheet") == [
        ([{"reason_code": "mechanical", "minutes": 40.0, "stops": 2}],)
    ]
    assert client.get("/production/shift-sheets").status_code == 200


def test_numbers_that_do_not_agree_come_back_with_both_and_with_what_was_typed(sign_in, form, rows):
    answer = sign_in(DING_NING).post(NEW, data=form | {"products.0.good": "900"})
    assert answer.status_code == 422
    assert "1000" in answer.text
    assert "930" in answer.text
    assert 'value="900"' in answer.text
    assert rows("SELECT count(*) FROM shift_sheet") == [(0,)]


@pytest.mark.parametrize(
    "changes",
    [
        {"products.0.produced": "many"},
        {"products.0.good": "-5"},
        {"shift_code": "no-such-shift"},
        {"unit_id": "nonsense"},
        {"extra": "1"},
    ],
)
def test_what_cannot_be_a_sheet_is_refused(sign_in, form, rows, changes):
    assert sign_in(DING_NING).post(NEW, data=form | changes).status_code in (404, 422)
    assert rows("SELECT count(*) FROM shift_sheet") == [(0,)]


def test_a_sheet_is_corrected_with_a_reason(sign_in, form, rows):
    client = sign_in(DING_NING)
    path = client.post(NEW, data=form).location
    assert client.get(f"{path}/correct").status_code == 200
    changed = form | {"products.0.good": "980", "products.0.scrap": "15"}
    assert client.post(f"{path}/correct", data=changed).status_code == 422
    answer = client.post(f"{path}/correct", data=changed | {"reason": "Counted again"})
    assert answer.status_code == 303
    assert client.get(answer.location).status_code == 200
    assert rows("SELECT count(*) FROM shift_sheet WHERE supersedes_id IS NOT NULL") == [(1,)]


def test_who_entered_it_does_not_sign_it(sign_in, form, rows):
    client = sign_in(DING_NING)
    path = client.post(NEW, data=form).location
    assert client.post(f"{path}/sign").status_code == 409
    assert rows("SELECT signed_at FROM shift_sheet") == [(None,)]


def test_another_company_cannot_tell_a_sheet_from_a_missing_one(sign_in, form):
    path = sign_in(DING_NING).post(NEW, data=form).location
    stranger = sign_in(KE_LAN)
    for suffix in ("", "/correct"):
        foreign = stranger.get(path + suffix)
        missing = stranger.get(f"/production/shift-sheets/{uuid4()}{suffix}")
        assert (foreign.status_code, foreign.data) == (404, missing.data)


def test_a_bank_gets_nothing(sign_in):
    bank = sign_in(GAO_YAN)
    assert bank.get(NEW).data == bank.get("/no/such/page").data


def test_a_sheet_waits_for_the_signature_of_another(sign_in, form):
    before = sign_in(DAI_HE).get("/home").text
    assert sign_in(DING_NING).post(NEW, data=form).status_code == 303
    waits = "待签字"
    assert (waits in before, waits in sign_in(DAI_HE).get("/home").text) == (False, True)
    assert waits not in sign_in(DING_NING).get("/home").text


@pytest.fixture
def out_of_use(admin, shift):
    """The shift's machine, out of use since its last shift but one ended."""
    ended = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)  # the first shift ends at 16:00 in Shanghai
    admin.execute("UPDATE place SET retired_at = %s WHERE id = %s", [ended, shift["unit_id"]])
    yield shift["unit_id"]
    admin.execute("UPDATE place SET retired_at = NULL WHERE id = %s", [shift["unit_id"]])


def test_a_machine_out_of_use_owes_only_the_sheets_of_before(sign_in, form, out_of_use, work_as):
    client = sign_in(DING_NING)
    with work_as(DING_NING) as work:
        due = sheet_queries.list_due(work, unit_ids=[PlaceId(UUID(out_of_use))])
    assert due
    assert max(one.ended_at for one in due) <= datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
    before = form | {
        "production_day": due[0].production_day.isoformat(),
        "shift_code": due[0].shift_code,
    }
    page = f"{NEW}?unit_id={out_of_use}&production_day={{}}&shift_code={{}}"
    known = page.format(before["production_day"], before["shift_code"])
    assert client.get(known).status_code == 200
    answer = client.post(NEW, data=before)
    assert answer.status_code == 303
    assert client.get(answer.location).status_code == 200
    assert client.get("/production/shift-sheets").status_code == 200
    later = page.format(date(2026, 11, 24).isoformat(), before["shift_code"])
    assert client.get(later).status_code == 404
