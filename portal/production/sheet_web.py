"""Shift sheets on a phone: what is due, hand one in, correct it, sign it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from kernel.actor import Kind
from kernel.errors import FieldProblem
from kernel.ids import PlaceId
from kernel.web import current_work, pages, requires, validate
from portal.production import labels, queries, sheet, sheet_queries, sheet_service
from portal.production.forms import PRODUCT_LINES, SheetForm, nested
from portal.production.ids import SheetId
from portal.production.rows import SheetRow
from portal.production.sheet import ProductLine
from portal.production.sheet_service import LostEntry, SheetEntry
from tenants import access
from tenants import queries as places
from tenants.permissions import Permission
from tenants.refilling import REFUSALS, problems_of, sent

bp = pages("production_sheets", __name__, audience=Kind.TENANT)

Problems = tuple[FieldProblem, ...]
_CHOSEN: Final = ("unit_id", "production_day", "shift_code")


@bp.get("/production/shift-sheets")
@requires(Permission.PRODUCTION_FACT_READ)
def list_sheets() -> ResponseReturnValue:
    """Show the shifts whose sheet is due or missing, and the sheets of two weeks."""
    work = current_work()
    reach = access.places_under(work, Permission.PRODUCTION_FACT_READ)
    writes = access.places_under(work, Permission.PRODUCTION_SHEET_WRITE)
    today = work.now.date()
    sheets = sheet_queries.list_sheets(
        work,
        first=today - timedelta(days=sheet_queries.SHOWN_DAYS),
        last=today + timedelta(days=1),
        unit_ids=reach,
    )
    return render_template(
        "production/sheets.html",
        due=sheet_queries.list_due(work, unit_ids=writes)
        if work.actor.may(Permission.PRODUCTION_SHEET_WRITE)
        else (),
        sheets=sheets,
        units={unit.place_id: unit for unit in queries.list_units(work)},
        names=places.names_of(work, [s.entered_by for s in sheets]),
    )


@bp.get("/production/shift-sheets/new")
@requires(Permission.PRODUCTION_SHEET_WRITE)
def new_sheet() -> ResponseReturnValue:
    """Show the sheet of a shift, by default the newest one that is due."""
    work = current_work()
    due = sheet_queries.list_due(
        work, unit_ids=access.places_under(work, Permission.PRODUCTION_SHEET_WRITE)
    )
    chosen = {name: request.args[name] for name in _CHOSEN if name in request.args}
    if len(chosen) < len(_CHOSEN):
        if not due:
            return render_template("production/sheet_none.html")
        chosen = {
            "unit_id": str(due[0].unit_id),
            "production_day": due[0].production_day.isoformat(),
            "shift_code": due[0].shift_code,
        }
    return _sheet_page(chosen, {}, ())


@bp.post("/production/shift-sheets/new")
@requires(Permission.PRODUCTION_SHEET_WRITE)
def hand_in() -> ResponseReturnValue:
    """Store a sheet; numbers that do not agree are named, both of them."""
    values = sent()
    try:
        form = _read(values)
        with current_work().session.begin_nested():
            sheet_id = sheet_service.hand_in(current_work(), _entry(form))
    except REFUSALS as refusal:
        chosen = {name: values.get(name, "") for name in _CHOSEN}
        return _sheet_page(chosen, values, problems_of(refusal)), refusal.status
    flash(_("The sheet is handed in."))
    return redirect(url_for(".show_sheet", sheet_id=sheet_id), code=303)


@bp.get("/production/shift-sheets/<uuid:sheet_id>")
@requires(Permission.PRODUCTION_FACT_READ)
def show_sheet(sheet_id: UUID) -> ResponseReturnValue:
    """Show one sheet with who entered and signed it."""
    work = current_work()
    found = _get(sheet_id)
    return render_template(
        "production/sheet.html",
        sheet=found,
        unit=queries.get_unit(work, found.unit_id),
        names=places.names_of(work, [found.entered_by, found.signed_by]),
        reasons={reason.code: reason for reason in sheet_queries.list_reasons(work)},
        products={product.code: product for product in sheet_queries.list_products(work)},
        may_correct=found.is_current and _reaches(Permission.PRODUCTION_SHEET_WRITE, found),
        may_sign=found.is_current
        and found.signed_at is None
        and found.entered_by != work.actor.person_id
        and _reaches(Permission.PRODUCTION_SHEET_SIGN, found),
    )


def _get(sheet_id: UUID) -> SheetRow:
    work = current_work()
    found = sheet_queries.get_sheet(work, SheetId(sheet_id))
    access.require(work, Permission.PRODUCTION_FACT_READ, found.unit_id)
    return found


def _reaches(permission: Permission, found: SheetRow) -> bool:
    reach = access.places_under(current_work(), permission)
    return reach is None or found.unit_id in reach


@bp.get("/production/shift-sheets/<uuid:sheet_id>/correct")
@requires(Permission.PRODUCTION_SHEET_WRITE)
def edit_sheet(sheet_id: UUID) -> ResponseReturnValue:
    """Show a sheet as a form, to be corrected."""
    found = _get(sheet_id)
    return _sheet_page(_chosen(found), _refilled(found), (), corrects=found)


@bp.post("/production/shift-sheets/<uuid:sheet_id>/correct")
@requires(Permission.PRODUCTION_SHEET_WRITE)
def correct_sheet(sheet_id: UUID) -> ResponseReturnValue:
    """Supersede a sheet, with the reason; the old one stays readable."""
    values = sent()
    found = _get(sheet_id)
    try:
        form = _read(values | _chosen(found))
        if form.reason is None:
            problem = FieldProblem("reason", _("Say why it is corrected."), "missing")
            return _sheet_page(_chosen(found), values, (problem,), corrects=found), 422
        with current_work().session.begin_nested():
            new_id = sheet_service.correct(
                current_work(), found.id, _entry(form), reason=form.reason
            )
    except REFUSALS as refusal:
        problems = problems_of(refusal)
        return _sheet_page(_chosen(found), values, problems, corrects=found), refusal.status
    flash(_("The correction is handed in; the first sheet stays readable."))
    return redirect(url_for(".show_sheet", sheet_id=new_id), code=303)


@bp.post("/production/shift-sheets/<uuid:sheet_id>/sign")
@requires(Permission.PRODUCTION_SHEET_SIGN)
def sign_sheet(sheet_id: UUID) -> ResponseReturnValue:
    """Sign a sheet that somebody else entered."""
    sheet_service.sign(current_work(), SheetId(sheet_id))
    flash(_("The sheet is signed."))
    return redirect(url_for(".show_sheet", sheet_id=sheet_id), code=303)


def _read(values: Mapping[str, str]) -> SheetForm:
    plain = {name: value for name, value in values.items() if "." not in name and value != ""}
    lists = {name: nested(dict(values), name) for name in ("products", "lost")}
    return validate(SheetForm, {**plain, **lists})


def _entry(form: SheetForm) -> SheetEntry:
    return SheetEntry(
        unit_id=PlaceId(form.unit_id),
        production_day=form.production_day,
        shift_code=form.shift_code,
        products=[ProductLine(**line.model_dump()) for line in form.products],
        lost=[LostEntry(one.reason, one.minutes, one.stops) for one in form.lost],
        note=form.note,
    )


def _chosen(found: SheetRow) -> dict[str, str]:
    return {
        "unit_id": str(found.unit_id),
        "production_day": found.production_day.isoformat(),
        "shift_code": found.shift_code,
    }


def _refilled(found: SheetRow) -> dict[str, str]:
    values = {"note": found.note}
    for place, line in enumerate(found.content["products"]):
        for name in ("product", "produced", "good", "scrap", "rework"):
            if line[name] is not None:
                values[f"products.{place}.{name}"] = _plain(line[name])
    for lost in found.content["lost"]:
        values[f"minutes of {lost['reason_code']}"] = _plain(lost["minutes"])
        values[f"stops of {lost['reason_code']}"] = _plain(lost["stops"])
    return values


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _sheet_page(
    chosen: Mapping[str, str],
    values: Mapping[str, str],
    problems: Problems,
    *,
    corrects: SheetRow | None = None,
) -> str:
    work = current_work()
    shift = validate(SheetForm, dict(chosen))
    unit_id = PlaceId(shift.unit_id)
    access.require(work, Permission.PRODUCTION_SHEET_WRITE, unit_id)
    workday, known = sheet_service.find_shift(work, unit_id, shift.production_day, shift.shift_code)
    return render_template(
        "production/sheet_form.html",
        chosen=chosen,
        values=values,
        problems=problems,
        corrects=corrects,
        unit=queries.get_unit(work, unit_id),
        day=shift.production_day,
        shift=known,
        busy_minutes=sheet.busy_seconds(workday, known) / 60,
        products=sheet_queries.products_of_units(work, [unit_id]).get(unit_id, ()),
        product_lines=PRODUCT_LINES,
        reasons=_reasons(unit_id),
        states=labels.STATES,
    )


def _reasons(unit_id: PlaceId) -> Sequence[Any]:
    """Return the stop reasons, those of the unit's last sheet first."""
    work = current_work()
    today = work.now.date()
    last = sheet_queries.list_sheets(
        work,
        first=today - timedelta(days=sheet_queries.SHOWN_DAYS),
        last=today,
        unit_ids=[unit_id],
        limit=1,
    )
    used = {lost["reason_code"] for lost in last[0].content["lost"]} if last else set()
    return sorted(sheet_queries.list_reasons(work), key=lambda r: (r.code not in used, r.code))
