"""What triggers promise, asked of each: append-only tables, guarded states, keys to foreign rows.

The superuser asks: what even she is refused, no role can do. A trigger without an entry here is
found by `test_every_trigger_is_under_test`.
"""

import json
from collections.abc import Callable, Iterator
from uuid import uuid4

import psycopg
from psycopg import sql

from tests.isolation.catalogue import ForeignKey, Table, read
from tests.isolation.rows import Made, Row, owner
from tests.isolation.sharing import Shares

OPEN_KEYS: dict[str, str] = {
    "fk__membership__person_id": "a person belongs to several companies; the policy takes only one"
    " written down in the same piece of work",
    "fk__membership__person_id_made_in": "as above",
    "fk__local_account__person_id": "as above; companies have no right to read accounts",
    "fk__consent__bank_id": "names a bank; every bank is listed for every company",
    "fk__consent__bank_id_request_id": "the worker alone writes it, from the bank's own request",
    "fk__metric_value__code_version": "the list of figures is the same for everybody",
}
"""Keys that do not hold the company's id: each could tell whether a foreign row exists."""

FUNCTIONS = frozenset(
    {
        "ctx.append_only",
        "ctx.lifecycle_guard",
        "portal.consent_guard",
        "jobs.stamp_asker",
    }
)
"""Functions of triggers that are asked below."""


def find_open(
    connection: psycopg.Connection, table: Table, shares: Shares, made: Made
) -> Iterator[str]:
    """Yield what the table's guards let through; the caller rolls everything back."""
    connection.execute("SET LOCAL session_replication_role = origin")
    connection.execute("SELECT set_config('probe.on', 'off', true)")
    if made[table.name]:
        if shares.append_only:
            yield from _append_only(connection, table)
        if shares.state:
            yield from _guarded_state(connection, table, shares.state)
        for ask in EXTRA.get(table.name, ()):
            yield from ask(connection, table)
    yield from _foreign_keys(connection, table, made)


def _ask(connection: psycopg.Connection, statement: sql.Composable) -> str:
    text = statement.as_string(connection)
    line = connection.execute("SELECT probe.attempt(%s)", [text]).fetchone()
    assert line is not None
    answer: str = line[0]
    return answer


def _append_only(connection: psycopg.Connection, table: Table) -> Iterator[str]:
    column = sql.Identifier(table.columns[0].name)
    name = sql.Identifier("portal", table.name)
    for verb, statement in {
        "changed": sql.SQL("UPDATE {} SET {} = {}").format(name, column, column),
        "deleted": sql.SQL("DELETE FROM {}").format(name),
        "emptied": sql.SQL("TRUNCATE {}").format(name),
    }.items():
        answer = _ask(connection, statement)
        # A table that others point to cannot be emptied at all (0A000).
        if answer != "23514 append_only" and not (verb == "emptied" and answer == "0A000"):
            yield f"lets an append-only row be {verb} ({answer})"


def _guarded_state(connection: psycopg.Connection, table: Table, column: str) -> Iterator[str]:
    # A superuser is on no side, so every move is refused, wherever it would lead.
    answer = _ask(
        connection,
        sql.SQL("UPDATE {} SET {} = 'nowhere'").format(
            sql.Identifier("portal", table.name), sql.Identifier(column)
        ),
    )
    if answer != "23514 lifecycle_guard":
        yield f"lets {column} move as it likes ({answer})"


def _consent_guard(connection: psycopg.Connection, table: Table) -> Iterator[str]:
    for change, where in {
        "purpose = 'audit'": "state = 'active'",
        "datasets = ARRAY['H']": "state = 'prepared'",
        "valid_until = valid_until - interval '1 day'": "state = 'active'",
        "prepared_by = gen_random_uuid()": "state = 'requested'",
        "approved_by = gen_random_uuid()": "state = 'prepared'",
    }.items():
        answer = _ask(connection, sql.SQL(f"UPDATE portal.consent SET {change} WHERE {where}"))  # type: ignore[arg-type]
        if answer != "23514 consent_guard":
            yield f"lets a consent's {change} pass ({answer})"


