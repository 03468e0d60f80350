"""The pages of refusals: one sentence, one way on. They need no database and name no object.

The same refusal gives the same bytes whatever was asked for, so that what belongs to another
company answers exactly as what does not exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flask import g, has_request_context, render_template
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from kernel.errors import PortalError


@dataclass(frozen=True, slots=True)
class Look:
    """Title and icon of a status."""

    title: LazyString
    icon: str


_LOOKS: Final[Mapping[int, Look]] = {
    400: Look(_l("Not understood"), "help"),
    401: Look(_l("Sign in"), "login"),
    403: Look(_l("Not allowed"), "lock"),
    404: Look(_l("Nothing here"), "search"),
    405: Look(_l("Not understood"), "help"),
    409: Look(_l("Changed meanwhile"), "git-branch"),
    413: Look(_l("Too large"), "ban"),
    422: Look(_l("Not accepted"), "alert-octagon"),
    429: Look(_l("Too many tries"), "hourglass"),
    500: Look(_l("Our fault"), "cloud-off"),
    503: Look(_l("Busy or away"), "clock-pause"),
}


def render_error(refusal: PortalError, status: int) -> str:
    """Return the page of a refusal; the number of the request stands on 5xx alone."""
    look = _LOOKS.get(status) or _LOOKS[500 if status >= 500 else 400]
    request_id = str(g.get("request_id", "")) if status >= 500 and has_request_context() else ""
    return render_template(
        "shell/refusal.html",
        status=status,
        title=look.title,
        sign=look.icon,
        sentence=refusal.message,
        problems=getattr(refusal, "errors", ()),
        request_id=request_id,
    )
