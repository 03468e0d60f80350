"""Pages about machines: the list, one machine's rules, run times, words and device model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from kernel.actor import Kind
from kernel.errors import FieldProblem, NotFound, PortalError
from kernel.ids import PlaceId
from kernel.web import current_work, pages, read_form, requires
from portal.production import labels, queries, setup_service, sheet_queries
from portal.production.forms import (
    RateForm,
    StateWordForm,
    StateWordGoneForm,
    UnitForm,
    read_upload,
)
from portal.production.rows import UnitRow
from portal.production.setup_service import UnitRules
from tenants import access
from tenants import queries as places
from tenants.permissions import Permission
from tenants.queries import PlaceRow
from tenants.refilling import REFUSALS, problems_of, sent
from tenants.words import Level

bp = pages("production_setup", __name__, audience=Kind.TENANT)

MODEL_MIB: Final = 2


@dataclass(frozen=True, slots=True)
class Refilled:
    """One of the page's forms, as it was sent and what is wrong with it."""

    values: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[FieldProblem, ...] = ()


@bp.get("/production/units")
@requires(Permission.PRODUCTION_FACT_READ)
def list_units() -> ResponseReturnValue:
    """Show the machines within reach, and places of level unit that are no machine yet."""
    work = current_work()
    reach = access.places_under(work, Permission.PRODUCTION_FACT_READ)
    tree = [p for p in places.list_places(work) if reach is None or p.id in reach]
    units = {unit.place_id: unit for unit in queries.list_units(work)}
    found = [place for place in tree if place.level is Level.UNIT]
    return render_template(
        "production/units.html",
        lines={place.id: place for place in places.list_places(work)},
        machines=[(place, units[place.id]) for place in found if place.id in units],
        bare=[place for place in found if place.id not in units],
        rates=_newest_rates(list(units)),
        counts_from=labels.COUNTS_FROM,
        may_write=work.actor.may(Permission.PRODUCTION_UNIT_WRITE),
    )


def _newest_rates(unit_ids: list[PlaceId]) -> dict[PlaceId, list[tuple[str, float]]]:
    newest: dict[tuple[PlaceId, str], float] = {}
    for rate in queries.list_rates(current_work(), unit_ids):
        newest.setdefault((rate.unit_id, rate.product_code), rate.pri_s)
    found: dict[PlaceId, list[tuple[str, float]]] = {}
    for (unit_id, product), pri_s in newest.items():
        found.setdefault(unit_id, []).append((product, pri_s))
    return found


@bp.get("/production/units/<uuid:unit_id>")
@requires(Permission.PRODUCTION_FACT_READ)
def show_unit(unit_id: UUID) -> ResponseReturnValue:
    """Show one machine's rules and planned run times."""
    return _unit_page(*_get(unit_id))


def _get(unit_id: UUID) -> tuple[PlaceRow, UnitRow | None]:
    work = current_work()
    access.require(work, Permission.PRODUCTION_FACT_READ, PlaceId(unit_id))
    place = places.get_place(work, PlaceId(unit_id))
    if place.level is not Level.UNIT:
        raise NotFound
    found = [u for u in queries.list_units(work, place.id) if u.place_id == place.id]
    return place, found[0] if found else None


def _values(unit: UnitRow | None) -> dict[str, str]:
    if unit is None:
        return {}
    return {
        "class_code": unit.class_code,
        "rated_power_kw": "" if unit.rated_power_kw is None else f"{unit.rated_power_kw:g}",
        "min_stop_s": str(unit.min_stop_s),
        "heartbeat_s": str(unit.heartbeat_s),
        "counts_from": unit.counts_from.value if unit.counts_from else "",
    }


@bp.post("/production/units/<uuid:unit_id>")
@requires(Permission.PRODUCTION_UNIT_WRITE)
def set_unit(unit_id: UUID) -> ResponseReturnValue:
    """Change how a machine's reports are read; its past days are asked again."""
    try:
        form = read_form(UnitForm)
        rules = UnitRules(**form.model_dump())
        setup_service.set_unit(current_work(), PlaceId(unit_id), rules)
    except REFUSALS as refusal:
        return _again(unit_id, refusal, rules=Refilled(sent(), problems_of(refusal)))
    flash(_("The machine is saved. Its past days are derived again."))
    return redirect(url_for(".show_unit", unit_id=unit_id), code=303)


