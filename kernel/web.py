"""Where a request begins, is let in, commits and fails.

The door (`before_request`) asks, in this order: who, for this kind of actor, this role, a fresh
proof of identity, the CSRF token. A view then works in one transaction, opened at its first
`current_work()` and ended by the wrapper that `install` puts around every view last of all.
"""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import urlencode, urlsplit

import structlog
from flask import Blueprint, Flask, Request, Response, current_app, g, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, CSRFProtect
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from kernel import errors
from kernel.actor import PEOPLE, Actor, Kind
from kernel.db import Database, Work
from kernel.ids import ViewId, WorkId, new_id

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_F = TypeVar("_F", bound=Callable[..., Any])
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Door:
    """What one endpoint asks of who comes: a permission of a kind of actor, or "public" aloud."""

    permissions: tuple[str, ...] = ()
    audience: frozenset[Kind] = frozenset(PEOPLE)
    public: str | None = None
    acts_as: Kind | None = None
    step_up: bool = False
    write: bool = False
    bearer: bool = False


Authenticate = Callable[[Database, Request], Actor | None]
RenderError = Callable[[errors.PortalError, int], str]


@dataclass(frozen=True, slots=True)
class Portal:
    """What the door needs, put into `app.extensions["portal"]` by `install`."""

    database: Database
    doors: dict[str, Door]
    authenticate: Authenticate
    render_error: RenderError
    step_up_fresh: Callable[[Actor], bool]
    sign_in_path: str = "/sign-in"
    step_up_path: str = "/auth/step-up"


class SecuredBlueprint(Blueprint):
    """A blueprint whose every route is for `audience` and declares its permission."""

    audience: frozenset[Kind]
    bearer: bool


def pages(
    name: str,
    import_name: str,
    *,
    audience: Kind | Iterable[Kind] = PEOPLE,
    template_folder: str | None = "templates",
    url_prefix: str | None = None,
) -> SecuredBlueprint:
    """Return a blueprint of pages; to any other kind of actor they are 404, as if missing."""
    blueprint = SecuredBlueprint(
        name, import_name, template_folder=template_folder, url_prefix=url_prefix
    )
    blueprint.audience = frozenset([audience] if isinstance(audience, Kind) else audience)
    blueprint.bearer = False
    return blueprint


def api(
    name: str, import_name: str, *, audience: Kind | Iterable[Kind], url_prefix: str | None = None
) -> SecuredBlueprint:
    """Return a blueprint for programs with a bearer token; refusals are problem+json."""
    blueprint = pages(name, import_name, audience=audience, url_prefix=url_prefix)
    blueprint.bearer = True
    return blueprint


def requires(*permissions: str, step_up: bool = False, write: bool = False) -> Callable[[_F], _F]:
    """Let in who holds any of `permissions`; `step_up` asks for a proof not older than 15 minutes.

    `write` opens a read-write transaction on GET too.
    """
    if not permissions:
        raise ValueError('name a permission, or say `public("why")`')
    return _declare(Door(permissions=permissions, step_up=step_up, write=write))


def public(reason: str, *, acts_as: Kind | None = None, write: bool = False) -> Callable[[_F], _F]:
    """Let everybody in, for the reason given; `acts_as` gives the view a work of a machine kind."""
    return _declare(Door(public=reason, acts_as=acts_as, write=write))


def signed_in(*, write: bool = False) -> Callable[[_F], _F]:
    """Let in every signed-in person of the blueprint's audience: the person's own things."""
    return _declare(Door(write=write))


def _declare(door: Door) -> Callable[[_F], _F]:
    def declare(view: _F) -> _F:
        view.__door__ = door  # type: ignore[attr-defined]
        return view

    return declare


class Form(BaseModel):
    """Base of what people and programs may send; unknown fields are refused, not ignored."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


_M = TypeVar("_M", bound=Form)


def read_form(form: type[_M]) -> _M:
    """Return the request's body as `form`: JSON where sent as JSON, else the HTML form.

    An empty field of an HTML form counts as not sent. Raises `InvalidInput` naming every faulty
    field, `BadRequest` for broken JSON.
    """
    if request.is_json:
        sent = request.get_json(silent=True)
        if not isinstance(sent, dict):
            raise errors.BadRequest
    else:
        sent = {}
        for name, values in request.form.lists():
            if name == "csrf_token":
                continue
            filled = [value for value in values if value != ""]
            if filled:
                sent[name] = filled if _is_list(form, name) else filled[-1]
    return validate(form, sent)


def validate(form: type[_M], sent: Mapping[str, Any]) -> _M:
    """Return `sent` as `form`. Raises `InvalidInput` naming every faulty field."""
    try:
        return form.model_validate(sent)
    except ValidationError as faulty:
        raise errors.InvalidInput(_problems(faulty)) from None


def _is_list(form: type[Form], name: str) -> bool:
    known = form.model_fields.get(name)
    return known is not None and str(known.annotation).startswith(("list", "tuple", "frozenset"))


def _problems(faulty: ValidationError) -> list[errors.FieldProblem]:
    return [
        errors.FieldProblem(
            loc=".".join(str(part) for part in each["loc"]), msg=each["msg"], type=each["type"]
        )
        for each in faulty.errors(include_url=False, include_input=False)
    ]


def current_portal() -> Portal:
    """Return the running portal of this request's app."""
    portal: Portal = current_app.extensions["portal"]
    return portal


