"""People, their roles, and the tokens of devices."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from kernel.db import Work
from kernel.errors import FieldProblem
from kernel.ids import PersonId, PlaceId, SourceId
from kernel.web import current_work, pages, read_form, requires
from tenants import access, people_queries, people_service, queries, service
from tenants.company_web import place_options
from tenants.forms import GrantForm, Nothing, PersonForm, TokenForm
from tenants.identity import sign_in_settings
from tenants.ids import DeviceTokenId, GrantId
from tenants.people_queries import GrantRow
from tenants.permissions import PLACED, WHOLE_COMPANY, Permission, permissions_of
from tenants.queries import PlaceRow
from tenants.refilling import REFUSALS, problems_of, sent
from tenants.roles import LABELS, fitting

bp = pages("people", __name__)
DATA_SOURCES: Final = "data_sources"
Problems = tuple[FieldProblem, ...]


@bp.get("/company/people")
@requires(Permission.TENANTS_PERSON_READ)
def list_people() -> ResponseReturnValue:
    """Show the company's people with their roles."""
    work = current_work()
    return render_template(
        "tenants/people.html",
        people=people_queries.list_people(work),
        places=_places_by_id(work),
        roles=LABELS,
        may_write=work.actor.may(Permission.TENANTS_PERSON_WRITE),
        now=work.now,
    )


@bp.get("/company/people/new")
@requires(Permission.TENANTS_PERSON_WRITE, step_up=True)
def new_person() -> ResponseReturnValue:
    """Show the form for a new person."""
    return _person_form({}, ())


@bp.post("/company/people/new")
@requires(Permission.TENANTS_PERSON_WRITE, step_up=True)
def add_person() -> ResponseReturnValue:
    """Add a person and show her first password, once."""
    try:
        form = read_form(PersonForm)
        with current_work().session.begin_nested():
            made = people_service.add_person(
                current_work(),
                sign_in_settings().passwords,
                login=form.login,
                name_zh=form.name_zh,
                name_en=form.name_en,
                email=form.email,
                role=form.role,
                place_id=PlaceId(form.place_id),
            )
    except REFUSALS as refusal:
        return _person_form(sent(), problems_of(refusal)), refusal.status
    return render_template("tenants/person_added.html", made=made)


@bp.get("/company/people/<uuid:person_id>")
@requires(Permission.TENANTS_PERSON_READ)
def show_person(person_id: UUID) -> ResponseReturnValue:
    """Show what a person holds, where, through whom, and what it allows."""
    return _person_page(PersonId(person_id), {}, ())


@bp.post("/company/people/<uuid:person_id>/grants")
@requires(Permission.TENANTS_GRANT_WRITE, step_up=True)
def grant_role(person_id: UUID) -> ResponseReturnValue:
    """Give a colleague a role at a place."""
    work = current_work()
    try:
        form = read_form(GrantForm)
        with work.session.begin_nested():
            people_service.grant_role(
                work,
                person_id=PersonId(person_id),
                place_id=PlaceId(form.place_id),
                role=form.role,
                valid_until=_end_of(work, form.until_on),
            )
    except REFUSALS as refusal:
        page = _person_page(PersonId(person_id), sent(), problems_of(refusal))
        return page, refusal.status
    flash(_("The role is granted."))
    return redirect(url_for("people.show_person", person_id=person_id), code=303)


@bp.get("/company/grants/<uuid:grant_id>/revoke")
@requires(Permission.TENANTS_GRANT_WRITE, step_up=True)
def confirm_revocation(grant_id: UUID) -> ResponseReturnValue:
    """Show what revoking a role means."""
    work = current_work()
    grant = people_queries.get_grant(work, GrantId(grant_id))
    return render_template(
        "tenants/revoke_grant.html",
        grant=grant,
        person=people_queries.get_person(work, grant.person_id),
        place=queries.get_place(work, grant.place_id),
        roles=LABELS,
    )


@bp.post("/company/grants/<uuid:grant_id>/revoke")
@requires(Permission.TENANTS_GRANT_WRITE, step_up=True)
def revoke_role(grant_id: UUID) -> ResponseReturnValue:
    """Take a role from a colleague."""
    read_form(Nothing)
    people_service.revoke_role(current_work(), GrantId(grant_id))
    flash(_("The role is revoked from the next request on."))
    return redirect(url_for("people.list_people"), code=303)


@bp.get("/company/people/<uuid:person_id>/end")
@requires(Permission.TENANTS_PERSON_WRITE, step_up=True)
def confirm_end(person_id: UUID) -> ResponseReturnValue:
    """Show what ending a membership means."""
    person = people_queries.get_person(current_work(), PersonId(person_id))
    return render_template("tenants/end_membership.html", person=person)


@bp.post("/company/people/<uuid:person_id>/end")
@requires(Permission.TENANTS_PERSON_WRITE, step_up=True)
def end_membership(person_id: UUID) -> ResponseReturnValue:
    """End a colleague's membership, her roles and sessions."""
    read_form(Nothing)
    people_service.end_membership(current_work(), PersonId(person_id))
    flash(_("The membership has ended, with all roles and sessions."))
    return redirect(url_for("people.list_people"), code=303)


