from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.throttle import (
    LIMITS,
    Counter,
    after_failure,
    network_of,
    subjects,
    waiting,
)

NOW = datetime(2026, 11, 24, 0, 5, tzinfo=UTC)
PAIR = LIMITS[Counter.PAIR]
SECOND = timedelta(seconds=1)


def fail(times, *, limit=PAIR, every=SECOND, start=NOW):
    failures, now = None, start
    for _ in range(times):
        failures = after_failure(failures, limit, now=now)
        now += every
    return failures, now


@pytest.mark.parametrize("counter", list(Counter))
def test_one_failure_less_than_the_limit_does_not_wait(counter):
    failures, now = fail(LIMITS[counter].failures - 1, limit=LIMITS[counter])
    assert waiting(failures, now=now) == timedelta(0)


@pytest.mark.parametrize("counter", list(Counter))
def test_the_limit_waits_as_long_as_it_says(counter):
    limit = LIMITS[counter]
    failures, now = fail(limit.failures, limit=limit)
    last = now - SECOND
    assert waiting(failures, now=last) == limit.wait
    assert waiting(failures, now=last + limit.wait) == timedelta(0)


def test_after_the_wait_one_failure_does_not_wait_again():
    failures, now = fail(PAIR.failures)
    over = now + PAIR.wait
    assert waiting(after_failure(failures, PAIR, now=over), now=over) == timedelta(0)


def test_failures_far_apart_never_wait():
    failures, now = fail(40, every=timedelta(minutes=16))
    assert waiting(failures, now=now) == timedelta(0)


@given(st.lists(st.integers(0, 3_000), min_size=1, max_size=60))
def test_within_any_window_no_more_failures_than_the_limit_are_tried(gaps):
    failures, now, tried = None, NOW, []
    for gap in gaps:
        now += timedelta(seconds=gap)
        if waiting(failures, now=now) == timedelta(0):
            tried.append(now)
            failures = after_failure(failures, PAIR, now=now)
    for at in tried:
        within = [each for each in tried if timedelta(0) <= each - at < PAIR.wait]
        # A window that is over begins anew: at most two of them meet within one wait.
        assert len(within) < 2 * PAIR.failures


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("nonsense", "unknown"),
    ],
)
def test_an_address_is_counted_by_its_network(address, network):
    assert network_of(address) == network


def test_subjects_hide_whom_they_count():
    counted = subjects(b"key", account="kestrel/ke.lan", address="192.0.2.7")
    other = subjects(b"other key", account="kestrel/ke.lan", address="192.0.2.7")
    assert len(set(counted.values()) | set(other.values())) == 6
    assert all(len(subject) == 32 for subject in counted.values())
