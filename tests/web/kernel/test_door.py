"""The door by itself: a small app of four views on a real database."""

import pytest
from flask import Flask, Response
from flask_babel import Babel
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import text

from kernel import errors, web
from kernel.actor import Actor, Kind
from kernel.ids import PersonId, PlaceId, TenantId, new_id

COMPANY, PERSON, PLACE = TenantId(new_id()), PersonId(new_id()), PlaceId(new_id())
KINDS = {kind.value: kind for kind in Kind}


class Named(web.Form):
    name: str
    size: int


def authenticate(database, request):
    kind = request.headers.get("X-Kind")
    if kind is None:
        return None
    grants = {each: frozenset({PLACE}) for each in request.headers.get("X-May", "").split(",")}
    return Actor(KINDS[kind], tenant_id=COMPANY, person_id=PERSON, grants=grants)


def views():
    bp = web.pages("t", __name__, audience=Kind.TENANT)

    @bp.get("/read")
    @web.requires("t.read")
    def read():
        return web.current_work().session.scalar(text("SELECT current_user"))

    @bp.post("/write")
    @web.requires("t.write")
    def write():
        web.current_work().defer("kernel.deliver", outbox_id="x")
        return "ok"

    @bp.post("/fail")
    @web.requires("t.write")
    def fail():
        web.current_work().defer("kernel.deliver", outbox_id="fail")
        raise errors.Conflict

    @bp.post("/commit-fails")
    @web.requires("t.write")
    def commit_fails():
        work = web.current_work()
        work.session.execute(text("SELECT 1"))
        # The connection is lost between the view and its commit.
        work.session.connection().connection.driver_connection.close()
        return "never seen"

    @bp.get("/sneaky")
    @web.requires("t.read")
    def sneaky():
        web.current_work().defer("kernel.deliver", outbox_id="sneaky")
        return "ok"

    @bp.post("/form")
    @web.requires("t.write")
    def form():
        return web.read_form(Named).name

    @bp.get("/fresh")
    @web.requires("t.read", step_up=True)
    def fresh():
        return "ok"

    @bp.get("/open")
    @web.public("a test")
    def opened():
        return "open"

    return bp


@pytest.fixture
def client(db):
    app = Flask(__name__)
    app.secret_key = "x" * 32
    Babel(app)
    app.register_blueprint(views())
    web.install(
        app,
        db,
        authenticate=authenticate,
        render_error=lambda refusal, status: f"<h1>{refusal.code}</h1>",
        step_up_fresh=lambda actor: False,
    )
    client = app.test_client()
    with client.session_transaction() as session:
        session["csrf_token"] = "of this session"
    return client


TOKEN = URLSafeTimedSerializer("x" * 32, salt="wtf-csrf-token").dumps("of this session")


def as_(kind, may=""):
    return {"X-Kind": kind, "X-May": may, "X-CSRFToken": TOKEN}


def jobs(admin, outbox_id):
    query = "SELECT count(*) FROM jobs.procrastinate_jobs WHERE args ->> 'outbox_id' = %s"
    return admin.execute(query, (outbox_id,)).fetchone()[0]


def test_it_works(client):
    answer = client.get("/read", headers=as_("tenant", "t.read"))
    assert (answer.status_code, answer.text) == (200, "portal_tenant")


def test_nobody_is_sent_to_the_sign_in_page_and_back(client):
    answer = client.get("/read?a=1")
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=%2Fread%3Fa%3D1")


def test_a_program_is_told_401(client):
    answer = client.post("/write", json={})
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")


def test_the_role_is_asked(client, admin):
    answer = client.post("/write", headers=as_("tenant", "t.read"))
    assert answer.status_code == 403
    assert jobs(admin, "x") == 0


def test_another_kind_of_actor_cannot_tell_the_page_from_a_missing_one(client):
    foreign = client.get("/read", headers=as_("bank", "t.read"))
    missing = client.get("/no-such-page", headers=as_("bank", "t.read"))
    assert (foreign.status_code, foreign.data) == (404, missing.data)


def test_a_change_is_committed_before_the_answer(client, admin):
    assert client.post("/write", headers=as_("tenant", "t.write")).status_code == 200
    assert jobs(admin, "x") == 1


def test_a_refusal_changes_nothing(client, admin):
    assert client.post("/fail", headers=as_("tenant", "t.write")).status_code == 409
    assert jobs(admin, "fail") == 0


def test_a_commit_that_fails_is_not_answered_as_done(client):
    answer = client.post("/commit-fails", headers=as_("tenant", "t.write"))
    assert (answer.status_code, "never seen" in answer.text) == (503, False)


def test_get_cannot_write(client, admin):
    answer = client.get("/sneaky", headers=as_("tenant", "t.read"))
    assert (answer.status_code, answer.text) == (500, "<h1>internal</h1>")
    assert jobs(admin, "sneaky") == 0


def test_every_faulty_field_is_named(client):
    answer = client.post("/form", json={"size": "x", "more": 1}, headers=as_("tenant", "t.write"))
    assert answer.status_code == 422
    assert sorted(each["loc"] for each in answer.json["errors"]) == ["more", "name", "size"]


def test_a_stale_proof_of_identity_leads_to_the_step_up_page(client):
    answer = client.get("/fresh", headers=as_("tenant", "t.read"))
    assert (answer.status_code, answer.location) == (303, "/auth/step-up?next=%2Ffresh")


def test_a_form_without_its_sessions_token_is_refused(client):
    headers = as_("tenant", "t.write") | {"X-CSRFToken": "of another"}
    assert client.post("/write", headers=headers).status_code == 400


def test_an_unsafe_request_from_another_site_is_refused(client):
    headers = as_("tenant", "t.write") | {"Sec-Fetch-Site": "cross-site"}
    assert client.post("/write", headers=headers).status_code == 403


def test_an_undeclared_endpoint_stops_the_start(db):
    app = Flask(__name__)
    app.add_url_rule("/x", "loose", lambda: Response("x"))
    with pytest.raises(RuntimeError, match="loose"):
        web.install(
            app,
            db,
            authenticate=authenticate,
            render_error=lambda refusal, status: "",
            step_up_fresh=lambda actor: True,
        )
