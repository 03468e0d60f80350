from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from portal.demo import testbed
from portal.production.mtconnect import ItemEvent, state_reports
from portal.production.timeline import intervals

NOW = datetime(2026, 11, 24, 0, 5, tzinfo=UTC)
MOVED = testbed.moved_by(NOW)
FIRST, LAST = testbed.PLAYED_FROM + MOVED, testbed.PLAYED_UNTIL + MOVED


@pytest.fixture(scope="module")
def lines():
    return testbed.lines_between(FIRST, LAST, moved=MOVED)


def test_events_move_by_whole_weeks_to_end_on_the_last_monday():
    assert MOVED % timedelta(weeks=1) == timedelta()
    assert datetime(2026, 11, 23, tzinfo=UTC) == LAST
    assert testbed.moved_by(LAST) == MOVED


def test_each_event_comes_once_in_order_of_time(lines):
    keys = [(one["at"], one["unit"], one["item"], one["v"]) for one in lines]
    assert len(keys) == 39_281
    assert keys == sorted(set(keys))


def test_every_machine_has_its_model():
    known = testbed.models()
    units = [unit.code for _, _, unit in testbed.TEST_BED.units()]
    assert len(units) == 8
    assert set(units) <= set(known)


def test_what_a_machine_did_is_known_as_long_as_in_the_archive(lines):
    by_unit = defaultdict(list)
    for one in lines:
        at = datetime.fromisoformat(one["at"])
        by_unit[one["unit"]].append(ItemEvent(at, one["item"], one["v"]))
    model = testbed.models()["Mazak01"]
    drawn = intervals(
        state_reports(by_unit["Mazak01"], model),
        starts_at=FIRST,
        ends_at=LAST,
        heartbeat_s=testbed.HEARTBEAT_S,
        heard_at=[event.at for event in by_unit["Mazak01"]],
    )
    unknown_s = sum(i.seconds for i in drawn if i.state == "unknown")
    assert 1 - unknown_s / (LAST - FIRST).total_seconds() == pytest.approx(0.088, abs=5e-4)


def test_what_followed_plays_on_however_it_is_cut():
    middle, end = LAST + timedelta(days=2), LAST + timedelta(days=5)
    whole = testbed.lines_between(LAST, end, moved=MOVED)
    parts = [
        *testbed.lines_between(LAST, middle, moved=MOVED),
        *testbed.lines_between(middle, end, moved=MOVED),
    ]
    assert whole == parts
    assert whole
