"""Find what the database lets through against `sharing.py`.

Everything happens in the caller's transaction, below a savepoint that is rolled back: the policy
mutations call this with a policy bent in the same transaction. Only the policies are asked here:
foreign keys and triggers are off, and every grant is given, while a role tries to write.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import psycopg
from psycopg import sql

from tests.isolation import guards, rows, sharing, world
from tests.isolation.catalogue import ROLES, Table, tables
from tests.isolation.rows import Made, Row
from tests.isolation.sharing import Shares, Who
from tests.isolation.world import Viewer

REFUSED = "42501"
MANY = 12


@dataclass(frozen=True, slots=True)
class Leak:
    """One thing that is other than promised: who, on which table, did or saw what."""

    table: str
    who: str
    what: str

    def __str__(self) -> str:
        return f"{self.table}: {self.who} {self.what}"


PROBES = """
CREATE SCHEMA probe;
GRANT USAGE ON SCHEMA probe TO PUBLIC;
CREATE FUNCTION probe.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- The row has passed USING; whether it would pass anything else is not asked: it stays as it is.
  IF coalesce(current_setting('probe.on', true), '') <> 'on' THEN
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
  END IF;
  PERFORM set_config('probe.touched',
    current_setting('probe.touched') || chr(30) || to_jsonb(OLD)::text, true);
  RETURN NULL;
