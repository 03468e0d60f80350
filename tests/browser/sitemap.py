"""Which pages there are, and how a person comes to them: by following links from her home.

No page is listed by hand. A new one is in by itself; one that no link leads to is noticed.
"""

import re
from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Final
from urllib.parse import urljoin, urlsplit

from flask import Flask
from werkzeug.exceptions import HTTPException

from tests.cast import PEOPLE, Person

THERE: Final = tuple(person for person in PEOPLE if not person.left)
TRIES: Final = 4  # addresses of one page that may be refused before it counts as not hers
_NO_PAGE: Final = re.compile(r"^/(api|static)/|/_|<path:|\.<|\.(csv|xlsx|json|svg|ico)$|z$")


def page_endpoints(app: Flask) -> frozenset[str]:
    """Return the endpoints of pages: what a GET is answered with, but for files and Dash's data."""
    return frozenset(
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and not rule.endpoint.startswith("/")  # Dash's own doors
        and rule.endpoint.rpartition(".")[2] != "static"
        and not _NO_PAGE.search(rule.rule)
    )


class Walk:
    """The way of one person through her pages: each is offered once, by the first link to it."""

    def __init__(self, app: Flask, address: str, begin: Iterable[str]) -> None:
        self._adapter = app.url_map.bind(urlsplit(address).netloc)
        self._pages = page_endpoints(app)
        self._address = address
        self._waiting = deque(begin)
        self._offered: set[str] = set()
        self._tried: dict[str, int] = defaultdict(int)
        self.seen: dict[str, str] = {}

    def next(self) -> str | None:
        """Return the next address of a page not seen yet, or None at the end."""
        while self._waiting:
            path = self._waiting.popleft()
            endpoint = self.endpoint(path)
            if endpoint is None or endpoint in self.seen or path in self._offered:
                continue
            if self._tried[endpoint] < TRIES:
                self._offered.add(path)
                self._tried[endpoint] += 1
                return path
        return None

    def arrive(self, url: str, links: Iterable[str]) -> str | None:
        """Note where an address has led and what links are there; return the endpoint if new."""
        path = self._local(url)
        endpoint = self.endpoint(path) if path else None
        if path is None or endpoint is None or endpoint in self.seen:
            return None
        self.seen[endpoint] = path
        self._waiting += filter(None, (self._local(urljoin(url, link)) for link in links))
        return endpoint

    def endpoint(self, path: str) -> str | None:
        """Return which page lives at `path`, or None where there is none."""
        try:
            endpoint, _ = self._adapter.match(urlsplit(path).path, method="GET")
        except HTTPException:
            return None
        return endpoint if endpoint in self._pages else None

    def _local(self, url: str) -> str | None:
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}" != self._address:
            return None
        return parts.path + (f"?{parts.query}" if parts.query else "")


def home_of(person: Person | None) -> str:
    """Return where a person begins; nobody stands at the door."""
    return "/home" if person else "/sign-in"
