"""Who looks in the row suite: five companies with two people each, and every kind of actor as each.

Small and apart from the demo's cast: the suite must not depend on what a demo happens to hold.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID, uuid5

from kernel.actor import PEOPLE
from tests.isolation.catalogue import KINDS

_SPACE = UUID("6f0e3c52-7a55-4b8e-9d5b-6d8d7a8c1f10")
CONSOLE = UUID("00000000-0000-7000-8000-000000000001")


def fixed(*parts: object) -> UUID:
    """Return the same UUID for the same words in every run."""
    return uuid5(_SPACE, "/".join(str(part) for part in parts))


@dataclass(frozen=True, slots=True)
class Company:
    """A company of the suite; its people are numbered from 0."""

    code: str
    kind: str

    @property
    def id(self) -> UUID:
        """The company's id."""
        return fixed("tenant", self.code)

    def person(self, number: int = 0) -> UUID:
        """Return the id of one of its people."""
        return fixed("person", self.code, number)


A = Company("alba", "subsidiary")
B = Company("bruno", "subsidiary")
GROUP = Company("crest", "group")
BANK = Company("delta-bank", "bank")
OTHER_BANK = Company("ember-bank", "bank")
COMPANIES = (A, B, GROUP, BANK, OTHER_BANK)
PEOPLE_EACH = 2


@dataclass(frozen=True, slots=True)
class Viewer:
    """One actor as the database knows it: a role and the ids of its context."""

    label: str
    kind: str
    tenant: UUID | None = None
    person: UUID | None = None
    source: UUID | None = None
    work: UUID | None = None
    view: UUID | None = None

    @property
    def role(self) -> str:
        """The database role."""
        return f"portal_{self.kind}"

    def settings(self) -> dict[str, str]:
        """Return the context as `kernel/db.py` sets it."""
        named = {
            "app.tenant_id": self.tenant,
            "app.person_id": self.person,
            "app.source_id": self.source,
            "app.work_id": self.work,
            "app.view_id": self.view,
        }
        return {name: "" if value is None else str(value) for name, value in named.items()}


WORK = fixed("work")
VIEW = fixed("view")
"""The view that the first person of BANK has opened on A's consent: a row committed before."""
OLD_VIEW = fixed("old view")
"""The same person's view of an hour ago."""
ENDED_VIEW = fixed("ended view")
"""A view on a consent that has been withdrawn since."""


def source(company: Company, number: int = 0) -> UUID:
    """Return the id of a company's data source."""
    return fixed("data_source", company.code, number)


def viewers() -> Iterator[Viewer]:
    """Yield every actor of the suite; a kind without ids, and no kind at all, among them."""
    for kind in PEOPLE:
        for company in COMPANIES:
            label = f"{kind} of {company.code}"
            yield Viewer(label, kind, company.id, company.person(), work=WORK)
    for company in (A, B):
        label = f"device of {company.code}"
        yield Viewer(label, "ingest", company.id, source=source(company), work=WORK)
    yield Viewer("device of alba, source of bruno", "ingest", A.id, source=source(B), work=WORK)
    yield Viewer("sign-in", "authn", work=WORK)
    yield Viewer("worker", "worker", work=WORK)
    yield Viewer("worker for alba", "worker", A.id, work=WORK)
    yield Viewer("platform at the console", "platform", GROUP.id, CONSOLE, work=WORK)
    yield from _readers()
    for kind in KINDS:
        yield Viewer(f"{kind} without ids", kind)


def _readers() -> Iterator[Viewer]:
    def bank(label: str, company: Company, number: int, view: UUID) -> Viewer:
        return Viewer(label, "bank", company.id, company.person(number), work=WORK, view=view)

    yield bank("bank, its logged view", BANK, 0, VIEW)
    yield bank("bank, a colleague's view", BANK, 1, VIEW)
    yield bank("bank, a view of an hour ago", BANK, 0, OLD_VIEW)
    yield bank("bank, a view on a withdrawn consent", BANK, 0, ENDED_VIEW)
    yield bank("other bank, the first one's view", OTHER_BANK, 0, VIEW)
    yield Viewer("company with a bank's view", "tenant", B.id, B.person(), work=WORK, view=VIEW)


LOGINS_ALONE = tuple(
    Viewer(f"{login}, no kind", login.removeprefix("portal_"), A.id, A.person(), work=WORK)
    for login in ("portal_login", "portal_jobs")
)
