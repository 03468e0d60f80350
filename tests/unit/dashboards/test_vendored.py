"""The chart bundle is the one that the Python library was made for, unchanged, packed once."""

import hashlib
import re

import brotli
from plotly.offline import get_plotlyjs_version

from dashboards.guard import ASSETS

BUNDLE = ASSETS / "plotly-cartesian.min.js"


def test_the_bundle_has_the_version_of_the_library():
    head = BUNDLE.read_bytes()[:300].decode()
    assert re.search(r"v(\d+\.\d+\.\d+)", head).group(1) == get_plotlyjs_version()


def test_the_bundle_is_the_one_that_was_written_down():
    said = (ASSETS / "VENDOR.md").read_text(encoding="utf-8")
    assert hashlib.sha256(BUNDLE.read_bytes()).hexdigest() in said


def test_the_packed_bundle_is_the_same():
    packed = BUNDLE.with_name(f"{BUNDLE.name}.br").read_bytes()
    assert brotli.decompress(packed) == BUNDLE.read_bytes()


def test_the_licence_is_with_it():
    assert "MIT" in (ASSETS / "plotly-cartesian.LICENSE.txt").read_text(encoding="utf-8")
