"""Text that a spreadsheet would take for a formula is exported with a leading apostrophe."""

from typing import Final

DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe_text(text: str) -> str:
    """Return `text` so that no spreadsheet computes it. Numbers are never given as text here."""
    return "'" + text if text.startswith(DANGEROUS) else text