@bp.get("/company/tokens")
@requires(Permission.TENANTS_TOKEN_WRITE)
def list_tokens() -> ResponseReturnValue:
    """Show the tokens with which devices send data."""
    work = current_work()
    return render_template(
        "tenants/tokens.html",
        tokens=people_queries.list_device_tokens(work),
        sources=dict(_sources(work)),
        now=work.now,
        soon=work.now + timedelta(days=14),
    )


@bp.get("/company/tokens/new")
@requires(Permission.TENANTS_TOKEN_WRITE, step_up=True)
def new_token() -> ResponseReturnValue:
    """Show the form for a new token."""
    return _token_form({"days": "365"}, ())


@bp.post("/company/tokens/new")
@requires(Permission.TENANTS_TOKEN_WRITE, step_up=True)
def make_token() -> ResponseReturnValue:
    """Make a token and show it, once."""
    work = current_work()
    try:
        form = read_form(TokenForm)
        with work.session.begin_nested():
            token = service.make_device_token(
                work,
                source_id=SourceId(form.source_id),
                name=form.name,
                days=form.days,
                sources=dict(_sources(work)),
            )
    except REFUSALS as refusal:
        return _token_form(sent(), problems_of(refusal)), refusal.status
    return render_template("tenants/token_made.html", token=token, name=form.name)


@bp.post("/company/tokens/<uuid:token_id>/revoke")
@requires(Permission.TENANTS_TOKEN_WRITE, step_up=True)
def revoke_token(token_id: UUID) -> ResponseReturnValue:
    """Make a token worthless."""
    read_form(Nothing)
    service.revoke_device_token(current_work(), DeviceTokenId(token_id))
    flash(_("The token is revoked from the next request on."))
    return redirect(url_for("people.list_tokens"), code=303)


def _person_form(values: object, problems: Problems) -> str:
    work = current_work()
    company = queries.own_company(work)
    return render_template(
        "tenants/person_form.html",
        values=values,
        problems=problems,
        company=company,
        roles=[(role.value, LABELS[role]) for role in fitting(company.kind)],
        places=place_options(_grantable(work, Permission.TENANTS_PERSON_WRITE)),
    )


def _person_page(person_id: PersonId, values: object, problems: Problems) -> str:
    work = current_work()
    person = people_queries.get_person(work, person_id)
    company = queries.own_company(work)
    places = _places_by_id(work)
    is_self = person_id == work.actor.person_id
    return render_template(
        "tenants/person.html",
        person=person,
        is_self=is_self,
        places=places,
        below={grant.id: _count_below(places, grant) for grant in person.grants},
        granted_by=queries.names_of(work, [grant.granted_by for grant in person.grants]),
        allowed=_allowed(person.grants, places),
        placed=PLACED,
        roles=LABELS,
        role_options=[(role.value, LABELS[role]) for role in fitting(company.kind)],
        place_options=place_options(_grantable(work, Permission.TENANTS_GRANT_WRITE)),
        may_grant=not is_self
        and person.ended_at is None
        and work.actor.may(Permission.TENANTS_GRANT_WRITE),
        may_end=not is_self
        and person.ended_at is None
        and work.actor.may(Permission.TENANTS_PERSON_WRITE),
        values=values,
        problems=problems,
    )


def _token_form(values: object, problems: Problems) -> str:
    sources = [(str(source), name) for source, name in _sources(current_work())]
    return render_template(
        "tenants/token_form.html", values=values, problems=problems, sources=sources
    )


def _sources(work: Work) -> Sequence[tuple[SourceId, str]]:
    # The production package knows the sources; the composition root brings the two together.
    provider: Callable[[Work], Sequence[tuple[SourceId, str]]] | None
    provider = current_app.extensions.get(DATA_SOURCES)
    return provider(work) if provider else ()


def _places_by_id(work: Work) -> dict[PlaceId, PlaceRow]:
    places = queries.list_places(work, tenant_id=work.tenant_id, include_retired=True)
    return {row.id: row for row in places}


def _grantable(work: Work, permission: Permission) -> Sequence[PlaceRow]:
    reach = access.places_under(work, permission)
    places = queries.list_places(work, tenant_id=work.tenant_id)
    return [place for place in places if reach is None or place.id in reach]


def _count_below(places: dict[PlaceId, PlaceRow], grant: GrantRow) -> int:
    return sum(
        grant.place_id in row.path and row.id != grant.place_id and row.retired_at is None
        for row in places.values()
    )


def _allowed(
    grants: Sequence[GrantRow], places: dict[PlaceId, PlaceRow]
) -> list[tuple[Permission, list[GrantRow]]]:
    """Return each permission that the grants give, with the grants it is held through."""
    found: dict[Permission, list[GrantRow]] = {}
    for grant in grants:
        place = places.get(grant.place_id)
        at_company = place is not None and place.parent_id is None
        for permission in permissions_of((grant.role,)):
            if at_company or permission not in WHOLE_COMPANY:
                found.setdefault(permission, []).append(grant)
    return [(each, found[each]) for each in Permission if each in found]


def _end_of(work: Work, day: date | None) -> datetime | None:
    if day is None:
        return None
    zone = ZoneInfo(queries.site_clock(queries.company_place(work)).zone)
    return datetime.combine(day + timedelta(days=1), time(0), zone)
