"""Addresses of our own static files, with a fingerprint, so that browsers keep them for a year."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from flask import url_for

STATIC: Final = Path(__file__).parent / "static"


def asset(name: str) -> str:
    """Return the address of a file below `static/`; it changes when the file does.

    Raises `FileNotFoundError` for a name that is not there.
    """
    return url_for("ui.static", filename=name, v=fingerprint(name))


@cache
def fingerprint(name: str) -> str:
    """Return the first characters of the file's SHA-256."""
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
