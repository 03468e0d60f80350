"""Rows for every table and company, made from the catalogue; what a CHECK wants stands in `plans`.

Each company gets each variant of a table. Keys point to the company's own rows, texts hold the
company's canary, and what a rule of `sharing.py` tells apart is there at least once.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from graphlib import TopologicalSorter
from typing import Any

import psycopg
from psycopg import sql

from tests.isolation import world
from tests.isolation.catalogue import Column, ForeignKey, Table, read, tables
from tests.isolation.world import COMPANIES, PEOPLE_EACH, Company, fixed

Row = dict[str, Any]
Made = Mapping[str, list[Row]]
WORD_LIST = re.compile(r"^CHECK \(\((\w+) = (?:ANY \(ARRAY\[)?'([^']*)'")
NOT_OURS = frozenset({"alembic_version", "lifecycle_move"})
"""Tables that the migrations themselves fill."""


@dataclass(frozen=True)
class Seed:
    """How one row is made: for whom, which number it has there, what was made before."""

    company: Company
    number: int
    made: Made
    now: datetime

    def own(self, table: str, number: int = 0) -> Row:
        """Return a row of the company in another table."""
        mine = [row for row in self.made[table] if owner(table, row) == str(self.company.id)]
        return mine[number % len(mine)]

    @property
    def moment(self) -> datetime:
        """When the rows happened: yesterday by the database's clock, so that pages show them."""
        return (self.now - timedelta(days=1)).replace(hour=8, minute=0, second=0, microsecond=0)

    @property
    def person(self) -> str:
        """One of the company's people, by the row's number."""
        return str(self.company.person(self.number % PEOPLE_EACH))


Given = Callable[[Seed], Row | None]
"""What a row holds; None where the company has no such row."""
NOTHING_SAID: Given = lambda seed: {}  # noqa: E731 - a value among others


@dataclass(frozen=True)
class Plan:
    """The rows of a table: each variant's own values, and which companies have them."""

    variants: Sequence[Given] = (NOTHING_SAID, NOTHING_SAID)
    companies: Sequence[Company] = COMPANIES


def owner(table: str, row: Row) -> str | None:
    """Return the id of the company whose row it is; None where a row is nobody's."""
    return row["id"] if table == "tenant" else row.get("tenant_id")


def canary(company: Company, *place: object) -> str:
    """Return a word that no program writes by itself: its company's name and a random part."""
    return f"canary-{company.code}-{fixed('canary', company.code, *place).hex[:10]}"


def order(found: Mapping[str, Table]) -> list[str]:
    """Return the tables so that what a key points to comes first."""
    graph = {
        name: {key.target for key in table.foreign_keys} - {name} for name, table in found.items()
    }
    return list(TopologicalSorter(graph).static_order())


def fill(connection: psycopg.Connection, plans: Mapping[str, Plan]) -> dict[str, list[Row]]:
    """Insert every planned row as superuser and return what was made, table by table.

    A table without a plan gets two plain rows a company: it is then up to the suite to complain.
    """
    found, now = tables(connection), database_time(connection)
    made: dict[str, list[Row]] = {name: [] for name in found}
    for name in order(found):
        if name in NOT_OURS:
            continue
        plan = plans.get(name, Plan())
        for company in plan.companies:
            for number, given in enumerate(plan.variants):
                seed = Seed(company, number, made, now)
                said = given(seed)
                if said is not None:
                    row = _row(found[name], seed, said)
                    made[name].append(_insert(connection, found[name], row))
    return made


def _row(table: Table, seed: Seed, given: Row) -> Row:
    row: Row = {}
    words = {m[1]: m[2] for _, text in table.checks if (m := WORD_LIST.match(text))}
    if table.name != "tenant" and table.has_tenant:
        row["tenant_id"] = str(seed.company.id)
    row.update(given)
    for key in table.foreign_keys:
        _point(row, table, key, seed)
    for column in table.columns:
        if column.name not in row and not column.generated:
            value = _value(column, table, seed, words)
            if value is not None:
                row[column.name] = value
    return {name: value for name, value in row.items() if value is not None}


def _point(row: Row, table: Table, key: ForeignKey, seed: Seed) -> None:
    missing = [name for name in key.columns if name not in row]
    if not missing or key.target == table.name:
        return
    if all(not table.column(name).not_null for name in missing):
        return
    target = seed.own(key.target, seed.number)
    for here, there in zip(key.columns, key.target_columns, strict=True):
        row.setdefault(here, target[there])


def _value(column: Column, table: Table, seed: Seed, words: Mapping[str, str]) -> Any:
    place = (table.name, column.name, seed.number)
    if column.name in words:
        return None if not column.not_null or column.default else words[column.name]
    if column.type == "text":
        return canary(seed.company, *place)
    if column.default is not None or not column.not_null:
        return None
    if column.type == "uuid":
        is_person = column.name.endswith(("_by", "person_id"))
        return seed.person if is_person else str(fixed(*place, seed.company.code))
    return {
        "bool": False,
        "int8": 1,
        "float8": 0,
        "numeric": 0,
        "timestamptz": seed.moment.isoformat(),
        "date": seed.moment.date().isoformat(),
        "time": "08:00",
        "jsonb": {"said": canary(seed.company, *place)},
        "bytea": "\\x" + fixed(*place, seed.company.code).hex * 2,
        "_text": [],
    }[column.type]


def _insert(connection: psycopg.Connection, table: Table, row: Row) -> Row:
    statement = sql.SQL(
        "INSERT INTO portal.{table} AS t ({columns})"
        " SELECT {columns} FROM jsonb_populate_record(NULL::portal.{table}, {row})"
        " RETURNING to_jsonb(t)"
    ).format(
        table=sql.Identifier(table.name),
        columns=sql.SQL(", ").join(map(sql.Identifier, row)),
        row=sql.Literal(json.dumps(row)),
    )
    made = connection.execute(statement).fetchone()
    assert made is not None
    result: Row = made[0]
    return result


def read_all(connection: psycopg.Connection) -> dict[str, list[Row]]:
    """Return every row of every table, as JSON, seen by a superuser."""
    return {
        name: [
            line[0]
            for line in connection.execute(
                sql.SQL("SELECT to_jsonb(t) FROM portal.{} t").format(sql.Identifier(name))
            )
        ]
        for name in tables(connection)
    }


def database_time(connection: psycopg.Connection) -> datetime:
    """Return the moment on the database's own clock; policies know no other."""
    moment: datetime = read(connection, "SELECT clock_timestamp() AS moment")[0].moment
    return moment


__all__ = ["Made", "Plan", "Row", "Seed", "canary", "database_time", "fill", "owner", "world"]
