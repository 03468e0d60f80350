"""The signs of a status: tone, icon and word. Colour never stands alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString


@dataclass(frozen=True, slots=True)
class Sign:
    """`tone` is a class of parts.css, `icon` a symbol of the sprite, `word` what is read."""

    tone: str
    icon: str
    word: LazyString


SIGNS: Final[Mapping[str, Sign]] = {
    "ok": Sign("ok", "circle-check", _l("OK")),
    "watch": Sign("warn", "alert-triangle", _l("Watch")),
    "off": Sign("bad", "alert-octagon", _l("Off")),
    "stale": Sign("off", "clock-pause", _l("Stale")),
    "low": Sign("off", "circle-dashed", _l("Too little data")),
    "info": Sign("info", "info-circle", _l("Information")),
    "draft": Sign("info", "pencil", _l("Draft")),
    "done": Sign("ok", "check", _l("Done")),
    "ended": Sign("off", "ban", _l("Ended")),
    "wait": Sign("warn", "hourglass", _l("Waiting")),
}


def status_sign(kind: str) -> Sign:
    """Return the sign of `kind`; an unknown one raises `KeyError`, in tests and not on a page."""
    return SIGNS[kind]
