import pytest

from kernel import clock


@pytest.fixture(autouse=True)
def _real_clock(_clock):
    # Policies ask the database's own clock whether a consent is live: the two must agree.
    clock.thaw()
