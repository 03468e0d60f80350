from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from kernel import clock
from kernel.actor import Kind
from kernel.errors import NotFound
from kernel.ids import SourceId
from tenants import people_queries, service
from tenants.errors import NoSuchSource, TokenLastsTooLong
from tenants.identity import authenticate_device
from tests.cast import KESTREL, KONG_KUN, PAN_LI
from tests.conftest import NOW

SOURCE = SourceId(uuid4())


@pytest.fixture
def make_token(work_as):
    def make(*, days=30):
        with work_as(KONG_KUN) as work:
            return service.make_device_token(
                work, source_id=SOURCE, name="MES", days=days, sources=[SOURCE]
            )

    return make


@pytest.fixture
def newest(work_as):
    def find():
        with work_as(KONG_KUN, read_only=True) as work:
            return max(people_queries.list_device_tokens(work), key=lambda token: token.id)

    return find


def ask(db, token):
    return authenticate_device(db, f"Bearer {token}")


def test_a_token_proves_one_source_of_one_company(db, make_token):
    actor = ask(db, make_token())
    assert (actor.kind, actor.tenant_id, actor.source_id) == (Kind.INGEST, KESTREL.id, SOURCE)
    assert (actor.person_id, dict(actor.grants)) == (None, {})


def test_a_wrong_secret_proves_nothing(db, make_token):
    token = make_token()
    assert ask(db, token[:-1] + ("A" if token[-1] != "A" else "B")) is None
    assert authenticate_device(db, None) is None
    assert authenticate_device(db, f"Basic {token}") is None


def test_a_revoked_token_is_dead_at_the_next_request(db, make_token, newest, work_as):
    token = make_token()
    with work_as(KONG_KUN) as work:
        service.revoke_device_token(work, newest().id)
        service.revoke_device_token(work, newest().id)
    assert ask(db, token) is None


def test_a_token_ends_by_itself(db, make_token):
    token = make_token(days=30)
    clock.freeze(NOW + timedelta(days=30) - timedelta(seconds=1))
    assert ask(db, token) is not None
    clock.freeze(NOW + timedelta(days=30))
    assert ask(db, token) is None


def test_use_is_written_down(db, make_token, newest):
    ask(db, make_token())
    assert newest().last_used_at == NOW


@pytest.mark.parametrize("days", [0, 366])
def test_a_token_lasts_a_day_at_least_and_a_year_at_most(make_token, days):
    with pytest.raises(TokenLastsTooLong):
        make_token(days=days)


def test_a_token_is_for_a_source_of_the_company(work_as):
    with pytest.raises(NoSuchSource), work_as(KONG_KUN) as work:
        service.make_device_token(
            work, source_id=SourceId(uuid4()), name="MES", days=1, sources=[SOURCE]
        )


def test_another_company_neither_sees_nor_revokes_it(db, make_token, newest, work_as):
    token = make_token()
    with work_as(PAN_LI) as work:
        assert people_queries.list_device_tokens(work) == []
    with pytest.raises(NotFound), work_as(PAN_LI) as work:
        service.revoke_device_token(work, newest().id)
    assert ask(db, token) is not None


def test_the_secret_cannot_be_read_back(make_token, work_as):
    make_token()
    with pytest.raises(ProgrammingError, match="permission denied"), work_as(KONG_KUN) as work:
        work.session.execute(text("SELECT secret_sha256 FROM device_token"))
