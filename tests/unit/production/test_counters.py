from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from portal.production.counters import (
    Booking,
    Counter,
    Doubt,
    Flag,
    Reading,
    Stretch,
    count,
    place_scrap,
    spread,
)

START = datetime(2026, 11, 23, tzinfo=UTC)


def readings(*values, every=600):
    return [Reading(START + timedelta(seconds=every * i), v) for i, v in enumerate(values)]


def booked(*values, **more):
    return [(b.quantity, b.flag) for b in count(readings(*values), **more).bookings]


def test_the_first_reading_only_tells_where_the_counter_stands():
    assert booked(500) == []


def test_a_rising_counter_books_the_differences():
    assert booked(500, 503, 503, 510) == [(3, None), (7, None)]


def test_a_zero_at_power_on_is_a_transient():
    assert booked(500, 0, 504, 0, 0, 506) == [(4, None), (2, None)]


def test_a_confirmed_reset_books_what_was_made_since():
    assert booked(500, 0, 6, 9) == [(6, Flag.RESET), (3, None)]


def test_a_reset_that_is_first_seen_at_a_few_pieces_books_them_too():
    assert booked(500, 4, 9) == [(9, Flag.RESET)]


def test_zeros_wait_until_one_piece_confirms_the_reset():
    assert booked(500, 0, 0, 0, 2) == [(2, Flag.RESET)]


@pytest.mark.parametrize("second", [450, 451, 499])
def test_a_counter_set_back_waits_for_a_person(second):
    counted = count(readings(500, 450, second))
    assert counted.bookings == ()
    assert [d.code for d in counted.doubted] == [Doubt.BACK]


def test_a_bad_reading_costs_nothing_once_the_counter_shows_more_again():
    counted = count(readings(500, 450, 450, 505))
    assert [b.quantity for b in counted.bookings] == [5]


def test_a_person_can_confirm_the_new_level():
    confirmed = Reading(START + timedelta(hours=1), 450.0, baseline=True)
    later = Reading(START + timedelta(hours=2), 460.0)
    assert count([*readings(500, 450, 450), confirmed, later]).quantity == 10


def test_a_declared_modulus_rolls_over():
    assert booked(9995, 3, 8, modulus=10_000) == [(8, Flag.ROLLOVER), (5, None)]


def test_without_a_modulus_the_same_is_a_reset():
    assert booked(9995, 3, 8) == [(8, Flag.RESET)]


@pytest.mark.parametrize(("pieces", "doubts"), [(12, 0), (13, 1)])
def test_more_than_twice_the_pace_is_not_believed(pieces, doubts):
    counted = count(readings(0, 1, 1 + pieces), pri_s=lambda product: 100.0)
    assert len(counted.doubted) == doubts


def test_a_jump_is_not_asked_for_without_a_planned_run_time():
    assert booked(0, 5000, pri_s=lambda product: None) == [(5000, None)]


def test_after_a_jump_the_true_value_counts():
    counted = count(readings(10, 12, 99_999, 15), pri_s=lambda product: 200.0)
    assert ([b.quantity for b in counted.bookings], len(counted.doubted)) == ([2, 3], 1)


def test_a_slow_item_may_span_many_readings():
    counted = count(readings(3, 4, *[4] * 11, 5), pri_s=lambda product: 7200.0)
    assert (counted.quantity, counted.doubted) == (2, ())


def test_a_counter_that_never_moves_is_no_count_source():
    assert count(readings(0, 0, 0)).quantity is None
    assert count(readings(0, 0, 1)).quantity == 1


VALUES = st.lists(st.integers(0, 400).map(float), max_size=40)


@given(VALUES, st.integers(0, 40), st.randoms(use_true_random=False))
def test_order_and_cut_do_not_matter(values, cut, shuffle):
    series = readings(*values)
    whole = count(series)
    first = count(series[:cut])
    second = count(series[cut:], counter=first.counter)
    assert (first.bookings + second.bookings, second.counter) == (whole.bookings, whole.counter)
    shuffle.shuffle(series)
    assert count([*series, *series]).bookings == whole.bookings


@given(VALUES)
def test_nothing_negative_is_ever_booked(values):
    assert all(b.quantity > 0 for b in count(readings(*values)).bookings)


@given(st.lists(st.integers(0, 30), min_size=2, max_size=30), st.sets(st.integers(1, 28)))
def test_false_zeros_change_nothing(steps, zeros):
    true = [1000 + sum(steps[: i + 1]) for i in range(len(steps))]
    shown = [0 if i in zeros and i < len(true) - 1 else v for i, v in enumerate(true)]
    assert sum(q for q, _ in booked(*shown)) == true[-1] - true[0]


