"""Design tokens: `tokens.json` is the source, `static/tokens.css` is made from it.

`python -m portal.ui.tokens` writes the file anew; a test says when it is stale.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).with_name("tokens.json")
TARGET: Final = Path(__file__).parent / "static" / "tokens.css"


@cache
def tokens() -> Mapping[str, Mapping[str, str]]:
    """Return the tokens by part: light, dark, scale, tabler; names without prefix."""
    read: dict[str, dict[str, str]] = json.loads(SOURCE.read_text(encoding="utf-8"))
    return {part: values for part, values in read.items() if isinstance(values, dict)}


def css() -> str:
    """Return the style sheet: a rule per theme, the scales, and Tabler's variables from ours."""
    parts = tokens()
    rules = [
        "/* Made from tokens.json by tokens.py. Change it there. */",
        _rule((":root", '[data-bs-theme="light"]'), "gy", parts["light"], "light"),
        _rule(('[data-bs-theme="dark"]',), "gy", parts["dark"], "dark"),
        _rule((":root",), "gy", parts["scale"]),
        _rule(
            (":root", '[data-bs-theme="light"]', '[data-bs-theme="dark"]'), "tblr", parts["tabler"]
        ),
    ]
    return "\n".join(rules) + "\n"


def _rule(
    selectors: tuple[str, ...], prefix: str, values: Mapping[str, str], scheme: str = ""
) -> str:
    head = [f"  color-scheme: {scheme};"] if scheme else []
    body = [*head, *(f"  --{prefix}-{name}: {value};" for name, value in values.items())]
    return ",\n".join(selectors) + " {\n" + "\n".join(body) + "\n}"


if __name__ == "__main__":
    TARGET.write_text(css(), encoding="utf-8")
