"""The rights of every role as text, one fact a line: `tests/golden/policies.txt`.

`python -m tests.isolation.golden` migrates a fresh database and writes the file anew; the change is
then read in review, line by line. The test compares it with the database it migrated.
"""

import tempfile
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from tests.isolation import catalogue

FILE = Path(__file__).parents[1] / "golden" / "policies.txt"
HEADER = (
    "# What the roles of the database may do: made by `python -m tests.isolation.golden`.\n"
    "# A change of this file is a change of what somebody may see or change: review it as such.\n"
)


def render(connection: psycopg.Connection) -> str:
    """Return the whole file's text for the database behind `connection` (a superuser's)."""
    sections = {
        "roles": _roles(connection),
        "schemas": _schemas(connection),
        "tables": _tables(connection),
        "grants": _grants(connection),
        "policies": _policies(connection),
        "triggers": [each.definition for each in catalogue.triggers(connection)],
        "functions": _functions(connection),
    }
    return HEADER + "".join(
        f"\n## {title}\n" + "".join(f"{line}\n" for line in lines)
        for title, lines in sections.items()
    )


def _roles(connection: psycopg.Connection) -> list[str]:
    rows = catalogue.read(
        connection,
        "SELECT r.rolname AS name, concat_ws(' ',"
        " CASE WHEN r.rolcanlogin THEN 'LOGIN' END, CASE WHEN r.rolinherit THEN 'INHERIT' END,"
        " CASE WHEN r.rolsuper THEN 'SUPERUSER' END, CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END,"
        " CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END,"
        " CASE WHEN r.rolcreatedb THEN 'CREATEDB' END,"
        " CASE WHEN r.rolreplication THEN 'REPLICATION' END) AS rights,"
        " ARRAY(SELECT m.roleid::regrole::text FROM pg_auth_members m WHERE m.member = r.oid"
        "   AND m.set_option ORDER BY 1) AS members_of"
        " FROM pg_roles r WHERE r.rolname LIKE 'portal\\_%' ORDER BY 1",
    )
    return [
        f"{row.name}: {row.rights or '-'}"
        + (f"; may become {', '.join(row.members_of)}" if row.members_of else "")
        for row in rows
    ]


def _schemas(connection: psycopg.Connection) -> list[str]:
    rows = catalogue.read(
        connection,
        "SELECT n.nspname AS name, pg_get_userbyid(a.grantee) AS who, a.grantee = 0 AS everybody,"
        " a.privilege_type AS right_name FROM pg_namespace n,"
        " aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a"
        " WHERE n.nspname IN ('portal', 'ctx', 'jobs', 'public') AND a.grantee <> n.nspowner"
        " ORDER BY 1, 4, 2",
    )
    return [f"{r.name}: {r.right_name} to {'PUBLIC' if r.everybody else r.who}" for r in rows]


def _tables(connection: psycopg.Connection) -> list[str]:
    rows = catalogue.read(
        connection,
        "SELECT relname AS name, relowner::regrole::text AS owner,"
        " relrowsecurity AND relforcerowsecurity AS forced FROM pg_class"
        " WHERE relnamespace = 'portal'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')"
        " ORDER BY 1",
    )
    return [f"{r.name}: {r.owner}, {'forced' if r.forced else 'OPEN'}" for r in rows]


def grant_rows(connection: psycopg.Connection) -> list:  # type: ignore[type-arg]
    """Return (table, column or None, role, right) for all rights beside the owners' own."""
    return catalogue.read(
        connection,
        "SELECT n.nspname || '.' || c.relname AS name, NULL AS column_name, a.privilege_type AS"
        " right_name,"
        " CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS who"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a"
        " WHERE n.nspname IN ('portal', 'ctx', 'jobs') AND a.grantee <> c.relowner"
        " UNION ALL SELECT n.nspname || '.' || c.relname, x.attname, a.privilege_type,"
        " CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END"
        " FROM pg_attribute x JOIN pg_class c ON c.oid = x.attrelid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(x.attacl) a"
        " WHERE n.nspname IN ('portal', 'ctx', 'jobs') AND a.grantee <> c.relowner"
        " ORDER BY 1, 4, 3, 2",
    )


def _grants(connection: psycopg.Connection) -> list[str]:
    lines: dict[tuple[str, str], list[str]] = {}
    columns: dict[tuple[str, str, str], list[str]] = {}
    for row in grant_rows(connection):
        if row.column_name is None:
            lines.setdefault((row.name, row.who), []).append(row.right_name)
        else:
            columns.setdefault((row.name, row.who, row.right_name), []).append(row.column_name)
    for (name, who, right), found in columns.items():
        lines.setdefault((name, who), []).append(f"{right} ({', '.join(sorted(found))})")
    return [f"{name}: {who}: {', '.join(sorted(lines[name, who]))}" for name, who in sorted(lines)]


def _policies(connection: psycopg.Connection) -> list[str]:
    return [
        f"{each.table}.{each.name}: {'' if each.permissive else 'RESTRICTIVE '}{each.command}"
        f" TO {', '.join(each.roles)}"
        + (f" USING {_one_line(each.using)}" if each.using else "")
        + (f" CHECK {_one_line(each.check)}" if each.check else "")
        for each in catalogue.policies(connection)
    ]


def _one_line(expression: str) -> str:
    return " ".join(expression.split())


def _functions(connection: psycopg.Connection) -> list[str]:
    rows = catalogue.read(
        connection,
        "SELECT p.oid::regprocedure::text AS name, p.prosecdef AS definer, n.nspname AS space,"
        " ARRAY(SELECT DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text"
        "   END FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a"
        "   WHERE a.grantee <> p.proowner ORDER BY 1) AS callers"
        " FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname IN ('portal', 'ctx', 'jobs') ORDER BY 3, 1",
    )
    return [
        f"{row.name}: {'DEFINER, ' if row.definer else ''}called by {', '.join(row.callers) or '-'}"
        for row in rows
    ]


def main() -> None:
    """Migrate a fresh database in a temporary folder and write the file."""
    from kernel.embedded import EmbeddedServer
    from kernel.migrate import migrate

    with tempfile.TemporaryDirectory() as folder, EmbeddedServer(Path(folder), fast=True) as server:
        urls = server.urls()
        migrate(urls.admin)
        dsn = make_url(urls.admin).set(drivername="postgresql")
        with psycopg.connect(dsn.render_as_string(hide_password=False)) as connection:
            connection.execute("SET search_path = pg_catalog")  # every name is written in full
            FILE.write_text(render(connection), encoding="utf-8")


if __name__ == "__main__":
    main()
