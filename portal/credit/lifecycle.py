"""States of a consent and of a bank's request for one, who moves them, and until when."""

from enum import StrEnum
from typing import Final

from kernel.lifecycle import Lifecycle, Side


class ConsentState(StrEnum):
    """Where a consent stands; only an active one lets a bank read."""

    REQUESTED = "requested"
    DRAFT = "draft"
    PREPARED = "prepared"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    DENIED = "denied"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


S = ConsentState
COMPANY, CLOCK = Side.COMPANY, Side.CLOCK

CONSENT: Final = Lifecycle(
    name="consent",
    moves={
        S.REQUESTED: {S.PREPARED: {COMPANY}, S.DENIED: {COMPANY}, S.LAPSED: {CLOCK}},
        S.DRAFT: {S.PREPARED: {COMPANY}, S.DENIED: {COMPANY}, S.LAPSED: {CLOCK}},
        S.PREPARED: {S.ACTIVE: {COMPANY}, S.DENIED: {COMPANY}, S.LAPSED: {CLOCK}},
        S.ACTIVE: {
            S.SUSPENDED: {COMPANY},
            S.WITHDRAWN: {COMPANY},
            S.SUPERSEDED: {COMPANY},
            S.EXPIRED: {CLOCK},
        },
        S.SUSPENDED: {
            S.ACTIVE: {COMPANY},
            S.WITHDRAWN: {COMPANY, CLOCK},
            S.SUPERSEDED: {COMPANY},
            S.EXPIRED: {CLOCK},
        },
    },
    deadlines={
        S.REQUESTED: "due_at",
        S.DRAFT: "due_at",
        S.PREPARED: "due_at",
        S.ACTIVE: "valid_until",
        S.SUSPENDED: "due_at",
    },
)

WAITING: Final = (S.REQUESTED, S.DRAFT, S.PREPARED)
"""The company has something to decide."""
LIVE: Final = (S.ACTIVE, S.SUSPENDED)
"""Given and not ended; at most one for a bank and a purpose."""
GIVEN: Final = (S.ACTIVE, S.SUSPENDED, S.WITHDRAWN, S.EXPIRED, S.SUPERSEDED)
"""What the bank learns of; before, it cannot tell a company that is here from one that is not."""


class RequestState(StrEnum):
    """Where a bank's request stands, as far as the bank may know."""

    SENT = "sent"
    GRANTED = "granted"
    LAPSED = "lapsed"


REQUEST: Final = Lifecycle(
    name="consent_request",
    # Unknown, denied and unanswered lapse alike: the bank cannot tell them apart.
    moves={RequestState.SENT: {RequestState.GRANTED: {CLOCK}, RequestState.LAPSED: {CLOCK}}},
    deadlines={RequestState.SENT: "due_at"},
)
