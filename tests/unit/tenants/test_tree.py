from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from kernel.ids import PlaceId
from tenants.tree import Tree


def place(number):
    return PlaceId(UUID(int=number))


COMPANY, SITE, LINE, UNIT, OTHER_SITE, OTHER_LINE = (place(n) for n in range(1, 7))
TREE = Tree(
    {COMPANY: None, SITE: COMPANY, LINE: SITE, UNIT: LINE, OTHER_SITE: COMPANY,
     OTHER_LINE: OTHER_SITE}
)  # fmt: skip


@st.composite
def trees(draw):
    size = draw(st.integers(1, 30))
    parents = {place(1): None}
    for number in range(2, size + 1):
        parents[place(number)] = place(draw(st.integers(1, number - 1)))
    return Tree(parents)


def test_the_path_leads_from_the_company_down():
    assert TREE.path(UNIT) == (COMPANY, SITE, LINE, UNIT)


def test_a_grant_holds_at_its_place_and_below():
    assert TREE.reach({SITE}) == {SITE, LINE, UNIT}


def test_a_grant_does_not_hold_above_or_beside():
    assert not TREE.covers({LINE}, SITE)
    assert not TREE.covers({SITE}, OTHER_LINE)


def test_a_place_that_the_tree_does_not_know_reaches_nothing():
    assert TREE.reach({place(99)}) == frozenset()


def test_a_parent_that_is_not_seen_begins_the_path_below_it():
    shared = Tree({LINE: SITE, UNIT: LINE})
    assert shared.path(UNIT) == (LINE, UNIT)


@given(trees(), st.data())
def test_reach_and_covers_say_the_same(tree, data):
    granted = data.draw(st.sets(st.sampled_from(sorted(tree.parents)), max_size=3))
    reach = tree.reach(granted)
    assert {each for each in tree.parents if tree.covers(granted, each)} == reach


@given(trees())
def test_the_top_reaches_everything(tree):
    assert tree.reach({place(1)}) == set(tree.parents)
