"""Who acts: a frozen snapshot of one person, token or process, fixed for the life of a `Work`.

`tenants/identity.py` builds actors of people and devices; machine kinds are made here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from kernel.ids import PersonId, PlaceId, SessionId, SourceId, TenantId


class Kind(StrEnum):
    """Kinds of actor; each is a database role `portal_<kind>`."""

    TENANT = "tenant"
    GROUP = "group"
    PLATFORM = "platform"
    BANK = "bank"
    AUDITOR = "auditor"
    INGEST = "ingest"
    AUTHN = "authn"
    WORKER = "worker"


PEOPLE: Final = (Kind.TENANT, Kind.GROUP, Kind.PLATFORM, Kind.BANK, Kind.AUDITOR)
"""The kinds that sign in; the others are processes."""


@dataclass(frozen=True, slots=True)
class Actor:
    """One actor of one company. `grants` maps a permission to the places where it was granted."""

    kind: Kind
    tenant_id: TenantId | None = None
    person_id: PersonId | None = None
    session_id: SessionId | None = None
    source_id: SourceId | None = None
    name: str = ""
    stepped_up_at: datetime | None = None
    grants: Mapping[str, frozenset[PlaceId]] = field(default_factory=lambda: MappingProxyType({}))

    def may(self, permission: str) -> bool:
        """Say whether the permission is granted somewhere; the place is asked by the command."""
        return permission in self.grants


AUTHN: Final = Actor(Kind.AUTHN)
WORKER: Final = Actor(Kind.WORKER)
