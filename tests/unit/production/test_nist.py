"""Real machine data of the NIST test bed: the figures that the rules must come to."""

import csv
import gzip
import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from portal.production import counters, mtconnect
from portal.production.clockerror import clock_error
from portal.production.mtconnect import ItemEvent
from portal.production.timeline import intervals

RAW = Path("tests/data/nist/Mazak01-20170516-20170517.txt")
ARCHIVE = Path("portal/demo/nist/events_state_2016_2020.csv.gz")
DAY = datetime(2017, 5, 16, tzinfo=UTC)
WINDOW = (datetime(2016, 5, 1, tzinfo=UTC), datetime(2020, 6, 1, tzinfo=UTC))

MAZAK01_DAY = {
    "producing": (560.535, 20),
    "setup": (13.620, 2),
    "minor_stop": (16.865, 7),
    "down": (621.944, 1),
    "idle": (2753.188, 15),
    "unknown": (82433.848, 2),
}


@pytest.fixture(scope="module")
def models():
    return mtconnect.read_devices(Path("tests/data/nist/Devices.xml").read_bytes())


@pytest.fixture(scope="module")
def raw_day(models):
    events, faulty = mtconnect.read_shdr(RAW.read_text(), models["Mazak01"])
    assert faulty == []
    return events


@pytest.fixture(scope="module")
def archive():
    by_machine = defaultdict(list)
    with gzip.open(ARCHIVE, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            at = mtconnect.read_time(row["time"])
            by_machine[row["machine"]].append(ItemEvent(at, row["item"], row["value"]))
    return by_machine


def sums(events, model):
    drawn = intervals(
        mtconnect.state_reports(events, model),
        starts_at=DAY,
        ends_at=DAY + timedelta(days=1),
        heard_at=[event.at for event in events],
    )
    seconds, segments = defaultdict(float), Counter()
    for interval in drawn:
        seconds[str(interval.state)] += interval.seconds
        segments[str(interval.state)] += 1
    return {state: (round(seconds[state], 3), segments[state]) for state in seconds}


def test_a_real_day_of_mazak01_comes_out_to_the_millisecond(raw_day, models):
    result = sums(raw_day, models["Mazak01"])
    assert result == MAZAK01_DAY
    assert sum(seconds for seconds, _ in result.values()) == pytest.approx(86400, abs=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_neither_order_nor_repetition_of_the_lines_matters(raw_day, models, seed):
    lines = random.Random(seed).sample([*raw_day, *raw_day], 2 * len(raw_day))
    assert sums(lines, models["Mazak01"]) == MAZAK01_DAY


def test_lines_read_one_by_one_are_the_lines_read_at_once(raw_day, models):
    model = models["Mazak01"]
    lines = RAW.read_text().splitlines(keepends=True)
    one_by_one = [event for line in lines for event in mtconnect.read_shdr(line, model)[0]]
    assert one_by_one == raw_day


@pytest.mark.parametrize("share", [0.17, 0.5, 0.83])
def test_a_cut_file_keeps_every_whole_line_and_names_the_cut_one(models, share):
    text = RAW.read_text()
    cut = text[: int(len(text) * share)]
    cut = cut if not cut.endswith("\n") else cut[:-1]
    whole = cut[: cut.rindex("\n") + 1]
    events, faulty = mtconnect.read_shdr(cut, models["Mazak01"])
    assert events == mtconnect.read_shdr(whole, models["Mazak01"])[0]
    assert [(f.line, f.code) for f in faulty] == [(whole.count("\n") + 1, "E-CUT")]


def test_the_cut_file_also_ends_well_just_before_a_line_end(models):
    text = "2017-05-16T11:43:56Z|execution|STOPPED\n2017-05-16T11:51:08Z|execution|READY"
    events, faulty = mtconnect.read_shdr(text, models["Mazak01"])
    assert [event.value for event in events] == ["STOPPED"]
    assert [fault.line for fault in faulty] == [2]


@pytest.mark.parametrize(
    ("machine", "parts"),
    [("Hurco01", 1418), ("Hurco02", 469), ("Hurco04", 125), ("Mazak01", None), ("Mazak03", None)],
)
def test_part_counters_come_to_what_was_made(archive, models, machine, parts):
    inside = [e for e in archive[machine] if WINDOW[0] <= e.at < WINDOW[1]]
    readings = mtconnect.counter_readings(inside, models[machine])
    assert readings
    counted = counters.count(readings)
    assert counted.quantity == parts
    assert counted.doubted == ()


def test_hurco01_shows_thirteen_false_zeros_among_its_readings(archive, models):
    inside = [e for e in archive["Hurco01"] if WINDOW[0] <= e.at < WINDOW[1]]
    readings = mtconnect.counter_readings(inside, models["Hurco01"])
    assert (len(readings), sum(r.value == 0 for r in readings)) == (93, 13)


def test_the_lines_that_one_machine_stamped_2002_are_refused(archive):
    refused = [
        (machine, event.at.year)
        for machine, events in archive.items()
        for event in events
        if clock_error(event.at, WINDOW[1], WINDOW, restates=True)
    ]
    assert refused == [("Hurco01", 2002)] * 8


def test_the_device_model_lacks_thirty_of_the_archives_items_by_line(archive, models):
    lacking = [
        (machine, event)
        for machine, events in archive.items()
        for event in events
        if models[machine].find(event.item) is None
    ]
    assert (len(lacking), len(set(lacking))) == (1452, 30)


def test_the_archive_has_the_known_number_of_lines(archive):
    assert sum(map(len, archive.values())) == 491_518
    assert sum(len(set(events)) for events in archive.values()) == 406_693


@pytest.mark.parametrize(
    ("machine", "known_ratio"),
    [("Mazak01", 0.088), ("Mazak03", 0.068), ("GFAgie01", 0.0), ("Hurco01", 12.7 / 2184)],
)
def test_holes_in_the_archive_are_unknown_time(archive, models, machine, known_ratio):
    first, last = datetime(2017, 4, 17, tzinfo=UTC), datetime(2017, 7, 17, tzinfo=UTC)
    drawn = intervals(
        mtconnect.state_reports(archive[machine], models[machine]),
        starts_at=first,
        ends_at=last,
        heartbeat_s=28_800,
        heard_at=[e.at for e in archive[machine] if models[machine].find(e.item)],
    )
    unknown_s = sum(i.seconds for i in drawn if i.state == "unknown")
    assert 1 - unknown_s / (last - first).total_seconds() == pytest.approx(known_ratio, abs=5e-4)
