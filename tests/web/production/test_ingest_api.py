import gzip
import json

import pytest

from tenants import service
from tests.cast import GAO_YAN, KE_LAN, KONG_KUN
from tests.production_world import alive, ndjson, state

PATH = "/api/v1/ingest/batches"


@pytest.fixture(scope="module")
def token(work_as, gateway):
    with work_as(KONG_KUN) as work:
        return service.make_device_token(
            work, source_id=gateway, name="test", days=30, sources=[gateway]
        )


@pytest.fixture
def post(app, token):
    def send(body, *, key="k1", bearer=token, **headers):
        return app.test_client().post(
            PATH,
            data=body,
            headers={"Authorization": f"Bearer {bearer}", "Idempotency-Key": key} | headers,
        )

    return send


def test_a_batch_is_answered_line_by_line(post):
    answer = post(ndjson([state(1, "producing"), state(1, "producing"), state(2, "flying")]))
    assert answer.status_code == 200
    told = answer.get_json()
    assert (told["accepted"], told["duplicate"]) == (1, 1)
    assert told["quarantined"] == [
        {"line": 3, "code": "E-STATE", "field": "state", "value": "flying"}
    ]


def test_gzip_is_unpacked(post, rows):
    body = gzip.compress(ndjson([state(1, "producing")]))
    assert post(body, **{"Content-Encoding": "gzip"}).status_code == 200
    assert rows("SELECT value FROM state_fact") == [("producing",)]


def test_a_malformed_line_refuses_the_whole_body_and_every_fault_is_named(post, rows):
    body = b"\n".join(
        [
            ndjson([state(1, "producing")]),
            b'{"k":"state","unit":"L1-01","at":"2026-11-23T01:00:00","state":"idle"}',
            b'{"k":"count","unit":"L1-01","at":"2026-11-23T01:00:00Z","counter":NaN}',
            b'{"k":"count","unit":"L1-01","at":"2026-11-23T01:00:00Z","counter":-1,"x":1}',
            b"not json",
            b'{"k":"state","unit":"L1-01","at":"2026-11-23T01:00:00Z"}',
            b'{"k":"sample"}',
            b'{"k":"state","unit":"' + b"x" * 17_000 + b'"}',
        ]
    )
    answer = post(body)
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    told = {(e["line"], e["field"], e["code"]) for e in answer.get_json()["errors"]}
    assert told == {
        (2, "at", "not_a_moment"),
        (3, "line", "not_json"),
        (4, "x", "unknown_field"),
        (4, "counter", "negative"),
        (5, "line", "not_json"),
        (6, "state", "missing"),
        (7, "k", "unknown_word"),
        (8, "line", "too_long"),
    }
    assert rows("SELECT count(*) FROM state_fact") == [(0,)]


def test_the_same_batch_sent_again_gets_the_first_answer(post, rows):
    first = post(ndjson([state(1, "producing")]))
    again = post(ndjson([state(1, "producing")]))
    other = post(ndjson([state(2, "producing")]))
    assert again.data == first.data
    assert (other.status_code, other.get_json()["code"]) == (422, "production.key_reused")
    assert rows("SELECT count(*) FROM state_fact") == [(1,)]


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_batch_without_a_usable_key_is_refused(post, key):
    assert post(ndjson([state(1, "producing")]), key=key).status_code == 422


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"x" * (5 * 1024 * 1024 + 1), {}, 413),
        (gzip.compress(b"0" * (51 * 1024 * 1024)), {"Content-Encoding": "gzip"}, 413),
        (gzip.compress(b"{}")[:-3], {"Content-Encoding": "gzip"}, 422),
        (b"{}", {"Content-Encoding": "br"}, 415),
        (b"", {}, 422),
        (b"\n" * 50_001, {}, 422),
    ],
    ids=["large", "bomb", "cut", "brotli", "empty", "many lines"],
)
def test_what_is_too_large_or_damaged_is_refused(post, rows, body, headers, status):
    assert post(body, **headers).status_code == status
    assert rows("SELECT count(*) FROM ingest_batch") == [(0,)]


@pytest.mark.parametrize("bearer", ["", "gyd_00000000_" + "a" * 43, "nonsense"])
def test_without_a_valid_token_nothing_is_taken(post, rows, bearer):
    answer = post(ndjson([state(1, "producing")]), bearer=bearer)
    assert answer.status_code == 401
    assert rows("SELECT count(*) FROM state_fact") == [(0,)]


@pytest.mark.parametrize("person", [KE_LAN, GAO_YAN])
def test_for_people_the_door_does_not_exist(sign_in, person):
    answer = sign_in(person).post(PATH, data=ndjson([alive(1)]), headers={"Idempotency-Key": "k"})
    assert answer.status_code in (401, 404)


def test_a_token_opens_no_page(app, token):
    client = app.test_client()
    answer = client.get("/production/sources", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code in (303, 404)


def test_a_unit_of_another_company_is_unknown(post, rows):
    told = post(ndjson([state(1, "producing", unit="F1-01"), alive(1)])).get_json()
    assert [q["code"] for q in told["quarantined"]] == ["E-UNIT"]
    assert json.dumps(told).count("F1-01") == 1
    assert rows("SELECT count(DISTINCT tenant_id) FROM state_fact") == [(1,)]
