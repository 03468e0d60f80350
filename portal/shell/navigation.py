"""The navigation of each kind of actor: which pages, in which order. Pure.

Nothing is decided here: an entry is shown exactly when the door of its page would let the actor in,
so no entry answers 403, and a page that is not in this release has none.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from kernel.actor import Kind
from portal.ui.chrome import Entry

MOST_AT_TOP: Final = 7


@dataclass(frozen=True, slots=True)
class Item:
    """One entry: where it leads, how it is called. `below` are pages of the same subject."""

    path: str
    label: LazyString
    icon: str = "arrow-right"
    below: tuple["Item", ...] = ()


_HOME: Final = Item("/home", _l("Home"), "home")
_COMPANIES: Final = Item("/platform/companies", _l("Companies"), "building-factory-2")
_AUDIT: Final = Item("/audit", _l("Audit log"), "history")
_PERMISSIONS: Final = Item("/permissions", _l("Permissions"), "key")
_COMPANY: Final = Item(
    "/company",
    _l("Company"),
    "building",
    (
        Item("/company", _l("Profile and sharing")),
        Item("/company/places", _l("Places")),
        Item("/company/people", _l("People and roles")),
        Item("/company/tokens", _l("Device tokens")),
        Item("/audit", _l("Audit log")),
        Item("/permissions", _l("Permissions")),
    ),
)
# Where audit log and permissions have entries of their own.
_OWN_COMPANY: Final = Item("/company", _l("Own company"), "building", _COMPANY.below[:4])

ITEMS: Final[Mapping[Kind, tuple[Item, ...]]] = {
    Kind.TENANT: (
        _HOME,
        Item(
            "/production/sources",
            _l("Production"),
            "building-factory-2",
            (
                Item("/production/sources", _l("Data sources")),
                Item("/production/units", _l("Machines")),
                Item("/production/shift-sheets", _l("Shift sheets")),
                Item("/production/quarantine", _l("Quarantine")),
                Item("/production/imports", _l("Imports")),
            ),
        ),
        Item("/boards/tenant/company", _l("Boards"), "layout-dashboard"),
        Item(
            "/credit",
            _l("Credit"),
            "file-certificate",
            (
                Item("/credit", _l("Own profile")),
                Item("/consents", _l("Consents")),
                Item("/credit/readers", _l("Who read what")),
            ),
        ),
        _COMPANY,
    ),
    Kind.GROUP: (_HOME, _COMPANIES, _OWN_COMPANY, _PERMISSIONS),
    Kind.PLATFORM: (_HOME, _COMPANIES, _OWN_COMPANY, _AUDIT, _PERMISSIONS),
    Kind.AUDITOR: (_HOME, _COMPANIES, _OWN_COMPANY, _AUDIT, _PERMISSIONS),
    Kind.BANK: (
        Item("/bank/cases", _l("Cases"), "file-certificate"),
        Item("/bank/requests", _l("Requests"), "send"),
        _COMPANY,
    ),
}

OWN: Final = (
    Item("/me", _l("Language and theme"), "settings"),
    Item("/me/sessions", _l("My sessions"), "device-laptop"),
    Item("/switch", _l("Switch company"), "switch-horizontal"),
)
"""What the menu under the person's name holds."""


def entries(
    items: Sequence[Item], opens: Callable[[str], bool], counts: Mapping[str, int] | None = None
) -> tuple[Entry, ...]:
    """Return the entries whose pages open; one that does not leads to its first page that does."""
    shown = []
    for item in items:
        children = tuple(_entry(child, counts) for child in item.below if opens(child.path))
        if opens(item.path):
            shown.append(_entry(item, counts, children))
        elif children:
            shown.append(Entry(str(item.label), children[0].href, item.icon, children=children))
    return tuple(shown[:MOST_AT_TOP])


def _entry(item: Item, counts: Mapping[str, int] | None, children: tuple[Entry, ...] = ()) -> Entry:
    # One page below is the entry itself: a list of one says nothing more.
    children = children if len(children) > 1 else ()
    count = (counts or {}).get(item.path)
    return Entry(str(item.label), item.path, item.icon, count=count, children=children)
