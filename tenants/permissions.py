"""Who may do what: one enum with a sentence under each member, one map from permission to roles.

`docs/permissions.md` is generated from here by `matrix_page()`. Nothing else grants anything.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from tenants.roles import Role


class Permission(StrEnum):
    """What a door or a command asks for, with the sentence that people read about it."""

    sentence: LazyString

    def __new__(cls, code: str, sentence: LazyString) -> "Permission":
        """Keep the sentence beside the code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.sentence = sentence
        return member

    TENANTS_COMPANY_READ = (
        "tenants.company.read",
        _l("See which companies the cloud has, and their state; no business data."),
    )
    TENANTS_PROFILE_READ = (
        "tenants.profile.read",
        _l("See the profile of one's own company and what the group may see of it."),
    )
    TENANTS_PROFILE_WRITE = (
        "tenants.profile.write",
        _l("Change the company's names, segment, region and KPI profile."),
    )
    TENANTS_SHARING_WRITE = (
        "tenants.sharing.write",
        _l("Decide down to which level the group may see the company's figures."),
    )
    TENANTS_PLACE_READ = (
        "tenants.place.read",
        _l("See sites, areas, lines and machines."),
    )
    TENANTS_PLACE_WRITE = (
        "tenants.place.write",
        _l("Add, rename and retire sites, areas, lines and machines."),
    )
    TENANTS_PERSON_READ = (
        "tenants.person.read",
        _l("See the company's people and their roles."),
    )
    TENANTS_PERSON_WRITE = (
        "tenants.person.write",
        _l("Add a person to the company, or end somebody's membership."),
    )
    TENANTS_GRANT_WRITE = (
        "tenants.grant.write",
        _l("Grant a role at a place within one's own reach, or revoke it."),
    )
    TENANTS_TOKEN_WRITE = (
        "tenants.token.write",
        _l("Make and revoke the tokens with which devices send data."),
    )
    TENANTS_AUDIT_READ = (
        "tenants.audit.read",
        _l("Read the company's audit log; finance reads who read the credit profile."),
    )
    PRODUCTION_FACT_READ = (
        "production.fact.read",
        _l("See states, counts, energy and the figures made of them."),
    )
    PRODUCTION_GROUP_READ = (
        "production.group.read",
        _l("See the figures that companies share with the group."),
    )
    PRODUCTION_UNIT_WRITE = (
        "production.unit.write",
        _l("Set up machines, planned times and calendars."),
    )
    PRODUCTION_SOURCE_WRITE = (
        "production.source.write",
        _l("Set up the sources that send data."),
    )
    PRODUCTION_ARCHIVE_IMPORT = (
        "production.archive.import",
        _l("Import an archive of machine data."),
    )
    PRODUCTION_SHEET_WRITE = (
        "production.sheet.write",
        _l("Fill in a shift sheet."),
    )
    PRODUCTION_SHEET_SIGN = (
        "production.sheet.sign",
        _l("Sign a shift sheet."),
    )
    PRODUCTION_QUARANTINE_WRITE = (
        "production.quarantine.write",
        _l("Replay or dismiss data that was set aside."),
    )
    CREDIT_PROFILE_READ = (
        "credit.profile.read",
        _l("See the company's own credit profile, as a bank would see it."),
    )
    CREDIT_CONSENT_PREPARE = (
        "credit.consent.prepare",
        _l("Prepare a consent for a bank."),
    )
    CREDIT_CONSENT_APPROVE = (
        "credit.consent.approve",
        _l("Approve a consent that somebody else prepared."),
    )
    CREDIT_CONSENT_WITHDRAW = (
        "credit.consent.withdraw",
        _l("Withdraw a consent; the bank reads nothing from the next request on."),
    )
    CREDIT_READER_READ = (
        "credit.reader.read",
        _l("See who read the credit profile, when, and which figures."),
    )
    CREDIT_REQUEST_WRITE = (
        "credit.request.write",
        _l("Ask a company for its consent."),
    )
    CREDIT_CASE_READ = (
        "credit.case.read",
        _l("Read the case of a company that consents."),
    )


P = Permission
R = Role
_MAKERS: Final = (
    R.ADMINISTRATOR,
    R.PLANNER,
    R.PROCESS_ENGINEER,
    R.ENERGY_MANAGER,
    R.OPERATOR,
    R.FINANCE,
)
_LENDERS: Final = (R.REVIEWER, R.APPROVER)
_MONEY: Final = (R.ADMINISTRATOR, R.FINANCE)

