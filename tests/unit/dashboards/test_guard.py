"""Callbacks come through the guard or not at all, and a hand-made body gets nowhere."""

import json
from types import SimpleNamespace

import pytest
from dash import ClientsideFunction, Input, Output, State, dcc, html
from flask import Flask

from dashboards import guard
from dashboards.guard import GuardedDash, UnguardedCallback
from kernel.actor import Actor, Kind
from kernel.errors import BadRequest, Forbidden, NotFound
from kernel.ids import TenantId, new_id

MAY_READ = "production.fact.read"


class Session:
    def __init__(self):
        self.asked = []

    def execute(self, statement):
        self.asked.append(str(statement))


@pytest.fixture
def server():
    app = Flask("boards")
    app.testing = True
    return app


@pytest.fixture
def board(server):
    app = GuardedDash(server, prefix="/boards/tenant/", audience=Kind.TENANT)
    app.layout = lambda: html.Div([dcc.Location(id="url", refresh=False), html.Div(id="out")])

    @app.callback(
        Output("out", "children"),
        Input("url", "search"),
        State("url", "pathname"),
        permission=MAY_READ,
    )
    def show(search: str | None, pathname: str) -> str:
        return f"{pathname} {search}"

    return app


@pytest.fixture
def act_as(monkeypatch):
    def act(kind=Kind.TENANT, *permissions):
        actor = Actor(
            kind, tenant_id=TenantId(new_id()), grants={each: frozenset() for each in permissions}
        )
        session = Session()

        def require(permission):
            if not actor.may(permission):
                raise Forbidden

        work = SimpleNamespace(session=session, actor=actor, read_only=False, require=require)
        monkeypatch.setattr(guard, "current_actor", lambda: actor)
        monkeypatch.setattr(guard, "current_work", lambda: work)
        return session

    return act


def body(**changes):
    return {
        "output": "out.children",
        "outputs": {"id": "out", "property": "children"},
        "inputs": [{"id": "url", "property": "search", "value": "?node=1"}],
        "state": [{"id": "url", "property": "pathname", "value": "/x"}],
        "changedPropIds": ["url.search"],
    } | changes


def call(server, sent):
    return server.test_client().post("/boards/tenant/_dash-update-component", json=sent)


def test_a_callback_answers_who_may(server, board, act_as):
    act_as(Kind.TENANT, MAY_READ)
    answer = call(server, body())
    assert json.loads(answer.data)["response"] == {"out": {"children": "/x ?node=1"}}


def test_a_callback_runs_read_only(server, board, act_as):
    session = act_as(Kind.TENANT, MAY_READ)
    call(server, body())
    assert session.asked == ["SELECT set_config('transaction_read_only', 'on', true)"]


def test_a_role_without_the_permission_is_refused(server, board, act_as):
    act_as(Kind.TENANT)
    with pytest.raises(Forbidden):
        call(server, body())


def test_another_kind_of_actor_finds_nothing(server, board, act_as):
    act_as(Kind.BANK, MAY_READ)
    with pytest.raises(NotFound):
        call(server, body())


@pytest.mark.parametrize(
    "sent",
    [
        [],
        "text",
        {},
        {"output": 1},
        body(inputs=[]),
        body(inputs="url"),
        body(inputs=[{"id": "url", "property": "href", "value": "x"}]),
        body(inputs=[[{"id": "url", "property": "search", "value": "x"}]]),
        body(inputs=[{"id": {"type": "x"}, "property": "search", "value": "x"}]),
        body(state=[]),
        body(changedPropIds=[{}]),
        body(inputs=[{"id": "url", "property": "search", "value": {"a": 1}}]),
        body(inputs=[{"id": "url", "property": "search", "value": "x" * 2_001}]),
        body(state=[{"id": "url", "property": "pathname", "value": None}]),
    ],
)
def test_a_hand_made_body_is_a_bad_request(server, board, act_as, sent):
    act_as(Kind.TENANT, MAY_READ)
    with pytest.raises(BadRequest):
        call(server, sent)


@pytest.mark.parametrize("output", ["tenant.children", "..out.children...x.y..", "@", ""])
def test_an_unknown_callback_is_not_found(server, board, act_as, output):
    act_as(Kind.TENANT, MAY_READ)
    with pytest.raises(NotFound):
        call(server, body(output=output))


def test_made_up_outputs_change_nothing(server, board, act_as):
    act_as(Kind.TENANT, MAY_READ)
    answer = call(server, body(outputs=[{"id": "secret", "property": "children"}]))
    assert list(json.loads(answer.data)["response"]) == ["out"]


def test_a_callback_without_permission_cannot_be_registered(board):
    with pytest.raises(TypeError):
        board.callback(Output("a", "children"), Input("url", "search"))


def test_inline_script_cannot_be_registered(board):
    with pytest.raises(UnguardedCallback):
        board.clientside_callback("s => s", Output("a", "title"), Input("url", "search"))


def test_a_callback_past_the_guard_is_found_at_start(board):
    board.check_callbacks()
    super(GuardedDash, board).callback(Output("b", "children"), Input("url", "search"))
    with pytest.raises(UnguardedCallback, match=r"b\.children"):
        board.check_callbacks()


def test_the_inputs_of_a_callback_are_annotated(board):
    with pytest.raises(UnguardedCallback, match="search"):

        @board.callback(Output("c", "children"), Input("url", "search"), permission=MAY_READ)
        def untyped(search):
            return search


def test_a_function_of_an_asset_is_registered_without_a_permission(board):
    board.clientside_callback(
        ClientsideFunction("board", "sync"), Output("d", "title"), Input("url", "search")
    )
    assert board.guarded["d.title"].clientside


def test_callbacks_of_one_app_are_not_those_of_another(server, board):
    other = GuardedDash(server, prefix="/boards/group/", audience=Kind.GROUP)
    assert (list(board.guarded), list(other.guarded)) == (["out.children"], [])


def test_the_browser_learns_no_version(board, server):
    with server.test_request_context("/"):
        told = json.dumps(board._config())
    assert [name for name in guard.VERSIONS if json.loads(told)[name]] == []
    assert "http" not in told
