"""Test clients that came in by the front door: the real sign-in form, the real session, its token.

A client made here sends the session's CSRF token with every unsafe request, as htmx and the boards
do in a browser. A test of the token itself makes a plain `app.test_client()`.
"""

import re
from typing import Any, Final

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from kernel.web import SAFE_METHODS
from tests.cast import PASSWORD, Company, Person

HEADER: Final = "X-CSRFToken"
_COOKIE: Final = "_csrf_token"
_IN_FORM: Final = re.compile(r'name="csrf_token" value="([^"]+)"')
_SEAT: Final = re.compile(r'name="seat"\s+value="([^"]+)"')


class Browser(FlaskClient):
    """A test client that sends the token of its session with every unsafe request."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Make a request as Flask's client does, with the token where none is given."""
        if self.method_of(args, kwargs) not in SAFE_METHODS:
            headers = Headers(kwargs.get("headers"))
            if HEADER not in headers:
                headers[HEADER] = self.csrf_token()
            kwargs["headers"] = headers
        return super().open(*args, **kwargs)

    def csrf_token(self) -> str:
        """Return the token that the page of a form would carry now."""
        cookie = self.get_cookie(_COOKIE)
        return cookie.value if cookie else token_in(self.get("/me").text)

    @staticmethod
    def method_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """Return the method a call of `open` will use."""
        first = args[0] if args else None
        return str(kwargs.get("method") or getattr(first, "method", None) or "GET").upper()


def token_in(page: str) -> str:
    """Return the CSRF token of the first form on a page."""
    found = _IN_FORM.search(page)
    assert found, "no form with a token on this page"
    return found[1]


def signed_in_client(
    app: Flask, person: Person, *, company: Company | None = None, kind: str | None = None
) -> Browser:
    """Return a client in which `person` has signed in with her password.

    With `company` (and `kind`, where somebody has two seats there) she has switched to that seat.
    """
    client = Browser(app, app.response_class)
    came_in = client.post(
        "/sign-in",
        data={"name": person.login_name, "password": PASSWORD},
        headers={HEADER: token_in(client.get("/sign-in").text)},
    )
    assert came_in.status_code == 303, came_in.text
    if company is not None or kind is not None:
        _take_seat(client, person, company, kind)
    return client


def _take_seat(client: Browser, person: Person, company: Company | None, kind: str | None) -> None:
    code = (company or person.seats[0].company).code
    offered = _SEAT.findall(client.get("/switch").text)
    wanted = f"{code}:{kind or ''}"
    key = next((key for key in offered if key.startswith(wanted)), None)
    if key is None:
        return  # she sits there already: the page offers only the others
    answer = client.post("/switch", data={"seat": key})
    assert answer.status_code == 303, answer.text
