"""T1: what must not stand in the catalogue at all, whatever the rows: one finder for each hazard.

Each finder returns sentences that say what to write instead. Exceptions are listed one by one.
"""

import re
from collections.abc import Callable, Iterator

import psycopg

from tests.isolation.catalogue import KINDS, LOGINS, ROLES, policies, read, tables
from tests.isolation.golden import grant_rows
from tests.isolation.sharing import OPEN

DEFINERS = {
    "jobs.procrastinate_defer_jobs_v1(jobs.procrastinate_job_to_defer_v1[])": "queues a job; the"
    " trigger stamp_asker writes who asked",
}
"""Functions that run with their owner's rights."""

KEYS: dict[str, str] = {
    "uq__tenant__code": "a company's code is its public name",
    "uq__tenant__uscc": "one company, one registration code; the console alone inserts",
    "uq__tenant__id_kind": "begins with the company's id",
    "uq__tenant__one_group": "there is one group",
    "uq__person__email": "one person, one address, over all companies",
    "uq__person__login_name": "one sign-in name over all companies, it begins with the company's",
    "uq__person__id_made_in": "begins with the id, which the primary key tells anyway",
    "pk__local_account": "a person's, who belongs to several companies",
    "pk__login_attempt": "keyed by HMAC; sign-in alone reads and writes",
    "uq__auth_session__sid_sha256": "found by the cookie's hash; sign-in alone inserts",
    "uq__device_token__public_id": "found by the token's public half, 64 random bits",
    "pk__lifecycle_move": "a list that the migrations fill",
    "pk__worker_beat": "the worker's own, no company's",
    "pk__metric_def": "the list of figures is the same for everybody",
    "pk__bank_view": "begins with the consent's id; the worker alone writes",
    "uq__consent__id_tenant_id_bank_id": "begins with the id, which the primary key tells anyway",
    "alembic_version_pkc": "the number of the newest migration",
}
"""Keys that do not begin with `tenant_id` and are no `id`: each could tell that a row exists."""

FOREIGN_KEYS = {
    "fk__membership__person_id": "a person belongs to several companies",
    "fk__membership__person_id_made_in": "lets a company take in whom it has just written down",
    "fk__local_account__person_id": "as above; companies have no right to accounts",
    "fk__consent__bank_id": "names a bank; every bank is listed for every company",
    "fk__consent__bank_id_request_id": "the worker alone writes it",
    "fk__access_log__consent_id_tenant_id_bank_id": "all three parties, whatever the order",
    "fk__metric_value__code_version": "the list of figures is the same for everybody",
}
"""Foreign keys without `tenant_id`, or not beginning with it."""

KIND_RIGHTS = {"SELECT", "INSERT", "UPDATE", "DELETE"}
BARE_CALL = re.compile(r"(?<!SELECT )\bctx\.\w+\(\)")
POLICIES_OF_OWNER = {"lifecycle_move.lifecycle_move_owner": "migrations add moves"}
SUBJECTS_WITHOUT_CONTEXT: dict[str, str] = {
    "place.place_group": "reads group_share_level, whose own policy asks for a seat",
    "place_parent.place_parent_group": "reads place, whose own policies ask for a seat",
    "login_attempt.login_attempt_worker CHECK": "false: the worker writes nothing here",
}
"""Policies that do not ask `ctx` themselves."""

Finder = Callable[[psycopg.Connection], Iterator[str]]


def unforced_tables(connection: psycopg.Connection) -> Iterator[str]:
    """Find tables, partitions too, on which a policy can be passed by."""
    for row in read(
        connection,
        "SELECT relname AS name FROM pg_class WHERE relnamespace = 'portal'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity)",
    ):
        if row.name not in OPEN:
            yield f"{row.name}: ENABLE and FORCE ROW LEVEL SECURITY in the table's own migration"


def tables_without_policy(connection: psycopg.Connection) -> Iterator[str]:
    """Find tables that nobody can use: most likely a forgotten policy."""
    covered = {each.table for each in policies(connection)}
    for name in tables(connection):
        if name not in covered and name not in OPEN:
            yield f"{name}: write a policy for each kind of actor that has to do with it"


