"""Pages of the shell: the way in, home, operations, language and theme, help, health."""

from urllib.parse import urlsplit
from uuid import UUID

from flask import Flask, Response, current_app, flash, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.exc import SQLAlchemyError

from kernel import i18n, operations
from kernel.actor import Kind
from kernel.errors import NotFound
from kernel.ids import OperationId
from kernel.web import (
    current_actor,
    current_portal,
    current_work,
    find_actor,
    pages,
    public,
    signed_in,
)
from portal.shell import home, licences
from portal.shell.errors import NotYourOperation
from portal.shell.frame import make_chrome
from portal.shell.health import is_ready
from portal.shell.words import failure_sentence, operation_title
from portal.ui.chrome import THEME_COOKIE, Theme

bp = pages("shell", __name__)
_YEAR_S = 365 * 24 * 3600


def install(app: Flask) -> None:
    """Add the shell's pages and the frame of every page to `app`."""
    app.register_blueprint(bp)
    app.extensions["portal.chrome"] = make_chrome
    app.jinja_env.globals["operation_title"] = operation_title


@bp.get("/")
@public("the first address; leads to the home or to the door")
def show_start() -> ResponseReturnValue:
    """Lead a signed-in person home, everybody else to the door."""
    way = "/home" if find_actor() is not None else current_portal().sign_in_path
    return redirect(way, code=303)


@bp.get("/home")
@signed_in()
def show_home() -> ResponseReturnValue:
    """Show the home of the actor's kind."""
    return home.show(current_actor())


@bp.get("/operations/<uuid:operation_id>")
@signed_in()
def show_operation(operation_id: UUID) -> ResponseReturnValue:
    """Show where a long action of the own company stands."""
    found = operations.get_operation(current_work(), OperationId(operation_id))
    mine = found.person_id == current_actor().person_id
    failure = failure_sentence(found.error_code) if found.error_code else ""
    return render_template(
        "shell/operation.html", operation=found, may_cancel=mine, failure=failure
    )


@bp.get("/operations/<uuid:operation_id>/progress")
@signed_in()
def show_operation_progress(operation_id: UUID) -> ResponseReturnValue:
    """Answer the fragment that a page asks for every two seconds."""
    found = operations.get_operation(current_work(), OperationId(operation_id))
    answer = Response(render_template("ui/_operation.html", operation=found))
    if found.finished_at is not None:
        answer.headers["HX-Refresh"] = "true"  # the whole page knows what came of it
    return answer


@bp.post("/operations/<uuid:operation_id>/cancel")
@signed_in()
def cancel_operation(operation_id: UUID) -> ResponseReturnValue:
    """Call off a long action that one has started oneself."""
    work = current_work()
    if work.actor.kind is not Kind.TENANT:
        raise NotFound
    found = operations.get_operation(work, OperationId(operation_id))
    if found.person_id != work.actor.person_id:
        raise NotYourOperation
    operations.cancel(work, found.id)
    flash(_("The action is called off. What it had written before stays."))
    return redirect(f"/operations/{operation_id}", code=303)


@bp.post("/language/<code>")
@public("a choice of the browser, also before sign-in")
def choose_language(code: str) -> ResponseReturnValue:
    """Keep the language in a cookie and show the page again."""
    if code not in i18n.LOCALES:
        raise NotFound
    return _kept(i18n.COOKIE, code)


@bp.post("/theme/<mode>")
@public("a choice of the browser, also before sign-in")
def choose_theme(mode: str) -> ResponseReturnValue:
    """Keep the theme in a cookie and show the page again."""
    if mode not in tuple(Theme):
        raise NotFound
    return _kept(THEME_COOKIE, mode)


def _kept(name: str, value: str) -> Response:
    answer = redirect(_page_before(), code=303)
    secure = bool(current_app.config.get("SESSION_COOKIE_SECURE"))
    answer.set_cookie(
        name, value, max_age=_YEAR_S, secure=secure, httponly=True, samesite="Lax", path="/"
    )
    return answer  # type: ignore[return-value]


def _page_before() -> str:
    # Only the path of the page with the switch: the referrer is the browser's word, not ours.
    parts = urlsplit(request.referrer or "/")
    path = "/" + parts.path.lstrip("/\\")
    return f"{path}?{parts.query}" if parts.query else path


@bp.get("/about")
@public("says what is real and what is invented")
def show_about() -> ResponseReturnValue:
    """Say what the portal is, and which of its data are real."""
    return render_template("shell/about.html")


@bp.get("/licences")
@public("names the open-source parts")
def show_licences() -> ResponseReturnValue:
    """Name what the portal is made of, with licences."""
    return render_template(
        "shell/licences.html", vendored=licences.vendored(), packages=licences.packages()
    )


@bp.get("/help")
@public("the manual holds nothing of any company")
def show_help() -> ResponseReturnValue:
    """Show the manual: who does what, and what the words mean."""
    return render_template("shell/help.html")


@bp.get("/healthz")
@public("asked by machines that start and stop the portal")
def show_health() -> ResponseReturnValue:
    """Say that the process answers."""
    return jsonify(status="ok")


@bp.get("/readyz")
@public("asked by machines that send traffic here", acts_as=Kind.AUTHN)
def show_readiness() -> ResponseReturnValue:
    """Say whether database, revision and worker are there; 503 if not, never why."""
    try:
        ready = is_ready(current_work())
    except SQLAlchemyError:
        ready = False
    return jsonify(status="ok" if ready else "unavailable"), 200 if ready else 503
