"""The audit log: who did what, written in the transaction of the act: neither without the other.

`detail` holds ids, field names and counts; no values, secrets or names. Rows are never changed:
triggers refuse it, for the owner of the table too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from flask import has_request_context, request
from sqlalchemy import and_, insert, or_, select

from kernel.actor import Kind
from kernel.db import Work
from kernel.ids import PersonId, TenantId, new_id
from tenants.ids import AuditId
from tenants.models import AuditLog
from tenants.permissions import Permission

CREDIT: Final = "credit."
PAGE: Final = 50
EXPORTED: Final = 10_000


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What the page shows; `before` is the last row of the page before, None from the newest."""

    action: str = ""
    person_id: PersonId | None = None
    since: datetime | None = None
    until: datetime | None = None
    outcome: str = ""
    before: AuditId | None = None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One act."""

    id: AuditId
    recorded_at: datetime
    tenant_id: TenantId
    actor_id: PersonId | None
    actor_tenant_id: TenantId | None
    db_role: str
    address: str | None
    action: str
    object_kind: str | None
    object_id: str | None
    outcome: str
    detail: Mapping[str, Any]

    @property
    def who_id(self) -> PersonId | None:
        """Who acted; at the door nobody is signed in yet, there it is the person of the account."""
        if self.actor_id is None and self.object_kind == "person" and self.object_id:
            return PersonId(UUID(self.object_id))
        return self.actor_id


def record(
    work: Work,
    action: str,
    object_kind: str | None = None,
    object_id: object = None,
    outcome: str = "ok",
    tenant_id: TenantId | None = None,
    **detail: Any,
) -> None:
    """Write one act on the page of `tenant_id`, by default the actor's own company.

    An act between two companies writes two rows. `action` is `<package>.<thing>.<verb>`.
    """
    actor = work.actor
    # Core, not the ORM: who may write may often not read, so nothing may come back (RETURNING).
    work.session.execute(
        insert(AuditLog.__table__).values(  # type: ignore[arg-type]
            id=new_id(),
            recorded_at=work.now,
            tenant_id=tenant_id or work.tenant_id,
            actor_id=actor.person_id,
            actor_tenant_id=actor.tenant_id,
            work_id=work.id,
            session_id=actor.session_id,
            address=request.remote_addr if has_request_context() else None,
            action=action,
            object_kind=object_kind,
            object_id=None if object_id is None else str(object_id),
            outcome=outcome,
            detail=detail,
        )
    )


def list_entries(work: Work, wanted: AuditFilter, *, limit: int = PAGE) -> Sequence[AuditRow]:
    """Return the acts that the actor may read, newest first, at most `limit`.

    A company reads its own page; the auditor reads all; a person who holds the permission for
    finance alone reads what concerns credit.
    """
    statement = (
        select(
            AuditLog.id,
            AuditLog.recorded_at,
            AuditLog.tenant_id,
            AuditLog.actor_id,
            AuditLog.actor_tenant_id,
            AuditLog.db_role,
            AuditLog.address,
            AuditLog.action,
            AuditLog.object_kind,
            AuditLog.object_id,
            AuditLog.outcome,
            AuditLog.detail,
        )
        .order_by(AuditLog.recorded_at.desc(), AuditLog.id.desc())
        .limit(limit)
    )
    if sees_credit_only(work):
        statement = statement.where(AuditLog.action.startswith(CREDIT, autoescape=True))
    if wanted.action:
        statement = statement.where(AuditLog.action.startswith(wanted.action, autoescape=True))
    if wanted.person_id is not None:
        at_the_door = and_(AuditLog.actor_id.is_(None), AuditLog.object_id == str(wanted.person_id))
        statement = statement.where(or_(AuditLog.actor_id == wanted.person_id, at_the_door))
    if wanted.since is not None:
        statement = statement.where(AuditLog.recorded_at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(AuditLog.recorded_at < wanted.until)
    if wanted.outcome:
        statement = statement.where(AuditLog.outcome == wanted.outcome)
    if wanted.before is not None:
        last = select(AuditLog.recorded_at).where(AuditLog.id == wanted.before).scalar_subquery()
        statement = statement.where(
            or_(
                AuditLog.recorded_at < last,
                and_(AuditLog.recorded_at == last, AuditLog.id < wanted.before),
            )
        )
    return [AuditRow(**row._mapping) for row in work.session.execute(statement)]


def list_actions(work: Work) -> Sequence[str]:
    """Return the kinds of acts on the pages that the actor may read, by name."""
    statement = select(AuditLog.action).distinct().order_by(AuditLog.action).limit(200)
    if sees_credit_only(work):
        statement = statement.where(AuditLog.action.startswith(CREDIT, autoescape=True))
    return list(work.session.scalars(statement))


def sees_credit_only(work: Work) -> bool:
    """Say whether the actor reads the log for finance alone, not as one who answers for people."""
    of_company = work.actor.kind is Kind.TENANT
    return of_company and not work.actor.may(Permission.TENANTS_PERSON_READ)
