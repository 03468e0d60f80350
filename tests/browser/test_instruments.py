"""The instruments of the other tests see what they are there for: each is shown a planted fault."""

from collections.abc import Callable
from typing import Final

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser import axe, texts
from tests.browser.portal import DemoPortal
from tests.browser.watch import Watch
from tests.browser.window import Look, new_context, sideways

ELSEWHERE: Final = "http://192.0.2.1/pixel.png"  # a network that is kept for documentation
CHINESE: Final = "&#20013;&#25991;"
STRICT: Final = {"Content-Security-Policy": "default-src 'none'"}
Show = Callable[..., tuple[Page, Watch]]


@pytest.fixture
def show(chromium, demo_portal: DemoPortal):
    """`show("<p>…")` opens a page of the portal's address with that body."""
    opened: list[BrowserContext] = []

    def open_page(body: str, headers: dict[str, str] | None = None) -> tuple[Page, Watch]:
        context = new_context(chromium, demo_portal.address, Look("en"))
        opened.append(context)
        watch = Watch(demo_portal.host)
        watch.over(context)
        html = f'<!doctype html><html lang="en"><title>t</title><body>{body}</body></html>'
        context.route(
            "**/planted",
            lambda route: route.fulfill(body=html, headers=headers, content_type="text/html"),
        )
        context.route(ELSEWHERE, lambda route: route.abort())
        page = context.new_page()
        page.goto("/planted")
        return page, watch

    yield open_page
    for context in opened:
        context.close()


def test_a_request_to_another_host_is_seen(show: Show):
    _, watch = show(f'<img src="{ELSEWHERE}" alt="">')
    assert f"foreign request: {ELSEWHERE}" in watch.take()


def test_a_violation_of_the_policy_is_seen(show: Show):
    _, watch = show("<script>document.title = 'x'</script>", STRICT)
    assert any("securitypolicyviolation script-src-elem inline" in each for each in watch.take())


def test_a_failing_script_is_seen(show: Show):
    _, watch = show("<script>nothing.here</script>")
    assert any("nothing is not defined" in each for each in watch.take())


def test_a_quiet_page_is_quiet(show: Show):
    page, watch = show("<main><h1>Quiet</h1><p>Nothing to see.</p></main>")
    assert [*watch.take(), *axe.violations(page), *texts.faults(page, "en")] == []
    assert [*sideways(page, 390), *sideways(page, 1440)] == []


def test_axe_looks(show: Show):
    page, _ = show('<main><h1>x</h1><img src="data:,"><p style="color:#ccc">pale</p></main>')
    found = axe.violations(page)
    assert {each.partition(":")[0] for each in found} >= {"axe image-alt", "axe color-contrast"}


@pytest.mark.parametrize(
    ("body", "lang", "fault"),
    [
        (f"<p>{CHINESE}</p>", "en", "Chinese on the English page"),
        (f'<button aria-label="{CHINESE}">x</button>', "en", "Chinese on the English page"),
        ('<p lang="zh">Sign in</p>', "zh-CN", "English on the Chinese page"),
        ("<p>Hello %(name)s</p>", "en", "unfilled"),
        ("<p>None</p>", "en", "unfilled"),
    ],
)
def test_words_in_the_wrong_language_are_seen(show: Show, body, lang, fault):
    page, _ = show(body)
    assert any(each.startswith(fault) for each in texts.faults(page, lang))


def test_what_names_its_language_is_let_be(show: Show):
    page, _ = show(f'<button lang="zh-CN">{CHINESE}</button>')
    assert texts.faults(page, "en") == []


def test_a_page_that_is_too_wide_is_seen(show: Show):
    page, _ = show('<div style="width:600px;height:9px"></div>')
    assert list(sideways(page, 390)) == ["scrolls sideways at 390 px: div."]
