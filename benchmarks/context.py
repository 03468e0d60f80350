"""What role, ids and read-only cost a transaction, against the same query without them.

The difference of the two p95 is taken in ten rounds, and its median is the figure: a burst of
other work on the machine falls into one round and onto both sides of it.
"""

from statistics import median
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from benchmarks.stage import stage
from benchmarks.table import Line, in_turn, p95
from kernel.actor import Actor, Kind
from kernel.db import Database
from kernel.ids import PersonId, TenantId, new_id

QUERY: Final = text("SELECT 1")
ROUNDS: Final = 10
PAIRS: Final = 200  # a round
PROMISED_MS: Final = 0.2


def run() -> list[Line]:
    """Time ten rounds of 200 pairs of transactions."""
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

        rounds = [in_turn(with_context, without, runs=PAIRS) for _ in range(ROUNDS)]
        database.dispose()
    ours_ms = median(p95(ours) for ours, _ in rounds) * 1000
    bare_ms = median(p95(bare) for _, bare in rounds) * 1000
    extra_ms = median(p95(ours) - p95(bare) for ours, bare in rounds) * 1000
    return [
        Line(
            "context per transaction, p95",
            f"{ours_ms:.3f} ms ({extra_ms:+.3f})",
            f"without {bare_ms:.3f} ms",
            f"{ours_ms / bare_ms:.2f} x",
            f"<= {PROMISED_MS:+} ms",
            extra_ms <= PROMISED_MS,
        )
    ]