def loose_policies(connection: psycopg.Connection) -> Iterator[str]:
    """Find policies to everybody, constant ones, and ones that ask no context."""
    for each in policies(connection):
        label = f"{each.table}.{each.name}"
        strangers = set(each.roles) - set(ROLES)
        if strangers and label not in POLICIES_OF_OWNER:
            yield f"{label}: is TO {', '.join(sorted(strangers))}; name kinds of actor instead"
        for part, text in (("USING", each.using), ("CHECK", each.check)):
            if text is None or label in POLICIES_OF_OWNER:
                continue
            if text == "true":
                yield f"{label}: {part} is constantly true; ask who wants it"
            known = label in SUBJECTS_WITHOUT_CONTEXT or f"{label} {part}" in (
                SUBJECTS_WITHOUT_CONTEXT
            )
            if "ctx." not in text and not known:
                yield f"{label}: {part} asks no context: begin with (SELECT ctx.…())"
            if BARE_CALL.search(text):
                yield f"{label}: {part} calls ctx row by row; write (SELECT ctx.…())"


def roles_with_too_much(connection: psycopg.Connection) -> Iterator[str]:
    """Find kinds and logins that may more than they must."""
    for row in read(
        connection,
        "SELECT rolname AS name, rolcanlogin AS can_login, rolinherit AS inherits,"
        " rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication AS mighty"
        " FROM pg_roles WHERE rolname LIKE 'portal\\_%' ORDER BY 1",
    ):
        if row.mighty:
            yield f"{row.name}: has a right over the cluster; take it away"
        if row.can_login != (row.name in LOGINS):
            yield f"{row.name}: LOGIN is for {' and '.join(LOGINS)} alone"
        if row.can_login and row.inherits:
            yield f"{row.name}: NOINHERIT, or it has every kind's rights at once"
    yield from _memberships(connection)


def _memberships(connection: psycopg.Connection) -> Iterator[str]:
    web = {f"portal_{kind}" for kind in KINDS} - {"portal_worker"}
    allowed = {("portal_login", role) for role in web} | {("portal_jobs", role) for role in ROLES}
    for row in read(
        connection,
        "SELECT m.member::regrole::text AS member, m.roleid::regrole::text AS role,"
        " m.inherit_option AS inherits, m.admin_option AS admin FROM pg_auth_members m"
        " JOIN pg_roles r ON r.oid = m.member"
        " WHERE (r.rolname LIKE 'portal\\_%' OR m.roleid::regrole::text LIKE 'portal\\_%')"
        " AND NOT r.rolsuper",
    ):
        if (row.member, row.role) not in allowed:
            yield f"{row.member} may become {row.role}: revoke it"
        if row.inherits or row.admin:
            yield f"{row.member} has {row.role} WITH INHERIT or ADMIN: SET alone is meant"


def rights_with_too_much(connection: psycopg.Connection) -> Iterator[str]:
    """Find rights on tables beside reading and writing, to others than kinds, or on partitions."""
    partitions = {
        f"portal.{row.name}"
        for row in read(
            connection,
            "SELECT relname AS name FROM pg_class WHERE relispartition"
            " AND relnamespace = 'portal'::regnamespace",
        )
    }
    for row in grant_rows(connection):
        schema = row.name.split(".")[0]
        if row.name in partitions:
            yield f"{row.name}: {row.who} has {row.right_name}; grant on the parent alone"
        if schema == "jobs":
            if row.who != "portal_jobs":
                yield f"{row.name}: {row.who} has {row.right_name}; the queue is portal_jobs' alone"
        elif row.who not in ROLES:
            yield f"{row.name}: {row.who} has {row.right_name}; rights are for kinds of actor"
        elif row.right_name not in KIND_RIGHTS:
            yield f"{row.name}: {row.who} has {row.right_name}; no kind needs it"
    for row in read(
        connection,
        "SELECT n.nspname AS name, r.name AS who FROM pg_namespace n, unnest(%s::text[]) r(name)"
        " WHERE n.nspname IN ('portal', 'ctx', 'jobs', 'public')"
        " AND has_schema_privilege(r.name, n.oid, 'CREATE')",
        [*ROLES, *LOGINS],
    ):
        yield f"{row.who} may make objects in {row.name}: revoke CREATE"


