"""The base page and every macro: nothing breaks out, nothing is inline, errors lead to fields."""

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from portal.ui import setup
from tests.web.ui.kit import EVIL, make_app

MACROS = Path(setup.__file__).parent / "templates" / "ui" / "macros.html"


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    return make_app().test_client()


def test_the_kit_shows_every_macro():
    kit = Path(__file__).with_name("templates") / "kit.html"
    imported = set(re.findall(r"\w+", kit.read_text().splitlines()[1].partition("import")[2]))
    defined = set(re.findall(r"{% macro ([a-z]\w*)", MACROS.read_text()))
    assert defined
    assert imported == defined


def test_names_stay_names(client):
    page = client.get("/kit").text
    assert EVIL not in page
    assert "<b onclick" not in page
    assert "&lt;b onclick" in page


def test_nothing_is_inline(client):
    page = client.get("/kit").text
    assert re.findall(r"<script(?![^>]* src=)", page) == []
    assert re.findall(r"<style|<[^>]+ style=", page) == []
    assert re.findall(r"<[a-z][^>&]* on[a-z]+=", page) == []


def test_addresses_are_our_own(client):
    page = client.get("/kit").text
    found = re.findall(r'(?:href|src|action|hx-get)="([^"]*)"', page)
    assert found
    assert [each for each in found if not each.startswith(("/", "#"))] == []


@pytest.mark.parametrize(("locale", "lang"), [("zh_CN", "zh-CN"), ("en", "en")])
@pytest.mark.parametrize(("theme", "shown"), [("dark", "dark"), ("light", "light"), ("x", "light")])
def test_language_and_theme_come_from_the_server(client, locale, lang, theme, shown):
    client.set_cookie("gongyun_locale", locale)
    client.set_cookie("gongyun_theme", theme)
    page = client.get("/kit").text
    assert f'<html lang="{lang}" data-bs-theme="{shown}"' in page


def test_a_form_that_comes_back_names_the_field_and_leads_to_it(client):
    page = client.get("/kit/failed").text
    assert 'href="#f-mail"' in page
    field = re.search(r'<input[^>]*id="f-mail"[^>]*>', page)
    assert field is not None
    assert 'aria-invalid="true"' in field[0]
    assert 'aria-describedby="h-mail e-mail"' in field[0]
    assert 'id="e-mail"' in page
    assert "aria-invalid" not in client.get("/kit").text


def test_a_running_action_asks_again_and_an_ended_one_does_not(client):
    page = client.get("/kit").text
    assert page.count('hx-trigger="every 2s"') == 1


def test_a_refusal_of_one_kind_is_the_same_page_wherever_it_is_met(client):
    from kernel.errors import NotFound
    from portal.shell.refusals import render_error

    app = client.application
    with app.test_request_context("/credit/figures/1"):
        one = render_error(NotFound(), 404)
    with app.test_request_context("/no/such/page?a=b"):
        other = render_error(NotFound(), 404)
    assert one == other
    assert "404" not in one


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503, 418])
def test_every_refusal_has_a_page_and_only_faults_of_ours_a_number(client, status):
    from flask import g

    from kernel.errors import PortalError
    from portal.shell.refusals import render_error

    with client.application.test_request_context("/x"):
        g.request_id = "number-7"
        page = render_error(PortalError(), status)
    assert ("number-7" in page) is (status >= 500)
    assert "<h1>" in page
