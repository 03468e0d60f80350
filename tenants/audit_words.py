"""Every act that the audit log keeps, in words: one list for all packages."""

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
    "production.unit.write": _l("Machine's rules changed"),
    "production.rate.write": _l("Planned run time set"),
    "production.state_word.write": _l("Word of a machine explained"),
    "production.state_word.drop": _l("Word of a machine removed"),
    "production.device_model.write": _l("Device model changed"),
    "production.source.add": _l("Data source added"),
    "production.source.retire": _l("Data source retired"),
    "production.source.resume": _l("Data source resumed"),
    "production.file.send": _l("File imported"),
    "production.quarantine.replay": _l("Quarantined lines replayed"),
    "production.quarantine.dismiss": _l("Quarantined line dismissed"),
    "production.sheet.hand_in": _l("Shift sheet handed in"),
    "production.sheet.correct": _l("Shift sheet corrected"),
    "production.sheet.sign": _l("Shift sheet signed"),
    "credit.consent.ask": _l("Consent asked for by a bank"),
    "credit.consent.draft": _l("Consent drafted"),
    "credit.consent.prepared": _l("Consent prepared"),
    "credit.consent.active": _l("Consent given or resumed"),
    "credit.consent.suspended": _l("Consent suspended"),
    "credit.consent.denied": _l("Consent denied"),
    "credit.consent.lapsed": _l("Consent lapsed unanswered"),
    "credit.consent.withdrawn": _l("Consent withdrawn"),
    "credit.consent.expired": _l("Consent expired"),
    "credit.consent.superseded": _l("Consent replaced by a newer one"),
    "credit.readers.export": _l("List of readers exported"),
}

OUTCOMES: Final[Mapping[str, LazyString]] = {
    "ok": _l("Done"),
    "refused": _l("Refused"),
    "failed": _l("Failed"),
}


def action_words(action: str) -> str:
    """Return an act in the reader's language, or its code."""
    return str(ACTIONS.get(action, action))
