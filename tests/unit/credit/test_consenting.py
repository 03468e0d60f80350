from datetime import UTC, date, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.ids import PersonId
from portal.credit.consenting import (
    ALONE_WAITS,
    Asked,
    Refusal,
    Terms,
    approves_alone,
    period_end,
    refusal,
)
from portal.credit.errors import PeriodOutOfRange, SecondPersonNeeded, WaitsForTheDay
from portal.credit.lifecycle import CONSENT, LIVE, REQUEST, WAITING, ConsentState
from portal.credit.words import Dataset, Purpose

NOW = datetime(2026, 11, 24, tzinfo=UTC)
DAY = timedelta(days=1)
FIRST, SECOND = PersonId(UUID(int=1)), PersonId(UUID(int=2))
OPENED = frozenset({Dataset.HEAD, Dataset.PRODUCTION})


def make_terms(**changed):
    terms = {
        "state": ConsentState.ACTIVE,
        "purpose": Purpose.UNDERWRITING,
        "datasets": OPENED,
        "level": 1,
        "data_from": date(2026, 1, 1),
        "valid_from": NOW - DAY,
        "valid_until": NOW + DAY,
    }
    return Terms(**(terms | changed))


DATASETS = [
    frozenset({Dataset.HEAD}),
    OPENED,
    frozenset({Dataset.HEAD, Dataset.QUALITY}),
    frozenset(Dataset),
]
MOMENTS = [NOW - 2 * DAY, NOW - DAY, NOW, NOW + DAY, NOW + 2 * DAY]
CASES = list(product(ConsentState, Purpose, DATASETS, (0, 1, 2), MOMENTS))


def test_a_read_is_let_in_exactly_where_every_condition_holds():
    # The whole matrix against a plain conjunction.
    granted = 0
    for state, purpose, datasets, level, now in CASES:
        allowed = (
            state == "active"
            and purpose == "underwriting"
            and datasets <= OPENED
            and level <= 1
            and NOW - DAY <= now < NOW + DAY
        )
        answer = refusal(make_terms(state=state), Asked(datasets, level, purpose), now)
        assert (answer is None) == allowed
        granted += allowed
    assert granted == 2 * 2 * 2


@pytest.mark.parametrize(
    ("changed", "asked", "expected"),
    [
        ({"state": ConsentState.SUSPENDED}, Asked(OPENED, 1), Refusal.NOT_LIVE),
        ({"valid_from": None}, Asked(OPENED, 1), Refusal.NOT_LIVE),
        ({}, Asked(OPENED, 1, Purpose.AUDIT), Refusal.PURPOSE),
        ({}, Asked(OPENED, 2), Refusal.LEVEL),
        ({}, Asked(frozenset(Dataset), 1), Refusal.DATASET),
        ({}, Asked(OPENED, 1, data_from=date(2025, 12, 31)), Refusal.DATA_FROM),
        ({}, Asked(OPENED, 1, data_from=date(2026, 1, 1)), None),
    ],
)
def test_the_first_thing_in_the_way_is_named(changed, asked, expected):
    assert refusal(make_terms(**changed), asked, NOW) is expected


@pytest.mark.parametrize("days", [0, -1, 366])
def test_a_consent_longer_than_a_year_is_refused(days):
    with pytest.raises(PeriodOutOfRange):
        period_end(NOW, days)


def test_a_consent_ends_so_many_days_later():
    assert period_end(NOW, 180) == NOW + 180 * DAY


def alone(approver=FIRST, others=False, later=timedelta(0)):
    return approves_alone(
        prepared_by=FIRST,
        prepared_at=NOW,
        approver=approver,
        others_may=others,
        now=NOW + later,
    )


def test_another_person_approves_at_once():
    assert alone(approver=SECOND, others=True) is False


def test_the_preparer_does_not_approve_while_a_colleague_may():
    with pytest.raises(SecondPersonNeeded):
        alone(others=True, later=30 * DAY)


def test_a_company_of_one_waits_a_day_and_is_marked():
    with pytest.raises(WaitsForTheDay):
        alone(later=ALONE_WAITS - timedelta(seconds=1))
    assert alone(later=ALONE_WAITS) is True


@given(st.lists(st.sampled_from(list(ConsentState)), min_size=1, max_size=12))
def test_a_walk_that_follows_the_moves_never_leaves_a_final_state(path):
    state = ConsentState.REQUESTED
    for wanted in path:
        if wanted in CONSENT.moves.get(state, {}):
            state = wanted
    assert state in CONSENT.states()
    assert (state in CONSENT.final_states()) == (state not in (*WAITING, *LIVE))


@pytest.mark.parametrize("machine", [CONSENT, REQUEST], ids=lambda machine: machine.name)
def test_the_clock_alone_ends_every_state_that_can_be_left(machine):
    for state in machine.states():
        if state in machine.final_states():
            continue
        assert state in machine.deadlines
        assert any("clock" in sides for sides in machine.moves[state].values())
