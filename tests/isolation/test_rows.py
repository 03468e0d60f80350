"""T3: every table × every kind of actor as every company. And the search is seen finding."""

import psycopg
import pytest

from tests.isolation import guards, plans, rows, sharing
from tests.isolation.catalogue import tables, triggers
from tests.isolation.leaks import find_leaks, report
from tests.isolation.world import viewers


def test_nobody_reaches_what_is_not_shared(world_admin: psycopg.Connection) -> None:
    leaks = find_leaks(world_admin, at_most=2_000)
    if leaks:
        pytest.fail(report(leaks), pytrace=False)


def test_every_table_has_rows_of_two_companies(world_admin: psycopg.Connection) -> None:
    made = rows.read_all(world_admin)
    lonely = {
        name
        for name, table in tables(world_admin).items()
        if table.has_tenant and len({row["tenant_id"] for row in made[name]}) < 2
    }
    # The bank that reads, reads one company; its other views stay empty, which is the point.
    assert lonely == {"access_log"}
    assert {plan for plan in plans.PLANS if not made[plan]} == set()


def test_sharing_promises_nothing_to_who_has_no_ids(world_admin: psycopg.Connection) -> None:
    made = rows.read_all(world_admin)
    strangers = [each for each in viewers() if each.label.endswith("without ids")]
    promised = [
        (name, viewer.label)
        for name, shares in sharing.TABLES.items()
        for viewer in strangers
        for who in (shares.reads, shares.adds, shares.changes)
        for row in made[name]
        if viewer.kind in who and who[viewer.kind].holds(viewer, row, made)
    ]
    assert len(strangers) == 8
    assert promised == []


def test_something_foreign_is_really_shared(world_admin: psycopg.Connection) -> None:
    # Else the suite would pass on rules that never hold.
    made = rows.read_all(world_admin)
    used = {
        rule.words
        for name, shares in sharing.TABLES.items()
        for who in (shares.reads, shares.adds, shares.changes)
        for kind, rule in who.items()
        for viewer in viewers()
        if viewer.kind == kind and any(rule.holds(viewer, row, made) for row in made[name])
    }
    said = {
        rule.words
        for shares in sharing.TABLES.values()
        for who in (shares.reads, shares.adds, shares.changes)
        for rule in who.values()
    }
    assert said - used == set(NEVER_SEEDED)


NEVER_SEEDED: dict[str, str] = {}
"""Rules that no row of the seed meets; each with its reason."""


def test_every_trigger_is_under_test(world_admin: psycopg.Connection) -> None:
    unknown = {
        (each.table, each.name, each.function)
        for each in triggers(world_admin)
        if each.function not in guards.FUNCTIONS
    }
    assert not unknown, f"ask each of these in tests/isolation/guards.py: {unknown}"


def test_nobody_queues_a_job_in_anothers_name(world_admin: psycopg.Connection) -> None:
    assert guards.find_forged_askers(world_admin) == []


PLANTED = {
    "a policy that is true": (
        "place",
        "CREATE POLICY planted ON portal.place FOR SELECT TO portal_tenant USING (true)",
        "tenant of alba sees",
    ),
    "a policy to everybody": (
        "unit",
        "CREATE POLICY planted ON portal.unit FOR SELECT TO PUBLIC"
        " USING ((SELECT ctx.work_id()) IS NOT NULL)",
        "tenant of alba sees",
    ),
    "row-level security switched off": (
        "operation",
        "ALTER TABLE portal.operation DISABLE ROW LEVEL SECURITY",
        "tenant of alba sees",
    ),
    "an empty context that falls back to everything": (
        "product",
        "ALTER POLICY product_own ON portal.product USING (tenant_id = coalesce("
        "(SELECT ctx.tenant_id()), tenant_id))",
        "tenant without ids sees",
    ),
    "an update without a check": (
        "product",
        "ALTER POLICY product_edit ON portal.product WITH CHECK (tenant_id IS NOT NULL)",
        "may turn an own row into",
    ),
    "a right for a login": (
        "tenant",
        "GRANT USAGE ON SCHEMA portal TO portal_login;"
        " GRANT SELECT ON portal.tenant TO portal_login",
        "portal_login without a kind may select",
    ),
    "a key without the company": (
        "product_rate",
        "ALTER TABLE portal.product_rate DROP CONSTRAINT fk__product_rate__tenant_id_unit_id,"
        " ADD CONSTRAINT fk__product_rate__unit_id FOREIGN KEY (unit_id) REFERENCES portal.place",
        "answers a foreign fk__product_rate__unit_id with",
    ),
    "a table that nobody has spoken about": (
        "forgotten",
        "CREATE TABLE portal.forgotten (id uuid PRIMARY KEY)",
        "has said in sharing.py who may see this table",
    ),
    "facts that may be deleted": (
        "state_fact",
        "DROP TRIGGER append_only ON portal.state_fact",
        "lets an append-only row be deleted",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_leak_is_found(world_admin: psycopg.Connection, name: str) -> None:
    table, statement, finding = PLANTED[name]
    world_admin.execute(statement)  # type: ignore[call-overload]
    leaks = [str(leak) for leak in find_leaks(world_admin, [table])]
    assert any(finding in leak for leak in leaks), leaks[:5]
