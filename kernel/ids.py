"""Identities that every package shares: UUIDv7, made by the client, never by the database."""

from typing import Final, NewType
from uuid import UUID

from uuid_utils.compat import uuid7

TenantId = NewType("TenantId", UUID)
PersonId = NewType("PersonId", UUID)
PlaceId = NewType("PlaceId", UUID)
SessionId = NewType("SessionId", UUID)
SourceId = NewType("SourceId", UUID)
WorkId = NewType("WorkId", UUID)
ViewId = NewType("ViewId", UUID)
OperationId = NewType("OperationId", UUID)

CONSOLE: Final = PersonId(UUID("00000000-0000-7000-8000-000000000001"))
"""Who grants the first roles: the command line on the server. No person has this id."""


def new_id() -> UUID:
    """Return a new UUIDv7 (RFC 9562): ordered by time, so index pages fill from one end."""
    return uuid7()
