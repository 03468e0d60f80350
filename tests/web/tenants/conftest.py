"""The pages of this package on an app of their own, closed by the same door as the portal's."""

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from kernel import i18n, web
from kernel.db import Database
from portal.shell import web as shell
from portal.shell.refusals import render_error
from portal.ui import setup as ui
from tenants import identity
from tenants import web as tenants
from tenants.door_web import DEMO_PEOPLE, DemoPerson
from tenants.roles import CompanyKind
from tests.cast import PASSWORD, PEOPLE, Person


def demo_people() -> list[DemoPerson]:
    return [
        DemoPerson(
            login_name=person.login_name,
            name_zh=person.name_zh,
            name_en=person.name_en,
            roles=tuple(seat.role for seat in person.seats),
            company_zh=person.seats[0].company.name_zh,
            company_en=person.seats[0].company.name_en,
            company_kind=CompanyKind(person.seats[0].company.kind),
            sees=person.sees,
        )
        for person in PEOPLE
        if not person.left
    ]


@pytest.fixture(scope="module")
def make_app(db: Database, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Flask]:
    def make(*, demo: bool = True) -> Flask:
        app = Flask("gongyun")
        app.config.update(SECRET_KEY="key of the tests", TESTING=True)
        i18n.install(app, "translations")
        ui.install(app, version="0", demo=demo)
        shell.install(app)
        tenants.install(app, var=tmp_path_factory.mktemp("var"), demo=demo, secure=False)
        app.extensions[DEMO_PEOPLE] = demo_people()
        web.install(
            app,
            db,
            authenticate=identity.authenticate,
            render_error=render_error,
            step_up_fresh=identity.step_up_fresh,
        )
        return app

    return make


@pytest.fixture(scope="module")
def app(make_app: Callable[..., Flask]) -> Iterator[Flask]:
    return make_app()


class Browser:
    """A test client that fills forms as a browser does: with the token of the page before."""

    def __init__(self, app: Flask, *, language: str = "en") -> None:
        self.client: FlaskClient = app.test_client()
        self.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
        self.page = "/sign-in"

    def get(self, path: str, **more):
        return self.client.get(path, **more)

    def token(self, path: str | None = None) -> str:
        found = re.search(
            r'name="csrf_token" value="([^"]+)"', self.client.get(path or self.page).text
        )
        return found[1] if found else ""

    def post(self, path: str, fields: dict | None = None, *, token: str | None = None):
        sent = {"csrf_token": self.token() if token is None else token, **(fields or {})}
        return self.client.post(path, data=sent)

    def sign_in(self, name: str, password: str = PASSWORD, **more):
        answer = self.post("/sign-in", {"name": name, "password": password, **more})
        self.page = "/me" if answer.status_code == 303 else self.page
        return answer


@pytest.fixture
def browser(app: Flask) -> Callable[..., Browser]:
    def open_browser(**more) -> Browser:
        return Browser(app, **more)

    return open_browser


@pytest.fixture
def enter(browser: Callable[..., Browser]) -> Callable[[Person], Browser]:
    """A browser in which a person of the cast is signed in by the demo's button."""

    def sign_in(person: Person, **more) -> Browser:
        opened = browser(**more)
        answer = opened.post("/sign-in/demo", {"login_name": person.login_name})
        assert answer.status_code == 303, answer.text
        opened.page = "/me"
        return opened

    return sign_in
