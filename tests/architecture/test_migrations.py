"""Migrations: one head, no import of ours, and the models say exactly what the database holds."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Connection, MetaData, create_engine, text
from sqlalchemy.dialects.postgresql.base import ischema_names

from kernel.db import Base
from kernel.embedded import Urls
from kernel.migrate import MIGRATIONS
from portal.credit.models import Xid8
from tests.architecture.sources import PACKAGES, Source, imported, sources

ischema_names["xid8"] = Xid8  # the one type that SQLAlchemy cannot read back by itself

UNMODELLED: dict[str, str] = {
    "alembic_version": "Alembic's own",
    "lifecycle_move": "read by the trigger alone; the code's side is `Lifecycle`",
    "outbox": "written and read by two statements in the kernel",
    "worker_beat": "written and read by two statements in the kernel",
}
"""Tables without a model, each with its reason."""
UNMODELLED_KEYS: dict[str, str] = {
    "fk__operation__tenant_id": "the kernel's model may not import the table of tenants/",
}
"""Foreign keys that the database alone has, each with its reason."""


def all_models() -> MetaData:
    """Import every module of ours, and return the tables that the models describe."""
    for package in PACKAGES:
        root = importlib.import_module(package)
        for module in pkgutil.walk_packages(root.__path__, f"{package}."):
            importlib.import_module(module.name)
    return Base.metadata


def scripts() -> ScriptDirectory:
    """Return the migrations as Alembic reads them."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(config)


def test_there_is_one_head_and_current_names_it() -> None:
    heads = scripts().get_heads()
    assert len(heads) == 1, f"two branches: rebase one onto the other ({heads})"
    current = (MIGRATIONS / "CURRENT").read_text(encoding="utf-8").strip()
    newest = scripts().get_revision(heads[0])
    assert current in (
        newest.revision,
        newest.module.__name__.removesuffix("_py"),
        _stem(newest),
    ), f"write {_stem(newest)} into migrations/CURRENT"


def _stem(revision: Any) -> str:
    return str(revision.path).rpartition("/")[2].removesuffix(".py")


def test_revisions_follow_each_other_by_number_and_verb() -> None:
    names = [_stem(each) for each in scripts().walk_revisions()][::-1]
    assert len(names) >= 5
    for number, name in enumerate(names, 1):
        assert re.fullmatch(rf"{number:04d}_[a-z]+(_[a-z0-9]+)+", name), name


def find_own_imports(source: Source) -> list[str]:
    """Return what a revision imports of ours: it must say what was true that day."""
    return [name for name in imported(source) if name.split(".")[0] in (*PACKAGES, "app", "tests")]


def test_no_revision_imports_ours() -> None:
    files = list(sources("migrations"))
    assert len(files) >= 6
    found = {each.name: names for each in files if (names := find_own_imports(each))}
    assert not found, "write the values into the revision: what it imports will change"
    planted = Source("migrations/versions/9999_planted.py", "from tenants.words import Level")
    assert find_own_imports(planted) == ["tenants.words.Level"]


@pytest.fixture(scope="module")
def migrated(urls: Urls) -> Iterator[Connection]:
    """A superuser's connection to the migrated database."""
    engine = create_engine(urls.admin)
    with engine.connect() as connection:
        connection.execute(text("SET search_path = portal"))
        yield connection
        connection.rollback()
    engine.dispose()


def find_differences(connection: Connection, metadata: MetaData) -> list[str]:
    """Return where models and database differ: tables, columns, types, keys, indexes."""
    context = MigrationContext.configure(
        connection,
        opts={
            "compare_type": True,
            "compare_server_default": False,
            "include_object": _is_compared,
        },
    )
    return [_words(each) for each in compare_metadata(context, metadata)]


def _is_compared(thing: Any, name: str | None, kind: str, *_: Any) -> bool:
    listed = {"table": UNMODELLED, "foreign_key_constraint": UNMODELLED_KEYS}
    return name not in listed.get(kind, ())


def _words(change: Any) -> str:
    if isinstance(change, list):
        return "; ".join(_words(each) for each in change)
    return " ".join(str(part) for part in change)[:300]


def test_models_are_the_migrated_tables(migrated: Connection) -> None:
    found = find_differences(migrated, all_models())
    if found:
        advice = "Models and migrations differ; what Alembic would do to the database:"
        pytest.fail("\n".join([advice, *found]), pytrace=False)


