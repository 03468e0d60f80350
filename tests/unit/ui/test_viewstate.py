"""A board's address says what it shows."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.ui.periods import Comparison, Period
from portal.ui.viewstate import Grain, ViewState

NODE = UUID("00000000-0000-7000-8000-000000000042")
words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=40)


@st.composite
def views(draw: st.DrawFn) -> ViewState:
    period = draw(st.sampled_from(Period))
    first = last = None
    if period is Period.CUSTOM:
        first = draw(st.dates(date(2000, 1, 1), date(2098, 12, 31)))
        last = first + timedelta(days=draw(st.integers(0, 365)))
    return ViewState(
        node=draw(st.none() | st.uuids()),
        period=period,
        first=first,
        last=last,
        grain=draw(st.sampled_from(Grain)),
        compare=draw(st.sampled_from(Comparison)),
        metric=draw(words),
        sort=draw(words),
        cursor=draw(words),
    )


@given(views())
def test_what_is_written_is_read_back(view):
    assert ViewState.from_query(view.to_query()) == view
    assert ViewState.from_query("?" + view.to_query()).ignored == ()


@given(st.text(max_size=200))
def test_no_address_makes_it_fail(query):
    view = ViewState.from_query(query)
    assert ViewState.from_query(view.to_query()) == view


def test_the_default_view_has_an_empty_query():
    assert ViewState().to_query() == ""
    assert ViewState().href("/boards/tenant/company") == "/boards/tenant/company"


def test_keys_are_sorted_so_equal_views_have_equal_addresses():
    query = ViewState(node=NODE, metric="oee", compare=Comparison.LAST_YEAR).to_query()
    assert query == f"compare=last_year&metric=oee&node={NODE}"


@pytest.mark.parametrize(
    ("query", "ignored"),
    [
        ("node=1", ("node",)),
        ("period=fortnight", ("period",)),
        ("period=custom&first=2026-11-02", ("period",)),
        ("period=custom&first=2026-11-02&last=2026-11-01", ("period",)),
        ("period=custom&first=2020-01-01&last=2026-11-01", ("period",)),
        ("period=custom&first=02/11/26&last=2026-11-05", ("first", "period")),
        ("grain=second&compare=never", ("grain", "compare")),
        (f"metric={'x' * 201}", ("metric",)),
    ],
)
def test_a_bad_value_becomes_the_default_and_is_named(query, ignored):
    view = ViewState.from_query(query)
    assert view == ViewState()
    assert view.ignored == ignored


def test_another_period_forgets_the_days_and_a_change_the_place_in_the_list():
    view = ViewState(
        period=Period.CUSTOM, first=date(2026, 11, 1), last=date(2026, 11, 2), cursor="c"
    )
    assert view.with_(period=Period.TODAY) == ViewState(period=Period.TODAY)
    assert view.with_(node=NODE).cursor == ""
