"""Shift sheets: handed in, corrected, signed. A sheet becomes a batch of facts, graded lower."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from kernel.db import Work
from kernel.errors import Invalid, NotFound
from kernel.ids import PlaceId, SourceId, new_id
from portal.production import ingest, sheet
from portal.production.errors import (
    SheetChanged,
    SheetExists,
    SheetMinutesTooMany,
    SheetNumberNegative,
    SheetSelfSigned,
    SheetSigned,
    SheetSumsDiffer,
    ShiftNotOver,
    ShiftUnknown,
)
from portal.production.ids import SheetId
from portal.production.ingest import Entry
from portal.production.models import DataSource, ShiftSheet, StopReason
from portal.production.placing import STATE, CountRow, Fact, Placed, StateRow, fact_id
from portal.production.setups import calendar_of
from portal.production.sheet import LostTime, ProductLine, Sheet, SheetProblem
from portal.production.states import MachineState
from portal.production.timeline import StateReport
from portal.production.words import NAMED_BY_US, Because, SourceKind
from portal.production.worktime import Shift, Workday
from tenants import access, audit
from tenants import queries as places
from tenants.permissions import Permission


@dataclass(frozen=True, slots=True)
class LostEntry:
    """Minutes lost for one of the company's reasons, and how often it stood."""

    reason_code: str
    minutes: float
    stops: int = 1


@dataclass(frozen=True, slots=True)
class SheetEntry:
    """A sheet as a person fills it in."""

    unit_id: PlaceId
    production_day: date
    shift_code: str
    products: Sequence[ProductLine] = ()
    lost: Sequence[LostEntry] = ()
    note: str = ""

    def content(self) -> dict[str, Any]:
        """Return what the stored sheet keeps, as it was written."""
        return {
            "products": [asdict(line) for line in self.products],
            "lost": [asdict(lost) for lost in self.lost],
        }


@dataclass(slots=True)
class _Filed:
    entry: SheetEntry
    supersedes_id: SheetId | None = None
    reason: str | None = None
    id: SheetId = field(default_factory=lambda: SheetId(new_id()))


def hand_in(work: Work, entry: SheetEntry) -> SheetId:
    """Store the sheet of a shift that has ended; what was not lost of its time was producing.

    Raises `OutOfReach`, `NotFound`, `ShiftUnknown`, `ShiftNotOver`, `SheetExists`, and for numbers
    that do not agree `SheetSumsDiffer`, `SheetMinutesTooMany`, `SheetNumberNegative`, each with
    both numbers.
    """
    access.require(work, Permission.PRODUCTION_SHEET_WRITE, entry.unit_id)
    if _find_current(work, entry) is not None:
        raise SheetExists
    return _file(work, _Filed(entry))


def correct(work: Work, sheet_id: SheetId, entry: SheetEntry, *, reason: str) -> SheetId:
    """Supersede a sheet with another for the same shift, and say why; both stay readable.

    Raises `NotFound`, `SheetChanged` when it has been superseded before, and as `hand_in`.
    """
    old = _get_for_update(work, sheet_id)
    access.require(work, Permission.PRODUCTION_SHEET_WRITE, old.unit_id)
    same = SheetEntry(
        unit_id=old.unit_id,
        production_day=old.production_day,
        shift_code=old.shift_code,
        products=entry.products,
        lost=entry.lost,
        note=entry.note,
    )
    return _file(work, _Filed(same, supersedes_id=sheet_id, reason=reason))


def sign(work: Work, sheet_id: SheetId) -> None:
    """Sign a sheet that somebody else entered.

    Raises `NotFound`, `SheetSigned`, `SheetSelfSigned`, `SheetChanged`.
    """
    found = _get_for_update(work, sheet_id)
    access.require(work, Permission.PRODUCTION_SHEET_SIGN, found.unit_id)
    if found.signed_at is not None:
        raise SheetSigned
    if found.entered_by == work.actor.person_id:
        raise SheetSelfSigned
    work.session.execute(
        update(ShiftSheet)
        .where(ShiftSheet.tenant_id == work.tenant_id, ShiftSheet.id == sheet_id)
        .values(signed_by=work.actor.person_id, signed_at=work.now)
        .execution_options(synchronize_session=False)
    )
    audit.record(work, "production.sheet.sign", "shift_sheet", sheet_id)


def find_shift(work: Work, unit_id: PlaceId, day: date, code: str) -> tuple[Workday, Shift]:
    """Return a unit's shift by day and code.

    Raises `NotFound`, `ShiftUnknown` also for a shift that a machine out of use did not end.
    """
    place = places.get_place(work, unit_id)
    workday = calendar_of(work, place)(day)
    for shift in workday.shifts:
        if shift.code == code and not (place.retired_at and shift.ends_at > place.retired_at):
            return workday, shift
    raise ShiftUnknown


def _get_for_update(work: Work, sheet_id: SheetId) -> ShiftSheet:
    found = work.session.scalar(select(ShiftSheet).where(ShiftSheet.id == sheet_id))
    if found is None:
        raise NotFound
    later = select(ShiftSheet.id).where(ShiftSheet.supersedes_id == sheet_id)
    if work.session.scalar(later) is not None:
        raise SheetChanged
    return found


def _find_current(work: Work, entry: SheetEntry) -> SheetId | None:
    return work.session.scalar(
        select(ShiftSheet.id).where(
            ShiftSheet.unit_id == entry.unit_id,
            ShiftSheet.production_day == entry.production_day,
            ShiftSheet.shift_code == entry.shift_code,
            ShiftSheet.supersedes_id.is_(None),
        )
    )


