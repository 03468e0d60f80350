"""Documents of the cutter as rows to show: the same for a bank's page and the company's preview."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _

from portal.credit import wording
from portal.credit.metrics.figure import Unit
from portal.credit.metrics.registry import METRICS
from portal.credit.words import Dataset, Quality
from portal.ui import filters
from portal.ui.numbers import GAP
from tenants.words import ORIGIN_LABELS, REGIONS, SEGMENTS, Origin, localised

QUANTITY_UNIT = {"s": "h", "milli": "", "wh": "kWh", "days": ""}


@dataclass(frozen=True, slots=True)
class ShownFigure:
    """One figure as written; a field that is not opened is a gap."""

    code: str
    name: str
    formula: str
    dataset: str
    value: str
    is_range: bool
    is_missing: bool
    why: str
    coverage: str
    fact_count: str
    window: str
    num: str
    den: str
    num_name: str
    den_name: str
    sum_unit: str


@dataclass(frozen=True, slots=True)
class ShownHead:
    """Who the company is, in the reader's language."""

    company: str
    uscc: str
    segment: str
    region: str
    origin: str
    is_live: bool
    as_of: str
    newest_day: str


def head(doc: Mapping[str, Any]) -> ShownHead:
    """Return the head of a document as written."""
    origin = Origin(doc["origin"])
    return ShownHead(
        company=localised(doc["company"], doc["company_en"]),
        uscc=doc["uscc"] or GAP,
        segment=str(SEGMENTS.get(doc["segment"], doc["segment"] or GAP)),
        region=str(REGIONS.get(doc["region"], doc["region"] or GAP)),
        origin=str(ORIGIN_LABELS[origin]),
        is_live=origin is Origin.LIVE,
        as_of=doc["as_of"],
        newest_day=doc["newest_day"] or GAP,
    )


def figure(doc: Mapping[str, Any]) -> ShownFigure:
    """Return one figure of a document as written; a field that is not opened is a gap."""
    code = doc["code"]
    metric = METRICS[code]
    low, high = doc.get("low"), doc.get("high")
    shown = value(doc.get("value"), metric.unit)
    if low is not None and high is not None:
        shown = _range(low, high, metric.unit)
    return ShownFigure(
        code=code,
        name=str(wording.NAMES[code]),
        formula=str(wording.FORMULAS[code]),
        dataset=str(wording.DATASETS[metric.dataset]),
        value=shown,
        is_range=low is not None,
        is_missing=doc["status"] == "missing",
        why=wording.why_missing(doc["why_missing"]) if doc.get("why_missing") else "",
        coverage=_share(doc.get("coverage")),
        fact_count=filters.integer(doc.get("fact_count")),
        window=_window(doc["first"], doc["last"]) if "first" in doc else GAP,
        num=amount(doc.get("num"), wording.SUM_UNITS[code]),
        den=amount(doc.get("den"), wording.SUM_UNITS[code]),
        num_name=str(wording.NUMERATORS[code]),
        den_name=str(wording.DENOMINATORS[code]),
        sum_unit=sum_unit(code),
    )


def facts(
    doc: Mapping[str, Any], code: str, *, names: Mapping[str, str] | None = None
) -> list[list[str]]:
    """Return the facts of a figure as rows of text: machine, day, version, quality, amounts."""
    units = METRICS[code].amounts
    return [
        [
            (names or {}).get(fact["machine"], fact["machine"]),
            fact["day"],
            str(fact["version"]),
            str(wording.QUALITIES[Quality(fact["quality"])]),
            *(amount(fact.get(name), _unit_of(name)) for name in units),
        ]
        for fact in doc["facts"]
    ]


def fact_heads(code: str) -> list[tuple[str, str, str]]:
    """Return (field, title, unit) of the columns of amounts behind a figure."""
    names = METRICS[code].amounts
    return [
        (name, str(wording.AMOUNTS[name]), QUANTITY_UNIT[_unit_of(name)] or _("pieces"))
        for name in names
    ]


def value(number: int | None, unit: Unit) -> str:
    """Return the integer of a figure as written."""
    if number is None:
        return GAP
    if unit is Unit.PERMILLE:
        return filters.ratio(number / 1000)
    if unit is Unit.CHANGE:
        return filters.change(number / 1000)
    return str(_("%(count)s days", count=filters.integer(number)))


def amount(number: int | None, unit: str) -> str:
    """Return a sum as written, without its unit: hours, pieces, kWh or days."""
    if number is None:
        return GAP
    if unit == "s":
        return filters.decimal(number / 3600)
    if unit == "milli":
        return filters.integer(number // 1000) if number % 1000 == 0 else _milli(number)
    if unit == "wh":
        return filters.decimal(number / 1000)
    return filters.integer(number)


def sum_unit(code: str) -> str:
    """Return the unit in which the sums of a figure are written."""
    unit = wording.SUM_UNITS[code]
    return QUANTITY_UNIT[unit] or (_("pieces") if unit == "milli" else _("days"))


def datasets(codes: Sequence[str]) -> str:
    """Return the names of datasets as one text, the head first."""
    return " · ".join(str(wording.DATASETS[each]) for each in Dataset if each.value in codes)


def _window(first: str, last: str) -> str:
    days = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
    return str(_("%(count)s days until %(day)s", count=days, day=last))


def _milli(number: int) -> str:
    return filters.decimal(number / 1000, 3)


def _unit_of(name: str) -> str:
    return name.rpartition("_")[2]


def _share(permille: int | None) -> str:
    return GAP if permille is None else filters.ratio(permille / 1000)


def _range(low: int, high: int, unit: Unit) -> str:
    if unit is Unit.DAYS:
        return str(_("%(low)s–%(high)s days", low=low, high=high))
    return filters.ratio_range(low / 1000, high / 1000)
