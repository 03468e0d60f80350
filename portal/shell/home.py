"""The home of each kind of actor; the group's board is given by the boards themselves."""

from collections.abc import Callable
from typing import Final

from flask import Flask, current_app, redirect, render_template
from flask.typing import ResponseReturnValue

from kernel.actor import Actor, Kind
from kernel.operations import list_operations
from kernel.web import current_work
from portal.production.labels import SOURCE_KINDS, SOURCE_STATES, source_word
from portal.shell import company_home
from portal.shell.frame import opens
from portal.ui.look import set_zone
from tenants import queries as tenants
from tenants.permissions import Permission
from tenants.roles import COMPANY_LABELS
from tenants.words import STATE_LABELS

HomeView = Callable[[], ResponseReturnValue]
_GROUP_HOME: Final = "portal.group_home"


def register_group_home(app: Flask, view: HomeView) -> None:
    """Let `view` be the home of group executives; called once, in `create_app()`."""
    app.extensions[_GROUP_HOME] = view


def show(actor: Actor) -> ResponseReturnValue:
    """Return the home of `actor`'s kind."""
    if actor.kind is Kind.GROUP and _GROUP_HOME in current_app.extensions:
        view: HomeView = current_app.extensions[_GROUP_HOME]
        return view()
    if actor.kind is Kind.BANK and opens(actor, "/bank/cases"):
        return redirect("/bank/cases", code=303)
    if actor.kind is Kind.TENANT:
        return _show_company()
    return _show_cloud(actor)


def _show_company() -> ResponseReturnValue:
    work = current_work()
    seen = company_home.read(work)
    if seen.zone:
        set_zone(seen.zone)
    return render_template(
        "shell/company_home.html",
        home=seen,
        data_as_of=seen.figures and seen.figures.newest_at,
        source_kinds=SOURCE_KINDS,
        source_states=SOURCE_STATES,
        source_word=source_word,
    )


def _show_cloud(actor: Actor) -> ResponseReturnValue:
    # Operators and auditors see which companies there are and how they stand, no business data.
    work = current_work()
    may_read = actor.may(Permission.TENANTS_COMPANY_READ)
    return render_template(
        "shell/cloud_home.html",
        companies=tenants.list_companies(work) if may_read else (),
        operations=list_operations(work, limit=5),
        opens=lambda path: opens(actor, path),
        is_auditor=actor.kind is Kind.AUDITOR,
        kind_labels=COMPANY_LABELS,
        state_labels=STATE_LABELS,
    )
