from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest

from portal.credit.canonical import canonical
from portal.credit.disclosure import (
    Cut,
    Head,
    KnownFigure,
    Profile,
    case_fields,
    cut,
    figure_fields,
    pseudonym,
)
from portal.credit.metrics.registry import METRICS, compute_all
from portal.credit.words import Dataset
from tests.cast import KESTREL
from tests.unit.credit.facts import AS_OF, KNOWN_AT, LATHE, make_days

KEY = b"k" * 32
HEAD = Head(
    KESTREL.name_zh,
    KESTREL.name_en,
    KESTREL.uscc,
    KESTREL.segment,
    KESTREL.region,
    KESTREL.origin,
    AS_OF,
    AS_OF,
)
ALL = frozenset(Dataset)


def known(figure):
    outcome = figure.outcome
    return KnownFigure(
        figure.metric,
        figure.as_of,
        figure.known_at,
        figure.first,
        min((fact.day for fact in outcome.facts), default=None),
        outcome.value,
        outcome.low,
        outcome.high,
        outcome.num,
        outcome.den,
        len(outcome.facts),
        outcome.coverage,
        outcome.missing,
        tuple(outcome.facts),
    )


@pytest.fixture(scope="module")
def profile():
    figures = compute_all(make_days(364), as_of=AS_OF, known_at=KNOWN_AT)
    return Profile(HEAD, [known(each) for each in figures])


def make_cut(**changed):
    values = {"datasets": ALL, "level": 2, "data_from": date(2025, 1, 1), "key": KEY}
    return Cut(**(values | changed))


def names(parts):
    return {(part.dataset.value, part.name) for part in parts}


def test_everything_is_opened_at_the_deepest_level(profile):
    facts = {(metric.dataset.value, f"facts/{code}") for code, metric in METRICS.items()}
    opened = names(cut(profile, make_cut()))
    assert opened == {("H", "head"), ("B", "figures"), ("C", "figures"), ("G", "figures")} | facts


def test_the_head_is_always_in_and_nothing_else_is_of_itself(profile):
    assert names(cut(profile, make_cut(datasets=frozenset({Dataset.HEAD})))) == {("H", "head")}


def test_a_dataset_that_is_not_opened_is_not_there(profile):
    opened = cut(profile, make_cut(datasets=frozenset({Dataset.HEAD, Dataset.HISTORY})))
    assert {part.dataset for part in opened} == {Dataset.HEAD, Dataset.HISTORY}


@pytest.mark.parametrize(
    ("level", "there", "absent"),
    [
        (0, {"status", "coverage"}, {"value", "num", "den", "fact_count", "first"}),
        (1, {"status", "value", "fact_count", "first", "last"}, {"num", "den"}),
        (2, {"status", "value", "num", "den"}, set()),
    ],
)
def test_a_level_opens_its_fields_and_no_deeper_ones(profile, level, there, absent):
    parts = cut(profile, make_cut(level=level))
    figures = [f for part in parts if part.name == "figures" for f in part.doc["figures"]]
    assert figures
    for figure in figures:
        assert there <= figure.keys()
        assert not absent & figure.keys()
    assert any(part.name.startswith("facts/") for part in parts) == (level == 2)


def test_machines_have_other_names_under_another_consent(profile):
    ours = canonical([part.doc for part in cut(profile, make_cut())])
    theirs = canonical([part.doc for part in cut(profile, make_cut(key=b"x" * 32))])
    assert str(LATHE) not in ours
    assert pseudonym(KEY, LATHE) in ours
    assert pseudonym(KEY, LATHE) not in theirs


def test_a_window_that_begins_before_the_opened_days_shows_nothing_of_itself(profile):
    opened = cut(profile, make_cut(data_from=AS_OF - timedelta(days=89)))
    figures = {
        f["code"]: f for part in opened if part.name == "figures" for f in part.doc["figures"]
    }
    assert figures["C1"]["status"] == "ok"
    assert figures["C4"] == {
        "code": "C4",
        "version": 1,
        "status": "missing",
        "why_missing": "outside_consent:0:0",
    }
    assert ("C", "facts/C4") not in names(opened)


def test_a_gap_stays_a_gap(profile):
    emptied = [replace(f, value=None, low=None, high=None) for f in profile.figures]
    parts = cut(Profile(HEAD, emptied), make_cut())
    figures = [f for part in parts if part.name == "figures" for f in part.doc["figures"]]
    assert figures
    assert not any("value" in figure or "low" in figure for figure in figures)


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("datasets", [ALL, frozenset({Dataset.HEAD, Dataset.QUALITY})])
def test_the_log_names_every_field_that_the_documents_hold(profile, level, datasets):
    named = set(case_fields(datasets, level))
    for part in cut(profile, make_cut(level=level, datasets=datasets)):
        if part.name == "figures":
            for figure in part.doc["figures"]:
                held = {f"{figure['code']}.{name}" for name in figure} - {
                    f"{figure['code']}.code",
                    f"{figure['code']}.version",
                }
                assert held <= named
        if part.name.startswith("facts/"):
            code = part.name.removeprefix("facts/")
            held = {f"{code}.facts.{name}" for fact in part.doc["facts"] for name in fact}
            assert held <= set(figure_fields(code, level))


def test_two_machines_have_two_names():
    assert len({pseudonym(KEY, uuid4()) for _ in range(500)}) == 500
