from datetime import UTC, datetime, timedelta

import pytest

from portal.production.clockerror import E_CLOCK, clock_error, is_restated
from portal.production.mtconnect import (
    DataItem,
    DeviceModel,
    ItemEvent,
    counter_readings,
    read_devices,
    read_shdr,
    read_time,
    state_reports,
)

START = datetime(2026, 11, 23, tzinfo=UTC)
MODEL = DeviceModel(
    "M1",
    {
        "exec": DataItem("EXECUTION", "EVENT"),
        "mode": DataItem("CONTROLLER_MODE", "EVENT"),
        "estop": DataItem("EMERGENCY_STOP", "EVENT"),
        "avail": DataItem("AVAILABILITY", "EVENT"),
        "motion": DataItem("MOTION_PROGRAM", "CONDITION"),
        "servo": DataItem("ACTUATOR", "CONDITION"),
        "parts": DataItem("PART_COUNT", "EVENT", "ALL"),
        "bad": DataItem("PART_COUNT", "EVENT", "BAD"),
    },
)
BARE = DeviceModel("M2", {"exec": DataItem("EXECUTION", "EVENT")})


def event(seconds, item, value):
    return ItemEvent(START + timedelta(seconds=seconds), item, value)


def states(*events, model=MODEL):
    return [str(r.state) for r in state_reports(events, model)]


def state_of(model=MODEL, **values):
    return states(*(event(0, item, value) for item, value in values.items()), model=model)[-1]


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({"avail": "AVAILABLE", "mode": "AUTOMATIC"}, "unknown"),
        ({"exec": "UNAVAILABLE", "estop": "TRIGGERED"}, "unknown"),
        ({"exec": "ACTIVE", "mode": "AUTOMATIC", "estop": "TRIGGERED"}, "down"),
        ({"exec": "ACTIVE", "mode": "AUTOMATIC", "avail": "UNAVAILABLE"}, "producing"),
        ({"exec": "ACTIVE", "mode": "MANUAL_DATA_INPUT"}, "setup"),
        ({"exec": "ACTIVE"}, "setup"),
        ({"exec": "ACTIVE", "mode": "AUTOMATIC", "motion": "Fault|7|||x"}, "producing"),
        ({"exec": "INTERRUPTED", "motion": "Fault|7|||x"}, "hold"),
        ({"exec": "FEED_HOLD"}, "hold"),
        ({"exec": "OPTIONAL_STOP"}, "hold"),
        ({"exec": "STOPPED", "servo": "Fault|7|||x"}, "down"),
        ({"exec": "STOPPED", "servo": "Warning|7|||x"}, "idle"),
        ({"exec": "PROGRAM_COMPLETED"}, "idle"),
        ({"exec": "READY", "mode": "AUTOMATIC"}, "idle"),
        ({"exec": " active ", "mode": "Automatic"}, "producing"),
    ],
)
def test_the_first_matching_line_of_the_mapping_wins(values, state):
    assert state_of(**values) == state


def test_a_machine_without_a_mode_item_produces_when_it_is_active():
    assert state_of(BARE, exec="ACTIVE") == "producing"


def test_items_without_a_meaning_to_the_state_make_no_report():
    assert states(event(0, "exec", "READY"), event(1, "parts", "3"), event(2, "lacks", "x")) == [
        "idle"
    ]


def test_unavailable_yields_to_any_other_value_of_the_same_instant():
    assert states(event(0, "exec", "READY"), event(0, "exec", "UNAVAILABLE")) == ["idle"]
    assert states(event(0, "exec", "READY"), event(1, "exec", "UNAVAILABLE")) == [
        "idle",
        "unknown",
    ]


STOPPED = event(0, "exec", "STOPPED")


@pytest.mark.parametrize(
    ("cleared_by", "state"),
    [
        ("Normal||||", "idle"),
        ("Normal|7|||", "down"),
        ("Normal|8|||", "down"),
        ("Unavailable||||", "idle"),
        ("Warning|7|||less bad", "down"),
    ],
)
def test_a_condition_is_cleared_by_its_code_or_all_at_once(cleared_by, state):
    faults = [event(1, "motion", "Fault|7|||a"), event(2, "motion", "Fault|8|||b")]
    assert states(STOPPED, *faults, event(3, "motion", cleared_by))[-1] == state


