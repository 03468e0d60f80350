"""What people may send. The unified social credit code is checked before anything is stored."""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from kernel.web import Form
from portal.credit.words import FACTS, Dataset, Purpose
from tenants import uscc


def _valid_code(code: str) -> str:
    code = uscc.tidy(code)
    if not uscc.is_valid(code):
        raise ValueError("not a valid registration code")
    return code


Days = Annotated[int, Field(ge=1, le=365)]
Code = Annotated[str, AfterValidator(_valid_code)]


class RequestForm(Form):
    """A bank's request. It never says whether the company is here."""

    name: Annotated[str, Field(min_length=2, max_length=80)]
    uscc: Code
    purpose: Purpose
    days: Days = 180
    reason: Annotated[str, Field(max_length=200)] = ""


class DraftForm(Form):
    """A company opens a consent of its own accord, for a bank of the list."""

    bank: Annotated[str, Field(min_length=2, max_length=32)]
    purpose: Purpose
    days: Days = 180


class TermsForm(Form):
    """What a consent will open, decided by the person who prepares it."""

    datasets: list[Dataset] = Field(default_factory=list)
    level: Annotated[int, Field(ge=0, le=FACTS)]
    data_from: date
    days: Days

    @field_validator("datasets", mode="before")
    @classmethod
    def _one_is_a_list(cls, sent: object) -> object:
        return [sent] if isinstance(sent, str) else sent
