"""Take the pictures of this folder: `make screenshots`.

Starts a demo of its own on a free port, with a database that is gone afterwards, waits until its
90 days of history are filled in, and lets people of the demo open their pages. With an address as
argument it takes the pictures of a demo that is running already.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Error, Page, sync_playwright

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.portal import free_port  # noqa: E402
from tests.browser.window import (  # noqa: E402
    Look,
    click_in,
    find_chromium,
    launch,
    new_context,
    settle,
)
from tests.cast import (  # noqa: E402
    DING_NING,
    GAO_YAN,
    HE_JING,
    HU_BO,
    KANG_YI,
    KE_LAN,
    KONG_KUN,
    Person,
)

START_S: Final = 120.0
HISTORY_S: Final = 30 * 60.0
TALLEST_PX: Final = 2_600  # a longer page is cut: its first screens say what it is


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: whose page, in which look. `links` are followed from `path`, by their CSS."""

    name: str
    person: Person | None
    path: str
    look: Look
    links: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """The name of its file."""
        lang = self.look.locale.partition("_")[0]
        dark = ".dark" if self.look.theme == "dark" else ""
        return f"{self.name}.{lang}.{self.look.width}{dark}.png"


MACHINE: Final = ('main a:text-is("L2-07")',)
CASE: Final = ('main th a[href*="/bank/cases/"]',)
SHEET: Final = ("main tbody th a", 'main a[href$="/correct"]')
EN, ZH = Look("en"), Look("zh_CN")
SHOTS: Final = (
    Shot("sign-in", None, "/sign-in", ZH),
    Shot("group-home", HE_JING, "/home", EN),
    Shot("group-home", HE_JING, "/home", ZH),
    Shot("group-home", HE_JING, "/home", Look("zh_CN", width=390)),
    Shot("company-board", KE_LAN, "/boards/tenant/company", ZH),
    Shot("machine-board", KE_LAN, "/boards/tenant/company", EN, MACHINE),
    Shot("machine-board", KE_LAN, "/boards/tenant/company", Look("zh_CN", "dark"), MACHINE),
    Shot("shift-sheet", DING_NING, "/production/shift-sheets", Look("zh_CN", width=390), SHEET),
    Shot("credit-profile", KANG_YI, "/credit", ZH),
    Shot("bank-case", GAO_YAN, "/bank/cases", EN, CASE),
    Shot("bank-case", GAO_YAN, "/bank/cases", Look("zh_CN", width=390), CASE),
    Shot("sources", KONG_KUN, "/production/sources", EN),
)


def main() -> None:
    """Take every picture."""
    path = find_chromium()
    if path is None:
        sys.exit("No Chromium: apt-get install chromium fonts-noto-cjk")
    with _demo() as address, sync_playwright() as playwright:
        browser = launch(playwright, path)
        _wait_for_history(browser, address)
        for shot in SHOTS:
            _take(browser, address, shot)
            _say(shot.file)
        browser.close()


def _take(browser: Browser, address: str, shot: Shot) -> None:
    context = new_context(browser, address, shot.look)
    page = context.new_page()
    if shot.person is not None:
        click_in(page, shot.person)
    page.goto(shot.path)
    for link in shot.links:
        page.locator(link).first.click()
        page.wait_for_load_state()
    settle(page)
    _make_tall(page, shot.look)
    page.screenshot(path=HERE / shot.file, animations="disabled", caret="hide")
    context.close()


def _make_tall(page: Page, look: Look) -> None:
    # A window as high as the page: what sticks to its edges then stands where it belongs.
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": look.width, "height": min(height, TALLEST_PX)})
    page.wait_for_timeout(500)


@contextmanager
def _demo() -> Iterator[str]:
    if len(sys.argv) > 1:
        yield sys.argv[1].rstrip("/")
        return
    folder = Path(tempfile.mkdtemp(prefix="gongyun-screenshots-"))
    folder.chmod(0o755)  # as root the database runs as another user, who must be able to enter
    bind = f"127.0.0.1:{free_port()}"
    ours = ("GONGYUN_", "DATABASE_URL", "WORKER_DATABASE_URL", "ADMIN_DATABASE_URL")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environ |= {"GONGYUN_VAR": str(folder), "GONGYUN_BIND": bind}
    _say(f"starting a demo at {bind}")
    run = subprocess.Popen([sys.executable, str(ROOT / "app.py"), "run"], cwd=ROOT, env=environ)
    try:
        yield f"http://{bind}"
    finally:
        run.send_signal(signal.SIGINT)
        run.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for_history(browser: Browser, address: str) -> None:
    # The operator's home lists long actions; the demo's history is the only one of a new demo.
    page = new_context(browser, address, EN).new_page()
    deadline = time.monotonic() + START_S
    while not _answers(page):
        if time.monotonic() > deadline:
            sys.exit(f"{address} does not answer")
        time.sleep(1)
    click_in(page, HU_BO)
    deadline = time.monotonic() + HISTORY_S
    said = ""
    while page.locator(".operation[hx-get]").count():
        now = re.sub(r"\s+", " ", page.locator(".operation").first.inner_text())
        if now != said:
            _say(said := now)
        if time.monotonic() > deadline:
            sys.exit("The history is not filled in.")
        time.sleep(5)
        page.reload()
    page.context.close()


def _answers(page: Page) -> bool:
    try:
        return page.context.request.get("/healthz").ok
    except Error:
        return False


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
