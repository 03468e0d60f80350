"""Template filters: `numbers.py` in the reader's locale, moments in the page's zone.

Every filter takes what a query returns and gives text. `zone` may be named: a site's own.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final

from flask_babel import get_locale, gettext

from kernel import clock
from portal.ui import numbers
from portal.ui.look import current_look
from portal.ui.numbers import GAP, Number


def locale_code() -> str:
    """Return the reader's locale as a code, "zh_CN" outside of a request."""
    return str(get_locale() or "zh_CN")


def integer(value: Number | None) -> str:
    """1284300 → "1,284,300"."""
    return numbers.integer(value, locale_code())


def decimal(value: Number | None, digits: int = 1, signed: bool = False) -> str:
    """A number with exactly `digits` decimals."""
    return numbers.decimal(value, locale_code(), digits=digits, signed=signed)


def ratio(value: Number | None, digits: int = 1) -> str:
    """0.745 → "74.5%"."""
    return numbers.ratio(value, locale_code(), digits=digits)


def points(value: Number | None, digits: int = 1) -> str:
    """-0.029 → "−2.9 pp"."""
    return numbers.points(value, locale_code(), digits=digits)


def change(value: Number | None, digits: int = 1) -> str:
    """0.068 → "+6.8%"."""
    return numbers.change(value, locale_code(), digits=digits)


def ratio_range(low: Number | None, high: Number | None) -> str:
    """(0.553, 0.765) → "55.3–76.5%"; also a global of templates."""
    return numbers.ratio_range(low, high, locale_code())


def quantity(value: Number | None, unit: str = "", digits: int = 0) -> str:
    """240964 with "kWh" → "240,964 kWh"."""
    return numbers.quantity(value, unit, locale_code(), digits=digits)


def kwh(value: Number | None, digits: int = 0) -> str:
    """Energy in kWh."""
    return numbers.kwh(value, locale_code(), digits=digits)


def hours(seconds: Number | None, digits: int = 1) -> str:
    """Seconds as hours."""
    return numbers.hours(seconds, locale_code(), digits=digits)


def duration(seconds: Number | None) -> str:
    """5820 → "1 h 37 min"."""
    return numbers.duration(seconds, locale_code())


def money(minor: int | None, currency: str = "CNY", unit: bool = True) -> str:
    """10880000 → "108,800.00 CNY", the currency by the reader's word for it."""
    # A currency's word is a message: English has the code, Chinese writes a word.
    word = gettext("CNY") if currency == "CNY" else currency
    return numbers.money(minor, currency, locale_code(), unit=word if unit else "")


def moment(value: datetime | None, zone: str | None = None, seconds: bool = False) -> str:
    """An aware moment → "11-23 17:05" in `zone`, else the page's."""
    zone = zone or current_look().zone
    return numbers.moment(value, zone, now=clock.now(), seconds=seconds)


def clock_time(value: datetime | None, zone: str | None = None) -> str:
    """An aware moment → "17:05"."""
    return numbers.clock_time(value, zone or current_look().zone)


def day(value: date | None) -> str:
    """A date → "2026-11-23"."""
    return numbers.day(value)


def age(value: datetime | None, now: datetime | None = None) -> str:
    """How long ago an aware moment was: "8 min ago"; a gap for None."""
    if value is None:
        return GAP
    minutes = int(((now or clock.now()) - value).total_seconds() // 60)
    if minutes < 1:
        return str(gettext("just now"))
    if minutes < 60:
        return str(gettext("%(count)s min ago", count=minutes))
    if minutes < 48 * 60:
        hour, minute = divmod(minutes, 60)
        return str(gettext("%(hours)s h %(minutes)s min ago", hours=hour, minutes=minute))
    return str(gettext("%(count)s days ago", count=integer(minutes // (24 * 60))))


def message(msgid: str) -> str:
    """Translate a message that came as data (a stage, a kind); an unknown one stays as it is."""
    return str(gettext(msgid)) if msgid else ""


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    each.__name__: each
    for each in (
        integer,
        decimal,
        ratio,
        points,
        change,
        quantity,
        kwh,
        hours,
        duration,
        money,
        moment,
        clock_time,
        day,
        age,
    )
}
