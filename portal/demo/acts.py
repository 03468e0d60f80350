"""What the demo's people have done before anybody looks: a consent given, shift sheets signed.

Every act is a command of its own person, with her rights, as it would be from her browser.
"""

from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from kernel.actor import AUTHN
from kernel.db import Database, Work
from kernel.errors import Conflict
from portal.credit import service as credit
from portal.credit.words import ALL_DATASETS, FACTS, Purpose
from portal.demo.cast import DAI_HE, DING_NING, DOVE, GRANITE, KANG_YI, KONG_KUN, Company, Person
from portal.demo.places import place_id
from portal.demo.plants import UnitPlan
from portal.demo.sheets import sheets_between
from portal.production import sheet_queries, sheet_service
from portal.production.sheet import Sheet
from portal.production.sheet_service import LostEntry, SheetEntry
from tenants.identity import actor_of

_CONSENT_DAYS: Final = 180
_WRITES_FOR: Final = timedelta(minutes=25)
_SIGNED_AFTER: Final = timedelta(hours=10)
_SHANGHAI: Final = ZoneInfo("Asia/Shanghai")


def as_person(
    database: Database, person: Person, company: Company, *, now: datetime | None = None
) -> AbstractContextManager[Work]:
    """Open a work of a person of the cast in a company; `now` lets it have happened before."""
    with database.work(AUTHN) as work:
        actor = actor_of(work, person_id=person.id, tenant_id=company.id)
    return database.work(actor, now=now)


def give_consent(database: Database) -> None:
    """Let Kestrel consent to Granite Bank: finance prepares, the administrator approves."""
    kestrel = KANG_YI.seats[0].company
    with as_person(database, KANG_YI, kestrel) as work:
        consent_id = credit.draft_consent(
            work, bank=GRANITE.code, purpose=Purpose.UNDERWRITING, days=_CONSENT_DAYS
        )
        credit.prepare_consent(
            work,
            consent_id,
            datasets=ALL_DATASETS,
            level=FACTS,
            data_from=credit.consent_data_from(work.now),
            days=_CONSENT_DAYS,
        )
    with as_person(database, KONG_KUN, kestrel) as work:
        credit.approve_consent(work, consent_id)


def hand_in_sheets(database: Database, first: datetime, until: datetime) -> int:
    """Hand in Dove's sheets of the shifts that ended in [first, until); return how many."""
    begin = first.astimezone(_SHANGHAI).date() - timedelta(days=1)
    ended = [
        (unit, sheet)
        for unit, sheet in sheets_between(begin, until.astimezone(_SHANGHAI).date())
        if first <= sheet.shift.ends_at < until
    ]
    # The last one first, as all of the demo's past: a shift tells what the one before it ran into,
    # and what is said to have come long ago asks no day again.
    for unit, sheet in reversed(ended):
        _hand_in(database, unit, sheet)
    _sign(database, first, until)
    return len(ended)


def _sign(database: Database, first: datetime, until: datetime) -> None:
    """Sign what was handed in since the day of `first`; the last shifts' sheets wait for a look."""
    with as_person(database, DAI_HE, DOVE, now=until) as work:
        sheets = sheet_queries.list_sheets(
            work, first=first.date() - timedelta(days=2), last=until.date()
        )
        for sheet in sheets:
            waits = sheet.entered_at > until - _SIGNED_AFTER
            if sheet.is_current and sheet.signed_at is None and not waits:
                sheet_service.sign(work, sheet.id)


def _hand_in(database: Database, unit: UnitPlan, sheet: Sheet) -> None:
    entry = SheetEntry(
        unit_id=place_id(DOVE, unit.code),
        production_day=sheet.production_day,
        shift_code=sheet.shift.code,
        products=tuple(sheet.products),
        lost=tuple(LostEntry(lost.reason_code or "", lost.minutes) for lost in sheet.lost),
    )
    with as_person(database, DING_NING, DOVE, now=sheet.shift.ends_at + _WRITES_FOR) as work:
        try:
            sheet_service.hand_in(work, entry)
        except Conflict:
            return  # somebody has handed it in by hand
