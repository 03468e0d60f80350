"""`_` with a type: the library's own gives Any, which would spread through every sentence."""

from flask_babel import gettext


def _(msgid: str, **values: object) -> str:
    """Return the message in the reader's language, its named places filled."""
    return str(gettext(msgid, **values))
