"""Acts of this package in words; an act of another package is shown by its code."""

from collections.abc import Mapping
from typing import Final

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

ACTIONS: Final[Mapping[str, LazyString]] = {
    "tenants.session.begin": _l("Sign-in"),
    "tenants.session.switch": _l("Switch of company"),
    "tenants.session.step-up": _l("Fresh proof of identity"),
    "tenants.session.sign-out": _l("Sign-out"),
    "tenants.session.end": _l("Session ended"),
    "tenants.session.end-others": _l("Other sessions ended"),
    "tenants.password.change": _l("Password changed"),
    "tenants.profile.change": _l("Profile changed"),
    "tenants.sharing.set": _l("Sharing with the group decided"),
    "tenants.place.add": _l("Place added"),
    "tenants.place.rename": _l("Place renamed"),
    "tenants.place.retire": _l("Place retired"),
    "tenants.person.add": _l("Person added"),
    "tenants.membership.end": _l("Membership ended"),
    "tenants.grant.add": _l("Role granted"),
    "tenants.grant.revoke": _l("Role revoked"),
    "tenants.token.make": _l("Device token made"),
    "tenants.token.revoke": _l("Device token revoked"),
    "tenants.company.create": _l("Company created"),
    "tenants.audit.export": _l("Audit log exported"),
}

OUTCOMES: Final[Mapping[str, LazyString]] = {
    "ok": _l("Done"),
    "refused": _l("Refused"),
    "failed": _l("Failed"),
}


def action_words(action: str) -> str:
    """Return an act in the reader's language, or its code."""
    return str(ACTIONS.get(action, action))
