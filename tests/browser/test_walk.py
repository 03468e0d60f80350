"""One fact, walked by the people who would do it: from a machine's count to a bank, and the end."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from urllib.request import Request, urlopen
from uuid import uuid4
from zoneinfo import ZoneInfo

from playwright.sync_api import Locator, Page, expect

from tests.browser import story
from tests.browser.portal import DemoPortal
from tests.browser.window import settle
from tests.cast import BAI_LU, BASALT, HE_JING, KANG_YI, KE_LAN, KESTREL, KONG_KUN

UNIT = "L2-07"
PRODUCT = "WF-0450"
MADE = 7
SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY_BEGINS = timedelta(hours=8)
FIGURE = "Active days"
_TOKEN = re.compile(rb"[\w-]{20,}\.[\w-]{6}\.[\w-]{27}")


def test_one_fact_from_the_machine_to_the_bank_and_back(page_for, demo_portal: DemoPortal):
    day = closed_weekday(datetime.now(UTC))
    planner, executive = page_for(KE_LAN, locale="en"), page_for(HE_JING, locale="en")
    finance, administrator = page_for(KANG_YI, locale="en"), page_for(KONG_KUN, locale="en")
    reviewer = page_for(BAI_LU, locale="en")

    open_machine(planner, day)
    before, group_before = good(planner.locator(".is-eq")), good_of_group(executive, day)

    source = f"Gateway {uuid4()}"
    story.add_source(administrator, source)
    token = story.make_token(administrator, source)
    assert send_count(demo_portal, token, day) == {"accepted": 1, "quarantined": []}

    is_in = lambda page: good(page.locator(".is-eq")) == before + MADE  # noqa: E731
    story.eventually(planner, is_in, "the count stands on the machine's board")
    expect(planner.locator("main")).to_contain_text("revised because of late")
    assert good_of_group(executive, day) == tuple(was + MADE for was in group_before)
    machine_from_group(executive)
    assert good(executive.locator(".is-eq")) == before + MADE

    open_own_figure(finance)
    told = f"{before + MADE:,}"
    has_it = lambda page: (UNIT, told) in goods_of(page, day)  # noqa: E731
    story.eventually(finance, has_it, "the count stands in the company's own figure")
    own = goods_of(finance, day)
    open_machine_day(finance, day)
    assert good(finance.locator(".is-eq")) == before + MADE

    reason = f"Working capital, file {uuid4()}"
    story.ask(reviewer, KESTREL, reason=reason)
    consent = story.prepare(finance, BASALT, reason=reason)
    expect(finance.get_by_role("button", name="Approve")).to_have_count(0)
    story.approve(administrator, consent)

    reviewer.goto("/bank/cases")
    case = reviewer.get_by_role("link", name=KESTREL.name_en)
    story.eventually(reviewer, lambda _: case.count(), "the case is on the bank's list")
    case.click()
    figure = reviewer.get_by_role("link", name=FIGURE)
    story.eventually(reviewer, lambda _: figure.count(), "the case has figures")
    figure.click()
    shown = goods_of(reviewer, day)
    assert sorted(count for _, count in shown) == sorted(count for _, count in own)
    assert told in {count for _, count in shown}
    assert UNIT not in reviewer.content()

    finance.goto("/credit/readers")
    expect(finance.get_by_role("row").filter(has_text=BAI_LU.name_en).first).to_contain_text(
        BASALT.name_en
    )
    story.withdraw(finance, consent)
    gone = reviewer.reload()
    assert gone is not None
    assert gone.status == 404
    assert body(reviewer, reviewer.url) == body(reviewer, f"/bank/cases/{uuid4()}/figures/C0")


def closed_weekday(now: datetime) -> date:
    """Return a production day that is closed, and not older than seven days."""
    today = (now.astimezone(SHANGHAI) - DAY_BEGINS).date()
    days = (today - timedelta(days=back) for back in (5, 6, 4))
    return next(day for day in days if day.weekday() < 5)


def send_count(portal: DemoPortal, token: str, day: date) -> dict[str, object]:
    """Send one count at the door for programs, as a gateway does; return what became of it."""
    now = datetime.now(UTC)
    at = datetime.combine(day, time(14, now.minute, now.second), SHANGHAI)
    line = {"k": "count", "unit": UNIT, "at": at.isoformat(), "kind": "produced", "qty": MADE}
    request = Request(
        f"{portal.address}/api/v1/ingest/batches",
        json.dumps(line | {"product": PRODUCT}).encode(),
        {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/x-ndjson",
            "Idempotency-Key": str(uuid4()),
        },
    )
    with urlopen(request) as answer:
        receipt = json.load(answer)
    return {name: receipt[name] for name in ("accepted", "quarantined")}


def open_machine(page: Page, day: date) -> None:
    page.goto("/boards/tenant/company")
    settle(page)
    page.get_by_role("link", name=UNIT, exact=True).click()
    page.wait_for_url("**/machine?*")
    page.goto(f"{page.url}&period=custom&first={day}&last={day}")
    settle(page)


def good(place: Locator) -> int:
    """Return the good pieces that stand in `place` as a link to how they are computed."""
    return int(place.locator('a[href*="metric=gq"]').first.inner_text().replace(",", ""))


def good_of_group(page: Page, day: date) -> tuple[int, int]:
    """Return the good pieces of Kestrel and of the whole group, from the executive's home."""
    page.goto(f"/home?period=custom&first={day}&last={day}")
    table = page.locator("table.heat")
    row = table.locator("tbody tr").filter(has_text=KESTREL.name_en)
    return good(row), good(table.locator("tfoot"))


def machine_from_group(page: Page) -> None:
    page.locator("table.heat tbody").get_by_role("link", name=KESTREL.name_en).click()
    page.wait_for_url("**/boards/group/company?*")
    settle(page)
    page.get_by_role("link", name=UNIT, exact=True).click()
    page.wait_for_url("**/machine?*")
    settle(page)


def open_own_figure(page: Page) -> None:
    page.goto("/credit")
    page.get_by_role("row").get_by_role("link", name=FIGURE).click()
    page.wait_for_url("**/credit/figures/*")


def goods_of(page: Page, day: date) -> list[tuple[str, str]]:
    """Return (machine, good pieces) of a day from the machine-days behind a figure."""
    return [
        (row.locator("th").inner_text(), row.locator("td").last.inner_text())
        for rows in _pages(page, day)
        for row in rows
    ]


def open_machine_day(page: Page, day: date) -> None:
    """Open the machine's board from its row behind a figure."""
    for rows in _pages(page, day):
        for row in rows:
            if row.locator("th").inner_text() == UNIT:
                row.get_by_role("link").click()
                settle(page)
                return


def _pages(page: Page, day: date) -> Iterator[list[Locator]]:
    # Newest first, fifty a page: the day may begin on one page and end on the next.
    page.goto(page.url.partition("?")[0])
    was_there = False
    while True:
        rows = page.locator("table.tbl tbody tr").filter(has_text=day.isoformat()).all()
        yield rows
        older = page.locator('nav.pager a[rel="next"]')
        if (was_there and not rows) or not older.count():
            return
        was_there = bool(rows)
        older.click()
        page.wait_for_load_state()


def body(page: Page, path: str) -> bytes:
    """Return an answer without the tokens of its forms, which are new each time."""
    answer = page.request.get(path)
    assert answer.status == 404
    return _TOKEN.sub(b"", answer.body())
