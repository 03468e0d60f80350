"""Headless Chromium before a running portal with the demo's companies in it.

After every test: no request left for another host, no policy was violated, no script failed.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from kernel.embedded import EmbeddedServer
from tests.browser.portal import DemoPortal, running_portal
from tests.browser.watch import Watch
from tests.browser.window import WAIT_MS, Look, click_in, find_chromium, launch, new_context
from tests.cast import Person
from tests.conftest import SERVER


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here: `make check` leaves it out."""
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def demo_portal(server: EmbeddedServer) -> Iterator[DemoPortal]:
    """The running portal of this worker."""
    folder = Path(tempfile.mkdtemp(prefix="gongyun-browser-"))
    with running_portal(server, folder, common=Path(os.environ[SERVER])) as portal:
        yield portal
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium; only outside of CI may there be none.

    For a module, not for the run: Playwright's loop would forbid every other one in this thread.
    """
    path = find_chromium()
    if path is None:
        assert "CI" not in os.environ, "no Chromium"
        pytest.skip("no Chromium on this machine: apt-get install chromium fonts-noto-cjk")
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        browser = launch(playwright, path)
        yield browser
        browser.close()


@pytest.fixture
def watch(demo_portal: DemoPortal) -> Iterator[Watch]:
    """Listens to every window of the test, and speaks at its end."""
    watching = Watch(demo_portal.host)
    yield watching
    assert watching.take() == []


OpenWindow = Callable[..., BrowserContext]


@pytest.fixture
def open_window(chromium: Browser, demo_portal: DemoPortal, watch: Watch) -> Iterator[OpenWindow]:
    """`open_window(locale=…, theme=…, width=…)`: a browser of its own, nobody signed in."""
    opened: list[BrowserContext] = []

    def open_one(
        *, locale: str = "zh_CN", theme: str = "light", width: int = 1440
    ) -> BrowserContext:
        context = new_context(chromium, demo_portal.address, Look(locale, theme, width))
        watch.over(context)
        opened.append(context)
        return context

    yield open_one
    for context in opened:
        context.close()


PageFor = Callable[..., Page]


@pytest.fixture
def page_for(open_window: OpenWindow) -> PageFor:
    """`page_for(KE_LAN, locale=…, theme=…, width=…)`: her page after one click at the door."""

    def enter(person: Person, **look: str | int) -> Page:
        page = open_window(**look).new_page()
        click_in(page, person)
        return page

    return enter
