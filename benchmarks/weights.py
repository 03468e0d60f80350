"""What a browser loads the first time it opens a page: bytes on the wire, as Chromium counts them.

Compressed answers of a real web server, headers included, nothing kept from before. The baseline
is what the same answers weigh unpacked.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from benchmarks.portal import Web, web_server
from benchmarks.stage import stage
from benchmarks.table import Line
from kernel import clock
from kernel.db import Database
from kernel.embedded import Urls
from portal.demo import history
from portal.demo.cast import HE_JING, KE_LAN, KESTREL, Person
from portal.demo.load import load_cast
from portal.demo.places import place_id
from portal.production.derive import derive_company
from portal.ui.viewstate import ViewState
from tests.browser.window import Look, click_in, find_chromium, launch, new_context, settle

KB: Final = 1000
PAGE_KB: Final = 150
BOARD_KB: Final = 850
WAIT_MS: Final = 120_000  # bytes count here, not seconds
DAYS: Final = 3  # of history, so that the charts have something to draw
_BOARDS: Final = {"company": KESTREL.code, "line": "L2", "machine": "L2-07"}


@dataclass(frozen=True, slots=True)
class Weight:
    """What one page weighs, in bytes: on the wire, and unpacked."""

    name: str
    packed: int
    unpacked: int


def run() -> list[Line]:
    """Open every kind of page once, each in a browser that has seen nothing."""
    path = find_chromium()
    if path is None:
        raise RuntimeError("no Chromium on this machine")
    with stage() as urls, tempfile.TemporaryDirectory(prefix="gongyun-bench-") as folder:
        _fill(urls)
        with web_server(urls, Path(folder)) as web, sync_playwright() as playwright:
            browser = launch(playwright, path)
            pages = [
                _weigh(browser, web, "sign-in", "/sign-in", None),
                _weigh(browser, web, "company home", "/home", KE_LAN),
                _weigh(browser, web, "group home", "/home", HE_JING),
            ]
            boards = [
                _weigh(browser, web, f"{board} board", _address(board, code), KE_LAN)
                for board, code in _BOARDS.items()
            ]
            browser.close()
    return [_say("page", pages, PAGE_KB), _say("board", boards, BOARD_KB)]


def _say(kind: str, weights: Sequence[Weight], promised_kb: int) -> Line:
    heaviest = max(weights, key=lambda weight: weight.packed)
    return Line(
        f"heaviest {kind} of {len(weights)} ({heaviest.name})",
        f"{heaviest.packed / KB:.0f} KB",
        f"unpacked {heaviest.unpacked / KB:.0f} KB",
        f"{heaviest.packed / heaviest.unpacked:.2f} x",
        f"<= {promised_kb} KB",
        heaviest.packed <= promised_kb * KB,
    )


def _fill(urls: Urls) -> None:
    """Load the cast and let one company's machines tell of the last days."""
    load_cast(urls.admin)
    database = Database(urls.worker, pool_size=2)
    now = clock.now().replace(second=0, microsecond=0)
    for feed in history.feeds():
        if feed.company is KESTREL:
            history.send(database, feed, now - timedelta(days=DAYS), now, story_ends_at=now)
    derive_company(database, KESTREL.id)
    database.dispose()


def _address(board: str, code: str) -> str:
    return ViewState(node=place_id(KESTREL, code)).href(f"/boards/tenant/{board}")


def _weigh(browser: Browser, web: Web, name: str, path: str, person: Person | None) -> Weight:
    context = new_context(browser, f"http://{web.host}", Look())
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    if person is not None:
        click_in(page, person)
    scale = _Scale(page)
    answer = page.goto(path)
    settle(page)
    page.wait_for_load_state("networkidle")
    context.close()
    if answer is None or answer.status != 200 or not scale.packed:
        raise RuntimeError(f"{path} answers {answer and answer.status}")
    return Weight(name, scale.packed, scale.unpacked)


class _Scale:
    """Adds up what the network panel would show, with the cache off."""

    def __init__(self, page: Page) -> None:
        self.packed = 0
        self.unpacked = 0
        tools: CDPSession = page.context.new_cdp_session(page)
        tools.on("Network.loadingFinished", self._on_finished)
        tools.on("Network.dataReceived", self._on_data)
        tools.send("Network.enable")
        tools.send("Network.setCacheDisabled", {"cacheDisabled": True})

    def _on_finished(self, told: dict[str, Any]) -> None:
        self.packed += int(told["encodedDataLength"])

    def _on_data(self, told: dict[str, Any]) -> None:
        self.unpacked += int(told["dataLength"])
