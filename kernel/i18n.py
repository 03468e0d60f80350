"""Languages: the person's choice, then the cookie, then what the browser asks for."""

from typing import Final

from flask import Flask, g, request
from flask_babel import Babel

LOCALES: Final = ("zh_CN", "en")
COOKIE: Final = "gongyun_locale"
DEFAULT: Final = "zh_CN"


def choose_locale() -> str:
    """Return the locale of this request, or the default outside of one."""
    if not request:
        return DEFAULT
    if "locale" not in g:
        g.locale = _from_cookie() or _from_browser()
    return str(g.locale)


def _from_cookie() -> str | None:
    wanted = request.cookies.get(COOKIE)
    return wanted if wanted in LOCALES else None


def _from_browser() -> str:
    best = request.accept_languages.best_match(["zh-CN", "zh", "en"], default="zh")
    return "en" if best == "en" else "zh_CN"


def install(app: Flask, catalogues: str) -> None:
    """Give `app` both languages; `catalogues` is the folder with the compiled messages."""
    Babel(
        app,
        default_locale=DEFAULT,
        default_timezone="Asia/Shanghai",
        default_translation_directories=catalogues,
        locale_selector=choose_locale,
    )