def test_the_last_fault_cleared_ends_the_stop():
    faults = [event(1, "motion", "Fault|7|||a"), event(2, "motion", "Fault|8|||b")]
    ends = [event(3, "motion", "Normal|7|||"), event(4, "motion", "Normal|8|||")]
    assert states(STOPPED, *faults, *ends) == ["idle", "down", "idle"]


def test_conditions_of_two_items_are_cleared_apart():
    events = [event(1, "motion", "Fault|7|||a"), event(2, "servo", "Normal||||")]
    assert states(STOPPED, *events)[-1] == "down"


def test_a_fault_of_the_instant_of_its_clearing_stands():
    events = [event(1, "motion", "Fault|7|||a"), event(1, "motion", "Normal||||")]
    assert states(STOPPED, *events)[-1] == "down"


def test_adapter_lines_carry_several_items_and_conditions_seven_fields():
    text = (
        "2026-11-23T00:00:00Z|exec|READY|mode|AUTOMATIC\r\n"
        "* PONG 10000\n"
        "\n"
        "2026-11-23T00:00:01.5Z|motion|Fault|7|1|HIGH|TOO FAR\n"
        "2026-11-23T00:00:02Z|note|\n"
    )
    events, faulty = read_shdr(text, MODEL)
    assert [(e.item, e.value) for e in events] == [
        ("exec", "READY"),
        ("mode", "AUTOMATIC"),
        ("motion", "Fault|7|1|HIGH|TOO FAR"),
        ("note", ""),
    ]
    assert faulty == []


def test_every_faulty_line_is_named_and_the_others_stand():
    text = "yesterday|exec|READY\n2026-11-23T00:00:00Z|exec\n2026-11-23T00:00:00Z|exec|READY\n"
    events, faulty = read_shdr(text, MODEL)
    assert len(events) == 1
    assert [(f.line, f.code) for f in faulty] == [(1, "E-LINE"), (2, "E-LINE")]


def test_times_without_zone_are_utc_and_seven_digits_are_read():
    assert read_time("2002-01-01T04:11:02.7968750Z").microsecond == 796_875
    assert read_time("2026-11-23T08:00:00") == datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert read_time("2026-11-23T08:00:00+08:00") == START


DEVICES = """<?xml version='1.0'?>
<MTConnectDevices xmlns='urn:mtconnect.org:MTConnectDevices:1.3'><Devices>
<Device name='M1' id='d1'><DataItems>
<DataItem type='EXECUTION' category='EVENT' id='d1_1' name='exec'/>
<DataItem type='PART_COUNT' category='EVENT' id='d1_2' subType='ALL'/>
</DataItems></Device></Devices></MTConnectDevices>"""


def test_items_are_found_by_name_and_by_id():
    model = read_devices(DEVICES)["M1"]
    assert model.find("exec") == model.find("d1_1") == DataItem("EXECUTION", "EVENT")
    assert model.find("d1_2").sub_type == "ALL"
    assert model.find("other") is None


def test_a_model_survives_being_kept():
    model = read_devices(DEVICES)["M1"]
    assert DeviceModel.from_json("M1", model.to_json()) == model


@pytest.mark.parametrize("xml", ["", "<a>", "<a/>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"])
def test_what_is_no_device_model_is_refused(xml):
    with pytest.raises(ValueError):
        read_devices(xml)


def test_only_numbers_of_the_counter_of_all_parts_are_readings():
    values = [("parts", "5"), ("parts", "UNAVAILABLE"), ("bad", "1"), ("parts", "7.0")]
    readings = counter_readings([event(i, *v) for i, v in enumerate(values)], MODEL)
    assert [r.value for r in readings] == [5, 7]


@pytest.mark.parametrize(
    ("age", "code"),
    [
        (timedelta(days=7), None),
        (timedelta(days=7, seconds=1), E_CLOCK),
        (timedelta(minutes=-5), None),
        (timedelta(minutes=-5, seconds=-1), E_CLOCK),
    ],
)
def test_a_live_source_is_believed_for_a_week_and_five_minutes(age, code):
    assert clock_error(START - age, START) == code


def test_an_archive_is_believed_within_its_window_and_may_restate_a_year_before():
    window = (START, START + timedelta(days=10))
    year = timedelta(days=366)
    assert clock_error(window[1], START, window) == E_CLOCK
    assert clock_error(START - year, START, window) == E_CLOCK
    assert clock_error(START - year, START, window, restates=True) is None
    assert clock_error(START - year * 2, START, window, restates=True) == E_CLOCK
    assert is_restated(START - year, window)
    assert not is_restated(START, window)
