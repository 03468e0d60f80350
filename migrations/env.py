"""Run the revisions: as portal_owner, one at a time in the cluster, with short locks.

`kernel/migrate.py` hands over an open connection; there is no other way to run them.
"""

from alembic import context
from sqlalchemy import Connection, text

connection: Connection = context.config.attributes["connection"]

connection.execute(text("SELECT pg_advisory_xact_lock(4711, 1)"))
connection.execute(text("SET LOCAL ROLE portal_owner"))
connection.execute(text("SET LOCAL search_path = portal, ctx, jobs"))
connection.execute(text("SET LOCAL lock_timeout = '4s'"))
connection.execute(text("SET LOCAL statement_timeout = '5s'"))
context.configure(connection=connection, version_table_schema="portal")
with context.begin_transaction():
    context.run_migrations()
