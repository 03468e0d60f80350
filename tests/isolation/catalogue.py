"""What the migrated database says about itself: tables, columns, keys, policies, triggers, rights.

Read from the system catalogue, so that a new table is under test before anybody thinks of it.
"""

from dataclasses import dataclass

import psycopg
from psycopg.rows import namedtuple_row

KINDS = ("tenant", "group", "platform", "bank", "auditor", "ingest", "authn", "worker")
ROLES = tuple(f"portal_{kind}" for kind in KINDS)
LOGINS = ("portal_login", "portal_jobs")
SCHEMAS = ("portal", "ctx", "jobs")


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the catalogue has it; `type` is the type's name without length."""

    name: str
    type: str
    not_null: bool
    default: str | None
    generated: bool


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key: its columns in order, and the columns of the table they point to."""

    name: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the schema `portal`, without its partitions."""

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...]
    checks: tuple[tuple[str, str], ...]

    @property
    def has_tenant(self) -> bool:
        """Whether each row names its company in `tenant_id`."""
        return any(column.name == "tenant_id" for column in self.columns)

    def column(self, name: str) -> Column:
        """Return one column by name."""
        return next(each for each in self.columns if each.name == name)


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy; `using` and `check` are deparsed, None where the policy has none."""

    table: str
    name: str
    command: str
    roles: tuple[str, ...]
    using: str | None
    check: str | None
    permissive: bool


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger that a migration made (not the ones behind foreign keys)."""

    schema: str
    table: str
    name: str
    function: str
    arguments: tuple[str, ...]
    definition: str


COMMANDS = {"*": "ALL", "r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}


def read(connection: psycopg.Connection, query: str, *values: object) -> list:  # type: ignore[type-arg]
    """Return the rows of one catalogue query as named tuples."""
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(query, values or None).fetchall()


def tables(connection: psycopg.Connection) -> dict[str, Table]:
    """Return every table of `portal` by name; a partition counts as part of its parent."""
    names = [
        row.name
        for row in read(
            connection,
            "SELECT relname AS name FROM pg_class WHERE relnamespace = 'portal'::regnamespace"
            " AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1",
        )
    ]
    columns = _columns(connection)
    keys = _keys(connection)
    return {
        name: Table(
            name=name,
            columns=tuple(columns.get(name, ())),
            primary_key=next((k.columns for k in keys.get(name, ()) if k.contype == "p"), ()),
            foreign_keys=tuple(
                ForeignKey(k.name, tuple(k.columns), k.target, tuple(k.target_columns))
                for k in keys.get(name, ())
                if k.contype == "f"
            ),
            checks=tuple((k.name, k.definition) for k in keys.get(name, ()) if k.contype == "c"),
        )
        for name in names
    }


def _columns(connection: psycopg.Connection) -> dict[str, list[Column]]:
    found: dict[str, list[Column]] = {}
    for row in read(
        connection,
        "SELECT c.relname AS table_name, a.attname AS name, t.typname AS type, a.attnotnull,"
        " pg_get_expr(d.adbin, d.adrelid) AS default_value,"
        " a.attgenerated <> '' OR a.attidentity <> '' AS generated"
        " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " JOIN pg_type t ON t.oid = a.atttypid"
        " LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
        " WHERE c.relnamespace = 'portal'::regnamespace AND c.relkind IN ('r', 'p')"
        " AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum",
    ):
        found.setdefault(row.table_name, []).append(
            Column(row.name, row.type, row.attnotnull, row.default_value, row.generated)
        )
    return found


def _keys(connection: psycopg.Connection) -> dict[str, list]:  # type: ignore[type-arg]
    found: dict[str, list] = {}  # type: ignore[type-arg]
    for row in read(
        connection,
        "SELECT c.relname AS table_name, k.conname AS name, k.contype,"
        " ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(n, i)"
        "   JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY i)"
        "   AS columns, f.relname AS target,"
        " ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(n, i)"
        "   JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n ORDER BY i)"
        "   AS target_columns, pg_get_constraintdef(k.oid) AS definition"
        " FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid"
        " LEFT JOIN pg_class f ON f.oid = k.confrelid"
        " WHERE c.relnamespace = 'portal'::regnamespace AND k.conparentid = 0 ORDER BY 1, 2",
    ):
        found.setdefault(row.table_name, []).append(row)
    return found


def policies(connection: psycopg.Connection) -> list[Policy]:
    """Return every policy of `portal`, by table and name."""
    return [
        Policy(
            row.table_name,
            row.name,
            COMMANDS[row.command],
            tuple(row.roles),
            row.using_text,
            row.check_text,
            row.permissive,
        )
        for row in read(
            connection,
            "SELECT c.relname AS table_name, p.polname AS name, p.polcmd::text AS command,"
            " p.polpermissive AS permissive, ARRAY(SELECT CASE WHEN r = 0 THEN 'PUBLIC'"
            "   ELSE pg_get_userbyid(r)::text END FROM unnest(p.polroles) r ORDER BY 1) AS roles,"
            " pg_get_expr(p.polqual, p.polrelid) AS using_text,"
            " pg_get_expr(p.polwithcheck, p.polrelid) AS check_text"
            " FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid"
            " WHERE c.relnamespace = 'portal'::regnamespace ORDER BY 1, 2",
        )
    ]


def triggers(connection: psycopg.Connection) -> list[Trigger]:
    """Return every trigger that a migration of ours made, also those on the job queue's tables.

    The job queue's own triggers are a library's; of them only ours, `stamp_asker`, is listed.
    """
    return [
        Trigger(
            row.schema_name,
            row.table_name,
            row.name,
            row.function,
            tuple(part for part in bytes(row.arguments).decode().split("\0") if part),
            row.definition,
        )
        for row in read(
            connection,
            "SELECT n.nspname AS schema_name, c.relname AS table_name, t.tgname AS name,"
            " t.tgfoid::regproc::text AS function, t.tgargs AS arguments,"
            " pg_get_triggerdef(t.oid) AS definition"
            " FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND n.nspname IN ('portal', 'jobs')"
            " AND t.tgname NOT LIKE 'procrastinate%%' ORDER BY 1, 2, 3".replace("%%", "%"),
        )
    ]
