"""Reads about shift sheets: those handed in, those that are due, what a form is filled with."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from sqlalchemy import exists, func, select
from sqlalchemy.orm import aliased

from kernel.db import Work
from kernel.errors import NotFound
from kernel.ids import PlaceId
from portal.production.ids import SheetId
from portal.production.models import Product, ProductRate, ShiftSheet, StopReason, Unit
from portal.production.rows import DueSheet, ProductRow, ReasonRow, SheetRow
from portal.production.setups import load_company
from portal.production.unitruns import SHEET_MISSING_AFTER
from portal.production.words import CountsFrom

SHOWN_DAYS: Final = 14
"""How far back the list of sheets goes."""
DUE_DAYS: Final = 7
"""How far back a sheet that was never handed in is still asked for."""


def list_sheets(
    work: Work,
    *,
    first: date,
    last: date,
    unit_ids: Collection[PlaceId] | None = None,
    limit: int = 200,
) -> Sequence[SheetRow]:
    """Return the sheets of production days, newest first, corrected ones too."""
    later = aliased(ShiftSheet)
    statement = (
        select(ShiftSheet, later.id)
        .outerjoin(
            later,
            (later.tenant_id == ShiftSheet.tenant_id) & (later.supersedes_id == ShiftSheet.id),
        )
        .where(ShiftSheet.production_day.between(first, last))
        .order_by(
            ShiftSheet.production_day.desc(),
            ShiftSheet.shift_code.desc(),
            ShiftSheet.unit_id,
            ShiftSheet.entered_at.desc(),
        )
        .limit(limit)
    )
    if unit_ids is not None:
        statement = statement.where(ShiftSheet.unit_id.in_(list(unit_ids)))
    return [_row(sheet, later_id is None) for sheet, later_id in work.session.execute(statement)]


def get_sheet(work: Work, sheet_id: SheetId) -> SheetRow:
    """Return one sheet. Raises `NotFound`."""
    found = work.session.scalar(select(ShiftSheet).where(ShiftSheet.id == sheet_id))
    if found is None:
        raise NotFound
    later = select(ShiftSheet.id).where(ShiftSheet.supersedes_id == sheet_id)
    return _row(found, work.session.scalar(later) is None)


def _row(sheet: ShiftSheet, is_current: bool) -> SheetRow:
    return SheetRow(
        id=sheet.id,
        unit_id=sheet.unit_id,
        production_day=sheet.production_day,
        shift_code=sheet.shift_code,
        content=sheet.content,
        note=sheet.note,
        reason=sheet.reason,
        supersedes_id=sheet.supersedes_id,
        entered_by=sheet.entered_by,
        entered_at=sheet.entered_at,
        signed_by=sheet.signed_by,
        signed_at=sheet.signed_at,
        batch_id=sheet.batch_id,
        is_current=is_current,
    )


def list_due(
    work: Work, *, unit_ids: Collection[PlaceId] | None = None, days: int = DUE_DAYS
) -> Sequence[DueSheet]:
    """Return the shifts without a sheet of units that are told by sheets, newest first.

    A machine out of use owes those that had ended before.
    """
    sheet_units = select(Unit.place_id).where(
        Unit.tenant_id == work.tenant_id,
        Unit.counts_from == CountsFrom.SHEET,
    )
    wanted = set(work.session.scalars(sheet_units))
    if unit_ids is not None:
        wanted &= set(unit_ids)
    if not wanted:
        return []
    setup = load_company(work, work.tenant_id)
    today = work.now.date()
    first = today - timedelta(days=days)
    told = {
        (sheet.unit_id, sheet.production_day, sheet.shift_code)
        for sheet in list_sheets(
            work, first=first, last=today + timedelta(days=1), unit_ids=wanted, limit=5_000
        )
    }
    due = [
        DueSheet(
            unit_id=unit_id,
            production_day=day,
            shift_code=shift.code,
            ended_at=shift.ends_at,
            missing=shift.ends_at + SHEET_MISSING_AFTER <= work.now,
        )
        for unit_id in wanted
        for offset in range(days + 2)
        for day in [first + timedelta(days=offset)]
        for shift in setup.units[unit_id].calendar(day).shifts
        if shift.ends_at <= (setup.places[unit_id].retired_at or work.now)
        and (unit_id, day, shift.code) not in told
    ]
    return sorted(due, key=lambda one: (one.ended_at, one.unit_id), reverse=True)


def count_to_sign(work: Work, *, unit_ids: Collection[PlaceId] | None = None) -> int:
    """Return how many sheets of the last days somebody else has entered and nobody has signed."""
    later = aliased(ShiftSheet)
    corrected = (later.tenant_id == ShiftSheet.tenant_id) & (later.supersedes_id == ShiftSheet.id)
    statement = (
        select(func.count())
        .select_from(ShiftSheet)
        .where(
            ShiftSheet.production_day >= work.now.date() - timedelta(days=SHOWN_DAYS),
            ShiftSheet.signed_at.is_(None),
            ShiftSheet.entered_by.is_distinct_from(work.actor.person_id),
            ~exists().where(corrected),
        )
    )
    if unit_ids is not None:
        statement = statement.where(ShiftSheet.unit_id.in_(list(unit_ids)))
    return work.session.scalar(statement) or 0


def list_reasons(work: Work) -> Sequence[ReasonRow]:
    """Return the company's stop reasons, by code."""
    rows = work.session.scalars(select(StopReason).order_by(StopReason.code))
    return [ReasonRow(r.code, r.name_zh, r.name_en, r.state) for r in rows]


def products_of_units(
    work: Work, unit_ids: Collection[PlaceId]
) -> Mapping[PlaceId, Sequence[ProductRow]]:
    """Return the products that units have a rate for, by code; an unknown code is its own name."""
    known = {p.code: p for p in work.session.scalars(select(Product))}
    rows = work.session.execute(
        select(ProductRate.unit_id, ProductRate.product_code)
        .where(ProductRate.unit_id.in_(list(unit_ids)))
        .distinct()
        .order_by(ProductRate.unit_id, ProductRate.product_code)
    )
    found: dict[PlaceId, list[ProductRow]] = {}
    for unit_id, code in rows:
        product = known.get(code)
        row = (
            ProductRow(code, product.name_zh, product.name_en, product.quantity_unit)
            if product
            else ProductRow(code, code, code, "pcs")
        )
        found.setdefault(unit_id, []).append(row)
    return found


def list_products(work: Work) -> Sequence[ProductRow]:
    """Return the company's products, by code."""
    rows = work.session.scalars(select(Product).order_by(Product.code))
    return [ProductRow(p.code, p.name_zh, p.name_en, p.quantity_unit) for p in rows]