def find_other_checks(connection: Connection, metadata: MetaData) -> list[str]:
    """Return CHECKs, by name, that only one side has: Alembic does not compare them."""
    in_database = {
        (row.table_name, row.name)
        for row in connection.execute(
            text(
                "SELECT conrelid::regclass::text AS table_name, conname AS name"
                " FROM pg_constraint WHERE contype = 'c' AND connamespace = 'portal'::regnamespace"
                " AND conparentid = 0"
            )
        )
    }
    in_models = {
        (table.name, str(check.name))
        for table in metadata.tables.values()
        for check in table.constraints
        if isinstance(check, CheckConstraint) and not check._type_bound  # type: ignore[attr-defined]
    }
    in_database = {pair for pair in in_database if pair[0] not in UNMODELLED}
    return [
        f"{table}: {name} is in the database alone" for table, name in in_database - in_models
    ] + [f"{table}: {name} is in the models alone" for table, name in in_models - in_database]


def test_checks_have_the_same_names(migrated: Connection) -> None:
    assert find_other_checks(migrated, all_models()) == []


def test_checks_mean_the_same(migrated: Connection) -> None:
    # PostgreSQL prints both in its own words once the model's text has been through it.
    found = find_differing_checks(migrated, all_models())
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def find_differing_checks(connection: Connection, metadata: MetaData) -> list[str]:
    """Return CHECKs whose text differs after PostgreSQL has parsed and printed both."""
    differing = []
    for table in metadata.tables.values():
        if table.name in UNMODELLED:
            continue
        savepoint = connection.begin_nested()
        connection.execute(text(f"CREATE TABLE printed (LIKE {table.name} INCLUDING GENERATED)"))
        for check in table.constraints:
            if isinstance(check, CheckConstraint) and not check._type_bound:  # type: ignore[attr-defined]
                rule = str(check.sqltext).replace(":", r"\:")
                connection.execute(
                    text(f"ALTER TABLE printed ADD CONSTRAINT {check.name} CHECK ({rule})")
                )
        printed = _definitions(connection, "printed")
        stored = _definitions(connection, table.name)
        savepoint.rollback()
        differing += [
            f"{table.name}: {name}: the model says {printed[name]}, the database {stored[name]}"
            for name in printed.keys() & stored.keys()
            if _parts(printed[name]) != _parts(stored[name])
        ]
    return differing


def _parts(definition: str) -> list[str]:
    return sorted(re.sub("[()]", "", definition).split(" AND "))  # in whatever order


def _definitions(connection: Connection, table: str) -> dict[str, str]:
    rows = connection.execute(
        text(
            "SELECT conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint"
            " WHERE contype = 'c' AND conrelid = CAST(:name AS regclass)"
        ),
        {"name": f"portal.{table}"},
    )
    return {row.conname: row.definition for row in rows}


def test_every_unmodelled_table_is_listed(migrated: Connection) -> None:
    there = set(
        migrated.scalars(
            text("SELECT relname FROM pg_class WHERE relnamespace = 'portal'::regnamespace"
                 " AND relkind IN ('r', 'p') AND NOT relispartition")
        )
    )  # fmt: skip
    assert there - set(all_models().tables) == set(UNMODELLED)


@pytest.mark.parametrize(
    ("statement", "finder", "word"),
    [
        ("ALTER TABLE place ADD planted text", find_differences, "planted"),
        ("ALTER TABLE place ALTER name_zh DROP NOT NULL", find_differences, "modify_nullable"),
        ("ALTER TABLE operation ALTER done TYPE integer", find_differences, "modify_type"),
        ("CREATE TABLE planted (id uuid)", find_differences, "planted"),
        ("ALTER TABLE unit DROP CONSTRAINT fk__unit__tenant_id_place_id", find_differences,
         "add_fk"),
        ("ALTER TABLE place DROP CONSTRAINT uq__place__tenant_id_code", find_differences, "add_c"),
        ("ALTER TABLE operation ADD CONSTRAINT planted CHECK (done >= 0)", find_other_checks,
         "planted is in the database alone"),
        ("ALTER TABLE operation DROP CONSTRAINT ck__operation__state_known", find_other_checks,
         "ck__operation__state_known is in the models alone"),
        ("ALTER TABLE operation DROP CONSTRAINT ck__operation__state_known, ADD CONSTRAINT"
         " ck__operation__state_known CHECK (state <> '')", find_differing_checks,
         "ck__operation__state_known: the model says"),
    ],
)  # fmt: skip
def test_a_planted_difference_is_found(
    migrated: Connection, statement: str, finder: Any, word: str
) -> None:
    savepoint = migrated.begin_nested()
    migrated.execute(text(statement))
    found = finder(migrated, all_models())
    savepoint.rollback()
    assert any(word in each for each in found), found
