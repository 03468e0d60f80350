"""Forms that come back: the refusal in words beside its field, the values as they were sent."""

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from flask import request
from flask_babel import gettext as _

from kernel.errors import Conflict, FieldProblem, Invalid, InvalidInput, PortalError
from kernel.web import Form

REFUSALS: Final = (Invalid, Conflict)
"""What a person can mend on the form itself; everything else is a page of its own."""

_WORDS: Final[Mapping[str, Callable[[], str]]] = {
    "missing": lambda: _("Fill this in."),
    "string_too_short": lambda: _("Fill this in."),
    "string_too_long": lambda: _("This is too long."),
    "string_pattern_mismatch": lambda: _("This is not written as it should be."),
    "enum": lambda: _("Choose one of the list."),
    "uuid_parsing": lambda: _("Choose one of the list."),
    "greater_than_equal": lambda: _("This number is too small."),
    "less_than_equal": lambda: _("This number is too large."),
}


def problems_of(refusal: PortalError) -> tuple[FieldProblem, ...]:
    """Return what is wrong, field by field, in the reader's language."""
    if isinstance(refusal, InvalidInput):
        return tuple(_in_words(each) for each in refusal.errors)
    return (FieldProblem(refusal.field or "", refusal.message, refusal.code),)


def sent(form: type[Form] | None = None) -> dict[str, str]:
    """Return the fields as they were sent, to fill the form again; never a password.

    With `form` a field that was not sent is there, too, and empty.
    """
    blank = dict.fromkeys(form.model_fields, "") if form else {}
    return blank | {
        name: value
        for name, value in request.form.items()
        if "password" not in name and name not in ("csrf_token", "again")
    }


def safe_next(wanted: str) -> str:
    """Return the path to go on to, "/" for anything that could lead to another host."""
    parts = urlsplit(wanted)
    inside = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted
    printable = wanted.isprintable() and not any(sign.isspace() for sign in wanted)
    return wanted if inside and printable and not parts.netloc and not parts.scheme else "/"


def _in_words(problem: FieldProblem) -> FieldProblem:
    words = _WORDS.get(problem.type)
    text = words() if words else _("This value cannot be used.")
    return FieldProblem(problem.loc, text, problem.type)
