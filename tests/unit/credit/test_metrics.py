"""Each figure against the same figure by other code: Decimal sums over plain dictionaries."""

import random
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import groupby
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.credit.metrics.facts import permille
from portal.credit.metrics.figure import Missing, Unit, WhyMissing
from portal.credit.metrics.registry import METRICS, compute, compute_all
from portal.credit.words import Quality
from tests.unit.credit.facts import AS_OF, KNOWN_AT, LATHE, MILL, make_days, make_fact


def value(code, facts, **when):
    return compute(code, facts, as_of=AS_OF, known_at=KNOWN_AT, **when).outcome


def rounded(num, den):
    return int((Decimal(1000) * num / den).to_integral_value(ROUND_HALF_EVEN))


def random_book(seed):
    """Three machines over 400 days: idle days, gaps, machines without counter or meter."""
    chance = random.Random(seed)
    facts = []
    for back in range(400):
        day = AS_OF - timedelta(days=back)
        for number, unit in enumerate((LATHE, MILL, make_fact().evidence_id)):
            if chance.random() < 0.04:
                continue
            busy = chance.choice((0, 28_800, 57_600))
            unknown = int(busy * chance.choice((0, 0, 0.02, 0.5)))
            running = int((busy - unknown) * chance.choice((0, 0.02, 0.6, 0.8)))
            made = running * 3
            facts.append(
                make_fact(
                    day=day,
                    unit_id=unit,
                    pbt_s=busy,
                    apt_s=running,
                    unk_s=unknown,
                    pq_milli=None if number == 2 else made,
                    gq_milli=None if number == 2 else made - made // 50,
                    energy_wh=None if number == 1 else 1_000 + running // 2,
                )
            )
    return facts


def per_day(facts, amount):
    ordered = sorted(facts, key=lambda fact: fact.day)
    return {
        day: sum(known)
        for day, group in groupby(ordered, key=lambda fact: fact.day)
        if (known := [getattr(f, amount) for f in group if getattr(f, amount) is not None])
    }


def window(facts, days, back=0):
    last = AS_OF - timedelta(days=back)
    return [f for f in facts if last - timedelta(days=days) < f.day <= last]


def expected(code, facts):
    quarter = window(facts, 90)
    good = per_day(quarter, "gq_milli")
    if code == "B5":
        both = [f for f in quarter if f.gq_milli is not None and f.pq_milli is not None]
        num, den = sum(f.gq_milli for f in both), sum(f.pq_milli for f in both)
        return rounded(num, den), num, den
    if code == "C0":
        num = len([day for day in good if good[day] > 0])
        return num, num, len(good)
    if code == "C1":
        num, den = sum(f.apt_s for f in quarter), sum(f.pbt_s for f in quarter)
        return rounded(num, den), num, den
    if code == "C5":
        run = per_day([f for f in quarter if f.pbt_s], "apt_s")
        num = len([day for day in run if run[day] < median(run.values()) / 10])
        return num, num, len(run)
    if code == "C10":
        late = sum(per_day(window(facts, 42), "gq_milli").values())
        early = sum(per_day(window(facts, 42, 42), "gq_milli").values())
        return rounded(late, early) - 1000, late, early
    if code == "C4":
        sums = []
        for back in range(0, 364 - 27, 7):
            used = per_day(window(facts, 28, back), "energy_wh")
            if len(used) >= 26:
                sums.append((back, sum(used.values())))
        num = dict(sums)[0]
        den = int(
            Decimal(median(s for back, s in sums if back >= 28)).to_integral_value(ROUND_HALF_EVEN)
        )
        return rounded(num, den), num, den
    num = sum(f.pbt_s - f.unk_s for f in quarter)
    den = sum(f.pbt_s for f in quarter)
    return rounded(num, den), num, den


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("code", METRICS)
def test_the_figure_is_the_same_by_other_code(code, seed):
    facts = random_book(seed)
    outcome = value(code, facts)
    assert (outcome.value, outcome.num, outcome.den) == expected(code, facts)


@pytest.mark.parametrize(
    "code", [code for code in METRICS if code not in ("C0", "C4", "C5", "C10")]
)
def test_the_list_of_facts_sums_to_the_figure(code):
    metric = METRICS[code]
    outcome = value(code, random_book(7))
    sums = [sum(getattr(fact, name) for fact in outcome.facts) for name in metric.amounts]
    if code == "G2":
        sums = [sums[0] - sums[1], sums[0]]
    assert sums == [outcome.num, outcome.den]


@pytest.mark.parametrize("code", METRICS)
def test_order_and_what_lies_outside_the_window_do_not_matter(code):
    facts = random_book(3)
    metric = METRICS[code]
    inside = [f for f in facts if AS_OF - timedelta(days=metric.window_d) < f.day]
    shuffled = random.Random(1).sample(inside, len(inside))
    assert value(code, shuffled) == value(code, facts)


