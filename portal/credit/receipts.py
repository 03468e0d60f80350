"""What a consent says, as text: the notice that is approved, and the receipt that is kept.

The receipt follows the container of ISO/IEC TS 27560: record, parties, notice, processing, events.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from portal.credit.canonical import Json, canonical
from portal.credit.disclosure import case_fields
from portal.credit.models import Consent
from portal.credit.words import Dataset

SCHEMA: Final = "ISO-IEC-TS-27560:2023"


@dataclass(frozen=True, slots=True)
class Notice:
    """The canonical text of what will be opened, and its hash."""

    text: str

    @property
    def sha256(self) -> bytes:
        """The hash stored with the consent: what was approved is what was shown."""
        return sha256(self.text.encode()).digest()


def notice(consent: Consent) -> Notice:
    """Return what the company is told before it approves."""
    return Notice(canonical(_terms(consent)))


def receipt(consent: Consent) -> str:
    """Return the receipt of a consent that has just been given, as canonical JSON."""
    return canonical(
        {
            "schema": SCHEMA,
            "record_id": str(consent.id),
            "notice": {"terms": _terms(consent), "sha256": notice(consent).sha256.hex()},
            "parties": {
                "company": {"name": consent.company_name_zh, "uscc": consent.company_uscc},
                "recipient": {"name": consent.bank_name_zh},
            },
            "validity": {"from": _text(consent.valid_from), "until": _text(consent.valid_until)},
            "events": [
                _act("prepared", consent.prepared_by, consent.prepared_at),
                _act("approved", consent.approved_by, consent.approved_at),
            ],
            "one_person": "yes" if consent.one_person else "no",
            "withdrawal": "at any time, by the company, with effect on the next request",
        }
    )


def _terms(consent: Consent) -> dict[str, Json]:
    datasets = frozenset(Dataset(each) for each in consent.datasets)
    return {
        "recipient": consent.bank_name_zh,
        "purpose": consent.purpose.value,
        "datasets": sorted(consent.datasets),
        "level": consent.level,
        "data_from": consent.data_from.isoformat(),
        "days": consent.days,
        "fields": list(case_fields(datasets, consent.level)),
    }


def _act(kind: str, person_id: UUID | None, at: datetime | None) -> dict[str, Json]:
    return {"event": kind, "person": str(person_id), "at": _text(at)}


def _text(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
