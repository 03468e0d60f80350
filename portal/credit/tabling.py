"""The log of reads as a table: what the page shows, as CSV and XLSX."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from flask_babel import gettext as _
from flask_babel.speaklater import LazyString

from portal.credit import wording
from portal.credit.queries import ReadRow
from portal.ui.filters import moment
from portal.ui.tables import CellKind, Column, Table

REFUSAL_WORDS: Final[Mapping[str, LazyString]] = {
    refusal.value: words for refusal, words in wording.REFUSALS.items()
}


def reads_table(rows: Sequence[ReadRow], *, made_at: datetime) -> Table:
    """Return the reads as a table, every field by name."""
    return Table(
        name="credit-readers",
        title=_("Who read what"),
        columns=[
            Column(_("Time"), CellKind.MOMENT),
            Column(_("Bank")),
            Column(_("Person")),
            Column(_("Purpose")),
            Column(_("Page")),
            Column(_("Level")),
            Column(_("Outcome")),
            Column(_("Refused because")),
            Column(_("Fields")),
        ],
        rows=[_row(each) for each in rows],
        about=[(_("Made at"), moment(made_at)), (_("Rows"), str(len(rows)))],
    )


def _row(read: ReadRow) -> list[str | datetime | None]:
    refused = read.refused_because
    return [
        read.opened_at,
        read.bank,
        read.person,
        str(wording.PURPOSES[read.purpose]),
        str(wording.PAGES[read.page]),
        f"S{read.level}",
        str(wording.OUTCOMES[read.outcome]),
        str(REFUSAL_WORDS[refused]) if refused else None,
        " ".join(read.fields),
    ]
