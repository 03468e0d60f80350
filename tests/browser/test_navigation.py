"""Finding one's way: the menu, down to the machine and back, language, theme, the door."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.sitemap import THERE
from tests.browser.window import settle, sideways
from tests.cast import DING_NING, HE_JING, KE_LAN, KONG_KUN, PASSWORD, Person

PERIOD = "30d"


def path_of(url: str) -> str:
    return urlsplit(url).path


def period_of(page: Page) -> str:
    return "".join(parse_qs(urlsplit(page.url).query).get("period", []))


def fill_in(page: Page, name: str, password: str) -> None:
    page.locator('input[name="name"]').fill(name)
    page.locator('input[name="password"]').fill(password)
    page.locator(".door-form form button").click()


@pytest.mark.parametrize("person", THERE, ids=lambda person: person.login_name)
def test_every_entry_of_the_menu_opens(page_for, person: Person):
    page = page_for(person)
    menu = page.locator(".side nav a")
    waiting = [each.get_attribute("href") for each in menu.all()]
    assert waiting
    opened = set()
    while waiting:
        href = waiting.pop()
        if href in opened:
            continue
        opened.add(href)
        answer = page.goto(href)
        assert answer.status == 200, href
        assert path_of(page.url) != "/sign-in", href
        waiting += [each.get_attribute("href") for each in menu.all()]
    assert page.locator(".side nav a[aria-current]").count() or len(opened) == 1


def test_three_clicks_lead_from_the_group_to_a_machine_and_keep_the_period(page_for):
    page = page_for(HE_JING, locale="en")
    page.goto(f"/home?period={PERIOD}")
    shown = [page.url]
    for clicked in (
        page.locator("table.heat tbody th a").first,
        page.locator("#board-top table tbody tr:not(.group) th a").first,
        page.locator("#board-top table tbody tr:not(.group) th a").first,
    ):
        clicked.click()
        page.wait_for_url(lambda url: url != shown[-1])
        settle(page)
        assert period_of(page) == PERIOD, page.url
        expect(page.locator("#f-period")).to_have_value(PERIOD)
        shown.append(page.url)
    assert [path_of(url).rpartition("/")[2] for url in shown] == [
        "home", "company", "line", "machine",
    ]  # fmt: skip
    for url in reversed(shown[:-1]):
        page.go_back()
        page.wait_for_url(url)
        expect(page.locator("#f-period")).to_have_value(PERIOD)


def test_another_period_changes_address_form_and_figures_and_back_brings_them_back(page_for):
    page = page_for(KE_LAN, locale="en")
    page.goto("/boards/tenant/company?period=7d")
    settle(page)
    lead = page.locator("#board-top")
    before, words = page.url, lead.inner_text()
    page.locator("#f-period").select_option("yesterday")
    page.wait_for_url(re.compile("period=yesterday"))
    expect(lead).not_to_have_text(words)
    page.go_back()
    page.wait_for_url(before)
    expect(page.locator("#f-period")).to_have_value("7d")
    expect(lead).to_contain_text(words.splitlines()[0])


def test_language_and_theme_are_switched_where_one_is_and_stay(page_for):
    page = page_for(KE_LAN, locale="zh_CN", theme="light")
    page.goto("/boards/tenant/company?period=yesterday")
    settle(page)
    here = page.url
    root = page.locator("html")
    page.locator('.top .not-phone button[lang="en"]').click()
    expect(root).to_have_attribute("lang", "en")
    assert page.url == here
    settle(page)
    page.locator(".top .not-phone form[data-theme-switch] button").click()
    expect(root).to_have_attribute("data-bs-theme", "dark")
    settle(page)
    page.goto("/home")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    expect(root).to_have_attribute("lang", "en")


def test_a_wrong_password_is_said_beside_the_form_and_the_right_one_leads_in(open_window):
    page = open_window(locale="en").new_page()
    page.goto("/production/sources")
    assert path_of(page.url) == "/sign-in"
    fill_in(page, KONG_KUN.login_name, "not-her-password")
    expect(page.locator("[data-focus]")).to_be_focused()
    expect(page.locator('input[name="name"]')).to_have_value(KONG_KUN.login_name)
    expect(page.locator('input[name="password"]')).to_have_value("")
    fill_in(page, KONG_KUN.login_name, PASSWORD)
    page.wait_for_url("**/production/sources")


def test_the_keyboard_alone_is_enough_to_sign_in_and_out(open_window):
    page = open_window(locale="en").new_page()
    page.goto("/sign-in")
    page.keyboard.press("Tab")
    expect(page.locator("a.skip")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, 'input[name="name"]')
    page.keyboard.type(KONG_KUN.login_name)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/home")
    tab_to(page, "details.menu > summary")
    page.keyboard.press("Enter")
    tab_to(page, 'form[action="/sign-out"] button')
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in")


def tab_to(page: Page, selector: str, *, most: int = 60) -> None:
    """Press Tab until the element has the focus, which must then be seen."""
    wanted = page.locator(selector).first
    for _ in range(most):
        page.keyboard.press("Tab")
        if wanted.evaluate("(each) => each === document.activeElement"):
            outline = wanted.evaluate("(each) => getComputedStyle(each).outlineStyle")
            shadow = wanted.evaluate("(each) => getComputedStyle(each).boxShadow")
            assert (outline, shadow) != ("none", "none"), f"no visible focus on {selector}"
            return
    raise AssertionError(f"{selector} is not reached by {most} times Tab")


def test_back_after_signing_out_shows_nothing(page_for):
    page = page_for(KE_LAN, locale="en")
    page.goto("/boards/tenant/company")
    settle(page)
    name = page.locator("h1").inner_text()
    page.locator("details.menu > summary").click()
    page.locator('form[action="/sign-out"] button').click()
    page.wait_for_url("**/sign-in")
    page.go_back()
    page.wait_for_load_state()
    assert path_of(page.url) == "/sign-in"
    assert name not in page.locator("body").inner_text()


def test_the_escape_key_closes_a_menu_and_gives_the_focus_back(page_for):
    page = page_for(KE_LAN, locale="en")
    summary = page.locator("details.menu > summary")
    summary.click()
    expect(page.locator("details.menu")).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(page.locator("details.menu")).not_to_have_attribute("open", "")
    expect(summary).to_be_focused()


def test_the_menu_works_on_a_phone(page_for):
    page = page_for(DING_NING, width=390)
    page.locator("details.nav-phone > summary").click()
    page.locator('details.nav-phone a[href^="/production/"]').first.click()
    page.wait_for_url("**/production/**")
    expect(page.locator("h1")).to_be_visible()


def test_a_shift_sheet_is_corrected_on_a_phone(page_for):
    page = page_for(DING_NING, locale="en", width=360)
    page.goto("/production/shift-sheets")
    page.locator("main th a").first.click()
    page.get_by_role("link", name="Correct").click()
    page.wait_for_url("**/correct")
    assert list(sideways(page, 360)) == []
    produced = page.locator('input[name="products.0.produced"]')
    made = page.locator('input[name="products.0.good"]')
    told, more = float(produced.input_value()), float(produced.input_value()) + 10
    produced.fill(f"{more:g}")
    page.get_by_label("Why it is corrected").fill("Counted again")
    page.get_by_role("button", name="Hand in the correction").click()
    problems = page.locator("[data-focus]")
    expect(problems).to_be_focused()
    expect(problems).to_contain_text(f"{told:g}")
    expect(problems).to_contain_text(f"{more:g}")
    expect(page.get_by_label("Why it is corrected")).to_have_value("Counted again")
    made.fill(f"{float(made.input_value()) + 10:g}")
    page.get_by_role("button", name="Hand in the correction").click()
    expect(page.locator("main")).to_contain_text("Counted again")
    expect(page.locator("h1")).to_contain_text("Shift sheet")
