"""What every page shows around its content: language and theme, company, person, navigation.

Values alone. `portal/ui/setup.py` reads the look from the request; who is signed in and where he
may go is computed by `portal/shell` and handed over as a `Chrome`.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from babel import Locale

THEME_COOKIE: Final = "gongyun_theme"


class Theme(StrEnum):
    """The person's choice; `auto` follows the device."""

    LIGHT = "light"
    DARK = "dark"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Look:
    """Language and theme of one answer; known without a database."""

    locale: str
    theme: Theme = Theme.AUTO
    version: str = ""
    zone: str = "Asia/Shanghai"
    zone_label: str = "Asia/Shanghai"
    is_demo: bool = False

    @property
    def lang(self) -> str:
        """The language tag for `lang=`."""
        return "en" if self.locale == "en" else "zh-CN"

    @property
    def shown_theme(self) -> Theme:
        """What Tabler is told; "auto" begins light and is set by `theme.js` before drawing."""
        return Theme.DARK if self.theme is Theme.DARK else Theme.LIGHT

    @property
    def other_locale(self) -> str:
        """The code of the language not shown now."""
        return "zh_CN" if self.locale == "en" else "en"

    @property
    def other_lang(self) -> str:
        """The language tag of the language not shown now."""
        return "zh-CN" if self.locale == "en" else "en"

    @property
    def other_language(self) -> str:
        """The name of the language not shown now, in itself."""
        return Locale.parse(self.other_locale).get_language_name(self.other_locale) or ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the navigation. `exact`: the shown page itself, not one below it."""

    label: str
    href: str
    icon: str = "arrow-right"
    current: bool = False
    exact: bool = False
    count: int | None = None
    children: tuple["Entry", ...] = ()


@dataclass(frozen=True, slots=True)
class Chrome:
    """Who is signed in, for which company, and where he may go. Empty when nobody is."""

    person: str = ""
    role: str = ""
    company: str = ""
    company_kind: str = ""
    navigation: tuple[Entry, ...] = ()
    own: tuple[Entry, ...] = ()
    can_switch: bool = False
    switch_href: str = "/switch"
    sign_out_href: str = "/sign-out"


NOBODY: Final = Chrome()


def mark_current(entries: tuple[Entry, ...], path: str) -> tuple[Entry, ...]:
    """Return `entries` with the one that `path` lies under marked, and its child likewise.

    The longest matching address wins: `/production/units` is under Units, not under Production.
    """
    best = max(
        (href for entry in entries for href in (entry.href, *(c.href for c in entry.children))),
        key=lambda href: len(_base(href)) if _is_under(path, href) else -1,
        default="",
    )
    if not best or not _is_under(path, best):
        return entries
    return tuple(_marked(entry, best, path) for entry in entries)


def _marked(entry: Entry, best: str, path: str) -> Entry:
    children = tuple(replace(child, current=child.href == best) for child in entry.children)
    current = entry.href == best or any(child.current for child in children)
    return replace(
        entry, current=current, exact=current and _base(entry.href) == path, children=children
    )


def _base(href: str) -> str:
    return href.partition("?")[0]


def _is_under(path: str, href: str) -> bool:
    base = _base(href).rstrip("/")
    return bool(base) and (path.rstrip("/") == base or path.startswith(base + "/"))
