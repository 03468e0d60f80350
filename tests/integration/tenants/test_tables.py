"""The models say what the migration made, and rows of others stay out of reach."""

import pytest
from sqlalchemy import CheckConstraint, inspect, text
from sqlalchemy.exc import ProgrammingError

from kernel.actor import Actor, Kind
from tenants import models
from tests.cast import GAO_YAN, HE_JING, HU_BO, HUO_AN, KE_LAN, KONG_KUN, PAN_LI

TABLES = sorted(each.__table__.name for each in vars(models).values() if hasattr(each, "__table__"))
PEOPLE = (Kind.TENANT, Kind.GROUP, Kind.PLATFORM, Kind.BANK, Kind.AUDITOR)


@pytest.fixture(scope="module")
def inspector(admin, urls):
    from sqlalchemy import create_engine

    engine = create_engine(urls.admin)
    yield inspect(engine)
    engine.dispose()


@pytest.mark.parametrize("name", TABLES)
def test_columns_keys_and_checks_are_those_of_the_migration(inspector, name):
    table = models.Base.metadata.tables[name]
    found = {c["name"]: c["nullable"] for c in inspector.get_columns(name, schema="portal")}
    assert found == {c.name: c.nullable for c in table.columns}
    keys = {key["name"] for key in inspector.get_foreign_keys(name, schema="portal")}
    assert keys == {key.name for key in table.foreign_key_constraints}
    checks = {each["name"] for each in inspector.get_check_constraints(name, schema="portal")}
    wanted = {c.name for c in table.constraints if isinstance(c, CheckConstraint)}
    assert checks == wanted
    indexes = {each["name"] for each in inspector.get_indexes(name, schema="portal")}
    unique = {each["name"] for each in inspector.get_unique_constraints(name, schema="portal")}
    assert {i.name for i in table.indexes} == indexes - unique


@pytest.mark.parametrize("kind", PEOPLE)
@pytest.mark.parametrize("table", TABLES)
def test_without_ids_nobody_sees_a_row(db, kind, table):
    with db.work(Actor(kind), read_only=True) as work:
        columns = "id" if table in ("auth_session", "device_token") else "*"
        try:
            rows = work.session.execute(text(f"SELECT {columns} FROM {table}")).all()
        except ProgrammingError as refused:
            assert "permission denied" in str(refused)  # noqa: PT017
        else:
            assert rows == []


@pytest.mark.parametrize("table", ["membership", "role_grant", "place", "device_token"])
@pytest.mark.parametrize("person", [PAN_LI, GAO_YAN, HU_BO], ids=lambda p: p.name_en)
def test_rows_of_another_company_are_not_seen(work_as, person, table):
    with work_as(person, read_only=True) as work:
        statement = text(f"SELECT count(*) FROM {table} WHERE tenant_id <> :own")
        try:
            assert work.session.scalar(statement, {"own": work.tenant_id}) == 0
        except ProgrammingError as refused:
            assert "permission denied" in str(refused)  # noqa: PT017


def test_a_company_sees_itself_and_the_banks(work_as):
    with work_as(KE_LAN, read_only=True) as work:
        kinds = work.session.execute(text("SELECT code, kind FROM tenant")).all()
    assert {code for code, kind in kinds if kind != "bank"} == {"kestrel"}
    assert {code for code, kind in kinds if kind == "bank"} == {"granite", "basalt"}


def test_a_bank_sees_itself_alone(work_as):
    with work_as(GAO_YAN, read_only=True) as work:
        assert work.session.scalars(text("SELECT code FROM tenant")).all() == ["granite"]


@pytest.mark.parametrize("person", [HE_JING, HU_BO, HUO_AN], ids=lambda p: p.name_en)
def test_the_groups_seats_see_every_company(work_as, person):
    with work_as(person, read_only=True) as work:
        assert work.session.scalar(text("SELECT count(*) FROM tenant")) == 13


def test_nobody_but_the_door_reads_passwords_and_sids(work_as):
    for statement in ("SELECT * FROM local_account", "SELECT sid_sha256 FROM auth_session"):
        with pytest.raises(ProgrammingError, match="denied"), work_as(KONG_KUN) as work:
            work.session.execute(text(statement))


def test_another_companys_person_cannot_be_granted_a_role(work_as, admin):
    insert = text(
        "INSERT INTO role_grant (id, tenant_id, tenant_kind, person_id, place_id, role, granted_by,"
        " granted_at) SELECT :id, tenant_id, 'subsidiary', :who, id, 'planner', :me, :now"
        " FROM place WHERE level = 'company'"
    )
    from sqlalchemy.exc import IntegrityError

    values = {"who": PAN_LI.id, "me": KONG_KUN.id}
    with pytest.raises(IntegrityError, match="fk__role_grant"), work_as(KONG_KUN) as work:
        work.session.execute(insert, {**values, "id": work.id, "now": work.now})
