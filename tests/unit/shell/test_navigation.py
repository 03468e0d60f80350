"""The navigation shows what opens, and nothing else."""

import pytest

from kernel.actor import PEOPLE
from portal.shell.navigation import ITEMS, MOST_AT_TOP, OWN, Item, entries
from portal.shell.words import OPERATION_TITLES, failure_sentence, operation_title

TREE = (Item("/a", "A", "home", (Item("/a", "A"), Item("/a/b", "B"))), Item("/c", "C"))


def test_an_entry_whose_page_does_not_open_is_not_there():
    assert [entry.href for entry in entries(TREE, {"/c"}.__contains__)] == ["/c"]
    assert entries(TREE, lambda path: False) == ()


def test_a_subject_leads_to_the_first_of_its_pages_that_opens():
    (shown,) = entries(TREE, {"/a/b"}.__contains__)
    assert (shown.label, shown.href) == ("A", "/a/b")


def test_a_list_of_one_page_is_not_shown():
    (shown,) = entries(TREE, {"/a"}.__contains__)
    assert shown.children == ()


@pytest.mark.parametrize("kind", PEOPLE)
def test_everybody_has_a_short_navigation(kind):
    found = entries(ITEMS[kind], lambda path: True)
    assert 0 < len(found) <= MOST_AT_TOP
    paths = [each.path for item in (*ITEMS[kind], *OWN) for each in (item, *item.below)]
    assert all(path.startswith("/") and not path.endswith("/") for path in paths)


def test_a_failure_is_told_in_words():
    assert "worker" in failure_sentence("worker_lost")
    assert "not yours" in failure_sentence("not_found")
    assert failure_sentence("no.such") == "no.such"
    assert operation_title("no.such") == "no.such"
    assert operation_title(next(iter(OPERATION_TITLES)))
