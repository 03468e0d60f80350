"""The two audiences of the boards: who, under which address, with which permission."""

from dataclasses import dataclass
from typing import Final

from kernel.actor import Kind
from tenants.permissions import Permission


@dataclass(frozen=True, slots=True)
class Audience:
    """One Dash app and its pages. `sees_facts`: facts are the company's own, not the group's."""

    name: str
    kind: Kind
    permission: Permission
    sees_facts: bool

    @property
    def prefix(self) -> str:
        """Where its boards live, with a slash at both ends."""
        return f"/boards/{self.name}/"

    @property
    def blueprint(self) -> str:
        """The name of its blueprint of pages."""
        return f"{self.name}_boards"


TENANT: Final = Audience("tenant", Kind.TENANT, Permission.PRODUCTION_FACT_READ, sees_facts=True)
GROUP: Final = Audience("group", Kind.GROUP, Permission.PRODUCTION_GROUP_READ, sees_facts=False)
AUDIENCES: Final = (TENANT, GROUP)
