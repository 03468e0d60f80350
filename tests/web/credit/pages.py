"""Reading what a page shows: its document, and the fields that it names."""

import re
from html.parser import HTMLParser


class _Document(HTMLParser):
    def __init__(self):
        super().__init__()
        self.depth = 0
        self.fields, self.text = set(), []

    def handle_starttag(self, tag, attrs):
        if tag == "article":
            self.depth += 1
        if self.depth:
            self.fields.update((dict(attrs).get("data-fields") or "").split())

    def handle_endtag(self, tag):
        if tag == "article":
            self.depth -= 1

    def handle_data(self, data):
        if self.depth and data.strip():
            self.text.append(" ".join(data.split()))


def read(page):
    """Return (fields, text) of the document on a page; the watermark is left out."""
    document = _Document()
    document.feed(re.sub(r"<svg class=\"water\".*?</svg>", "", page, flags=re.DOTALL))
    assert document.text, "no document on this page"
    return document.fields, document.text