HOLDERS: Final[Mapping[Permission, frozenset[Role]]] = {
    P.TENANTS_COMPANY_READ: frozenset({R.EXECUTIVE, R.PLATFORM_OPERATOR, R.AUDITOR}),
    P.TENANTS_PROFILE_READ: frozenset(Role),
    P.TENANTS_PROFILE_WRITE: frozenset({R.ADMINISTRATOR}),
    P.TENANTS_SHARING_WRITE: frozenset({R.ADMINISTRATOR}),
    P.TENANTS_PLACE_READ: frozenset({R.EXECUTIVE, *_MAKERS}),
    P.TENANTS_PLACE_WRITE: frozenset({R.ADMINISTRATOR, R.PLANNER}),
    P.TENANTS_PERSON_READ: frozenset({R.ADMINISTRATOR, R.PLATFORM_OPERATOR, R.AUDITOR}),
    P.TENANTS_PERSON_WRITE: frozenset({R.ADMINISTRATOR}),
    P.TENANTS_GRANT_WRITE: frozenset({R.ADMINISTRATOR}),
    P.TENANTS_TOKEN_WRITE: frozenset({R.ADMINISTRATOR}),
    P.TENANTS_AUDIT_READ: frozenset({*_MONEY, R.APPROVER, R.AUDITOR, R.PLATFORM_OPERATOR}),
    P.PRODUCTION_FACT_READ: frozenset(_MAKERS),
    P.PRODUCTION_GROUP_READ: frozenset({R.EXECUTIVE}),
    P.PRODUCTION_UNIT_WRITE: frozenset({R.ADMINISTRATOR, R.PLANNER, R.PROCESS_ENGINEER}),
    P.PRODUCTION_SOURCE_WRITE: frozenset({R.ADMINISTRATOR, R.PROCESS_ENGINEER}),
    P.PRODUCTION_ARCHIVE_IMPORT: frozenset({R.ADMINISTRATOR}),
    P.PRODUCTION_SHEET_WRITE: frozenset({R.PLANNER, R.OPERATOR}),
    P.PRODUCTION_SHEET_SIGN: frozenset({R.PLANNER, R.OPERATOR}),
    P.PRODUCTION_QUARANTINE_WRITE: frozenset({R.ADMINISTRATOR, R.PROCESS_ENGINEER}),
    P.CREDIT_PROFILE_READ: frozenset(_MONEY),
    P.CREDIT_CONSENT_PREPARE: frozenset(_MONEY),
    P.CREDIT_CONSENT_APPROVE: frozenset(_MONEY),
    P.CREDIT_CONSENT_WITHDRAW: frozenset(_MONEY),
    P.CREDIT_READER_READ: frozenset(_MONEY),
    P.CREDIT_REQUEST_WRITE: frozenset(_LENDERS),
    P.CREDIT_CASE_READ: frozenset(_LENDERS),
}

PLACED: Final = frozenset(
    {
        P.TENANTS_PLACE_READ,
        P.TENANTS_PLACE_WRITE,
        P.TENANTS_PERSON_WRITE,
        P.TENANTS_GRANT_WRITE,
        P.PRODUCTION_FACT_READ,
        P.PRODUCTION_UNIT_WRITE,
        P.PRODUCTION_SHEET_WRITE,
        P.PRODUCTION_SHEET_SIGN,
    }
)
"""Held where the role was granted and below; all others concern the company as a whole."""

WHOLE_COMPANY: Final = frozenset(
    {
        P.TENANTS_PROFILE_WRITE,
        P.TENANTS_SHARING_WRITE,
        P.TENANTS_TOKEN_WRITE,
        P.CREDIT_PROFILE_READ,
        P.CREDIT_CONSENT_PREPARE,
        P.CREDIT_CONSENT_APPROVE,
        P.CREDIT_CONSENT_WITHDRAW,
        P.CREDIT_READER_READ,
    }
)
"""What binds or shows the whole company: a role granted at one site does not give it."""

OF_MAKERS: Final = frozenset(
    {P.TENANTS_SHARING_WRITE, P.TENANTS_PLACE_WRITE, P.TENANTS_TOKEN_WRITE}
)
"""A bank's administrator has none of these: a bank has no machines and shares no figures."""

STEP_UP: Final = frozenset(
    {
        P.TENANTS_PERSON_WRITE,
        P.TENANTS_GRANT_WRITE,
        P.TENANTS_TOKEN_WRITE,
        P.CREDIT_CONSENT_APPROVE,
    }
)
"""Ask for a proof of identity not older than 15 minutes; no token carries one of these."""


def permissions_of(roles: Iterable[Role]) -> frozenset[Permission]:
    """Return what these roles allow, wherever they were granted."""
    held = frozenset(roles)
    return frozenset(each for each in Permission if HOLDERS[each] & held)


def matrix_page() -> str:
    """Return `docs/permissions.md`: every permission with its sentence, and who holds it."""
    roles = list(Role)
    lines = [
        "# Who may do what",
        "",
        "Generated from `tenants/permissions.py`; change it there. A role is granted at a place.",
        "- `●` holds it",
        "- `°` where the role was granted and below, else in the whole company",
        "- `†` asks for the password again",
        "- `◆` needs the role at the company itself: held at one site it does not count",
        "",
        "| permission | what it allows | " + " | ".join(role.value for role in roles) + " |",
        "| --- | --- |" + " :-: |" * len(roles),
    ]
    for each in Permission:
        cells = ["●" if role in HOLDERS[each] else "" for role in roles]
        lines.append(f"| `{each.value}`{_marks(each)} | {english(each)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def english(permission: Permission) -> str:
    """Return the sentence as it stands in the code, without a translation."""
    # Outside a request nothing translates; inside one the page is still written in English.
    return str(permission.sentence._args[0])


def _marks(permission: Permission) -> str:
    marks = (("°", PLACED), ("†", STEP_UP), ("◆", WHOLE_COMPANY))
    found = "".join(mark for mark, members in marks if permission in members)
    return f" {found}" if found else ""
