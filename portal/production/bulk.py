"""Many rows in one statement: one array per column, unpacked by the server.

`COPY … FROM` is refused on tables with row-level security; this passes every policy and check.
The statement is made of our own names; values are bound, each column as the text of one array:
that is four times as fast as binding lists.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from kernel.db import Base, Work

_CHUNK: Final = 10_000
_POSTGRES: Final = postgresql.dialect()  # type: ignore[no-untyped-call]
_QUOTED: Final = str.maketrans({"\\": "\\\\", '"': '\\"'})


def insert(
    work: Work,
    model: type[Base],
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    shared: Mapping[str, Any] | None = None,
    on_conflict: str = "",
) -> int:
    """Insert `rows`, whose values stand in the order of `columns`; return how many were written.

    `shared` holds the columns that are the same in every row; `on_conflict` is the clause after
    ON CONFLICT, such as "DO NOTHING".
    """
    rows = list(rows)
    same = shared or {}
    statement = _insert(model, tuple(columns), tuple(same), on_conflict)
    connection = work.session.connection()
    count = 0
    for start in range(0, len(rows), _CHUNK):
        arrays = array_texts(rows[start : start + _CHUNK])
        result = connection.exec_driver_sql(statement, (*same.values(), *arrays))
        count += result.rowcount
    return count


@lru_cache(maxsize=64)
def _insert(
    model: type[Base], columns: tuple[str, ...], same: tuple[str, ...], on_conflict: str
) -> str:
    table = table_of(model)
    names = ", ".join((*same, *columns))
    fixed = "".join(f"%s::{_type(table, name)}, " for name in same)
    conflict = f" ON CONFLICT {on_conflict}" if on_conflict else ""
    unpacked = f"SELECT {fixed}n.* FROM {unnest(model, columns)} AS n"
    return f"INSERT INTO {table.name} ({names}) {unpacked}{conflict}"


def unnest(model: type[Base], columns: Sequence[str]) -> str:
    """Return `unnest(…)` over one array parameter per column, typed as in the table."""
    table = table_of(model)
    return f"unnest({', '.join(f'%s::{_type(table, name)}[]' for name in columns)})"


def replace_all(columns: Sequence[str], key: Sequence[str]) -> str:
    """Return the ON CONFLICT clause that overwrites everything but the key."""
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    return f"({', '.join(key)}) DO UPDATE SET {changes}"


def table_of(model: type[Base]) -> Table:
    """Return the table of a model."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


@lru_cache(maxsize=512)
def _type(table: Table, name: str) -> str:
    return str(table.c[name].type.compile(dialect=_POSTGRES))


def array_texts(rows: Sequence[Sequence[Any]]) -> list[str]:
    """Return one PostgreSQL array literal per column of `rows`."""
    return [_array(column) for column in zip(*rows, strict=True)]


def _array(values: Sequence[Any]) -> str:
    kinds = set(map(type, values))
    if kinds == {str}:
        text = '","'.join(values)
        if "\\" in text or text.count('"') != 2 * (len(values) - 1):
            text = '","'.join(value.translate(_QUOTED) for value in values)
        return '{"' + text + '"}'
    return "{" + ",".join([_element(value) for value in values]) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, int):
        return str(int(value))  # an IntEnum's repr is no number
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, date):  # a moment, too
        return f'"{value.isoformat()}"'
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, bytes):
        return f'"\\\\x{value.hex()}"'
    if isinstance(value, dict):
        value = json.dumps(value)
    text = value.value if isinstance(value, StrEnum) else str(value)
    return f'"{text.translate(_QUOTED)}"'
