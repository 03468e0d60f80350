"""The audit log: every act that the program can write has words for those who read it."""

import ast
import re
from collections.abc import Iterator

from portal.credit.lifecycle import ConsentState
from tenants.audit_words import ACTIONS
from tests.architecture.sources import Source, dotted, sources

ACT = re.compile(r"(tenants|production|credit)\.[a-z_]+\.[a-z_-]+")
BORN_SO = (ConsentState.REQUESTED, ConsentState.DRAFT)
"""States that a consent begins in: `credit.consent.ask` and `.draft` are those acts."""


def acts_in(source: Source) -> Iterator[str]:
    """Yield the acts that a file names; none where it writes nothing to the log."""
    calls = (node for node in ast.walk(source.tree) if isinstance(node, ast.Call))
    if any(dotted(call.func) == "audit.record" for call in calls):
        yield from (text for text in texts_in(source) if ACT.fullmatch(text))


def texts_in(source: Source) -> Iterator[str]:
    """Yield every text that stands in a file."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_act_has_words():
    written = {act for source in sources() for act in acts_in(source)}
    written |= {f"credit.consent.{state}" for state in ConsentState if state not in BORN_SO}
    assert written - ACTIONS.keys() == set()
    assert len(written) > 30


def test_an_act_without_words_is_found():
    planted = Source("planted.py", 'audit.record(work, "production.unit.paint", "unit", unit_id)')
    assert list(acts_in(planted)) == ["production.unit.paint"]
    assert "production.unit.paint" not in ACTIONS


def test_words_are_of_acts_that_exist():
    named = {
        text
        for source in sources()
        if source.name != "tenants/audit_words.py"
        for text in texts_in(source)
    }
    states = {f"credit.consent.{state}" for state in ConsentState}
    assert ACTIONS.keys() - named - states == set()