def ways_around(connection: psycopg.Connection) -> Iterator[str]:
    """Find views, definers and rules by which a policy can be passed."""
    for row in read(
        connection,
        "SELECT oid::regclass::text AS name, relkind::text AS kind,"
        " coalesce('security_invoker=true' = ANY (reloptions)"
        "   OR 'security_invoker=on' = ANY (reloptions), false) AS invoker"
        " FROM pg_class WHERE relkind IN ('v', 'm', 'f')"
        " AND relnamespace::regnamespace::text IN ('portal', 'ctx', 'jobs', 'public')",
    ):
        if row.kind == "m":
            yield f"{row.name}: a materialised view knows no policies; make it a table"
        elif row.kind == "f":
            yield f"{row.name}: a foreign table is beyond our policies"
        elif not row.invoker:
            yield f"{row.name}: WITH (security_invoker = true)"
    for row in read(
        connection,
        "SELECT n.nspname || '.' || p.proname || '(' || ("
        "   SELECT coalesce(string_agg(tn.nspname || '.' || ltrim(t.typname, '_')"
        "     || CASE WHEN t.typcategory = 'A' THEN '[]' ELSE '' END, ', '), '')"
        "   FROM unnest(p.proargtypes) a JOIN pg_type t ON t.oid = a"
        "   JOIN pg_namespace tn ON tn.oid = t.typnamespace) || ')' AS name"
        " FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema')",
    ):
        if row.name not in DEFINERS:
            yield f"{row.name}: SECURITY DEFINER leaves the policies; do without"
    for row in read(
        connection,
        "SELECT ev_class::regclass::text AS name FROM pg_rewrite r JOIN pg_class c"
        " ON c.oid = r.ev_class WHERE r.rulename <> '_RETURN'"
        " AND c.relnamespace::regnamespace::text IN ('portal', 'jobs')",
    ):
        yield f"{row.name}: no rules; they run with the owner's rights"


def telling_keys(connection: psycopg.Connection) -> Iterator[str]:
    """Find keys whose refusal tells a company that another's row exists."""
    for row in read(
        connection,
        "SELECT coalesce(k.conname, i.relname) AS name, c.relname AS table_name,"
        " ARRAY(SELECT a.attname::text FROM unnest(x.indkey) WITH ORDINALITY u(n, o)"
        "   JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.n ORDER BY o) AS columns"
        " FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i"
        " ON i.oid = x.indexrelid LEFT JOIN pg_constraint k ON k.conindid = i.oid"
        "   AND k.contype IN ('p', 'u')"
        " WHERE x.indisunique AND NOT c.relispartition"
        " AND c.relnamespace = 'portal'::regnamespace",
    ):
        alone = list(row.columns) == ["id"]
        if not alone and row.columns[:1] != ["tenant_id"] and row.name not in KEYS:
            yield f"{row.table_name}: {row.name} begins with {row.columns[:1]}; put tenant_id first"
    for table in tables(connection).values():
        for key in table.foreign_keys:
            itself = key.target == "tenant" and key.columns == ("tenant_id",)
            paired = key.columns[:1] == ("tenant_id",) and key.target_columns[0] in (
                "tenant_id",
                "id" if key.target == "tenant" else "tenant_id",
            )
            if not (itself or paired) and key.name not in FOREIGN_KEYS:
                yield f"{table.name}: {key.name} must begin with tenant_id on both sides"


def slow_types(connection: psycopg.Connection) -> Iterator[str]:
    """Find types that are not leakproof where an index would have to go around a policy."""
    for row in read(
        connection,
        "SELECT t.typname AS name FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace"
        " WHERE t.typtype = 'e' AND n.nspname IN ('portal', 'ctx')",
    ):
        yield f"{row.name}: no enum; text and a CHECK"
    for row in read(
        connection,
        "SELECT i.relname AS name, a.attname AS column_name, t.typname AS type"
        " FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid"
        " JOIN pg_class i ON i.oid = x.indexrelid"
        " JOIN pg_attribute a ON a.attrelid = i.oid JOIN pg_type t ON t.oid = a.atttypid"
        " WHERE c.relnamespace = 'portal'::regnamespace AND NOT c.relispartition"
        " AND (t.typname IN ('numeric', 'jsonb') OR t.typcategory IN ('A', 'R'))",
    ):
        yield f"{row.name}: {row.column_name} is {row.type}, which no index finds beside a policy"


FINDERS: tuple[Finder, ...] = (
    unforced_tables,
    tables_without_policy,
    loose_policies,
    roles_with_too_much,
    rights_with_too_much,
    ways_around,
    telling_keys,
    slow_types,
)
