"""Texts: every message has its Chinese, none is guessed, and no Chinese stands in code."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from tests.architecture.sources import PACKAGES, ROOT

TRANSLATIONS = ROOT / "portal" / "ui" / "translations"
LOCALES = sorted(path.name for path in TRANSLATIONS.iterdir() if path.is_dir())
CHINESE_LOCALE = next(each for each in LOCALES if each.startswith("zh"))
CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
PLACE = re.compile(r"%\((\w+)\)[a-z]")

MAY_BE_CHINESE: dict[str, str] = {
    "portal/demo/cast.py": "the cast's names",
    "portal/demo/plants.py": "the demo's places, machines and products",
    "portal/demo/testbed.py": "the real plant's machines and places",
    "portal/ui/cellsafe.py": "full-width signs that begin a formula in a spreadsheet",
    "dashboards/assets/zy-locale-zh-cn.js": "the chart library's words, its own kind of catalogue",
}
"""Files of code that may hold Chinese, each with its reason."""


@cache
def extracted() -> dict[str, str]:
    """Return every message of code and templates with the file where it stands first."""
    with (TRANSLATIONS / "babel.cfg").open(encoding="utf-8") as file:
        mapping, options = parse_mapping_cfg(file)
    keywords = {"_": None, "_l": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
    found: dict[str, str] = {}
    for folder in PACKAGES:
        for name, _, message, _, _ in extract_from_dir(
            ROOT / folder, mapping, options, keywords=keywords
        ):
            text = message if isinstance(message, str) else message[0]
            found.setdefault(text, f"{folder}/{name}")
    return found


def catalogue(locale: str) -> Catalog:
    """Return the catalogue of one language."""
    with (TRANSLATIONS / locale / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=locale)


def find_untranslated(messages: dict[str, str], known: Catalog) -> Iterator[str]:
    """Yield what a reader of that language would see in English, or not as it was meant."""
    for text, place in messages.items():
        entry = known.get(text)
        if entry is None or not _strings(entry):
            yield f"{place}: {text!r} has no translation"
        elif entry.fuzzy:
            yield f"{place}: {text!r} is fuzzy: look at it and take the mark away"
        elif any(_places(each) - _places(*_ids(entry)) for each in _strings(entry)):
            yield f"{place}: {text!r} has other named places in its translation"


def _strings(entry: Message) -> list[str]:
    found = [entry.string] if isinstance(entry.string, str) else list(entry.string)
    return [each for each in found if each] if all(found) else []


def _ids(entry: Message) -> list[str]:
    return [entry.id] if isinstance(entry.id, str) else list(entry.id)


def _places(*texts: str) -> set[str]:
    return {name for text in texts for name in PLACE.findall(text)}


def test_every_message_is_translated() -> None:
    missing = list(find_untranslated(extracted(), catalogue(CHINESE_LOCALE)))
    if missing:
        lines = [f"{len(missing)} messages to translate:", *missing[:60]]
        pytest.fail("\n".join(lines), pytrace=False)


@pytest.mark.parametrize("locale", LOCALES)
def test_nothing_in_a_catalogue_is_guessed_or_left_over(locale: str) -> None:
    wanted = extracted()
    known = [each for each in catalogue(locale) if each.id]
    assert [each.id for each in known if each.fuzzy] == []
    assert [each.id for each in known if _ids(each)[0] not in wanted] == []


def test_there_are_two_languages() -> None:
    assert len(LOCALES) == 2
    assert "en" in LOCALES


def test_messages_are_found_and_a_planted_gap_is_seen() -> None:
    assert len(extracted()) > 200
    planted = Catalog(locale=CHINESE_LOCALE)
    planted.add("Good", "好")
    planted.add("Guessed", "猜", flags=["fuzzy"])
    planted.add("%(count)s rows", "%(n)s 行")
    wanted = dict.fromkeys(["Good", "Guessed", "%(count)s rows", "Missing"], "here")
    assert len(list(find_untranslated(wanted, planted))) == 3


def find_chinese(name: str, text: str) -> Iterator[str]:
    """Yield lines of a file of code that hold Chinese."""
    if name in MAY_BE_CHINESE:
        return
    for number, line in enumerate(text.splitlines(), 1):
        if CHINESE.search(line):
            yield f"{name}:{number}: {line.strip()[:80]}"


def code_files() -> Iterator[Path]:
    """Yield code, templates, styles and scripts of the product and of the tests."""
    for folder in (*PACKAGES, "migrations", "benchmarks", "tests"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".py", ".html", ".sql", ".css", ".js"} and path.is_file():
                yield path
    yield ROOT / "app.py"


def test_no_chinese_in_code() -> None:
    files = {path.relative_to(ROOT).as_posix(): path for path in code_files()}
    assert len(files) > 100
    found = [
        line
        for name, path in files.items()
        if not name.startswith("tests/") and not _vendored(name)
        for line in find_chinese(name, path.read_text(encoding="utf-8"))
    ]
    if found:
        advice = "Write the message in English inside _() and its Chinese into the catalogue:"
        pytest.fail("\n".join([advice, *found[:60]]), pytrace=False)


def _vendored(name: str) -> bool:
    return "/static/vendor/" in name or name.endswith((".min.js", ".min.css"))


def test_planted_chinese_is_found() -> None:
    planted = 'title = "\u5de5\u4e91"\n# fine\n'
    assert len(list(find_chinese("portal/planted.py", planted))) == 1
    assert list(find_chinese("portal/demo/cast.py", planted)) == []


def test_no_exception_has_outlived_its_chinese() -> None:
    for name in MAY_BE_CHINESE:
        assert CHINESE.search((ROOT / name).read_text(encoding="utf-8")), name
