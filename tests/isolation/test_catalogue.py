"""T1: the catalogue of the migrated database holds no hazard and equals the golden file."""

from difflib import unified_diff

import psycopg
import pytest

from tests.conftest import roles_to_oneself
from tests.isolation import golden, hazards
from tests.isolation.catalogue import policies, tables
from tests.isolation.hazards import FINDERS, Finder


@pytest.mark.parametrize("find", FINDERS, ids=lambda find: find.__name__)
def test_no_hazard(world_admin: psycopg.Connection, find: Finder) -> None:
    found = list(find(world_admin))
    assert not found, "\n".join(found)


def test_there_is_something_to_look_at(world_admin: psycopg.Connection) -> None:
    assert len(tables(world_admin)) > 30
    assert len(policies(world_admin)) > 100


def test_rights_are_those_that_were_reviewed(world_admin: psycopg.Connection) -> None:
    world_admin.execute("SET LOCAL search_path = pg_catalog")
    reviewed = golden.FILE.read_text(encoding="utf-8").splitlines()
    changes = list(
        unified_diff(reviewed, golden.render(world_admin).splitlines(), lineterm="", n=0)
    )
    if changes:
        advice = (
            "Rights have changed. Run `python -m tests.isolation.golden`, review the difference:"
        )
        pytest.fail("\n".join([advice, *changes[:40]]), pytrace=False)


def test_every_exception_still_has_its_object(world_admin: psycopg.Connection) -> None:
    # An exception that outlives its object would silently cover the next one of that name.
    found = {
        row[0]
        for row in world_admin.execute(
            "SELECT conname::text FROM pg_constraint UNION SELECT relname FROM pg_class"
            " UNION SELECT c.relname || '.' || p.polname FROM pg_policy p"
            " JOIN pg_class c ON c.oid = p.polrelid"
        )
    }
    listed = [*hazards.KEYS, *hazards.FOREIGN_KEYS, *hazards.POLICIES_OF_OWNER]
    listed += [name.split(" ")[0] for name in hazards.SUBJECTS_WITHOUT_CONTEXT]
    assert [name for name in listed if name not in found] == []


PLANTED = {
    "ALTER TABLE portal.place NO FORCE ROW LEVEL SECURITY": "place: ENABLE and FORCE",
    "CREATE TABLE portal.planted (id uuid PRIMARY KEY)": "planted: ENABLE and FORCE",
    "CREATE TABLE portal.planted (id uuid PRIMARY KEY); ALTER TABLE portal.planted"
    " ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY": "planted: write a policy",
    "CREATE POLICY planted ON portal.place TO PUBLIC USING ((SELECT ctx.work_id()) IS NOT NULL)": (
        "place.planted: is TO PUBLIC"
    ),
    "CREATE POLICY planted ON portal.place TO portal_tenant USING (true)": "constantly true",
    "CREATE POLICY planted ON portal.place TO portal_tenant USING (level = 'site')": (
        "place.planted: USING asks no context"
    ),
    "CREATE POLICY planted ON portal.place TO portal_tenant"
    " USING (tenant_id = ctx.tenant_id())": "place.planted: USING calls ctx row by row",
    "ALTER ROLE portal_tenant BYPASSRLS": "portal_tenant: has a right over the cluster",
    "ALTER ROLE portal_tenant LOGIN": "portal_tenant: LOGIN is for",
    "ALTER ROLE portal_login INHERIT": "portal_login: NOINHERIT",
    "GRANT portal_worker TO portal_login WITH INHERIT FALSE": (
        "portal_login may become portal_worker"
    ),
    "GRANT portal_tenant TO portal_login WITH INHERIT TRUE": "WITH INHERIT or ADMIN",
    "GRANT TRUNCATE ON portal.place TO portal_tenant": "portal_tenant has TRUNCATE",
    "GRANT SELECT ON portal.place TO PUBLIC": "PUBLIC has SELECT",
    "GRANT SELECT ON portal.place TO portal_login": "portal_login has SELECT",
    "GRANT SELECT ON jobs.procrastinate_jobs TO portal_tenant": "the queue is portal_jobs' alone",
    "GRANT CREATE ON SCHEMA portal TO portal_tenant": "may make objects in portal",
    "CREATE TABLE portal.planted (id uuid NOT NULL) PARTITION BY LIST (id);"
    " CREATE TABLE portal.planted_1 PARTITION OF portal.planted DEFAULT;"
    " GRANT SELECT ON portal.planted_1 TO portal_tenant": "grant on the parent alone",
    "CREATE VIEW portal.planted AS SELECT * FROM portal.place": "security_invoker = true",
    "CREATE MATERIALIZED VIEW portal.planted AS SELECT * FROM portal.place": "make it a table",
    "CREATE FUNCTION ctx.planted() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'": (
        "ctx.planted(): SECURITY DEFINER"
    ),
    "CREATE RULE planted AS ON DELETE TO portal.place DO INSTEAD NOTHING": "no rules",
    "CREATE UNIQUE INDEX planted ON portal.place (code)": "planted begins with ['code']",
    "ALTER TABLE portal.unit ADD CONSTRAINT planted FOREIGN KEY (place_id)"
    " REFERENCES portal.place": "planted must begin with tenant_id on both sides",
    "CREATE TYPE portal.planted AS ENUM ('a')": "planted: no enum",
    "CREATE INDEX planted ON portal.operation (tenant_id, params)": "which no index finds",
}


@pytest.mark.parametrize("statement", PLANTED)
def test_a_planted_hazard_is_found(world_admin: psycopg.Connection, statement: str) -> None:
    with roles_to_oneself():
        world_admin.execute(statement)  # type: ignore[call-overload]
        found = [sentence for find in FINDERS for sentence in find(world_admin)]
        world_admin.rollback()
    assert any(PLANTED[statement] in sentence for sentence in found), found


def test_a_right_given_in_silence_changes_the_golden_text(world_admin: psycopg.Connection) -> None:
    world_admin.execute("SET LOCAL search_path = pg_catalog")
    before = golden.render(world_admin)
    for statement in (
        "GRANT SELECT (secret_sha256) ON portal.device_token TO portal_tenant",
        "ALTER POLICY place_own ON portal.place TO portal_tenant",
        "DROP TRIGGER append_only ON portal.audit_log",
        "GRANT USAGE ON SCHEMA portal TO PUBLIC",
    ):
        world_admin.execute("SAVEPOINT one")
        world_admin.execute(statement)  # type: ignore[call-overload]
        assert golden.render(world_admin) != before, statement
        world_admin.execute("ROLLBACK TO SAVEPOINT one")
