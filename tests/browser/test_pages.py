"""Every page of every person: accessible, in her language, within the window, alone with us.

Each person follows her links (`sitemap.py`). Together they meet each page in every pair of
language, theme and width: who comes takes the look in which it was met least.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import pytest
from flask import Flask
from playwright.sync_api import Browser, Error, Page, Response

from kernel.settings import Settings
from tests.browser import axe, texts
from tests.browser.portal import DemoPortal
from tests.browser.sitemap import THERE, Walk, home_of, page_endpoints
from tests.browser.watch import Watch
from tests.browser.window import HEIGHTS, Look, click_in, new_context, set_look, settle, sideways
from tests.cast import KUANG_DA, Person

# The first four meet every pair of language, theme and width; the others bring the other half.
LOOKS: Final = (
    Look("zh_CN", "light", 1440),
    Look("en", "light", 390),
    Look("zh_CN", "dark", 390),
    Look("en", "dark", 1440),
    Look("en", "light", 1440),
    Look("zh_CN", "light", 390),
    Look("en", "dark", 390),
    Look("zh_CN", "dark", 1440),
)
NEEDED: Final = LOOKS[:4]
NOBODY: Final = "nobody"
# Pages that no link leads to, each with its reason.
BY_NO_LINK: Final = {
    "shell.show_start": "leads on at once",
    "shell.show_operation_progress": "a fragment that its page asks for",
}
# Asked for by the door; by a form; kept on a phone's screen, also when no sheet is due.
BY_OTHER_WAYS: Final = (
    "/auth/step-up",
    "/company/sharing?level=site",
    "/production/shift-sheets/new",
)
REFUSALS: Final = ("/no/such/page", "/platform/companies", "/company/people/new")
_LINKS: Final = "() => [...document.querySelectorAll('a[href]')].map((each) => each.href)"


@dataclass
class Tour:
    """What all persons have met so far."""

    app: Flask
    portal: DemoPortal
    met: dict[str, Counter[Look]] = field(default_factory=lambda: defaultdict(Counter))
    seers: dict[str, list[tuple[Person | None, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    files: set[str] = field(default_factory=set)

    def look_for(self, endpoint: str) -> Look:
        """Return the look in which a page was met least, those needed first."""
        return min(LOOKS, key=lambda look: (self.met[endpoint][look], LOOKS.index(look)))

    def knows(self, endpoint: str) -> bool:
        """Say whether a page was met in every look and no role decides about it."""
        door = self.app.extensions["portal"].doors[endpoint]
        return not door.permissions and len(self.met[endpoint]) == len(LOOKS)

    def missing(self) -> Iterator[tuple[Person | None, str, Look]]:
        """Yield who must still see what in which look."""
        for endpoint, seers in self.seers.items():
            looks = (look for look in NEEDED if not self.met[endpoint][look])
            for look, (person, path) in zip(looks, itertools.cycle(seers), strict=False):
                self.met[endpoint][look] += 1
                yield person, path, look


@dataclass
class Visitor:
    """One person in her window."""

    portal: DemoPortal
    page: Page
    watch: Watch

    def look_at(self, path: str, look: Look) -> list[str]:
        """Return what is wrong with the page at `path` in that look."""
        set_look(self.page, self.portal.address, look)
        answer = go(self.page, path)
        assert answer is not None, f"{path} is a file"
        found = [*faults(self.page, look), *self.watch.take()]
        return [f"{path} ({look}): {each}" for each in found]


@contextmanager
def window(browser: Browser, portal: DemoPortal, person: Person | None) -> Iterator[Visitor]:
    """Open a window in which `person` is signed in."""
    watch = Watch(portal.host)
    context = new_context(browser, portal.address, Look())
    watch.over(context)
    page = context.new_page()
    if person is not None:
        click_in(page, person)
    yield Visitor(portal, page, watch)
    context.close()


def follow_links(tour: Tour, person: Person | None, seen: Visitor) -> Iterator[str]:
    """Yield what is wrong on the pages of a person."""
    walk = Walk(tour.app, tour.portal.address, [home_of(person), *BY_OTHER_WAYS])
    while (path := walk.next()) is not None:
        endpoint = walk.endpoint(path) or ""
        if path != home_of(person) and tour.knows(endpoint):
            walk.seen[endpoint] = path
            continue
        look = tour.look_for(endpoint)
        set_look(seen.page, tour.portal.address, look)
        answer = go(seen.page, path)
        if answer is None:
            tour.files.add(endpoint)
        if answer is None or not answer.ok:
            seen.watch.take()
            continue
        arrived = walk.arrive(seen.page.url, seen.page.evaluate(_LINKS))
        if arrived is None:
            continue
        tour.met[arrived][look] += 1
        tour.seers[arrived].append((person, walk.seen[arrived]))
        for fault in [*faults(seen.page, look), *seen.watch.take()]:
            yield f"{walk.seen[arrived]} ({look}): {fault}"


def go(page: Page, path: str) -> Response | None:
    """Open a page and wait until it is drawn; None where the address is a file."""
    try:
        answer = page.goto(path)
    except Error as error:
        if "Download is starting" in str(error):
            return None
        raise
    settle(page)
    return answer


def faults(page: Page, look: Look) -> Iterator[str]:
    """Yield what is wrong with the page that is open."""
    root, heading = page.locator("html"), page.locator("h1")
    if root.get_attribute("lang") != look.lang:
        yield f"lang={root.get_attribute('lang')}"
    if root.get_attribute("data-bs-theme") != look.theme:
        yield f"data-bs-theme={root.get_attribute('data-bs-theme')}"
    if heading.count() != 1 or not heading.inner_text().strip():
        yield f"h1: {heading.all_inner_texts()}"
    yield from texts.faults(page, look.lang)
    yield from axe.violations(page)
    for width in (390, 1440):
        yield from sideways(page, width)
    page.set_viewport_size({"width": look.width, "height": HEIGHTS[look.width]})


@pytest.fixture(scope="module")
def tour(demo_portal: DemoPortal) -> Tour:
    from app import create_app

    return Tour(create_app(Settings.for_tests(demo_portal.urls)), demo_portal)


@pytest.mark.parametrize("name", [NOBODY, *(person.login_name for person in THERE)])
def test_pages_of(name, tour: Tour, chromium: Browser):
    person = next((each for each in THERE if each.login_name == name), None)
    with window(chromium, tour.portal, person) as seen:
        found = list(follow_links(tour, person, seen))
    assert found == [], "\n" + "\n".join(found)


def test_what_is_left(tour, chromium):
    left = sorted(tour.missing(), key=lambda each: str(each[0]))
    found = []
    for person, visits in itertools.groupby(left, key=lambda each: each[0]):
        with window(chromium, tour.portal, person) as seen:
            for _, path, look in visits:
                found += seen.look_at(path, look)
    assert found == [], "\n" + "\n".join(found)


def test_every_page_is_reached_by_links(tour):
    assert len(tour.seers) > 20
    assert page_endpoints(tour.app) - set(tour.seers) - tour.files == set(BY_NO_LINK)


def test_refusals(tour, chromium):
    found = []
    with window(chromium, tour.portal, KUANG_DA) as seen:
        for look, path in itertools.product(NEEDED, REFUSALS):
            found += seen.look_at(path, look)
    assert found == [], "\n" + "\n".join(found)
