"""What several tests let people do in the browser, step by step, on the English pages."""

import re
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from tests.cast import Company

SECONDS = 180.0


def eventually(page: Page, is_there: Callable[[Page], object], what: str) -> None:
    """Reload until the worker has done what is waited for."""
    deadline = time.monotonic() + SECONDS
    while not is_there(page):
        assert time.monotonic() < deadline, f"not within {SECONDS:.0f} s: {what}"
        page.wait_for_timeout(1_000)
        page.reload()


def path_of(page: Page) -> str:
    """Return the path of the page that is open, without its query."""
    return urlsplit(page.url).path


def add_source(page: Page, name: str) -> None:
    """As the administrator: set up a gateway that sends by HTTP."""
    page.goto("/production/sources/new")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Door").select_option("http")
    page.get_by_role("button", name="Add the source").click()
    expect(page.get_by_role("rowheader", name=name)).to_be_visible()


def make_token(page: Page, source: str) -> str:
    """As the administrator: make a token for a source; return it, shown this once."""
    page.goto("/company/tokens/new")
    page.get_by_label("Data source").select_option(label=source)
    page.get_by_label("Name").fill(f"{source}, box 1")
    page.get_by_role("button", name="Make the token").click()
    token = page.locator("p.mono").inner_text()
    page.get_by_role("link", name="To the tokens").click()
    expect(page.locator("main")).not_to_contain_text(token)
    return token


def ask(page: Page, company: Company, *, reason: str) -> None:
    """As the bank's reviewer: ask a company, known by its registration code, for its consent."""
    page.goto("/bank/requests/new")
    page.get_by_label("Company name").fill(company.name_en)
    page.get_by_label("Registration code").fill(company.uscc)
    page.get_by_label("Period").fill("90")
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Send the request").click()
    page.wait_for_url("**/bank/requests")
    expect(page.get_by_role("rowheader", name=company.uscc)).to_be_visible()


def prepare(page: Page, bank: Company, *, reason: str) -> str:
    """As finance: prepare all that a bank asks for, down to machine-days; return its path."""
    page.goto("/consents")
    waiting = page.get_by_role("row").filter(has_text=reason)
    eventually(page, lambda _: waiting.count(), "the bank's request has arrived")
    waiting.get_by_role("link", name=bank.name_en).click()
    page.wait_for_url(re.compile(r"/consents/[0-9a-f-]{36}"))
    for part in page.locator('input[name="datasets"]').all():
        part.check()
    page.locator('input[name="level"][value="2"]').check()
    page.get_by_role("button", name="Prepare").click()
    expect(page.get_by_role("heading", name="Approval")).to_be_visible()
    return path_of(page)


def approve(page: Page, consent: str) -> None:
    """As the administrator: give a consent that finance has prepared."""
    page.goto(consent)
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("link", name="Withdraw")).to_be_visible()


def withdraw(page: Page, consent: str) -> None:
    """As finance: end a consent, after reading what that means."""
    page.goto(consent)
    page.get_by_role("link", name="Withdraw").click()
    page.get_by_role("button", name="Withdraw").click()
    page.wait_for_url(f"**{consent}")
