import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.production.lines import LONGEST_LINE, MOST_LINES, Line, read_body, read_line

STATE = {"k": "state", "unit": "L1-01", "at": "2026-11-23T01:00:00Z", "state": "idle"}
COUNT = {"k": "count", "unit": "L1-01", "at": "2026-11-23T01:00:00Z", "counter": 5}
METER = {"k": "meter", "unit": "L1-01", "at": "2026-11-23T01:00:00Z", "v": 5, "uom": "kWh"}


def problems(line):
    found = read_line(1, json.dumps(line))
    assert not isinstance(found, Line)
    return [(each.field, each.code) for each in found]


@pytest.mark.parametrize(
    "line",
    [
        STATE,
        STATE | {"reason": "mechanical", "until": "2026-11-23T02:00:00+08:00", "at": STATE["at"]},
        COUNT,
        COUNT | {"kind": "scrap", "product": "A-17"},
        METER,
        METER | {"kind": "interval", "over_s": 900, "meter": "m1", "carrier": "steam"},
        {"k": "alive", "unit": "L1-01", "at": "2026-11-23T01:00:00Z"},
        {"k": "event", "unit": "M1", "at": "2026-11-23T01:00:00Z", "item": "exec", "v": ""},
    ],
)
def test_a_sound_line_is_read(line):
    if "until" in line:
        line = line | {"until": "2026-11-23T02:00:00Z"}
    found = read_line(7, json.dumps(line))
    assert isinstance(found, Line)
    assert (found.no, found.unit, found.at.utcoffset().total_seconds()) == (7, line["unit"], 0)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (STATE | {"at": "2026-11-23T01:00:00"}, ("at", "not_a_moment")),
        (STATE | {"at": 1763859600}, ("at", "not_a_moment")),
        (STATE | {"at": "0001-01-01T00:00:00+14:00"}, ("at", "not_a_moment")),
        (STATE | {"unit": ""}, ("unit", "length")),
        (STATE | {"unit": 5}, ("unit", "not_text")),
        (STATE | {"state": "\ud800"}, ("state", "not_text")),
        (STATE | {"state": "a\x00b"}, ("state", "control_character")),
        (STATE | {"until": "2026-11-22T01:00:00Z"}, ("until", "ends_before_start")),
        (STATE | {"until": "2027-11-22T01:00:00Z"}, ("until", "longer_than_a_month")),
        (STATE | {"tenant_id": "x"}, ("tenant_id", "unknown_field")),
        (COUNT | {"counter": True}, ("counter", "not_a_number")),
        (COUNT | {"counter": "5"}, ("counter", "not_a_number")),
        (COUNT | {"counter": -1}, ("counter", "negative")),
        (COUNT | {"counter": 10**400}, ("counter", "not_finite")),
        (COUNT | {"qty": 3}, ("counter", "counter_or_qty")),
        (COUNT | {"kind": "lost"}, ("kind", "unknown_word")),
        (METER | {"kind": "interval"}, ("over_s", "missing")),
        (METER | {"over_s": 0}, ("over_s", "not_positive")),
        ([1], ("line", "not_an_object")),
        ({"k": ["state"]}, ("k", "unknown_word")),
    ],
)
def test_what_is_wrong_is_named(line, expected):
    assert expected in problems(line)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999"])
def test_no_number_beyond_json_is_taken(text):
    line = json.dumps(COUNT).replace("5}", text + "}")
    assert not isinstance(read_line(1, line), Line)


def test_empty_lines_are_passed_over_but_counted():
    body = b"\n" + json.dumps(STATE).encode() + b"\n\nnonsense\n"
    lines, found = read_body(body)
    assert [line.no for line in lines] == [2]
    assert [(p.line, p.code) for p in found] == [(4, "not_json")]


def test_a_body_is_limited_in_lines_and_a_line_in_length():
    assert read_body(b"\n" * (MOST_LINES + 1))[1][0].code == "too_many_lines"
    assert read_line(1, "x" * (LONGEST_LINE + 1))[0].code == "too_long"


def test_a_body_without_a_line_is_no_batch():
    assert [(p.line, p.code) for p in read_body(b"\n \n")[1]] == [(0, "empty")]


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)


@given(
    kind=st.sampled_from(["state", "count", "meter", "alive", "event", "sample"]),
    fields=st.dictionaries(
        st.sampled_from(
            [
                "unit",
                "at",
                "state",
                "until",
                "reason",
                "counter",
                "qty",
                "kind",
                "product",
                "v",
                "uom",
                "over_s",
                "item",
                "meter",
                "x",
            ]
        ),
        _JSON | st.just("2026-11-23T01:00:00Z") | st.just("idle"),
    ),
)
def test_any_object_is_a_line_or_has_named_problems(kind, fields):
    found = read_line(1, json.dumps({"k": kind} | fields))
    assert isinstance(found, Line) or len(found) > 0


@given(st.binary(max_size=200))
def test_any_bytes_are_answered(body):
    lines, found = read_body(body)
    assert lines or found
