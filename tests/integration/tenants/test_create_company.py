"""Companies come in at the console, and nowhere else."""

import pytest
from sqlalchemy.exc import ProgrammingError

from kernel.actor import AUTHN, Actor, Kind
from kernel.errors import Conflict
from kernel.ids import CONSOLE
from tenants import identity, queries, service, sessions, uscc
from tenants.errors import UsccInvalid
from tenants.identity import SignIn
from tenants.passwords import Passwords
from tenants.permissions import Permission
from tenants.roles import CompanyKind, Role
from tenants.service import FirstPerson
from tests.cast import HERON, HU_BO, KESTREL, KONG_KUN

AT_CONSOLE = Actor(Kind.PLATFORM, tenant_id=HERON.id, person_id=CONSOLE)
FIRST = FirstPerson("shan.he", "单鹤", "Shan He", None, Role.ADMINISTRATOR)


def create(work, *, code="shrike", first=FIRST, kind=CompanyKind.SUBSIDIARY, **more):
    return service.create_company(
        work, kind=kind, code=code, name_zh="伯劳机械", name_en="Shrike", first=first, **more
    )


def test_its_first_person_can_sign_in_and_administer(db, tmp_path):
    with db.work(AT_CONSOLE) as work:
        made = create(work, registered=uscc.complete("91320400MA1HRKE00"))
    how = SignIn(Passwords(tmp_path), b"key", demo=False)
    own = "seven copper kettles in rain"
    with db.work(AUTHN) as work:
        begun = sessions.change_password(
            work, how, name=made.login_name, password=made.password, new_password=own,
            browser=sessions.Browser("192.0.2.1", "test"),
        )  # fmt: skip
    user = identity.find_session(db, begun.sid)
    assert user.actor.tenant_id == made.tenant_id
    assert user.actor.may(Permission.TENANTS_GRANT_WRITE)
    with db.work(user.actor, read_only=True) as work:
        assert [place.code for place in queries.list_places(work)] == ["shrike"]


@pytest.mark.parametrize("person", [HU_BO, KONG_KUN])
def test_no_person_creates_a_company(work_as, person):
    with pytest.raises(ProgrammingError), work_as(person) as work:
        create(work, code="sparrow")


def test_a_person_of_the_group_takes_no_seat_from_the_console(db):
    executive = FirstPerson("hai.he", "海鹤", "Hai He", None, Role.EXECUTIVE)
    with pytest.raises(Conflict), db.work(AT_CONSOLE) as work:
        create(work, code="heron-two", kind=CompanyKind.GROUP, first=executive)


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"code": KESTREL.code}, Conflict),
        ({"code": "stint", "registered": KESTREL.uscc}, Conflict),
        ({"code": "stint", "registered": KESTREL.uscc[:-1] + "0"}, UsccInvalid),
    ],
)
def test_what_exists_or_is_no_number_is_refused_whole(db, admin, more, refusal):
    with pytest.raises(refusal), db.work(AT_CONSOLE) as work:
        create(work, **more)
    count = admin.execute("SELECT count(*) FROM tenant WHERE code = 'stint'").fetchone()[0]
    assert count == 0
