"""Refusals. Each has a stable code, a status and one translated sentence that says what to do.

A body holds no path and no request id: a stranger's object must answer as a missing one does,
byte for byte. `kernel/web.py` turns a refusal into a page or into problem+json (RFC 9457).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString


class PortalError(Exception):
    """Base of all refusals. Keyword arguments fill the named places of the sentence."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    sentence: ClassVar[LazyString] = _l("Something went wrong on our side. Try again.")

    def __init__(self, *, field: str | None = None, **values: object) -> None:
        super().__init__(self.code)
        self.field = field
        self.values = values

    @property
    def message(self) -> str:
        """The sentence in the reader's language."""
        text = str(self.sentence)
        return text % self.values if self.values else text


class BadRequest(PortalError):
    """The request itself cannot be read."""

    code = "bad_request"
    status = 400
    sentence = _l("The request could not be read.")


class Unauthenticated(PortalError):
    """Nobody is signed in, or the session has ended."""

    code = "unauthenticated"
    status = 401
    sentence = _l("Sign in to go on.")


class Forbidden(PortalError):
    """The company's own object, but not for this role or place."""

    code = "forbidden"
    status = 403
    sentence = _l("Your role does not allow this. Ask your administrator.")


class StepUpNeeded(PortalError):
    """The act asks for a fresh proof of identity."""

    code = "tenants.step_up_needed"
    status = 403
    sentence = _l("Confirm that it is you, then go on.")


class NotFound(PortalError):
    """Missing, or another company's: the two cannot be told apart."""

    code = "not_found"
    status = 404
    sentence = _l("There is nothing here, or it is not yours to see.")


class MethodNotAllowed(PortalError):
    """The page exists, the method does not."""

    code = "method_not_allowed"
    status = 405
    sentence = _l("This page cannot be called that way.")


class Conflict(PortalError):
    """Somebody was faster, or the state does not allow it now."""

    code = "conflict"
    status = 409
    sentence = _l("This has changed meanwhile. Look at it again.")


class PayloadTooLarge(PortalError):
    """The body is larger than the door takes."""

    code = "too_large"
    status = 413
    sentence = _l("What was sent is too large.")


class Invalid(PortalError):
    """Well formed, but a rule is broken."""

    code = "invalid"
    status = 422
    sentence = _l("What was sent is not valid.")


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One faulty field: where (`loc`, dotted), what is wrong, and the machine's word for it."""

    loc: str
    msg: str
    type: str


class InvalidInput(Invalid):
    """Fields are wrong; every one is named. Nothing was changed."""

    code = "invalid_input"
    sentence = _l("Some fields need your attention. Nothing was saved.")

    def __init__(self, errors: Sequence[FieldProblem]) -> None:
        super().__init__()
        self.errors = tuple(errors)


class TooMany(PortalError):
    """A limit is reached; `retry_after_s` says when it opens again."""

    code = "too_many"
    status = 429
    sentence = _l("Too many tries. Wait a moment.")

    def __init__(
        self, *, retry_after_s: int = 60, field: str | None = None, **values: object
    ) -> None:
        super().__init__(field=field, **values)
        self.retry_after_s = retry_after_s


class Unavailable(PortalError):
    """A part of the portal is away; trying again helps."""

    code = "unavailable"
    status = 503
    sentence = _l("The portal is busy or a part of it is away. Try again in a minute.")

    def __init__(
        self, *, retry_after_s: int = 30, field: str | None = None, **values: object
    ) -> None:
        super().__init__(field=field, **values)
        self.retry_after_s = retry_after_s


class NoActor(RuntimeError):
    """A programming error: the database was asked outside a `Work`. Never a page."""
