"""How figures are written, per locale: numbers, ratios, quantities, times, money.

Pure: values and a locale in, text out. None, and what is not a number, is the gap "–": a gap is
never 0. Minus is U+2212, so that columns of figures line up and a reader hears it.
"""

import math
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.numbers import NumberPattern, get_currency_precision, parse_pattern

GAP: Final = "–"
_NBSP: Final = "\N{NO-BREAK SPACE}"
_MINUS: Final = "\N{MINUS SIGN}"
Number = int | float | Decimal


def is_gap(value: Number | None) -> bool:
    """Say whether there is no figure: None, NaN or infinite."""
    return value is None or (isinstance(value, float) and not math.isfinite(value))


# `round` and `abs` of a union are objects to the type checker; their methods are the same.
def _rounded(value: Number, digits: int) -> Number:
    return value.__round__(digits)


def _size(value: Number) -> Number:
    return value.__abs__()


def integer(value: Number | None, locale: str) -> str:
    """Return a whole number with grouping, rounded half to even."""
    return decimal(value, locale, digits=0)


def decimal(value: Number | None, locale: str, *, digits: int = 1, signed: bool = False) -> str:
    """Return a number with exactly `digits` decimals; `signed` writes plus or ± too."""
    if value is None or is_gap(value):
        return GAP
    rounded = _rounded(value, digits)
    text: str = _pattern(digits).apply(_size(rounded), _locale(locale))
    if rounded < 0:
        return _MINUS + text
    return (("+" if rounded else "±") if signed else "") + text


# A board writes hundreds of numbers in one locale: both are read once.
@cache
def _pattern(digits: int) -> NumberPattern:
    return parse_pattern("#,##0" + ("." + "0" * digits if digits else ""))


@cache
def _locale(code: str) -> Locale:
    return Locale.parse(code)


def ratio(value: Number | None, locale: str, *, digits: int = 1) -> str:
    """Return a ratio 0…1 as percent: 0.745 is "74.5%"."""
    if value is None or is_gap(value):
        return GAP
    text = decimal(value * 100, locale, digits=digits)
    # All of it is "100%": decimals behind it would claim a precision that means nothing.
    return ("100" if value == 1 else text) + "%"


def points(value: Number | None, locale: str, *, digits: int = 1) -> str:
    """Return a difference of two ratios in percentage points: -0.029 is "−2.9 pp"."""
    if value is None or is_gap(value):
        return GAP
    return decimal(value * 100, locale, digits=digits, signed=True) + _NBSP + "pp"


def change(value: Number | None, locale: str, *, digits: int = 1) -> str:
    """Return a relative change as signed percent: 0.068 is "+6.8%"."""
    if value is None or is_gap(value):
        return GAP
    return decimal(value * 100, locale, digits=digits, signed=True) + "%"


def ratio_range(low: Number | None, high: Number | None, locale: str) -> str:
    """Return the range of a ratio, as shown below enough coverage: "55.3–76.5%"."""
    if low is None or high is None or is_gap(low) or is_gap(high):
        return GAP
    return decimal(low * 100, locale) + GAP + ratio(high, locale)


def quantity(value: Number | None, unit: str, locale: str, *, digits: int = 0) -> str:
    """Return a number with its unit: "240,964 kWh". A gap has no unit."""
    text = decimal(value, locale, digits=digits)
    return text if text == GAP or not unit else text + _NBSP + unit


def kwh(value: Number | None, locale: str, *, digits: int = 0) -> str:
    """Return an energy in kWh."""
    return quantity(value, "kWh", locale, digits=digits)


def hours(seconds: Number | None, locale: str, *, digits: int = 1) -> str:
    """Return seconds as hours: 3600 is "1.0 h"."""
    if seconds is None or is_gap(seconds):
        return GAP
    return quantity(seconds / 3600, "h", locale, digits=digits)


def duration(seconds: Number | None, locale: str) -> str:
    """Return a time span as people say it: "45 s", "37 min", "1 h 37 min"."""
    if seconds is None or is_gap(seconds):
        return GAP
    sign = _MINUS if seconds < 0 else ""
    whole = int(_rounded(_size(seconds), 0))
    if whole < 60:
        return f"{sign}{whole}{_NBSP}s"
    minutes = round(whole / 60)
    if minutes < 60:
        return f"{sign}{minutes}{_NBSP}min"
    hour, minute = divmod(minutes, 60)
    return f"{sign}{integer(hour, locale)}{_NBSP}h{_NBSP}{minute:02d}{_NBSP}min"


def money(minor: int | None, currency: str, locale: str, *, unit: str = "") -> str:
    """Return an amount given in the currency's minor unit: 10880000 CNY is "108,800.00".

    `unit` is the word behind it, where it does not stand in a heading.
    """
    if minor is None:
        return GAP
    digits: int = get_currency_precision(currency)
    return quantity(Decimal(minor).scaleb(-digits), unit, locale, digits=digits)


def moment(value: datetime | None, zone: str, *, now: datetime, seconds: bool = False) -> str:
    """Return an aware moment in `zone`: "11-23 17:05", with the year when it is another."""
    if value is None:
        return GAP
    local = value.astimezone(ZoneInfo(zone))
    pattern = (
        "%m-%d %H:%M" if local.year == now.astimezone(ZoneInfo(zone)).year else "%Y-%m-%d %H:%M"
    )
    return local.strftime(pattern + (":%S" if seconds else ""))


def clock_time(value: datetime | None, zone: str) -> str:
    """Return the time of day of an aware moment in `zone`: "17:05"."""
    return GAP if value is None else value.astimezone(ZoneInfo(zone)).strftime("%H:%M")


def day(value: date | None) -> str:
    """Return a date in ISO form."""
    return GAP if value is None else value.strftime("%Y-%m-%d")


def zone_label(zone: str, *, now: datetime) -> str:
    """Return a zone with its offset: "Asia/Shanghai (UTC+8)"."""
    offset = now.astimezone(ZoneInfo(zone)).utcoffset() or timedelta(0)
    minutes = int(offset.total_seconds()) // 60
    sign = _MINUS if minutes < 0 else "+"
    hour, minute = divmod(abs(minutes), 60)
    return f"{zone} (UTC{sign}{hour}{f':{minute:02d}' if minute else ''})"
