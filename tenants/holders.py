"""Who in the actor's own company holds a permission, for rules that need a second person."""

from sqlalchemy import or_, select

from kernel.db import Work
from kernel.ids import PersonId
from tenants.models import Membership, Place, RoleGrant
from tenants.permissions import HOLDERS, WHOLE_COMPANY, Permission
from tenants.words import Level


def people_with(work: Work, permission: Permission) -> frozenset[PersonId]:
    """Return the people of the actor's company who hold `permission` now.

    One that binds the whole company counts only where the role is held at the company itself.
    """
    statement = (
        select(RoleGrant.person_id)
        .join(
            Membership,
            (Membership.tenant_id == RoleGrant.tenant_id)
            & (Membership.person_id == RoleGrant.person_id),
        )
        .where(
            RoleGrant.tenant_id == work.tenant_id,
            RoleGrant.role.in_(HOLDERS[permission]),
            RoleGrant.revoked_at.is_(None),
            or_(RoleGrant.valid_until.is_(None), RoleGrant.valid_until > work.now),
            Membership.ended_at.is_(None),
        )
    )
    if permission in WHOLE_COMPANY:
        company = select(Place.id).where(
            Place.tenant_id == work.tenant_id, Place.level == Level.COMPANY
        )
        statement = statement.where(RoleGrant.place_id.in_(company))
    return frozenset(work.session.scalars(statement))