def current_database() -> Database:
    """Return the way into the database, for the few who open a work of their own."""
    return current_portal().database


def current_actor() -> Actor:
    """Return who acts. Raises `Unauthenticated` where nobody is signed in."""
    actor = find_actor()
    if actor is None:
        raise errors.Unauthenticated
    return actor


def find_actor() -> Actor | None:
    """Return who acts, or None; asks the database at most once a request."""
    if "actor" not in g:
        g.actor = current_portal().authenticate(current_database(), request)
    actor: Actor | None = g.actor
    return actor


def enter_view(view_id: ViewId) -> None:
    """Let this request's work read under a logged view; before the first `current_work()`."""
    if "work" in g:
        raise RuntimeError("the work has begun; a view is entered before it")
    g.view_id = view_id


def current_work() -> Work:
    """Return this request's one work; opened here the first time, ended by the wrapper."""
    if "work" not in g:
        door: Door = g.door
        actor = Actor(door.acts_as) if door.acts_as and door.public else current_actor()
        g.work = g.stack.enter_context(
            current_database().work(
                actor,
                read_only=request.method in SAFE_METHODS and not door.write,
                view_id=g.get("view_id"),
                work_id=g.request_id,
            )
        )
    work: Work = g.work
    return work


def secure(app: Flask, endpoint: str, door: Door) -> None:
    """Declare the door of an endpoint that a library made (Dash, static files)."""
    _declare(door)(app.view_functions[endpoint])


def install(
    app: Flask,
    database: Database,
    *,
    authenticate: Authenticate,
    render_error: RenderError,
    step_up_fresh: Callable[[Actor], bool],
) -> None:
    """Close the app: doors, transactions, errors. Called last; raises on an undeclared endpoint."""
    doors = _collect_doors(app)
    app.extensions["portal"] = Portal(database, doors, authenticate, render_error, step_up_fresh)
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    app.config.setdefault("WTF_CSRF_TIME_LIMIT", None)
    app.extensions["csrf_protect"] = CSRFProtect(app)
    for endpoint in doors:
        app.view_functions[endpoint] = _in_one_transaction(app.view_functions[endpoint])
    # First of all, before anything a library registered: nothing runs for who is not let in.
    app.before_request_funcs.setdefault(None, []).insert(0, _begin)
    app.before_request_funcs[None].insert(1, _open_door)
    app.register_error_handler(errors.PortalError, _refuse)
    app.register_error_handler(HTTPException, _refuse_http)
    app.register_error_handler(Exception, _fail)


def _collect_doors(app: Flask) -> dict[str, Door]:
    doors: dict[str, Door] = {}
    silent = []
    for endpoint, view in app.view_functions.items():
        blueprint = app.blueprints.get(endpoint.rpartition(".")[0])
        door: Door | None = getattr(view, "__door__", None)
        if endpoint == "static" or (endpoint.endswith(".static") and door is None):
            continue  # files of the release, the same for everybody
        if door is None:
            silent.append(endpoint)
            continue
        if isinstance(blueprint, SecuredBlueprint):
            door = Door(
                permissions=door.permissions,
                audience=blueprint.audience,
                public=door.public,
                acts_as=door.acts_as,
                step_up=door.step_up,
                write=door.write,
                bearer=blueprint.bearer,
            )
        doors[endpoint] = door
    if silent:
        raise RuntimeError(f"neither requires(…) nor public(…): {', '.join(sorted(silent))}")
    return doors


