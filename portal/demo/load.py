"""Put the demo group into an empty database: companies, people, places, machines.

Rows are written once, as the owner, before anybody is there. Facts are not: they come through the
same door as those of real machines (`history.py`).
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kernel import clock
from kernel.db import Database
from kernel.ids import CONSOLE, WorkId, new_id
from kernel.migrate import as_owner
from portal.demo import acts, history
from portal.demo.cast import COMPANIES, NIST, PASSWORD, PEOPLE, Company, Person, Seat
from portal.demo.places import add_plant, place_id
from portal.demo.plants import PLANTS
from portal.demo.testbed import TEST_BED
from tenants.ids import GrantId, ShareId
from tenants.models import (
    GroupShare,
    GroupShareLevel,
    LocalAccount,
    Membership,
    Place,
    RoleGrant,
    Tenant,
)
from tenants.models import Person as PersonRow
from tenants.passwords import hash_password
from tenants.words import CompanyState, Level

_BEFORE: Final = timedelta(days=400)  # companies joined before their history begins


def is_empty(session: Session) -> bool:
    """Say whether no company is there yet."""
    return session.scalar(select(func.count()).select_from(Tenant)) == 0


def load_demo_if_empty(admin_url: str, worker_url: str) -> bool:
    """Load the demo group unless companies are there; its history is queued as a long action."""
    with as_owner(admin_url) as session:
        if not is_empty(session):
            return False
        _add_all(session, clock.now() - _BEFORE)
    database = Database(worker_url, pool_size=1, application_name="gongyun-demo")
    history.begin(database)
    acts.give_consent(database)
    database.dispose()
    return True


def load_cast(admin_url: str, *, now: datetime | None = None) -> None:
    """Write companies, places, machines, people, roles, sharing; the database must be empty."""
    moment = (now or clock.now()) - _BEFORE
    with as_owner(admin_url) as session:
        _add_all(session, moment)


def _add_all(session: Session, moment: datetime) -> None:
    _add_cast(session, moment)
    for company in COMPANIES:
        plant = TEST_BED if company is NIST else PLANTS.get(company.code)
        if plant is not None:
            add_plant(session, company, plant, moment)
    _add_grants(session, moment)


def _add_cast(session: Session, moment: datetime) -> None:
    session.add_all(_tenant(company, moment) for company in COMPANIES)
    session.flush()
    session.add_all(_company_place(company, moment) for company in COMPANIES)
    for company in COMPANIES:
        if company.kind == "subsidiary":
            _share_everything(session, company, moment)
    password = hash_password(PASSWORD)  # one for all: it is public
    work = WorkId(new_id())
    for person in PEOPLE:
        session.add(_person(person, work, moment))
        session.flush()
        session.add(
            LocalAccount(
                person_id=person.id,
                password_hash=password,
                changed_at=moment,
                must_change=False,
            )
        )
        for later, company in enumerate(dict.fromkeys(seat.company for seat in person.seats)):
            session.add(_membership(person, company, moment + timedelta(seconds=later)))
    session.flush()


def _add_grants(session: Session, moment: datetime) -> None:
    """Write the roles of the cast; the places where they are held must be there."""
    for person in PEOPLE:
        if not person.left:
            session.add_all(_grant(person, seat, moment) for seat in person.seats)
    session.flush()


def _tenant(company: Company, moment: datetime) -> Tenant:
    return Tenant(
        id=company.id,
        kind=company.kind,
        code=company.code,
        name_zh=company.name_zh,
        name_en=company.name_en,
        uscc=company.uscc,
        segment=company.segment,
        region=company.region,
        holding_ratio=company.holding_ratio,
        kpi_profile=company.kpi_profile if company.kind in ("subsidiary", "partner") else None,
        origin=company.origin,
        state=CompanyState.ACTIVE,
        created_at=moment,
    )


def _company_place(company: Company, moment: datetime) -> Place:
    return Place(
        id=place_id(company, company.code),
        tenant_id=company.id,
        level=Level.COMPANY,
        code=company.code,
        name_zh=company.name_zh,
        name_en=company.name_en,
        created_at=moment,
    )


def _share_everything(session: Session, company: Company, moment: datetime) -> None:
    session.add(
        GroupShare(
            id=ShareId(new_id()),
            tenant_id=company.id,
            level=Level.UNIT,
            set_by=CONSOLE,
            effective_at=moment,
        )
    )
    session.add_all(GroupShareLevel(tenant_id=company.id, level=level) for level in Level)


def _person(person: Person, work: WorkId, moment: datetime) -> PersonRow:
    return PersonRow(
        id=person.id,
        name_zh=person.name_zh,
        name_en=person.name_en,
        email=person.email,
        login_name=person.login_name,
        made_in=work,
        created_at=moment,
    )


def _membership(person: Person, company: Company, moment: datetime) -> Membership:
    ended = {"ended_at": moment + timedelta(days=300), "ended_by": CONSOLE} if person.left else {}
    return Membership(tenant_id=company.id, person_id=person.id, created_at=moment, **ended)


def _grant(person: Person, seat: Seat, moment: datetime) -> RoleGrant:
    return RoleGrant(
        id=GrantId(new_id()),
        tenant_id=seat.company.id,
        tenant_kind=seat.company.kind,
        person_id=person.id,
        place_id=place_id(seat.company, seat.place or seat.company.code),
        role=seat.role,
        granted_by=CONSOLE,
        granted_at=moment,
    )
