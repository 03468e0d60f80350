"""What people may send to the pages of this package. Unknown fields are refused, not ignored."""

from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from flask import request
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from kernel.web import Form
from portal.production.errors import FileTooLarge
from portal.production.states import REPORTED
from portal.production.words import Basis, CountsFrom, ImportForm, Problem, SourceKind

Name = Annotated[str, StringConstraints(min_length=1, max_length=80)]
Code = Annotated[str, StringConstraints(max_length=100)]
Reason = Annotated[str, StringConstraints(min_length=3, max_length=400)]
Quantity = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]

PRODUCT_LINES = 3
"""How many products one sheet can name; a shift rarely makes more."""


def read_upload(field: str, *, most_mib: int) -> bytes:
    """Return the file that was sent in `field`, nothing for none. Raises `FileTooLarge`."""
    file = request.files.get(field)
    body = file.stream.read(most_mib * 1024 * 1024 + 1) if file else b""
    if len(body) > most_mib * 1024 * 1024:
        raise FileTooLarge(limit_mib=most_mib, field=field)
    return body


class SourceForm(Form):
    """A new source. Files and sheets get theirs by themselves."""

    name: Name
    kind: SourceKind
    heartbeat_s: int = Field(ge=1, le=86_400)

    @model_validator(mode="after")
    def _by_hand(self) -> Self:
        if self.kind not in (SourceKind.HTTP, SourceKind.MTCONNECT):
            raise ValueError("kind")
        return self


class UnitForm(Form):
    """A machine's own attributes."""

    class_code: Name
    rated_power_kw: float | None = Field(default=None, gt=0, le=1e6, allow_inf_nan=False)
    min_stop_s: int = Field(ge=0, le=3_600)
    heartbeat_s: int = Field(ge=1, le=86_400)
    counts_from: CountsFrom


class RateForm(Form):
    """A planned run time; without a product it holds for every one that has none of its own."""

    product_code: Code = ""
    pri_s: float = Field(gt=0, le=1e7, allow_inf_nan=False)
    basis: Basis
    valid_from: date


def _reported(state: str) -> str:
    if state not in REPORTED:
        raise ValueError("state")
    return state


class StateWordForm(Form):
    """What one word of a machine's own means."""

    word: Name
    state: Annotated[str, AfterValidator(_reported)]


class StateWordGoneForm(Form):
    """Which word is taken out of the table."""

    word: Name


class DismissForm(Form):
    """Why a line is left out for good."""

    reason: Reason


class ReplayAllForm(Form):
    """Which problem has been mended."""

    code: Problem


class ImportFileForm(Form):
    """What a file is and when its lines are from; moments by the site's clock."""

    form: ImportForm
    window_from: datetime
    window_until: datetime
    unit: Code | None = None


class SheetForm(Form):
    """A shift sheet. Products and losses are numbered fields, so that it works without a script."""

    unit_id: UUID
    production_day: date
    shift_code: Name
    note: Annotated[str, StringConstraints(max_length=1_000)] = ""
    reason: Reason | None = None
    products: list["ProductFields"] = Field(default_factory=list, max_length=PRODUCT_LINES)
    lost: list["LostFields"] = Field(default_factory=list, max_length=50)


class ProductFields(Form):
    """What was made of one product."""

    product: Code | None = None
    produced: Quantity
    good: Quantity
    scrap: Quantity = 0.0
    rework: Quantity = 0.0


class LostFields(Form):
    """Minutes lost for one reason."""

    reason: Name
    minutes: Quantity
    stops: int = Field(default=1, ge=0, le=1_000)


def nested(sent: dict[str, str], name: str) -> list[dict[str, Any]]:
    """Return `name.0.field`, `name.1.field` … of an HTML form as a list, empty entries left out.

    An entry is empty when all that a person types in it (not what is chosen for her) is empty.
    """
    entries: dict[int, dict[str, Any]] = {}
    for key, value in sent.items():
        first, _, rest = key.partition(".")
        number, _, field = rest.partition(".")
        if first == name and number.isdecimal() and len(number) < 4 and field and value != "":
            entries.setdefault(int(number), {})[field] = value
    typed = {"products": ("produced", "good"), "lost": ("minutes",)}[name]
    return [entry for _, entry in sorted(entries.items()) if any(field in entry for field in typed)]