def _in_one_transaction(view: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(view)
    def run(*args: Any, **kwargs: Any) -> Any:
        # Here and not in after_request: there a failing commit passes by the error handlers.
        with ExitStack() as stack:
            g.stack = stack
            return current_app.ensure_sync(view)(*args, **kwargs)

    return run


def _begin() -> None:
    g.request_id = WorkId(new_id())


def _open_door() -> ResponseReturnValue | None:
    endpoint = request.endpoint
    if endpoint is None or endpoint == "static" or endpoint.endswith(".static"):
        return None  # an unknown address, or a file of the release
    door = current_portal().doors[endpoint]
    g.door = door
    if request.method not in SAFE_METHODS and request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise errors.Forbidden
    if door.public is not None:
        return None
    actor = find_actor()
    if actor is None:
        raise errors.Unauthenticated
    if actor.kind not in door.audience:
        raise errors.NotFound
    if not door.bearer and request.method not in SAFE_METHODS:
        protect_from_forgery()
    if door.permissions and not any(actor.may(each) for each in door.permissions):
        raise errors.Forbidden
    if door.step_up and not current_portal().step_up_fresh(actor):
        raise errors.StepUpNeeded
    return None


def protect_from_forgery() -> None:
    """Raise unless the request carries its session's token; public POSTs call it themselves."""
    current_app.extensions["csrf_protect"].protect()


def wants_json() -> bool:
    """Say whether the answer goes to a program: the API, htmx or a board's callback."""
    return request.path.startswith("/api/") or request.is_json


def _refuse(refusal: errors.PortalError) -> ResponseReturnValue:
    log.info("refused", code=refusal.code, status=refusal.status, endpoint=request.endpoint)
    if isinstance(refusal, errors.Unauthenticated) and not wants_json():
        if request.headers.get("HX-Request"):
            return Response(status=401, headers={"HX-Redirect": _with_next("sign_in")})
        return redirect(_with_next("sign_in"), code=303)
    if isinstance(refusal, errors.StepUpNeeded) and not wants_json():
        return redirect(_with_next("step_up"), code=303)
    return _answer(refusal, refusal.status)


def _with_next(door: str) -> str:
    portal = current_portal()
    path = portal.sign_in_path if door == "sign_in" else portal.step_up_path
    # After a POST the way back is the page with the form; only its path, never another host.
    back = request.full_path.rstrip("?") if request.method == "GET" else _path_of(request.referrer)
    return path if back == "/" else f"{path}?{urlencode({'next': back})}"


def _path_of(address: str | None) -> str:
    parts = urlsplit(address or "/")
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _answer(refusal: errors.PortalError, status: int) -> Response:
    if wants_json():
        response = jsonify(_problem(refusal, status))
        response.mimetype = "application/problem+json"
    else:
        response = Response(current_portal().render_error(refusal, status), mimetype="text/html")
    response.status_code = status
    if isinstance(refusal, errors.TooMany | errors.Unavailable):
        response.headers["Retry-After"] = str(refusal.retry_after_s)
    return response


def _problem(refusal: errors.PortalError, status: int) -> dict[str, object]:
    problem: dict[str, object] = {
        "type": f"/problems/{refusal.code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": refusal.code,
        "detail": refusal.message,
    }
    found: Sequence[errors.FieldProblem] = getattr(refusal, "errors", ())
    if found:
        problem["errors"] = [
            {"loc": each.loc, "msg": each.msg, "type": each.type} for each in found
        ]
    problem.update(
        {
            name: value
            for name, value in refusal.values.items()
            if isinstance(value, int | str | list)
        }
    )
    return problem


_BY_STATUS: Final[Mapping[int, type[errors.PortalError]]] = {
    kind.status: kind
    for kind in (
        errors.BadRequest,
        errors.Forbidden,
        errors.NotFound,
        errors.MethodNotAllowed,
        errors.PayloadTooLarge,
        errors.TooMany,
    )
}


def _refuse_http(raised: HTTPException) -> ResponseReturnValue:
    if isinstance(raised, CSRFError):
        return _answer(errors.BadRequest(), 400)
    status = raised.code or 500
    if status < 400:
        return raised.get_response()
    kind = _BY_STATUS.get(status)
    response = _answer(kind() if kind else errors.BadRequest(), status)
    allow = getattr(raised, "valid_methods", None)
    if allow:
        response.headers["Allow"] = ", ".join(sorted(allow))
    return response


def _fail(raised: Exception) -> ResponseReturnValue:
    if isinstance(raised, OperationalError):
        log.error("database away", exc_info=raised)
        return _answer(errors.Unavailable(), 503)
    log.error("failed", exc_info=raised, request_id=str(g.get("request_id", "")))
    if current_app.testing or current_app.config.get("PROPAGATE_EXCEPTIONS"):
        raise raised
    return _answer(errors.PortalError(), 500)