@pytest.mark.parametrize("code", METRICS)
def test_what_is_recorded_later_changes_nothing_and_earlier_does(code):
    facts = make_days(364)
    before = value(code, facts)
    revised = {"revision": 2, "day": AS_OF, "apt_s": 0, "gq_milli": 0, "unk_s": 9_000}
    changes = revised | {"pq_milli": 250_000, "energy_wh": 0, "pbt_s": 36_001}
    late = make_fact(**changes, recorded_at=KNOWN_AT + timedelta(seconds=1))
    early = make_fact(**changes, recorded_at=KNOWN_AT)
    assert value(code, [*facts, late]) == before
    assert value(code, [*facts, early]).num != before.num


@pytest.mark.parametrize("code", METRICS)
def test_quarantined_facts_feed_nothing(code):
    facts = make_days(364)
    bad = make_fact(revision=2, quality=Quality.QUARANTINED)
    assert value(code, [*facts, bad]) == value(code, facts[1:])


@pytest.mark.parametrize("code", METRICS)
def test_no_facts_give_no_value_and_say_so(code):
    outcome = value(code, [])
    assert outcome.value is None
    assert outcome.missing.reason is Missing.NO_FACTS


@pytest.mark.parametrize(
    ("code", "days", "have", "need"),
    [
        ("C0", 27, 27, 28),
        ("C1", 27, 27, 28),
        ("C5", 27, 27, 28),
        ("B5", 27, 27, 28),
        ("C10", 60, 18, 38),
        ("C4", 25, 25, 26),
    ],
)
def test_below_the_minimum_it_says_how_many_days_are_there(code, days, have, need):
    outcome = value(code, make_days(days))
    assert outcome.value is None
    assert outcome.missing == WhyMissing(Missing.TOO_FEW_DAYS, have, need)


def test_energy_needs_something_earlier_to_compare_with():
    assert value("C4", make_days(76)).missing.reason is Missing.NO_EARLIER_DAYS
    assert value("C4", make_days(77)).value == 1000


@pytest.mark.parametrize(
    ("code", "amount", "reason"),
    [
        ("C0", "gq_milli", Missing.NO_COUNTS),
        ("B5", "pq_milli", Missing.NO_COUNTS),
        ("C10", "gq_milli", Missing.NO_COUNTS),
        ("C4", "energy_wh", Missing.NO_ENERGY),
    ],
)
def test_what_nobody_counts_is_missing_and_not_zero(code, amount, reason):
    outcome = value(code, make_days(364, **{amount: None}))
    assert outcome.value is None
    assert outcome.missing.reason is reason


def test_a_company_that_was_not_planned_has_no_utilisation():
    outcome = value("C1", make_days(90, pbt_s=0, apt_s=0))
    assert outcome.missing.reason is Missing.NOTHING_PLANNED


@given(st.lists(st.sampled_from([0, 300, 9_000, 18_000, 36_000]), min_size=40, max_size=90))
def test_with_poor_coverage_the_range_holds_the_truth(unknown):
    # Hide part of what ran: the true figure must lie in the range that is shown.
    true, seen = [], []
    for back, hidden in enumerate(unknown):
        day = AS_OF - timedelta(days=back)
        run = 30_000 if back % 9 else 0
        lost = min(hidden, 36_000)
        true.append(make_fact(day=day, apt_s=run, gq_milli=run))
        left = max(run - lost, 0)
        seen.append(make_fact(day=day, apt_s=left, unk_s=lost, gq_milli=left))
    real, shown = value("C1", true), value("C1", seen)
    assert (shown.low is None) == (shown.coverage >= 950 or sum(unknown) == 0)
    if shown.low is not None:
        assert shown.low <= real.value <= shown.high
    active = value("C0", seen)
    if active.low is not None:
        assert active.low <= value("C0", true).value <= active.high


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**12))
def test_thousandths_are_rounded_half_to_even(num, den):
    assert permille(num, den) == rounded(num, den)


def test_all_figures_are_computed_in_the_order_of_the_list():
    figures = compute_all(make_days(364), as_of=AS_OF, known_at=KNOWN_AT)
    assert [figure.metric.code for figure in figures] == list(METRICS)
    assert {figure.metric.unit for figure in figures} == set(Unit)


def test_the_reason_of_a_gap_survives_storing():
    why = WhyMissing(Missing.TOO_FEW_DAYS, 3, 12)
    assert WhyMissing.parse(str(why)) == why


def test_a_definition_cannot_change_under_its_version():
    # Changed the formula, window or minimum? Raise `version`, then write the new hash here.
    assert {code: metric.sha256.hex()[:12] for code, metric in METRICS.items()} == RELEASED


RELEASED = {
    "B5": "377c1258ffe3",
    "C0": "6f9897af4985",
    "C1": "288ad74bd1ae",
    "C4": "14ebba447f05",
    "C5": "1806df56e7b2",
    "C10": "bf732b054730",
    "G2": "f7bf3e4dfe81",
}
