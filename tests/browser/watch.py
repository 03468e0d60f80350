"""What a page did besides being seen: requests, violations of its policy, errors of its scripts."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response

# Runs before the page's own scripts, so that nothing of the policy's work is missed.
_LISTEN: Final = """
addEventListener("securitypolicyviolation", (event) => {
  console.error("securitypolicyviolation", event.violatedDirective, event.blockedURI,
                event.sourceFile, event.sample);
});
"""
_LOCAL: Final = ("data", "blob", "about")
# Chromium says on the console that a page was answered 404 or 422, as the test wanted it to be.
_ANSWERED: Final = "Failed to load resource: the server responded with a status of"


@dataclass
class Watch:
    """Listens to every page of a browser context; `faults` must stay empty."""

    host: str
    faults: list[str] = field(default_factory=list)
    bytes_of: dict[str, int] = field(default_factory=dict)

    def over(self, context: BrowserContext) -> None:
        """Listen to `context` and all of its pages to come."""
        context.add_init_script(_LISTEN)
        context.on("request", self._see_request)
        context.on("response", self._see_response)
        context.on("console", self._see_console)
        context.on("weberror", lambda error: self._fault(f"script: {error.error}"))
        context.on("page", self._see_page)

    def take(self) -> list[str]:
        """Return what went wrong since the last time, each once."""
        found, self.faults = list(dict.fromkeys(self.faults)), []
        return found

    def _see_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in _LOCAL and parts.netloc != self.host:
            self._fault(f"foreign request: {request.url}")

    def _see_response(self, response: Response) -> None:
        if response.status >= 500 or (
            response.status >= 400 and response.request.resource_type != "document"
        ):
            self._fault(f"{response.status} {response.request.method} {response.url}")

    def _see_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(_ANSWERED):
            self._fault(f"console: {message.text}")

    def _see_page(self, page: Page) -> None:
        page.on("crash", lambda _: self._fault("the page crashed"))

    def _fault(self, text: str) -> None:
        self.faults.append(text)