END $$;
CREATE FUNCTION probe.reach(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('probe.on', 'on', true), set_config('probe.touched', '', true);
  BEGIN
    EXECUTE statement;
  EXCEPTION WHEN insufficient_privilege THEN NULL;
  END;
  PERFORM set_config('probe.on', 'off', true);
  RETURN current_setting('probe.touched');
END $$;
CREATE TABLE probe.row (number bigint PRIMARY KEY, body jsonb);
GRANT SELECT ON probe.row TO PUBLIC;
CREATE FUNCTION probe.attempt(statement text, body jsonb DEFAULT NULL) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  n bigint; named text;
BEGIN
  BEGIN
    EXECUTE statement USING body;
    GET DIAGNOSTICS n = ROW_COUNT;
    RAISE EXCEPTION USING ERRCODE = 'PROBE';
  EXCEPTION
    WHEN SQLSTATE 'PROBE' THEN RETURN 'rows ' || n;
    WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS named = CONSTRAINT_NAME;
      RETURN rtrim(SQLSTATE || ' ' || named);
  END;
END $$;
CREATE FUNCTION probe.attempt_each(statement text, numbers bigint[]) RETURNS text[]
LANGUAGE sql AS $$
  SELECT array_agg(probe.attempt(statement, r.body) ORDER BY r.number)
  FROM probe.row r WHERE r.number = ANY (numbers)
$$;
"""


def prepare(connection: psycopg.Connection) -> None:
    """Make what the search needs, once a database: a schema of its own with three functions."""
    connection.execute(PROBES)


def find_leaks(
    connection: psycopg.Connection,
    only: Collection[str] | None = None,
    *,
    kinds: Collection[str] | None = None,
    at_most: int = 200,
) -> list[Leak]:
    """Return what differs from `sharing.py`, at most `at_most` findings; [] is the wish.

    `only` names tables, `kinds` kinds of actor. The connection is a superuser's, in a transaction.
    """
    found = tables(connection)
    leaks = [
        Leak(name, "nobody", "has said in sharing.py who may see this table")
        for name in found
        if name not in sharing.TABLES and name not in sharing.OPEN and _asked(name, only)
    ]
    leaks += [
        Leak(name, "sharing.py", "names a table that is not there")
        for name in sharing.TABLES
        if name not in found and _asked(name, only)
    ]
    made = rows.read_all(connection)
    for name, shares in sharing.TABLES.items():
        if name not in found or not _asked(name, only):
            continue
        if not made[name]:
            leaks.append(Leak(name, "rows.py", "has no row here, so nothing is shown"))
        with undone(connection):
            for leak in _Search(connection, found[name], shares, made).run(kinds):
                leaks.append(leak)
                if len(leaks) >= at_most:
                    return leaks
    return leaks


def _asked(name: str, only: Collection[str] | None) -> bool:
    return only is None or name in only


@contextmanager
def undone(connection: psycopg.Connection) -> Iterator[None]:
    """Do something below a savepoint that is rolled back, role and settings included."""
    connection.execute("SAVEPOINT undone")
    try:
        yield
    finally:
        connection.execute("ROLLBACK TO SAVEPOINT undone")
        connection.execute("RELEASE SAVEPOINT undone")


@dataclass
class _Search:
    """The search in one table."""

    connection: psycopg.Connection
    table: Table
    shares: Shares
    made: Made

    def run(self, kinds: Collection[str] | None) -> Iterator[Leak]:
        viewers = [v for v in world.viewers() if kinds is None or v.kind in kinds]
        _ = self._readable  # asked as superuser, before any role is entered
        if kinds is None:
            yield from self._without_a_kind()
        for viewer in viewers:
            yield from self._what_is_seen(viewer)
        self._grant_everything()
        for viewer in viewers:
            yield from self._beyond_the_grants(viewer)
        self._enter_as_superuser()
        for what in guards.find_open(self.connection, self.table, self.shares, self.made):
            yield Leak(self.table.name, "a guard", what)

    @property
    def name(self) -> sql.Composed:
        return sql.SQL("portal.{}").format(sql.Identifier(self.table.name))

    def _enter(self, viewer: Viewer) -> None:
        chosen = {"role": viewer.role} | viewer.settings()
        self.connection.execute(
            "SELECT " + ", ".join(["set_config(%s, %s, true)"] * len(chosen)),
            [part for pair in chosen.items() for part in pair],
        )

    def _enter_as_superuser(self) -> None:
        self.connection.execute("SELECT set_config('role', 'none', true)")

    def _without_a_kind(self) -> Iterator[Leak]:
        for login in ("portal_login", "portal_jobs"):
            self.connection.execute("SELECT set_config('role', %s, true)", [login])
            answer = self._attempt(sql.SQL("SELECT FROM {}").format(self.name))
            if answer != REFUSED:
                yield Leak(self.table.name, f"{login} without a kind", f"may select ({answer})")
        self._enter_as_superuser()

    def _what_is_seen(self, viewer: Viewer) -> Iterator[Leak]:
        columns = self._readable.get(viewer.role, [])
        expected = self._allowed(self.shares.reads, viewer)
        self._enter(viewer)
        if columns:
            seen = self._select(columns)
        else:
            answer = self._attempt(sql.SQL("SELECT FROM {}").format(self.name))
            seen = []
            if answer != REFUSED:
                yield Leak(self.table.name, viewer.label, f"may select without a right: {answer}")
        wanted = (
            [_key({name: row[name] for name in columns}) for row in expected] if columns else []
        )
        for row in seen:
            if _key(row) in wanted:
                wanted.remove(_key(row))
            else:
                yield Leak(self.table.name, viewer.label, f"sees {_short(row)}")
        if not columns and expected:
            yield Leak(self.table.name, viewer.label, "has no right to what sharing.py promises")
        elif wanted:
            yield Leak(self.table.name, viewer.label, f"does not see {_short(wanted[0])}")

    @cached_property
    def _readable(self) -> dict[str, list[str]]:
        """Which columns each role may select, by the grants as they are."""
        found: dict[str, list[str]] = {}
        for role, column in self.connection.execute(
            "SELECT r.name, a.attname FROM unnest(%s::text[]) r(name), pg_attribute a"
            " WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped"
            " AND has_column_privilege(r.name, a.attrelid, a.attnum, 'SELECT')",
            [list(ROLES), f"portal.{self.table.name}"],
        ):
            found.setdefault(role, []).append(column)
        return found

    def _select(self, columns: list[str]) -> list[Row]:
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        query = sql.SQL("SELECT to_jsonb(x) FROM (SELECT {} FROM {}) x").format(names, self.name)
        return [line[0] for line in self.connection.execute(query)]

    def _allowed(self, who: Who, viewer: Viewer) -> list[Row]:
        rule = who.get(viewer.kind)
        every = self.made[self.table.name]
        return [row for row in every if rule is not None and rule.holds(viewer, row, self.made)]

    def _grant_everything(self) -> None:
        self._enter_as_superuser()
        with self.connection.cursor() as cursor:
            bodies = [(n, json.dumps(row)) for n, row in enumerate(self.made[self.table.name])]
            cursor.executemany("INSERT INTO probe.row VALUES (%s, %s)", bodies)
        # Triggers of the table and foreign keys sleep; the probe alone is awake.
        self.connection.execute("SET LOCAL session_replication_role = replica")
        for statement in (
            "GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {roles}",
            'CREATE TRIGGER "!probe" BEFORE UPDATE OR DELETE ON {table}'
            " FOR EACH ROW EXECUTE FUNCTION probe.touch()",
            'ALTER TABLE {table} ENABLE ALWAYS TRIGGER "!probe"',
        ):
            self.connection.execute(
                sql.SQL(statement).format(
                    table=self.name, roles=sql.SQL(", ").join(map(sql.Identifier, ROLES))
                )
            )

    def _beyond_the_grants(self, viewer: Viewer) -> Iterator[Leak]:
        may_change = [_key(row) for row in self._allowed(self.shares.changes, viewer)]
        may_see = [_key(row) for row in self._allowed(self.shares.reads, viewer)]
        may_add = [_key(row) for row in self._allowed(self.shares.adds, viewer)]
        self._enter(viewer)
        for row in self._select([column.name for column in self.table.columns]):
            if _key(row) not in may_see:
                yield self._leak(viewer, "sees, by policy,", row)
        for verb, statement in self._blind():
            for row in self._reach(statement):
                if _key(row) not in may_change:
                    yield self._leak(viewer, verb, row)
        foreign = [n for n, key in self._typical_rows() if key not in may_add]
        for row, answer in self._attempt_each(self._insert, foreign):
            if answer != REFUSED:
                yield self._leak(viewer, f"may add ({answer})", row)
        others = [n for n, key in self._typical_rows() if key not in may_change]
        for row, answer in self._attempt_each(self._move, others):
            if answer not in (REFUSED, "rows 0"):
                yield self._leak(viewer, f"may turn an own row into ({answer})", row)

    def _typical_rows(self) -> list[tuple[int, str]]:
        # Where rows abound they differ in what is seen, not in what may be written: two each.
        every, taken = self.made[self.table.name], Counter[object]()
        kept = []
        for number, row in enumerate(every):
            taken[row.get("tenant_id")] += 1
            if len(every) <= MANY or taken[row.get("tenant_id")] <= 2:
                kept.append((number, _key(row)))
        return kept

    def _leak(self, viewer: Viewer, verb: str, row: Row) -> Leak:
        return Leak(self.table.name, viewer.label, f"{verb} {_short(row)}")

    def _blind(self) -> Iterator[tuple[str, sql.Composed]]:
        # No WHERE and no column read: nothing but the policy of the command itself is asked.
        first = next(each.name for each in self.table.columns if not each.generated)
        update = sql.SQL("UPDATE {} SET {} = DEFAULT").format(self.name, sql.Identifier(first))
        yield "may update", update
        yield "may delete", sql.SQL("DELETE FROM {}").format(self.name)

    def _reach(self, statement: sql.Composed) -> list[Row]:
        text = statement.as_string(self.connection)
        line = self.connection.execute("SELECT probe.reach(%s)", [text]).fetchone()
        assert line is not None
        return [json.loads(part) for part in line[0].split("\x1e") if part]

    def _attempt(self, statement: sql.Composed) -> str:
        text = statement.as_string(self.connection)
        line = self.connection.execute("SELECT probe.attempt(%s)", [text]).fetchone()
        assert line is not None
        answer: str = line[0]
        return answer

    def _attempt_each(self, statement: str, numbers: list[int]) -> list[tuple[Row, str]]:
        """Return how the database answers `statement` with each of these rows as its `$1`."""
        line = self.connection.execute(
            "SELECT probe.attempt_each(%s, %s)", [statement, numbers]
        ).fetchone()
        assert line is not None
        rows = [self.made[self.table.name][number] for number in numbers]
        return list(zip(rows, line[0] or [], strict=True))

    @cached_property
    def _insert(self) -> str:
        return self._filled("INSERT INTO {table} ({columns}) {copy}")

    @cached_property
    def _move(self) -> str:
        return self._filled("UPDATE {table} SET ({columns}) = ({copy})")

    def _filled(self, statement: str) -> str:
        copy = sql.SQL("SELECT {} FROM jsonb_populate_record(NULL::{}, $1)").format(
            self._columns(), self.name
        )
        whole = sql.SQL(statement).format(table=self.name, columns=self._columns(), copy=copy)
        return whole.as_string(self.connection)

    def _columns(self) -> sql.Composed:
        kept = [column.name for column in self.table.columns if not column.generated]
        return sql.SQL(", ").join(map(sql.Identifier, kept))


def report(leaks: Collection[Leak], *, lines: int = 30) -> str:
    """Return the findings for people: one line for each kind of finding, with an example."""
    grouped: dict[tuple[str, str], list[Leak]] = {}
    for leak in leaks:
        grouped.setdefault((leak.table, leak.what.split(" {")[0]), []).append(leak)
    shown = [f"{len(group)} × {str(group[0])[:300]}" for group in list(grouped.values())[:lines]]
    return "\n".join([*shown, f"{len(leaks)} findings in all"])


def _key(row: Row) -> str:
    return json.dumps(row, sort_keys=True)


def _short(row: Row | str) -> str:
    text = row if isinstance(row, str) else _key(row)
    return text if len(text) < 240 else text[:240] + "…"
