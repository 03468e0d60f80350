"""Seats: as which kind of actor a person may sit where, and how long a session lasts. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from kernel.actor import Kind
from kernel.ids import PlaceId, TenantId
from tenants.permissions import OF_MAKERS, WHOLE_COMPANY, permissions_of
from tenants.roles import CompanyKind, Role, seat_kind
from tenants.words import localised

STEP_UP_LASTS: Final = timedelta(minutes=15)
SEEN_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Held:
    """One live grant: `at_company` where the place is the company itself."""

    role: Role
    place_id: PlaceId
    at_company: bool


@dataclass(frozen=True, slots=True)
class Seat:
    """A person may act for this company as this kind, with these roles."""

    tenant_id: TenantId
    company_kind: CompanyKind
    company_code: str
    company_zh: str
    company_en: str
    kind: Kind
    held: tuple[Held, ...]

    @property
    def key(self) -> str:
        """What a form sends to choose this seat among the person's own."""
        return f"{self.company_code}:{self.kind.value}"

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles held somewhere in this seat, in the order of the enum."""
        held = {each.role for each in self.held}
        return tuple(role for role in Role if role in held)

    def company(self, locale: object = None) -> str:
        """The company's name in the reader's language."""
        return localised(self.company_zh, self.company_en, locale)


def seats_of(
    tenant_id: TenantId,
    *,
    company_kind: CompanyKind,
    code: str,
    name_zh: str,
    name_en: str,
    held: Iterable[Held],
) -> tuple[Seat, ...]:
    """Return the seats that a membership gives: one; in the group's company one for each role.

    A member without a role has a seat that may do nothing, but none in the group's company: there
    the kind of actor itself opens other companies' shared figures.
    """
    by_kind: dict[Kind, list[Held]] = {}
    if (plain := seat_kind(company_kind, None)) is not None:
        by_kind[plain] = []
    for each in held:
        kind = seat_kind(company_kind, each.role)
        if kind is not None:
            by_kind.setdefault(kind, []).append(each)
    return tuple(
        Seat(tenant_id, company_kind, code, name_zh, name_en, kind, tuple(grants))
        for kind, grants in sorted(by_kind.items())
    )


def expand(held: Iterable[Held], kind: Kind) -> Mapping[str, frozenset[PlaceId]]:
    """Return each permission of a seat of `kind` with the places where it was granted.

    What binds the whole company counts only where the role is held at the company itself.
    """
    places: dict[str, set[PlaceId]] = {}
    for each in held:
        for permission in permissions_of((each.role,)):
            if kind is Kind.BANK and permission in OF_MAKERS:
                continue
            if each.at_company or permission not in WHOLE_COMPANY:
                places.setdefault(permission.value, set()).add(each.place_id)
    return MappingProxyType({code: frozenset(found) for code, found in places.items()})


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long a session may rest, and how long it lasts at most."""

    idle: timedelta
    absolute: timedelta


_OFFICE: Final = Lasting(timedelta(minutes=30), timedelta(hours=10))
_SHIFT: Final = Lasting(timedelta(hours=8), timedelta(hours=12))
_GUARDED: Final = Lasting(timedelta(minutes=15), timedelta(hours=8))


def lasting(kind: Kind, roles: Iterable[Role]) -> Lasting:
    """Return the limits of a session: short where much can be seen, a shift on the floor."""
    if kind in (Kind.BANK, Kind.PLATFORM, Kind.AUDITOR):
        return _GUARDED
    return _SHIFT if set(roles) == {Role.OPERATOR} else _OFFICE


def idle_until(now: datetime, *, limits: Lasting, absolute_until: datetime) -> datetime:
    """Return when a session that was used at `now` ends by itself."""
    return min(now + limits.idle, absolute_until)


def is_stepped_up(stepped_up_at: datetime | None, *, now: datetime) -> bool:
    """Say whether the proof of identity is fresh enough for an act that asks for one."""
    return stepped_up_at is not None and now - stepped_up_at <= STEP_UP_LASTS
