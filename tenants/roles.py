"""The twelve roles, and which of them fit which kind of company and which kind of actor."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from kernel.actor import Kind


class CompanyKind(StrEnum):
    """What a company is to the group; exactly one is the group itself."""

    GROUP = "group"
    SUBSIDIARY = "subsidiary"
    PARTNER = "partner"
    PROVIDER = "provider"
    BANK = "bank"


class Role(StrEnum):
    """What a person does; granted at a place, held there and below."""

    EXECUTIVE = "executive"
    PLATFORM_OPERATOR = "platform_operator"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    PLANNER = "planner"
    PROCESS_ENGINEER = "process_engineer"
    ENERGY_MANAGER = "energy_manager"
    OPERATOR = "operator"
    FINANCE = "finance"
    SERVICE_MANAGER = "service_manager"
    REVIEWER = "reviewer"
    APPROVER = "approver"


LABELS: Final[Mapping[Role, LazyString]] = {
    Role.EXECUTIVE: _l("Executive"),
    Role.PLATFORM_OPERATOR: _l("Platform operator"),
    Role.AUDITOR: _l("Auditor"),
    Role.ADMINISTRATOR: _l("Administrator"),
    Role.PLANNER: _l("Planner"),
    Role.PROCESS_ENGINEER: _l("Process engineer"),
    Role.ENERGY_MANAGER: _l("Energy manager"),
    Role.OPERATOR: _l("Operator"),
    Role.FINANCE: _l("Finance"),
    Role.SERVICE_MANAGER: _l("Service manager"),
    Role.REVIEWER: _l("Reviewer"),
    Role.APPROVER: _l("Approver"),
}

COMPANY_LABELS: Final[Mapping[CompanyKind, LazyString]] = {
    CompanyKind.GROUP: _l("Group"),
    CompanyKind.SUBSIDIARY: _l("Subsidiary"),
    CompanyKind.PARTNER: _l("Partner"),
    CompanyKind.PROVIDER: _l("Provider"),
    CompanyKind.BANK: _l("Bank"),
}

OF_GROUP: Final = (Role.EXECUTIVE, Role.PLATFORM_OPERATOR, Role.AUDITOR)
OF_BANK: Final = (Role.ADMINISTRATOR, Role.REVIEWER, Role.APPROVER)
OF_COMPANY: Final = (
    Role.ADMINISTRATOR,
    Role.PLANNER,
    Role.PROCESS_ENGINEER,
    Role.ENERGY_MANAGER,
    Role.OPERATOR,
    Role.FINANCE,
    Role.SERVICE_MANAGER,
)

_GROUP_SEATS: Final = {
    Role.EXECUTIVE: Kind.GROUP,
    Role.PLATFORM_OPERATOR: Kind.PLATFORM,
    Role.AUDITOR: Kind.AUDITOR,
}


def fitting(kind: CompanyKind) -> tuple[Role, ...]:
    """Return the roles that people of a company of `kind` may hold, in the order they are shown."""
    return {CompanyKind.GROUP: OF_GROUP, CompanyKind.BANK: OF_BANK}.get(kind, OF_COMPANY)


def seat_kind(kind: CompanyKind, role: Role | None) -> Kind | None:
    """Return the kind of actor that `role` sits as in a company of `kind`.

    None where there is no seat: in the group's company a person without a role has nowhere to sit.
    """
    if kind is CompanyKind.GROUP:
        return _GROUP_SEATS.get(role) if role else None
    return Kind.BANK if kind is CompanyKind.BANK else Kind.TENANT
