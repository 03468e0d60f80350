"""The company's pages about itself: profile, what the group sees, places."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID
from zoneinfo import available_timezones

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from kernel.actor import Kind
from kernel.errors import FieldProblem, NotFound
from kernel.ids import PlaceId
from kernel.web import current_work, pages, read_form, requires, validate
from tenants import access, queries, service
from tenants.forms import NOTHING, Nothing, PlaceForm, ProfileForm, RenameForm, SharingForm
from tenants.permissions import Permission
from tenants.queries import PlaceRow
from tenants.refilling import REFUSALS, problems_of, sent
from tenants.roles import COMPANY_LABELS
from tenants.words import (
    LEVEL_LABELS,
    ORIGIN_LABELS,
    PROFILE_LABELS,
    REGIONS,
    SEGMENTS,
    Level,
    region_label,
    segment_label,
)

bp = pages("company", __name__)
NEW_LEVELS: Final = (Level.SITE, Level.AREA, Level.LINE, Level.UNIT)
Problems = tuple[FieldProblem, ...]


@bp.get("/company")
@requires(Permission.TENANTS_PROFILE_READ)
def show_company() -> ResponseReturnValue:
    """Show the profile and, for a company of the cloud, what the group may see of it."""
    work = current_work()
    shares = queries.list_shares(work) if work.actor.kind is Kind.TENANT else ()
    return render_template(
        "tenants/company.html",
        company=queries.own_company(work),
        kinds=COMPANY_LABELS,
        profiles=PROFILE_LABELS,
        origins=ORIGIN_LABELS,
        levels=LEVEL_LABELS,
        segment_label=segment_label,
        region_label=region_label,
        shares=shares,
        names=queries.names_of(work, [share.set_by for share in shares]),
        may_write=work.actor.may(Permission.TENANTS_PROFILE_WRITE),
        shares_with_group=work.actor.kind is Kind.TENANT,
        may_share=work.actor.may(Permission.TENANTS_SHARING_WRITE),
        share_choices=_sharing_choices(),
        nothing=NOTHING,
    )


@bp.get("/company/profile")
@requires(Permission.TENANTS_PROFILE_WRITE)
def edit_profile() -> ResponseReturnValue:
    """Show the profile as a form."""
    company = queries.own_company(current_work())
    values = {
        "version": company.version,
        "name_zh": company.name_zh,
        "name_en": company.name_en,
        "segment": company.segment or "",
        "region": company.region or "",
        "kpi_profile": company.kpi_profile or "",
    }
    return _profile_page(values, ())


@bp.post("/company/profile")
@requires(Permission.TENANTS_PROFILE_WRITE)
def change_profile() -> ResponseReturnValue:
    """Change the profile."""
    try:
        form = read_form(ProfileForm)
        with current_work().session.begin_nested():
            service.change_profile(current_work(), **form.model_dump())
    except REFUSALS as refusal:
        return _profile_page(sent(ProfileForm), problems_of(refusal)), refusal.status
    flash(_("The profile is saved."))
    return redirect(url_for("company.show_company"), code=303)


@bp.get("/company/sharing")
@requires(Permission.TENANTS_SHARING_WRITE)
def confirm_sharing() -> ResponseReturnValue:
    """Show what the group sees now and what it would see."""
    form = validate(SharingForm, {"level": request.args.get("level", NOTHING)})
    work = current_work()
    now = queries.shared_levels(work)
    return render_template(
        "tenants/sharing.html",
        chosen=form,
        before=[level for level in Level if level in now],
        after=[level for level in Level if form.chosen and level.rank <= form.chosen.rank],
        levels=LEVEL_LABELS,
    )


@bp.post("/company/sharing")
@requires(Permission.TENANTS_SHARING_WRITE)
def set_sharing() -> ResponseReturnValue:
    """Decide what the group may see; holds from its next request on."""
    form = read_form(SharingForm)
    service.set_sharing(current_work(), level=form.chosen)
    flash(_("What the group may see has been decided. It holds from now on."))
    return redirect(url_for("company.show_company"), code=303)


@bp.get("/company/places")
@requires(Permission.TENANTS_PLACE_READ)
def list_places() -> ResponseReturnValue:
    """Show the place tree as far as the person's roles reach."""
    work = current_work()
    writable = _reach(Permission.TENANTS_PLACE_WRITE)
    return render_template(
        "tenants/places.html",
        places=_own_places(Permission.TENANTS_PLACE_READ, include_retired=True),
        levels=LEVEL_LABELS,
        units=Level.UNIT,
        top=Level.COMPANY,
        may_write=lambda place: writable is None or place.id in writable,
        may_add=work.actor.may(Permission.TENANTS_PLACE_WRITE),
    )


@bp.get("/company/places/new")
@requires(Permission.TENANTS_PLACE_WRITE)
def new_place() -> ResponseReturnValue:
    """Show the form for a new place, its parent chosen if the address says so."""
    values = {"parent_id": request.args.get("parent", "")}
    return _place_page(values, ())


