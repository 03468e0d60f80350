"""Pages that oversee: the audit log, who may do what, the companies of the cloud."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from kernel.actor import Kind
from kernel.db import Work
from kernel.ids import PersonId, TenantId
from kernel.web import current_actor, current_work, pages, requires
from tenants import audit, people_queries, queries
from tenants.audit import AuditFilter, AuditRow
from tenants.audit_words import OUTCOMES, action_words
from tenants.ids import AuditId
from tenants.permissions import HOLDERS, PLACED, STEP_UP, WHOLE_COMPANY, Permission
from tenants.roles import COMPANY_LABELS, LABELS, Role, fitting
from tenants.words import (
    ORIGIN_LABELS,
    PROFILE_LABELS,
    STATE_LABELS,
    region_label,
    segment_label,
)

bp = pages("oversight", __name__)
cloud = pages("cloud", __name__, audience=(Kind.PLATFORM, Kind.GROUP, Kind.AUDITOR))
_FILTERS: Final = ("action", "person", "since", "until", "outcome")
_RISKY: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_COLUMNS: Final = (
    "recorded_at", "company", "who", "who_company", "action", "outcome", "object_kind",
    "object_id", "address", "detail",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShownAct:
    """An act with its ids in words, as far as the reader may know them."""

    row: AuditRow
    who: str
    company: str
    page: str
    words: str


@bp.get("/audit")
@requires(Permission.TENANTS_AUDIT_READ)
def show_audit() -> ResponseReturnValue:
    """Show who did what, newest first."""
    work = current_work()
    wanted = _filter(work, request.args)
    rows = audit.list_entries(work, wanted, limit=audit.PAGE + 1)
    shown, more = rows[: audit.PAGE], len(rows) > audit.PAGE
    kept = {name: request.args[name] for name in _FILTERS if request.args.get(name)}
    people = (
        people_queries.list_people(work) if work.actor.may(Permission.TENANTS_PERSON_READ) else ()
    )
    return render_template(
        "tenants/audit.html",
        acts=_in_words(work, shown),
        values=request.args,
        older=_address("show_audit", kept | {"before": str(shown[-1].id)}) if more else None,
        newest=_address("show_audit", kept) if wanted.before else None,
        export=_address("export_audit", kept),
        actions=[(code, action_words(code)) for code in audit.list_actions(work)],
        people=[(str(person.id), person.name()) for person in people],
        outcomes=list(OUTCOMES.items()),
        words=OUTCOMES,
        sees_all=work.actor.kind is Kind.AUDITOR,
        credit_only=audit.sees_credit_only(work),
        zone=_zone(work).key,
    )


@bp.get("/audit/export")
@requires(Permission.TENANTS_AUDIT_READ, write=True)
def export_audit() -> ResponseReturnValue:
    """Return the log as CSV; that it was taken is written down first."""
    work = current_work()
    audit.record(work, "tenants.audit.export", fields=sorted(request.args))
    wanted = replace(_filter(work, request.args), before=None)
    rows = audit.list_entries(work, wanted, limit=audit.EXPORTED)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    writer.writerows(_cells(act) for act in _in_words(work, rows))
    return Response(
        "\ufeff" + out.getvalue(),  # Excel takes it for UTF-8 only with this mark
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="audit.csv"'},
    )


@bp.get("/permissions")
@requires(Permission.TENANTS_AUDIT_READ, Permission.TENANTS_PERSON_READ)
def show_permissions() -> ResponseReturnValue:
    """Show who may do what: the auditor all roles, a company its own."""
    if current_actor().kind is Kind.AUDITOR:
        roles: Sequence[Role] = tuple(Role)
    else:
        roles = fitting(queries.own_company(current_work()).kind)
    shown = [each for each in Permission if HOLDERS[each] & set(roles)]
    return render_template(
        "tenants/permissions.html",
        permissions=shown,
        roles=roles,
        labels=LABELS,
        holders=HOLDERS,
        placed=PLACED,
        step_up=STEP_UP,
        whole_company=WHOLE_COMPANY,
    )


@cloud.get("/platform/companies")
@requires(Permission.TENANTS_COMPANY_READ)
def list_companies() -> ResponseReturnValue:
    """Show the companies of the cloud and their state; no business data."""
    return render_template(
        "tenants/companies.html",
        companies=queries.list_companies(current_work()),
        kinds=COMPANY_LABELS,
        profiles=PROFILE_LABELS,
        states=STATE_LABELS,
        origins=ORIGIN_LABELS,
        segment_label=segment_label,
        region_label=region_label,
    )


def _address(endpoint: str, query: dict[str, str]) -> str:
    # Not as arguments of url_for: a query's own names could then be Flask's (`_external`).
    path = url_for(f"oversight.{endpoint}")
    return f"{path}?{urlencode(query)}" if query else path


def _filter(work: Work, args: MultiDict[str, str]) -> AuditFilter:
    # Forgiving: a hand-made value selects nothing more than no value does.
    zone = _zone(work)
    since, until = _day(args.get("since", "")), _day(args.get("until", ""))
    person, before = _id(args.get("person", "")), _id(args.get("before", ""))
    outcome = args.get("outcome", "")
    return AuditFilter(
        action=args.get("action", "")[:80],
        person_id=PersonId(person) if person else None,
        since=datetime.combine(since, time(0), zone) if since else None,
        until=datetime.combine(until + timedelta(days=1), time(0), zone) if until else None,
        outcome=outcome if outcome in OUTCOMES else "",
        before=AuditId(before) if before else None,
    )


def _zone(work: Work) -> ZoneInfo:
    places = queries.list_places(work, level="company", tenant_id=work.tenant_id)
    clock = queries.site_clock(places[0]) if places else queries.DEFAULT_CLOCK
    return ZoneInfo(clock.zone)


def _day(written: str) -> date | None:
    try:
        found = date.fromisoformat(written)
    except ValueError:
        return None
    # The far ends of the calendar have no day after or no moment in another zone.
    return found if 1970 <= found.year <= 2999 else None


def _id(written: str) -> UUID | None:
    try:
        return UUID(written)
    except ValueError:
        return None


def _in_words(work: Work, rows: Sequence[AuditRow]) -> list[ShownAct]:
    names = queries.names_of(work, [row.who_id for row in rows])
    companies = {company.id: company.name() for company in queries.list_companies(work)}

    def company_of(tenant_id: TenantId | None) -> str:
        return companies.get(tenant_id, "") if tenant_id else ""

    def name_of(person_id: PersonId | None) -> str:
        return names[person_id].name() if person_id and person_id in names else ""

    return [
        ShownAct(
            row=row,
            who=name_of(row.who_id),
            company=company_of(row.actor_tenant_id),
            page=company_of(row.tenant_id),
            words=action_words(row.action),
        )
        for row in rows
    ]


def _cells(act: ShownAct) -> list[str]:
    row = act.row
    detail = " ".join(f"{name}={value}" for name, value in sorted(row.detail.items()))
    return [
        _safe(cell or "")
        for cell in (
            row.recorded_at.astimezone(UTC).isoformat(), act.page, act.who, act.company,
            row.action, row.outcome, row.object_kind, row.object_id, row.address, detail,
        )
    ]  # fmt: skip


def _safe(cell: str) -> str:
    # A spreadsheet would run it as a formula.
    return f"'{cell}" if cell.startswith(_RISKY) else cell
