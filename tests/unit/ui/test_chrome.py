"""Which entry of the navigation is the present one; paging; headers."""

import pytest
from flask import Flask, Response

from portal.ui import headers
from portal.ui.chrome import Entry, Look, Theme, mark_current
from portal.ui.paging import page_of, read_offset

ENTRIES = (
    Entry("Home", "/home"),
    Entry(
        "Production",
        "/production/sources",
        children=(Entry("Sources", "/production/sources"), Entry("Units", "/production/units")),
    ),
    Entry(
        "Credit", "/credit", children=(Entry("Own", "/credit"), Entry("Read", "/credit/readers"))
    ),
)


@pytest.mark.parametrize(
    ("path", "entry", "child"),
    [
        ("/home", "Home", None),
        ("/production/units/7", "Production", "Units"),
        ("/credit", "Credit", "Own"),
        ("/credit/readers", "Credit", "Read"),
        ("/credit/figures/7", "Credit", "Own"),
        ("/me", None, None),
        ("/homework", None, None),
    ],
)
def test_the_longest_address_wins(path, entry, child):
    marked = mark_current(ENTRIES, path)
    current = [each for each in marked if each.current]
    assert [each.label for each in current] == ([entry] if entry else [])
    children = [each.label for found in current for each in found.children if each.current]
    assert children == ([child] if child else [])


def test_the_device_decides_where_nobody_has_chosen():
    look = Look("zh_CN")
    assert (look.theme, look.shown_theme, look.lang) == (Theme.AUTO, Theme.LIGHT, "zh-CN")
    assert (look.other_language, Look("en").other_lang) == ("English", "zh-CN")


@pytest.mark.parametrize("text", ["", "-1", "x", "١", "9" * 30])
def test_a_bad_page_is_the_first(text):
    with Flask("t").test_request_context("/?offset=" + text):
        assert read_offset() == 0


def test_one_row_more_than_shown_means_a_next_page():
    page = page_of(list(range(51)), offset=50)
    assert (len(page.rows), page.previous_offset, page.next_offset) == (50, 0, 100)
    assert page_of([1], offset=0).next_offset is None


def answer(path: str, **options: object) -> Response:
    app = Flask("t")
    app.add_url_rule("/static/ui/<name>", "ui.static", lambda name: "")
    with app.test_request_context(path):
        return headers.security_headers(Response("x"), **options)  # type: ignore[arg-type]


def test_a_page_loads_nothing_but_our_files_and_is_not_kept():
    kept = answer("/home").headers
    assert kept["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in kept["Content-Security-Policy"]
    assert kept["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in kept


def test_a_board_may_run_the_scripts_that_are_named_and_no_others():
    policy = answer("/boards/x", board=True, script_hashes=["'sha256-a'"]).headers[
        "Content-Security-Policy"
    ]
    assert "script-src 'self' 'sha256-a';" in policy
    assert "script-src 'self' 'unsafe" not in policy


def test_only_a_file_with_a_fingerprint_is_kept_for_a_year():
    assert "immutable" in answer("/static/ui/a.css?v=1").headers["Cache-Control"]
    assert answer("/static/ui/a.css").headers["Cache-Control"] == "no-cache"
    assert answer("/home?v=1").headers["Cache-Control"] == "no-store"


def test_https_is_held_to_only_where_it_is_spoken():
    assert "Strict-Transport-Security" in answer("/home", https=True).headers