@bp.post("/production/units/<uuid:unit_id>/rates")
@requires(Permission.PRODUCTION_UNIT_WRITE)
def set_rate(unit_id: UUID) -> ResponseReturnValue:
    """Set a planned run time from a date on."""
    try:
        form = read_form(RateForm)
        setup_service.set_rate(current_work(), PlaceId(unit_id), **form.model_dump())
    except REFUSALS as refusal:
        return _again(unit_id, refusal, rate=Refilled(sent(), problems_of(refusal)))
    flash(_("The planned run time is saved. The days since then are derived again."))
    return redirect(url_for(".show_unit", unit_id=unit_id), code=303)


@bp.post("/production/units/<uuid:unit_id>/state-words")
@requires(Permission.PRODUCTION_UNIT_WRITE)
def set_state_word(unit_id: UUID) -> ResponseReturnValue:
    """Say what a word of the machine's own means."""
    try:
        form = read_form(StateWordForm)
        setup_service.set_state_word(
            current_work(), PlaceId(unit_id), word=form.word, state=form.state
        )
    except REFUSALS as refusal:
        return _again(unit_id, refusal, words=Refilled(sent(), problems_of(refusal)))
    flash(_("The word is known. Lines that wait for it can be replayed from the quarantine."))
    return redirect(url_for(".show_unit", unit_id=unit_id), code=303)


@bp.post("/production/units/<uuid:unit_id>/state-words/drop")
@requires(Permission.PRODUCTION_UNIT_WRITE)
def drop_state_word(unit_id: UUID) -> ResponseReturnValue:
    """Take a word out of the machine's table; it can be added again."""
    form = read_form(StateWordGoneForm)
    setup_service.drop_state_word(current_work(), PlaceId(unit_id), form.word)
    flash(_("The word %(word)s is no longer known.", word=form.word))
    return redirect(url_for(".show_unit", unit_id=unit_id), code=303)


@bp.post("/production/units/<uuid:unit_id>/device-model")
@requires(Permission.PRODUCTION_UNIT_WRITE)
def set_device_model(unit_id: UUID) -> ResponseReturnValue:
    """Take the machine's device model, an XML file."""
    try:
        document = read_upload("model", most_mib=MODEL_MIB)
        model = setup_service.set_device_model(current_work(), PlaceId(unit_id), document)
    except REFUSALS as refusal:
        return _again(unit_id, refusal, model=Refilled({}, problems_of(refusal)))
    flash(
        ngettext(
            "The device model is saved, with %(num)s item. Past days are derived again.",
            "The device model is saved, with %(num)s items. Past days are derived again.",
            len(model.items),
        )
    )
    return redirect(url_for(".show_unit", unit_id=unit_id), code=303)


def _again(unit_id: UUID, refusal: PortalError, **forms: Refilled) -> tuple[str, int]:
    place, unit = _get(unit_id)
    return _unit_page(place, unit, **forms), refusal.status


def _unit_page(
    place: PlaceRow,
    unit: UnitRow | None,
    *,
    rules: Refilled | None = None,
    rate: Refilled | None = None,
    words: Refilled | None = None,
    model: Refilled | None = None,
) -> str:
    """Show the page; each of its forms empty, or as it was sent."""
    work = current_work()
    reach = access.places_under(work, Permission.PRODUCTION_UNIT_WRITE)
    return render_template(
        "production/unit.html",
        place=place,
        path=places.place_path(work, place.id),
        unit=unit,
        vocabulary=queries.get_vocabulary(work, unit) if unit else None,
        rules=rules or Refilled(_values(unit)),
        rate=rate or Refilled(),
        words=words or Refilled(),
        model=model or Refilled(),
        reported=labels.REPORTED_STATES,
        rates=queries.list_rates(work, [place.id]),
        products=sheet_queries.list_products(work),
        counts_from=[(word.value, label) for word, label in labels.COUNTS_FROM.items()],
        bases=[(word.value, label) for word, label in labels.BASES.items()],
        may_write=reach is None or place.id in reach,
    )
