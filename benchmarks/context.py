"""What role, ids and read-only cost a transaction, against the same query without them."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from benchmarks.stage import stage
from benchmarks.table import Line, in_turn, p95
from kernel.actor import Actor, Kind
from kernel.db import Database
from kernel.ids import PersonId, TenantId, new_id

QUERY = text("SELECT 1")


def run() -> list[Line]:
    """Time 2,000 pairs of transactions."""
    actor = Actor(Kind.TENANT, tenant_id=TenantId(new_id()), person_id=PersonId(new_id()))
    with stage() as urls:
        database = Database(urls.web, pool_size=1)

        def with_context() -> None:
            with database.work(actor, read_only=True) as work:
                work.session.scalar(QUERY)

        def without() -> None:
            # The same session, query and commit; only nobody is entered.
            with Session(database.engine, expire_on_commit=False) as session, session.begin():
                session.scalar(QUERY)

        ours, bare = in_turn(with_context, without, runs=2000)
        database.dispose()
    extra_ms = (p95(ours) - p95(bare)) * 1000
    return [
        Line(
            "context per transaction, p95",
            f"{p95(ours) * 1000:.3f} ms",
            f"{p95(bare) * 1000:.3f} ms",
            f"{p95(ours) / p95(bare):.2f} x",
            f"<= +0.2 ms (seen {extra_ms:+.3f})",
            extra_ms <= 0.2,
        )
    ]
