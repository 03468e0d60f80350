from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from portal.production.lines import Line, read_fields
from portal.production.placing import Days, Doorplate, StateRow, fact_id, place_lines

NOW = datetime(2026, 11, 24, 0, 5, tzinfo=UTC)
PLATE = Doorplate(
    unit_id="0" * 31 + "1",
    zone=ZoneInfo("Asia/Shanghai"),
    day_start=time(8),
    state_words={"RUN": "producing"},
    items=frozenset({"exec"}),
)
UNITS = {"L1-01": PLATE}


def make_line(no=1, *, minutes=-60.0, k="state", unit="L1-01", **fields):
    at = (NOW + timedelta(minutes=minutes)).isoformat()
    found = read_fields(no, {"k": k, "unit": unit, "at": at} | fields)
    assert isinstance(found, Line)
    return found


def test_a_units_own_word_is_translated_once_on_the_way_in():
    placed = place_lines([make_line(state="RUN")], UNITS, received_at=NOW)
    assert [fact.value for _, fact in placed.facts] == ["producing"]


def test_energy_is_stored_in_kwh_whatever_the_meter_sends():
    lines = [
        make_line(1, k="meter", v=1.5, uom="MWh", meter="a"),
        make_line(2, k="meter", v=500, uom="Wh", meter="b"),
        make_line(3, k="meter", v=3.6, uom="MJ", meter="c"),
    ]
    placed = place_lines(lines, UNITS, received_at=NOW)
    assert [round(fact.kwh, 6) for _, fact in placed.facts] == [1500.0, 0.5, 1.0]


def test_a_report_that_ends_in_the_future_waits():
    until = (NOW + timedelta(hours=1)).isoformat()
    placed = place_lines([make_line(state="idle", until=until)], UNITS, received_at=NOW)
    assert [(a.code, a.field) for a in placed.aside] == [("E-CLOCK", "until")]


def test_several_values_of_an_item_may_stand_at_one_moment():
    lines = [make_line(1, k="event", item="exec", v="UNAVAILABLE"),
             make_line(2, k="event", item="exec", v="ACTIVE")]  # fmt: skip
    placed = place_lines(lines, UNITS, received_at=NOW)
    assert len(placed.facts) == 2
    assert placed.aside == []


def test_a_line_in_quarantine_is_kept_whole():
    line = make_line(state="idle", unit="L9", reason="机械")
    (aside,) = place_lines([line], UNITS, received_at=NOW).aside
    assert '"reason":"机械"' in aside.raw
    assert '"unit":"L9"' in aside.raw


WORDS = st.sampled_from(["producing", "idle", "RUN", "down", "flying"])


@given(
    st.lists(st.tuples(st.integers(-600, 0), WORDS, st.sampled_from(["L1-01", "L9"])), max_size=30)
)
def test_every_line_is_a_fact_repeated_or_aside(told):
    lines = [make_line(no, minutes=m, state=w, unit=u) for no, (m, w, u) in enumerate(told, 1)]
    placed = place_lines(lines, UNITS, received_at=NOW)
    assert len(placed.facts) + placed.repeated + len(placed.aside) == len(lines)
    assert len({fact.id for _, fact in placed.facts}) == len(placed.facts)


@given(st.text(max_size=8), st.text(max_size=8))
def test_the_id_of_a_fact_tells_its_parts_apart(one, other):
    if "\x1f" not in one + other:
        assert (fact_id(one, other) == fact_id(other, one)) == (one == other)


def state_row(at, ended_at=None):
    return StateRow(PLATE.unit_id, at, fact_id(at), "state", "idle", ended_at)


def test_facts_touch_the_production_days_that_they_lie_on():
    days = Days([PLATE])
    before = state_row(datetime(2026, 11, 23, 23, 59, tzinfo=UTC))
    after = state_row(datetime(2026, 11, 24, 0, 0, tzinfo=UTC))
    assert days.touched([before, after]) == {
        (PLATE.unit_id, date(2026, 11, 23)),
        (PLATE.unit_id, date(2026, 11, 24)),
    }


def test_a_report_over_several_days_touches_them_all():
    row = state_row(datetime(2026, 11, 20, 3, tzinfo=UTC), datetime(2026, 11, 22, 3, tzinfo=UTC))
    assert sorted(day.day for _, day in Days([PLATE]).touched([row])) == [20, 21, 22]


def test_what_is_older_than_the_window_tells_of_its_first_day():
    window = (datetime(2026, 11, 20, 3, tzinfo=UTC), NOW)
    row = state_row(datetime(2026, 3, 1, tzinfo=UTC))
    assert [day for _, day in Days([PLATE]).touched([row], window)] == [date(2026, 11, 20)]
