"""Where a permission holds: at the place where its role was granted, and below, never above.

The door asks whether somebody holds a permission somewhere; commands ask here for their object's
place. Whose place it is, is not asked: row-level security has answered that before.
"""

from sqlalchemy import select

from kernel.actor import Kind
from kernel.db import Work
from kernel.errors import NotFound
from kernel.ids import PlaceId
from tenants import queries
from tenants.errors import OutOfReach
from tenants.models import Place
from tenants.permissions import PLACED
from tenants.tree import Tree
from tenants.words import Level


def require(work: Work, permission: str, place_id: PlaceId) -> None:
    """Raise unless `permission` holds at the place.

    Raises `Forbidden` without the permission anywhere, `NotFound` for a place that is missing or
    another company's, `OutOfReach` for one outside the grant.
    """
    work.require(permission)
    if work.actor.kind is not Kind.TENANT or permission not in PLACED:
        if work.session.scalar(select(Place.id).where(Place.id == place_id)) is None:
            raise NotFound
        return
    tree = own_tree(work)
    if place_id not in tree.parents:
        raise NotFound
    if not tree.covers(work.actor.grants[permission], place_id):
        raise OutOfReach


def places_under(work: Work, permission: str) -> frozenset[PlaceId] | None:
    """Return the places where `permission` holds; None means all that the actor can see.

    Lists are cut to it. For actors other than people of a company, row-level security alone cuts.
    """
    granted = work.actor.grants.get(permission)
    if granted is None:
        return None if work.actor.kind in (Kind.WORKER, Kind.INGEST) else frozenset()
    if work.actor.kind is not Kind.TENANT or permission not in PLACED:
        return None
    tree = own_tree(work)
    if any(tree.parents.get(place, place) is None for place in granted):
        return None
    return tree.reach(granted)


def own_tree(work: Work) -> Tree:
    """Return the tree of the actor's own company, retired places included."""
    return Tree(queries.parents_of(work, work.tenant_id))


def company_place_id(work: Work) -> PlaceId:
    """Return the place of the actor's company itself."""
    statement = select(Place.id).where(
        Place.tenant_id == work.tenant_id, Place.level == Level.COMPANY
    )
    return work.session.scalars(statement).one()