def find_forged_askers(connection: psycopg.Connection) -> list[str]:
    """Return who could queue a job in another's name; the caller rolls back."""
    asked = {"kind": "portal_worker", "tenant_id": str(uuid4()), "person_id": str(uuid4())}
    me = str(uuid4())
    connection.execute(
        "SELECT set_config('role', 'portal_tenant', true), set_config('app.tenant_id', %s, true),"
        " set_config('app.person_id', %s, true)",
        [me, me],
    )
    line = connection.execute(
        "SELECT jobs.procrastinate_defer_jobs_v1(ARRAY[ROW('portal', 'probe', 0, NULL, NULL,"
        " %s::jsonb, NULL)::jobs.procrastinate_job_to_defer_v1])",
        [json.dumps({"asked_by": asked})],
    ).fetchone()
    assert line is not None
    connection.execute("SELECT set_config('role', 'none', true)")
    row = connection.execute(
        "SELECT args -> 'asked_by' FROM jobs.procrastinate_jobs WHERE id = ANY (%s)", [line[0]]
    ).fetchone()
    assert row is not None
    true = {"kind": "portal_tenant", "tenant_id": me, "person_id": me}
    return [] if row[0] == true else [f"a job says it was asked by {row[0]}"]


def _foreign_keys(connection: psycopg.Connection, table: Table, made: Made) -> Iterator[str]:
    _clear_the_way(connection, table)
    for key in table.foreign_keys:
        free = [name for name in key.columns if name != "tenant_id"]
        # (tenant_id, tenant_kind) and the like name the company itself, nothing of another.
        if key.name in OPEN_KEYS or not any(table.column(n).type == "uuid" for n in free):
            continue
        own = next(iter(made[table.name]), None)
        foreign = next(
            (r for r in made[key.target] if own and owner(key.target, r) != own["tenant_id"]), None
        )
        if own is None or foreign is None:
            yield f"cannot be asked about {key.name}: no row of another company"
            continue
        yield from _one_key(connection, table, key, own, foreign)


def _clear_the_way(connection: psycopg.Connection, table: Table) -> None:
    # Nothing shall refuse before the key does: triggers, CHECKs, keys of others that point here.
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    name = sql.Identifier("portal", table.name)
    connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(name))
    in_the_way = read(
        connection,
        "SELECT conrelid::regclass::text AS place, conname AS name FROM pg_constraint"
        " WHERE conparentid = 0 AND (conrelid = %s::regclass AND contype = 'c'"
        "   OR confrelid = %s::regclass AND conrelid <> confrelid)",
        *[f"portal.{table.name}"] * 2,
    )
    for each in in_the_way:
        drop = f"ALTER TABLE {each.place} DROP CONSTRAINT {each.name}"
        connection.execute(drop)  # type: ignore[call-overload]


def _one_key(
    connection: psycopg.Connection, table: Table, key: ForeignKey, own: Row, foreign: Row
) -> Iterator[str]:
    theirs = dict(zip(key.columns, (foreign[there] for there in key.target_columns), strict=True))
    missing = {
        name: str(uuid4()) if table.column(name).type == "uuid" else value
        for name, value in theirs.items()
    }
    answers = [_ask(connection, _repoint(table, own, values)) for values in (theirs, missing)]
    if answers != [f"23503 {key.name}"] * 2:
        yield f"answers a foreign {key.name} with {answers[0]}, a missing one with {answers[1]}"


def _repoint(table: Table, own: Row, values: Row) -> sql.Composed:
    def pairs(row: Row, names: list[str] | tuple[str, ...], joint: str) -> sql.Composed:
        return sql.SQL(joint).join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(row[name]))
            for name in names
        )

    free = [name for name in values if name != "tenant_id"]
    return sql.SQL("UPDATE {} SET {} WHERE {}").format(
        sql.Identifier("portal", table.name),
        pairs(values, free, ", "),
        pairs(own, table.primary_key, " AND "),
    )


Ask = Callable[[psycopg.Connection, Table], Iterator[str]]
EXTRA: dict[str, tuple[Ask, ...]] = {"consent": (_consent_guard,)}
"""Triggers of one table alone."""
