"""T4: each policy and trigger is needed, and the row suite would notice its loss."""

import psycopg
import pytest

from tests.isolation.mutation import equivalents, is_noticed, mutants


def test_every_weakening_is_noticed(world_admin: psycopg.Connection) -> None:
    allowed = equivalents()
    found = list(mutants(world_admin))
    unseen = [each.name for each in found if not is_noticed(world_admin, each)]
    assert len(found) > 150
    if sorted(unseen) != sorted(allowed):
        pytest.fail(
            "The row suite does not notice when these are gone. Give it rows or a viewer that show"
            " it; only what cannot change any answer goes into equivalent.txt, with its reason:\n"
            f"unnoticed: {sorted(set(unseen) - set(allowed))}\n"
            f"listed, but noticed or gone: {sorted(set(allowed) - set(unseen))}",
            pytrace=False,
        )


def test_every_equivalent_has_a_reason() -> None:
    assert all(len(reason.split()) > 3 for reason in equivalents().values())
    assert len(equivalents()) <= 12, "a growing list is a suite that looks away"


def test_a_mutant_of_a_needed_policy_is_noticed(world_admin: psycopg.Connection) -> None:
    by_name = {each.name: each for each in mutants(world_admin)}
    assert is_noticed(world_admin, by_name["place.place_own USING"])
    assert is_noticed(world_admin, by_name["procrastinate_jobs.stamp_asker dropped"])
