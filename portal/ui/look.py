"""Read the look of this answer from its request: language, theme, zone. Needs no database."""

from flask import current_app, g, has_request_context, request

from kernel import clock, i18n
from portal.ui import numbers
from portal.ui.chrome import NOBODY, THEME_COOKIE, Chrome, Look, Theme

DEFAULT_ZONE = "Asia/Shanghai"


def current_look() -> Look:
    """Return the look of this request, or the default one outside of a request."""
    if not has_request_context():
        return Look(i18n.DEFAULT)
    if "look" not in g:
        zone = str(g.get("zone") or DEFAULT_ZONE)
        g.look = Look(
            locale=i18n.choose_locale(),
            theme=_theme(),
            version=str(current_app.config.get("VERSION", "")),
            zone=zone,
            zone_label=numbers.zone_label(zone, now=clock.now()),
            is_demo=bool(current_app.config.get("DEMO", False)),
        )
    look: Look = g.look
    return look


def set_zone(zone: str) -> None:
    """Show the moments of this page in a site's zone."""
    g.zone = zone
    g.pop("look", None)


def current_chrome() -> Chrome:
    """Return who is signed in and where he may go; nobody unless the shell has said so."""
    if "chrome" not in g:
        maker = current_app.extensions.get("portal.chrome")
        g.chrome = maker() if maker else NOBODY
    chrome: Chrome = g.chrome
    return chrome


def _theme() -> Theme:
    wanted = request.cookies.get(THEME_COOKIE, "")
    return Theme(wanted) if wanted in tuple(Theme) else Theme.AUTO
