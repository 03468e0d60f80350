"""Identities of this package; those that every package shares stand in `kernel/ids.py`."""

from typing import NewType
from uuid import UUID

GrantId = NewType("GrantId", UUID)
DeviceTokenId = NewType("DeviceTokenId", UUID)
ShareId = NewType("ShareId", UUID)
AuditId = NewType("AuditId", UUID)
