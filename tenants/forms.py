"""What people may send here. Unknown fields are refused, not ignored."""

from datetime import date, time
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field, StringConstraints

from kernel.web import Form
from tenants.roles import Role
from tenants.words import KpiProfile, Level

Name = Annotated[str, StringConstraints(min_length=1, max_length=120)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
Path = Annotated[str, StringConstraints(max_length=2_000)]
Email = Annotated[str, StringConstraints(max_length=254, pattern=r"^[^@\s/]+@[^@\s/]+$")]
Login = Annotated[
    str, StringConstraints(to_lower=True, max_length=60, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]*$")
]
PlaceCode = Annotated[
    str, StringConstraints(max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")
]
NOTHING: Final = "none"


class SignInForm(Form):
    """Sign-in name or e-mail address, password, and where the person wanted to go."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=254)]
    password: Secret
    next: Path = ""


class DemoForm(Form):
    """Which person of the demo."""

    login_name: Name


class NewPasswordForm(Form):
    """The password until now, and the new one twice."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=254)]
    password: Secret
    new_password: Secret
    again: Secret


class StepUpForm(Form):
    """The password again; without one it is the demo's button."""

    password: Secret | None = None
    next: Path = ""


class SwitchForm(Form):
    """One of the person's own seats, by its key."""

    seat: Name


class ProfileForm(Form):
    """What a company says of itself; `version` is the one that was shown."""

    version: int
    name_zh: Name
    name_en: Name
    segment: Name | None = None
    region: Name | None = None
    kpi_profile: KpiProfile | None = None


class SharingForm(Form):
    """Down to which level the group may see; "none" ends it."""

    level: Annotated[str, StringConstraints(pattern=r"^(none|company|site|area|line|unit)$")]

    @property
    def chosen(self) -> Level | None:
        """The level, or None for nothing."""
        return None if self.level == NOTHING else Level(self.level)


class PlaceForm(Form):
    """A new place; zone and start of the day for a site alone."""

    parent_id: UUID
    level: Level
    code: PlaceCode
    name_zh: Name
    name_en: Name
    zone: Name | None = None
    day_start: time | None = None


class RenameForm(Form):
    """Other names for a place."""

    name_zh: Name
    name_en: Name


class PersonForm(Form):
    """A new person with a first role."""

    login: Login
    name_zh: Name
    name_en: Name
    email: Email | None = None
    role: Role
    place_id: UUID


class GrantForm(Form):
    """A role at a place, perhaps until a day (its end by the company's clock)."""

    role: Role
    place_id: UUID
    until_on: date | None = None


class TokenForm(Form):
    """A token for one data source."""

    source_id: UUID
    name: Name
    days: Annotated[int, Field(ge=1, le=365)]


class Nothing(Form):
    """A button without fields."""
