"""Fill the frame of the page: who is signed in, for which company, which pages open to him."""

from flask import current_app, request
from werkzeug.exceptions import HTTPException

from kernel.actor import Actor
from kernel.web import current_portal
from portal.shell import navigation
from portal.ui.chrome import NOBODY, Chrome, mark_current
from tenants import identity
from tenants.roles import COMPANY_LABELS, LABELS


def make_chrome() -> Chrome:
    """Return the frame for the person of this request; without a person an empty one.

    Everything comes from the session that the door has read: no further query.
    """
    user = identity.find_user()
    if user is None:
        return NOBODY
    actor = user.actor
    entries = navigation.entries(
        navigation.ITEMS.get(actor.kind, ()), lambda path: opens(actor, path)
    )
    own = navigation.entries(navigation.OWN, lambda path: opens(actor, path))
    return Chrome(
        person=user.name(),
        role=_roles(user),
        company=user.seat.company(),
        company_kind=str(COMPANY_LABELS[user.seat.company_kind]),
        navigation=mark_current(entries, request.path),
        own=own,
        can_switch=opens(actor, "/switch"),
    )


def _roles(user: identity.SignedIn) -> str:
    roles = [str(LABELS[role]) for role in user.seat.roles]
    return ", ".join(roles)


def opens(actor: Actor, path: str) -> bool:
    """Say whether a GET of `path` lets `actor` in; False for a page that is not there."""
    endpoint = _endpoint(path)
    door = current_portal().doors.get(endpoint) if endpoint else None
    if door is None:
        return False
    if door.public is not None:
        return True
    if actor.kind not in door.audience:
        return False
    return not door.permissions or any(actor.may(each) for each in door.permissions)


def _endpoint(path: str) -> str | None:
    # The map of addresses is fixed once the app runs; a path means the same all day.
    known: dict[str, str | None] = current_app.extensions.setdefault("portal.endpoints", {})
    if path not in known:
        try:
            known[path] = current_app.url_map.bind("").match(path, method="GET")[0]
        except HTTPException:
            known[path] = None
    return known[path]
