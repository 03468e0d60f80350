import pytest

from kernel import clock
from tests.browsers import signed_in_client


@pytest.fixture(autouse=True)
def _real_clock(_clock):
    # Policies ask the database's own clock whether a consent is live: the two must agree.
    clock.thaw()


@pytest.fixture(scope="module")
def sign_in(app):
    """One browser for each person and module: hashing a password a hundred times takes minutes."""
    browsers = {}

    def enter(person):
        if person not in browsers:
            browsers[person] = signed_in_client(app, person)
        return browsers[person]

    return enter
