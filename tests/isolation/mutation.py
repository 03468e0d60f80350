"""T4: bend one policy or drop one trigger, and ask whether the row suite notices."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from tests.isolation import guards
from tests.isolation.catalogue import Policy, Trigger, policies, triggers
from tests.isolation.leaks import find_leaks, undone

EQUIVALENT = Path(__file__).with_name("equivalent.txt")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change for the worse; `kinds` are the kinds of actor it can concern, None for all."""

    name: str
    table: str
    statement: sql.Composed
    kinds: frozenset[str] | None


def mutants(connection: psycopg.Connection) -> Iterator[Mutant]:
    """Yield every policy with USING, then with CHECK become `true`, and every trigger dropped."""
    for policy in policies(connection):
        for part, text in (("USING", policy.using), ("CHECK", policy.check)):
            if text is not None:
                yield _bend(policy, part)
    yield from map(_drop, triggers(connection))


def _bend(policy: Policy, part: str) -> Mutant:
    word = "USING" if part == "USING" else "WITH CHECK"
    statement = sql.SQL("ALTER POLICY {} ON portal.{} {} (true)").format(
        sql.Identifier(policy.name), sql.Identifier(policy.table), sql.SQL(word)
    )
    kinds = frozenset(role.removeprefix("portal_") for role in policy.roles)
    return Mutant(f"{policy.table}.{policy.name} {part}", policy.table, statement, kinds)


def _drop(trigger: Trigger) -> Mutant:
    statement = sql.SQL("DROP TRIGGER {} ON {}").format(
        sql.Identifier(trigger.name), sql.Identifier(trigger.schema, trigger.table)
    )
    return Mutant(f"{trigger.table}.{trigger.name} dropped", trigger.table, statement, frozenset())


def is_noticed(connection: psycopg.Connection, mutant: Mutant) -> bool:
    """Say whether the suite reports a leak while the mutant lives."""
    with undone(connection):
        connection.execute(mutant.statement)
        if mutant.table == "procrastinate_jobs":
            return bool(guards.find_forged_askers(connection))
        return bool(find_leaks(connection, [mutant.table], kinds=mutant.kinds, at_most=1))


def equivalents() -> dict[str, str]:
    """Return the mutants that change nothing, each with its reason: `name: reason` a line."""
    lines = EQUIVALENT.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(": ") for line in lines if line and not line.startswith("#"))
    return {name: reason for name, _, reason in pairs}
