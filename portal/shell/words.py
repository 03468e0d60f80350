"""Words for long actions: what they are, where they stand, why one failed."""

from collections.abc import Mapping
from typing import Final

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from kernel.errors import PortalError

OPERATION_TITLES: Final[Mapping[str, LazyString]] = {
    "production.import_archive": _l("Import of a file"),
    "demo.history": _l("History of the demo"),
}

STAGES: Final = (
    _l("Checking the file"),
    _l("Storing the lines"),
    _l("Deriving the days"),
    _l("Days of history"),
)
"""What running actions say of themselves; kept in the row in English, translated where shown."""

LOST_WORKER: Final = _l("The worker was lost three times. Start the action again.")
NO_WORKER: Final = _l("No worker took it up within a day. Ask your operator.")
INTERNAL: Final = _l("Something went wrong on our side. What was not finished was not written.")


def operation_title(kind: str) -> str:
    """Return the name of a kind of long action, else its code."""
    return str(OPERATION_TITLES.get(kind, kind))


def failure_sentence(code: str) -> str:
    """Return why an action failed, in words; the code itself where its sentence needs values."""
    known = {"worker_lost": LOST_WORKER, "no_worker": NO_WORKER, "internal": INTERNAL}
    if code in known:
        return str(known[code])
    sentence = next(
        (str(each.sentence) for each in _refusals(PortalError) if each.code == code), ""
    )
    return code if not sentence or "%(" in sentence else sentence


def _refusals(kind: type[PortalError]) -> list[type[PortalError]]:
    return [kind, *(each for below in kind.__subclasses__() for each in _refusals(below))]
