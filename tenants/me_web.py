"""The person's own pages: language and look, sessions."""

from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from kernel.ids import SessionId
from kernel.web import current_work, pages, read_form, signed_in
from tenants import sessions
from tenants.forms import Nothing
from tenants.identity import current_user_or_401
from tenants.roles import LABELS

bp = pages("me", __name__)


@bp.get("/me")
@signed_in()
def show_me() -> ResponseReturnValue:
    """Show who is signed in, and the choices of language and look."""
    user = current_user_or_401()
    roles = str(_(", ")).join(str(LABELS[role]) for role in user.seat.roles) or _("None yet")
    how = _("a button of the demo") if user.provider == "demo" else _("a password")
    return render_template("tenants/me.html", user=user, roles=roles, how=how)


@bp.get("/me/sessions")
@signed_in()
def list_sessions() -> ResponseReturnValue:
    """Show where the person is signed in."""
    user = current_user_or_401()
    return render_template(
        "tenants/sessions.html",
        sessions=sessions.list_sessions(current_work()),
        company=user.seat.company(),
    )


@bp.post("/me/sessions/<uuid:session_id>/end")
@signed_in()
def end_session(session_id: UUID) -> ResponseReturnValue:
    """End one of one's own sessions."""
    read_form(Nothing)
    sessions.end_session(current_work(), SessionId(session_id))
    flash(_("The session has ended."))
    return redirect(url_for("me.list_sessions"), code=303)


@bp.post("/me/sessions/end-others")
@signed_in()
def end_other_sessions() -> ResponseReturnValue:
    """End all of one's sessions but this one."""
    read_form(Nothing)
    ended = sessions.end_other_sessions(current_work())
    flash(ngettext("%(num)s session has ended.", "%(num)s sessions have ended.", ended))
    return redirect(url_for("me.list_sessions"), code=303)
