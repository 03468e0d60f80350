"""The one cutter: what of a company's profile a consent opens, and the names of those fields.

The stored pages of a bank, the company's preview and the log of reads all come from here.
"""

import hmac
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from portal.credit.canonical import Json
from portal.credit.metrics.facts import DayFact
from portal.credit.metrics.figure import Metric, Missing, WhyMissing
from portal.credit.metrics.registry import METRICS
from portal.credit.words import FACTS, FIGURES, Dataset

HEAD: Final = "head"
FIGURES_PART: Final = "figures"
HEAD_FIELDS: Final = ("company", "uscc", "segment", "region", "origin", "as_of", "newest_day")
STATUS_FIELDS: Final = ("status", "coverage")
FIGURE_FIELDS: Final = ("value", "low", "high", "fact_count", "first", "last", "why_missing")
SUM_FIELDS: Final = ("num", "den")
FACT_FIELDS: Final = ("machine", "day", "version", "quality")


@dataclass(frozen=True, slots=True)
class Head:
    """Who the company is and how fresh what is known of it is."""

    name_zh: str
    name_en: str
    uscc: str
    segment: str
    region: str
    origin: str
    as_of: date
    newest_day: date | None


@dataclass(frozen=True, slots=True)
class KnownFigure:
    """A stored figure, as the company sees it. `facts` are loaded only where they are shown."""

    metric: Metric
    as_of: date
    known_at: datetime
    first: date
    first_fact_on: date | None
    value: int | None
    low: int | None
    high: int | None
    num: int
    den: int
    fact_count: int
    coverage: int | None
    missing: WhyMissing | None
    facts: Sequence[DayFact] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """All there is; a consent opens a part of it."""

    head: Head
    figures: Sequence[KnownFigure]


@dataclass(frozen=True, slots=True)
class Cut:
    """What the cutter must know of a consent. `key` makes the pseudonyms of this one consent."""

    datasets: Set[Dataset]
    level: int
    data_from: date
    key: bytes


_EVERYTHING: Final = Cut(frozenset(Dataset), FACTS, date.min, b"")


@dataclass(frozen=True, slots=True)
class Part:
    """One document of what is opened; strings and integers only."""

    dataset: Dataset
    name: str
    doc: Mapping[str, Json]


def cut(profile: Profile, consent: Cut) -> list[Part]:
    """Return the documents that `consent` opens of `profile`, head first.

    Facts are in it at level 2 alone, and of figures that were loaded with them.
    """
    parts = [Part(Dataset.HEAD, HEAD, _head(profile.head))]
    for dataset in Dataset:
        chosen = [f for f in profile.figures if f.metric.dataset is dataset]
        if dataset not in consent.datasets or not chosen:
            continue
        figures = [_figure(each, consent) for each in chosen]
        parts.append(Part(dataset, FIGURES_PART, {"figures": figures}))
        parts.extend(_facts_part(each, consent) for each in chosen if _opens_facts(each, consent))
    return parts


def own_figure(figure: KnownFigure) -> Mapping[str, Json]:
    """Return a figure as the company itself sees it: the deepest cut there is."""
    return _figure(figure, _EVERYTHING)


def facts_part_name(code: str) -> str:
    """Return the name of the part that lists the facts of one figure."""
    return f"facts/{code}"


def pseudonym(key: bytes, unit_id: UUID) -> str:
    """Return the machine's name under one consent; another consent gives another name."""
    return "M-" + hmac.new(key, unit_id.bytes, sha256).hexdigest()[:8].upper()


def case_fields(datasets: Set[Dataset], level: int) -> tuple[str, ...]:
    """Return the names of all fields that the case page shows under such a consent."""
    shown = [_named(Dataset.HEAD, HEAD_FIELDS)]
    for metric in METRICS.values():
        if metric.dataset in datasets:
            shown.append(_named(metric.code, _figure_fields(level)))
    return tuple(name for names in shown for name in names)


def figure_fields(code: str, level: int) -> tuple[str, ...]:
    """Return the names of all fields that the page of one figure shows."""
    names = [*_named(Dataset.HEAD, ("company",)), *_named(code, _figure_fields(level))]
    if level >= FACTS:
        names += _named(f"{code}.facts", (*FACT_FIELDS, *METRICS[code].amounts))
    return tuple(names)


def _named(prefix: str, fields: Iterable[str]) -> list[str]:
    return [f"{prefix}.{field}" for field in fields]


def _figure_fields(level: int) -> tuple[str, ...]:
    fields: tuple[str, ...] = STATUS_FIELDS
    if level >= FIGURES:
        fields += FIGURE_FIELDS
    if level >= FACTS:
        fields += SUM_FIELDS
    return fields


def _head(head: Head) -> dict[str, Json]:
    return {
        "company": head.name_zh,
        "company_en": head.name_en,
        "uscc": head.uscc,
        "segment": head.segment,
        "region": head.region,
        "origin": head.origin,
        "as_of": head.as_of.isoformat(),
        "newest_day": head.newest_day.isoformat() if head.newest_day else "",
    }


def _figure(figure: KnownFigure, consent: Cut) -> dict[str, Json]:
    metric = figure.metric
    shown: dict[str, Json] = {"code": metric.code, "version": metric.version}
    if _reaches_behind(figure, consent):
        # Its window holds days the company does not open: neither the figure nor its sums.
        missing = WhyMissing(Missing.OUTSIDE_CONSENT)
        hidden: dict[str, Json] = {"status": "missing"}
        return shown | hidden | ({"why_missing": str(missing)} if consent.level >= FIGURES else {})
    shown["status"] = "missing" if figure.value is None else "ok"
    _put(shown, "coverage", figure.coverage)
    if consent.level >= FIGURES:
        shown["first"] = figure.first.isoformat()
        shown["last"] = figure.as_of.isoformat()
        shown["fact_count"] = figure.fact_count
        _put(shown, "why_missing", str(figure.missing) if figure.missing else None)
        for name in ("value", "low", "high"):
            _put(shown, name, getattr(figure, name))
    if consent.level >= FACTS:
        shown["num"], shown["den"] = figure.num, figure.den
    return shown


def _put(shown: dict[str, Json], name: str, value: str | int | None) -> None:
    if value is not None:
        shown[name] = value


def _reaches_behind(figure: KnownFigure, consent: Cut) -> bool:
    return figure.first_fact_on is not None and figure.first_fact_on < consent.data_from


def _opens_facts(figure: KnownFigure, consent: Cut) -> bool:
    return consent.level >= FACTS and bool(figure.facts) and not _reaches_behind(figure, consent)


def _facts_part(figure: KnownFigure, consent: Cut) -> Part:
    rows: list[Json] = [_fact(fact, figure.metric, consent.key) for fact in figure.facts]
    metric = figure.metric
    return Part(metric.dataset, facts_part_name(metric.code), {"facts": rows})


def _fact(fact: DayFact, metric: Metric, key: bytes) -> dict[str, Json]:
    shown: dict[str, Json] = {
        "machine": pseudonym(key, fact.unit_id),
        "day": fact.day.isoformat(),
        "version": fact.version,
        "quality": fact.quality.value,
    }
    for amount in metric.amounts:
        _put(shown, amount, getattr(fact, amount))
    return shown