def stretch(hour, producing, unknown=0.0):
    return Stretch(START + timedelta(hours=hour), producing, unknown)


def booking(quantity, hours=3):
    return Booking(START, START + timedelta(hours=hours), quantity)


def test_pieces_are_laid_over_producing_seconds_and_stay_whole():
    pieces = list(
        spread(booking(10), [stretch(1, 3600), stretch(2, 1200), stretch(3, 2400)], heartbeat_s=60)
    )
    assert [p.quantity for p in pieces] == [5, 2, 3]
    assert {p.flag for p in pieces} == {Flag.SPREAD}


def test_a_short_span_is_booked_at_the_reading():
    short = Booking(START, START + timedelta(seconds=60), 2)
    pieces = list(spread(short, [stretch(0.01, 30)], heartbeat_s=60))
    assert [(p.at, p.quantity, p.flag) for p in pieces] == [(short.at, 2, None)]


def test_what_was_made_in_unknown_time_is_a_gap_at_the_reading():
    pieces = list(spread(booking(9), [stretch(1, 0, 3600), stretch(2, 0, 3600)], heartbeat_s=60))
    assert [(p.at, p.quantity, p.gap) for p in pieces] == [(booking(9).at, 9, True)]


def test_a_gap_takes_no_more_than_it_can_hold():
    pieces = list(spread(booking(1), [stretch(1, 40, 60)], heartbeat_s=60, pri_s=100.0))
    assert [(p.quantity, p.gap) for p in pieces] == [(1, False)]


@given(
    st.integers(1, 500),
    st.lists(st.tuples(st.floats(0, 3600), st.floats(0, 3600)), min_size=1, max_size=30),
)
def test_no_piece_is_lost_or_divided(quantity, seconds):
    stretches = [stretch(i, producing, unknown) for i, (producing, unknown) in enumerate(seconds)]
    pieces = list(spread(booking(quantity), stretches, heartbeat_s=60))
    assert sum(p.quantity for p in pieces) == quantity
    assert all(p.quantity == int(p.quantity) > 0 for p in pieces)


@given(
    st.floats(0.001, 500),
    st.lists(st.floats(0, 3600), min_size=1, max_size=30),
)
def test_no_measure_is_lost(quantity, seconds):
    assume(sum(seconds) > 1)
    pieces = spread(
        booking(quantity), [stretch(i, s) for i, s in enumerate(seconds)], heartbeat_s=60
    )
    assert sum(p.quantity for p in pieces) == pytest.approx(quantity, rel=1e-9)


def test_scrap_is_taken_off_the_hour_that_made_the_piece():
    placed = place_scrap({0: 10, 1: 0, 2: 5}, {1: 2, 2: 6}, buckets=4)
    assert (placed.scrap, placed.left, placed.lost) == ([3, 0, 5, 0], [7, 0, 0, 0], 0)


def test_scrap_without_a_piece_is_told():
    assert place_scrap({0: 1}, {0: 3}, buckets=2).lost == 2


@given(
    st.dictionaries(st.integers(0, 23), st.integers(0, 50)),
    st.dictionaries(st.integers(0, 23), st.integers(0, 50)),
)
def test_scrap_never_exceeds_what_was_made(made, scrap):
    placed = place_scrap(made, scrap, buckets=24)
    assert all(0 <= placed.scrap[i] <= made.get(i, 0) for i in range(24))
    assert sum(placed.scrap) + placed.lost == sum(scrap.values())


def test_of_kilograms_nothing_below_zero_is_left():
    # Three times 0.1 is more than 0.3, by a hair.
    assert 0.1 + 0.1 + 0.1 > 0.3
    placed = place_scrap({0: 0.3}, {0: 0.1, 1: 0.1, 2: 0.1}, buckets=3)
    assert placed.left[0] >= 0


@given(st.lists(st.floats(0, 1e6), max_size=24), st.lists(st.floats(0, 1e6), max_size=24))
def test_whatever_is_weighed_what_is_left_is_not_negative(made, scrap):
    placed = place_scrap(dict(enumerate(made)), dict(enumerate(scrap)), buckets=24)
    assert min(placed.left) >= 0
    assert min(placed.scrap) >= 0
    assert sum(placed.left) == pytest.approx(sum(made) - sum(placed.scrap), abs=1e-6)


def test_a_checkpoint_needs_nothing_else_of_the_past():
    checkpoint = count(readings(500, 0)).counter
    assert isinstance(checkpoint, Counter)
    late = [Reading(START + timedelta(hours=5), 506.0)]
    assert count(late, counter=checkpoint).quantity == 6
