"""How old may the newest fact be?"""

from datetime import UTC, datetime, timedelta

import pytest

from dashboards.lateness import is_late, longest_silence
from portal.production.sums import TimeSums
from tenants.words import Origin

NOW = datetime(2026, 11, 24, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("origin", "declared_s", "hours"),
    [
        (Origin.SIMULATED, 0, 2),
        (Origin.LIVE, 0, 2),
        (Origin.REPLAYED, 0, 24),
        (Origin.LIVE, 90, 36),
    ],
)
def test_the_limit_follows_from_how_facts_come(origin, declared_s, hours):
    time = TimeSums(pbt_s=100, declared_s=declared_s)
    assert longest_silence(origin, time) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("age", "late"),
    [(timedelta(hours=2), False), (timedelta(hours=2, seconds=1), True), (None, True)],
)
def test_late_is_later_than_the_limit(age, late):
    newest = None if age is None else NOW - age
    assert is_late(newest, now=NOW, longest=timedelta(hours=2)) is late
