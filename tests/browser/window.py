"""A browser window as a person has it: her language, theme and width; signing in; looking."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.cast import Person

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WAIT_MS: Final = 60_000  # a guard against waiting for ever, not a measure of speed
HEIGHTS: Final = {1440: 900, 390: 844, 360: 740}
_WIDER: Final = """() => {
  const edge = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= edge) return [];
  const scrolls = (each) => /auto|scroll|hidden|clip/.test(getComputedStyle(each).overflowX);
  const held = (each) => {
    for (let up = each.parentElement; up && up !== document.body; up = up.parentElement)
      if (scrolls(up)) return true;
    return false;
  };
  return [...document.body.querySelectorAll("*")]
    .filter((each) => each.getBoundingClientRect().right > edge + 1 && !held(each))
    .slice(0, 3).map((each) => each.localName + "." + (each.className.baseVal ?? each.className));
}"""


@dataclass(frozen=True, slots=True)
class Look:
    """How a person sees the portal: language, theme, width of the window in px."""

    locale: str = "zh_CN"
    theme: str = "light"
    width: int = 1440

    @property
    def lang(self) -> str:
        """What the page must say in `lang`."""
        return {"zh_CN": "zh-CN", "en": "en"}[self.locale]

    def __str__(self) -> str:
        return f"{self.locale} {self.theme} {self.width}"


def find_chromium() -> str | None:
    """Return the path of the system's Chromium, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def launch(playwright: Playwright, path: str) -> Browser:
    """Start Chromium without a window; it asks nobody but the portal."""
    return playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))


def new_context(browser: Browser, address: str, look: Look) -> BrowserContext:
    """Open a window with cookies of its own; nobody is signed in."""
    context = browser.new_context(
        base_url=address,
        viewport={"width": look.width, "height": HEIGHTS[look.width]},
        locale=look.lang,
        timezone_id="Asia/Shanghai",
        color_scheme="dark" if look.theme == "dark" else "light",
        has_touch=look.width < 576,
        reduced_motion="reduce",
    )
    context.set_default_timeout(WAIT_MS)
    _choose(context, address, look)
    return context


def set_look(page: Page, address: str, look: Look) -> None:
    """Go on in another language, theme and width; shown from the next page on."""
    _choose(page.context, address, look)
    page.set_viewport_size({"width": look.width, "height": HEIGHTS[look.width]})
    page.emulate_media(color_scheme="dark" if look.theme == "dark" else "light")


def _choose(context: BrowserContext, address: str, look: Look) -> None:
    # By the cookies that the switches set.
    cookies = {"gongyun_locale": look.locale, "gongyun_theme": look.theme}
    context.add_cookies(
        [{"name": name, "value": value, "url": address} for name, value in cookies.items()]
    )


def click_in(page: Page, person: Person) -> None:
    """Sign in by the demo's button of that person."""
    page.goto("/sign-in")
    page.locator(f'button[name="login_name"][value="{person.login_name}"]').click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


def settle(page: Page) -> None:
    """Wait until the charts of a board are drawn; other pages are there at once."""
    if page.locator("#react-entry-point").count():
        page.locator(".js-plotly-plot .main-svg").first.wait_for()
        page.locator("[data-dash-is-loading]").first.wait_for(state="detached")


def sideways(page: Page, width: int) -> Iterator[str]:
    """Yield what makes the page wider than a window of `width` px, once charts have followed."""
    page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
    for _ in range(10):
        wide = page.evaluate(_WIDER)
        if not wide:
            return
        page.wait_for_timeout(100)
    yield f"scrolls sideways at {width} px: {', '.join(wide)}"