@bp.post("/company/places/new")
@requires(Permission.TENANTS_PLACE_WRITE)
def add_place() -> ResponseReturnValue:
    """Add a place."""
    try:
        form = read_form(PlaceForm)
        with current_work().session.begin_nested():
            service.add_place(
                current_work(),
                parent_id=PlaceId(form.parent_id),
                level=form.level,
                code=form.code,
                name_zh=form.name_zh,
                name_en=form.name_en,
                zone=form.zone,
                day_start=form.day_start,
            )
    except REFUSALS as refusal:
        return _place_page(sent(PlaceForm), problems_of(refusal)), refusal.status
    flash(_("The place is added."))
    return redirect(url_for("company.list_places"), code=303)


@bp.get("/company/places/<uuid:place_id>/rename")
@requires(Permission.TENANTS_PLACE_WRITE)
def edit_place(place_id: UUID) -> ResponseReturnValue:
    """Show a place's names as a form."""
    place = _writable_place(place_id)
    return _rename_page(place, {"name_zh": place.name_zh, "name_en": place.name_en}, ())


@bp.post("/company/places/<uuid:place_id>/rename")
@requires(Permission.TENANTS_PLACE_WRITE)
def rename_place(place_id: UUID) -> ResponseReturnValue:
    """Give a place other names."""
    try:
        form = read_form(RenameForm)
        service.rename_place(
            current_work(), PlaceId(place_id), name_zh=form.name_zh, name_en=form.name_en
        )
    except REFUSALS as refusal:
        place = _writable_place(place_id)
        return _rename_page(place, sent(RenameForm), problems_of(refusal)), refusal.status
    flash(_("The names are saved."))
    return redirect(url_for("company.list_places"), code=303)


@bp.get("/company/places/<uuid:place_id>/retire")
@requires(Permission.TENANTS_PLACE_WRITE)
def confirm_retirement(place_id: UUID) -> ResponseReturnValue:
    """Show what retiring a place means."""
    place = _writable_place(place_id)
    return render_template("tenants/retire_place.html", place=place, levels=LEVEL_LABELS)


@bp.post("/company/places/<uuid:place_id>/retire")
@requires(Permission.TENANTS_PLACE_WRITE)
def retire_place(place_id: UUID) -> ResponseReturnValue:
    """Take a place out of use."""
    read_form(Nothing)
    service.retire_place(current_work(), PlaceId(place_id))
    flash(_("The place is retired. What was recorded there stays."))
    return redirect(url_for("company.list_places"), code=303)


def _sharing_choices() -> list[tuple[str, str, str]]:
    # The whole tree is one choice from the top: a level below is never shared without those above.
    return [
        (NOTHING, _("Nothing"), _("The group sees that the company exists, and no figure.")),
        (Level.COMPANY, _("The company as a whole"), _("Sums of the company.")),
        (Level.SITE, _("Down to sites"), _("Sums of each site as well.")),
        (Level.AREA, _("Down to areas"), _("Sums of each area as well.")),
        (Level.LINE, _("Down to lines"), _("Sums of each line as well.")),
        (Level.UNIT, _("Down to machines"), _("Sums and states of each machine as well.")),
    ]


def _profile_page(values: object, problems: Problems) -> str:
    return render_template(
        "tenants/profile.html",
        values=values,
        problems=problems,
        segments=list(SEGMENTS.items()),
        regions=list(REGIONS.items()),
        profiles=list(PROFILE_LABELS.items()),
    )


def _place_page(values: object, problems: Problems) -> str:
    parents = [
        place
        for place in _own_places(Permission.TENANTS_PLACE_WRITE)
        if place.level is not Level.UNIT
    ]
    return render_template(
        "tenants/place.html",
        values=values,
        problems=problems,
        parents=place_options(parents),
        levels=[(level.value, LEVEL_LABELS[level]) for level in NEW_LEVELS],
        zone_options=[(zone, zone) for zone in sorted(available_timezones()) if "/" in zone],
    )


def _rename_page(place: PlaceRow, values: object, problems: Problems) -> str:
    return render_template(
        "tenants/rename_place.html", place=place, values=values, problems=problems,
        levels=LEVEL_LABELS,
    )  # fmt: skip


def _writable_place(place_id: UUID) -> PlaceRow:
    work = current_work()
    access.require(work, Permission.TENANTS_PLACE_WRITE, PlaceId(place_id))
    place = queries.get_place(work, PlaceId(place_id))
    if place.level is Level.COMPANY:
        raise NotFound  # the company's own place is named in the profile and never retired
    return place


def _reach(permission: Permission) -> frozenset[PlaceId] | None:
    return access.places_under(current_work(), permission)


def _own_places(permission: Permission, *, include_retired: bool = False) -> Sequence[PlaceRow]:
    work = current_work()
    reach = _reach(permission)
    places = queries.list_places(work, tenant_id=work.tenant_id, include_retired=include_retired)
    return [place for place in places if reach is None or place.id in reach]


def place_options(places: Sequence[PlaceRow]) -> list[tuple[str, str]]:
    """Return places as choices of a form, indented as in the tree."""
    shallowest = min((len(place.path) for place in places), default=0)
    return [
        (str(place.id), "\u2003" * (len(place.path) - shallowest) + f"{place.code} {place.name()}")
        for place in places
    ]
