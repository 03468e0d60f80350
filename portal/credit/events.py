"""What has happened here; company, person and moment stand in the outbox row."""

from dataclasses import dataclass
from typing import ClassVar

from kernel.ids import TenantId
from kernel.outbox import Event
from portal.credit.ids import ConsentId, ConsentRequestId


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRequested(Event):
    """A bank asks a company, by its registration code, for consent."""

    kind: ClassVar[str] = "credit.consent_requested.v1"
    request_id: ConsentRequestId


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentPrepared(Event):
    """A consent waits for its second person."""

    kind: ClassVar[str] = "credit.consent_prepared.v1"
    consent_id: ConsentId


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGranted(Event):
    """A consent is live: the bank may read what it opens, until it ends."""

    kind: ClassVar[str] = "credit.consent_granted.v1"
    consent_id: ConsentId
    bank_id: TenantId


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentSuspended(Event):
    """A live consent rests; the bank reads nothing until it is resumed."""

    kind: ClassVar[str] = "credit.consent_suspended.v1"
    consent_id: ConsentId


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentEnded(Event):
    """A consent came to nothing or to its end; `state` says how."""

    kind: ClassVar[str] = "credit.consent_ended.v1"
    consent_id: ConsentId
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRead(Event):
    """A bank opened a page of a company's figures."""

    kind: ClassVar[str] = "credit.profile_read.v1"
    consent_id: ConsentId
    company_id: TenantId
    page: str