def _file(work: Work, filed: _Filed) -> SheetId:
    entry = filed.entry
    workday, shift = find_shift(work, entry.unit_id, entry.production_day, entry.shift_code)
    if shift.ends_at > work.now:
        raise ShiftNotOver
    filled = Sheet(
        production_day=entry.production_day,
        shift=shift,
        busy_s=sheet.busy_seconds(workday, shift),
        products=entry.products,
        lost=_lost_times(work, entry.lost),
        note=entry.note,
    )
    _refuse(sheet.check(filled))
    content = entry.content()
    facts = _facts(sheet.facts(filled), entry.unit_id, filed.id)
    receipt = ingest.store(
        work,
        Entry(
            source_id=_manual_source(work),
            key=f"sheet/{filed.id}",
            body_sha256=sha256(json.dumps(content, sort_keys=True).encode()).digest(),
            row_count=len(facts),
            placed=Placed(facts=list(enumerate(facts, start=1))),
            because=Because.CORRECTION if filed.supersedes_id else Because.FACTS,
            doorplates=ingest.list_doorplates(work, include_retired=True),
        ),
    )
    _insert(work, filed, content, receipt.batch_id)
    action = "production.sheet.correct" if filed.supersedes_id else "production.sheet.hand_in"
    audit.record(work, action, "shift_sheet", filed.id, why=filed.reason)
    return filed.id


def _insert(work: Work, filed: _Filed, content: dict[str, Any], batch_id: Any) -> None:
    entry = filed.entry
    values = {
        "id": filed.id,
        "tenant_id": work.tenant_id,
        "unit_id": entry.unit_id,
        "production_day": entry.production_day,
        "shift_code": entry.shift_code,
        "batch_id": batch_id,
        "content": content,
        "note": entry.note,
        "supersedes_id": filed.supersedes_id,
        "reason": filed.reason,
        "entered_by": work.actor.person_id,
        "entered_at": work.now,
    }
    try:
        work.session.execute(insert(ShiftSheet).values(**values))
    except IntegrityError as broken:
        # Two people hand in, or correct, one sheet at the same moment: the second one meets these.
        name = getattr(getattr(broken.orig, "diag", None), "constraint_name", None)
        if name == "uq__shift_sheet__first":
            raise SheetExists from None
        if name == "uq__shift_sheet__tenant_id_supersedes_id":
            raise SheetChanged from None
        raise


def _lost_times(work: Work, lost: Iterable[LostEntry]) -> list[LostTime]:
    known = select(StopReason.code, StopReason.state)
    reasons: dict[str, MachineState] = {row[0]: row[1] for row in work.session.execute(known)}
    lost = list(lost)
    for place, one in enumerate(lost):
        if one.reason_code not in reasons:
            raise Invalid(field=f"lost.{place}.reason")
    return [
        LostTime(
            minutes=one.minutes,
            state=reasons[one.reason_code],
            reason_code=one.reason_code,
            stops=one.stops,
        )
        for one in lost
    ]


_REFUSALS: Final = {
    "sum": SheetSumsDiffer,
    "minutes": SheetMinutesTooMany,
    "negative": SheetNumberNegative,
}


def _refuse(problems: Sequence[SheetProblem]) -> None:
    for problem in problems:
        raise _REFUSALS[problem.code](
            field=problem.field, given=f"{problem.given:g}", expected=f"{problem.expected:g}"
        )


def _facts(made: sheet.SheetFacts, unit_id: PlaceId, sheet_id: SheetId) -> list[Fact]:
    # The sheet's id is part of what they say: a correction may repeat a number of the first.
    facts: list[Fact] = [_state(report, unit_id, sheet_id) for report in made.reports]
    for told in made.quantities:
        parts = ("count", told.kind, told.product, told.quantity, sheet_id)
        facts.append(
            CountRow(
                unit_id=unit_id.hex,
                occurred_at=told.at,
                id=fact_id(unit_id, told.at, *parts),
                kind=told.kind,
                product_code=told.product,
                counter=None,
                qty=told.quantity,
                over_s=told.over_s,
                declared=True,
            )
        )
    return facts


def _state(report: StateReport, unit_id: PlaceId, sheet_id: SheetId) -> StateRow:
    parts = (STATE, report.state, report.reason_code, report.declared_s, sheet_id)
    return StateRow(
        unit_id=unit_id.hex,
        occurred_at=report.started_at,
        id=fact_id(unit_id, report.started_at, *parts),
        item=STATE,
        value=report.state,
        ended_at=report.ended_at,
        reason_code=report.reason_code,
        rank=int(report.rank),
        declared_s=report.declared_s,
        stops=report.stops,
    )


def _manual_source(work: Work) -> SourceId:
    """Return the company's source for sheets, made with the first one."""
    known = work.session.scalar(
        select(DataSource.id)
        .where(DataSource.kind == SourceKind.MANUAL)
        .order_by(DataSource.created_at, DataSource.id)
        .limit(1)
    )
    if known is not None:
        return known
    source_id = SourceId(new_id())
    work.session.execute(
        insert(DataSource).values(
            id=source_id,
            tenant_id=work.tenant_id,
            kind=SourceKind.MANUAL,
            name=NAMED_BY_US[SourceKind.MANUAL],
            created_at=work.now,
        )
    )
    return source_id
