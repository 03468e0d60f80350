"""The demo's people as the sign-in page offers them: one click each, in the demo alone."""

from portal.demo.cast import PEOPLE, Person
from tenants.door_web import DemoPerson
from tenants.roles import CompanyKind


def demo_people() -> tuple[DemoPerson, ...]:
    """Return everybody who can sign in, in the order of the cast."""
    return tuple(_offered(person) for person in PEOPLE if not person.left)


def _offered(person: Person) -> DemoPerson:
    company = person.seats[0].company
    return DemoPerson(
        login_name=person.login_name,
        name_zh=person.name_zh,
        name_en=person.name_en,
        roles=tuple(seat.role for seat in person.seats if seat.company is company),
        company_zh=company.name_zh,
        company_en=company.name_en,
        company_kind=CompanyKind(company.kind),
        sees=person.sees,
    )
