"""The words of a page as a reader sees them: the right language, nothing left unfilled."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from babel.messages.pofile import read_po
from playwright.sync_api import Page

CATALOGUES: Final = Path(__file__).parents[2] / "portal" / "ui" / "translations"
CJK: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_UNFILLED: Final = re.compile(r"%\(\w+\)[sd]|\{\{|\}\}|\{\w+\}|\bNone\b|\bundefined\b|\bNaN\b|%%")
# What is not read: the source of scripts, and what names itself as of the other language, like
# the language switch, a name in both languages, or text quoted from a licence.
_READ: Final = """(lang) => {
  const told = [];
  const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    const text = walk.currentNode.data.trim();
    if (!text || element.closest("script, style, noscript, template")) continue;
    told.push([text, element.closest("[lang]").lang, element.localName + "." + element.className]);
  }
  for (const element of document.querySelectorAll("[aria-label], [title], [placeholder], [alt]"))
    for (const name of ["aria-label", "title", "placeholder", "alt"])
      if (element.getAttribute(name))
        told.push([element.getAttribute(name).trim(), element.closest("[lang]").lang, name]);
  return told;
}"""


@dataclass(frozen=True, slots=True)
class Words:
    """A piece of text, the language it says it is in, and where it stands."""

    text: str
    lang: str
    where: str


def read(page: Page) -> list[Words]:
    """Return every text of the page, those for screen readers too."""
    return [Words(*each) for each in page.evaluate(_READ)]


def faults(page: Page, lang: str) -> list[str]:
    """Return a line for each text in the wrong language or with a place left unfilled."""
    told = [words for words in read(page) if words.text]
    assert told, "a page without a word"
    found = [f"unfilled: {_show(w)}" for w in told if _UNFILLED.search(w.text)]
    if lang == "en":
        found += [f"Chinese on the English page: {_show(w)}" for w in told
                  if w.lang == "en" and CJK.search(w.text)]  # fmt: skip
    else:
        found += [f"English on the Chinese page: {_show(w)}" for w in told
                  if w.lang != "en" and w.text in _to_translate()]  # fmt: skip
    return found


def _show(words: Words) -> str:
    return f"{words.text[:80]!r} in {words.where}"


@cache
def _to_translate() -> frozenset[str]:
    """Return the English messages that are something else in Chinese."""
    (path,) = CATALOGUES.glob("zh*/LC_MESSAGES/messages.po")
    with path.open("rb") as file:
        catalogue = read_po(file, locale="zh_CN")
    pairs = ((message.id, message.string) for message in catalogue if message.id)
    return frozenset(
        one
        for english, chinese in pairs
        for one in ([english] if isinstance(english, str) else english)
        if one not in ([chinese] if isinstance(chinese, str) else chinese) and not one.isupper()
    )
