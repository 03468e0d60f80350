"""Colours: one source, readable in both themes; and the files of others, unchanged."""

import hashlib
import json
import re

import pytest

from portal.ui.assets import STATIC
from portal.ui.tokens import TARGET, css, tokens

THEMES = ("light", "dark")
TEXTS = ("text", "muted", "action", "ok", "warn", "bad", "info")
SOFT = ("ok", "warn", "bad", "info")
LINES = ("line", *(f"s{number}" for number in range(1, 9)))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_style_sheet_is_made_from_the_tokens():
    assert TARGET.read_text(encoding="utf-8") == css(), "run: python -m portal.ui.tokens"


def test_both_themes_have_the_same_tokens():
    assert list(tokens()["light"]) == list(tokens()["dark"])


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", TEXTS)
def test_text_can_be_read_on_page_and_card(theme, name):
    colours = tokens()[theme]
    grounds = [colours["page"], colours["card"]]
    grounds += [colours[f"{name}-soft"]] if name in SOFT else []
    assert min(contrast(colours[name], ground) for ground in grounds) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_text_on_a_filled_button_can_be_read(theme):
    colours = tokens()[theme]
    assert contrast(colours["action-text"], colours["action"]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", LINES)
def test_lines_and_series_stand_out(theme, name):
    colours = tokens()[theme]
    assert contrast(colours[name], colours["card"]) >= 3


def test_our_style_sheets_use_tokens_that_exist():
    known = {*tokens()["light"], *tokens()["scale"]}
    sheets = [(STATIC / name).read_text() for name in ("shell.css", "parts.css")]
    used = {name for sheet in sheets for name in re.findall(r"var\(--gy-([\w-]+)", sheet)}
    assert used
    assert used <= known


def test_our_style_sheets_write_no_colour():
    for name in ("shell.css", "parts.css"):
        sheet = (STATIC / name).read_text()
        assert re.findall(r"[:\s]#[0-9a-f]{3,8}\b|rgb\(|hsl\(", sheet) == []


def vendored() -> list[dict[str, str]]:
    listed: list[dict[str, str]] = json.loads((STATIC / "vendor" / "VENDORED.json").read_text())
    return listed


@pytest.mark.parametrize("item", vendored(), ids=lambda item: item["name"])
def test_files_of_others_are_as_listed_with_their_licence(item):
    content = (STATIC / "vendor" / item["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == item["sha256"]
    assert (STATIC / "vendor" / item["licence_file"]).stat().st_size > 100


def test_every_icon_that_templates_name_is_in_the_sprite():
    root = STATIC.parents[2]
    sprite = (STATIC / "vendor" / "icons" / "sprite.svg").read_text()
    there = set(re.findall(r'<symbol id="([\w-]+)"', sprite))
    named = set()
    for folder in ("portal", "tenants", "dashboards"):
        for template in (root / folder).glob("**/templates/**/*.html"):
            text = template.read_text(encoding="utf-8")
            named |= set(re.findall(r'\bicon\("([\w-]+)"', text))
            named |= set(re.findall(r'\bicon="([\w-]+)"', text))
    assert named
    assert named <= there


def test_the_first_load_is_small():
    import gzip

    files = ("vendor/tabler/tabler.min.css", "tokens.css", "shell.css", "parts.css", "theme.js")
    files += ("page.js", "vendor/htmx/htmx.min.js", "vendor/icons/sprite.svg", "logo.svg")
    packed = sum(len(gzip.compress((STATIC / name).read_bytes(), 6)) for name in files)
    assert packed <= 125_000  # leaves 25 kB of 150 for the page itself
