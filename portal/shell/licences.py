"""What the portal is made of: vendored files with checksum, installed packages with licence."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Final

from portal.ui.assets import STATIC

DEVELOPMENT: Final = frozenset({"pip", "setuptools", "wheel", "uv"})
"""Tools that are not part of the running portal."""


@dataclass(frozen=True, slots=True)
class Vendored:
    """A file of others in our repository."""

    name: str
    package: str
    version: str
    licence: str
    sha256: str
    licence_href: str


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package."""

    name: str
    version: str
    licence: str


@cache
def vendored() -> Sequence[Vendored]:
    """Return the vendored files, as their list says; a test compares the checksums."""
    listed = json.loads((STATIC / "vendor" / "VENDORED.json").read_text(encoding="utf-8"))
    return [
        Vendored(
            name=each["name"],
            package=each["package"],
            version=each["version"],
            licence=each["licence"],
            sha256=each["sha256"],
            licence_href=f"vendor/{each['licence_file']}",
        )
        for each in listed
    ]


@cache
def packages() -> Sequence[Package]:
    """Return the installed packages by name."""
    found = {
        each.name.lower(): Package(each.name, each.version, _licence(each.metadata))
        for each in metadata.distributions()
        if each.name and each.name.lower() not in DEVELOPMENT
    }
    return [found[name] for name in sorted(found)]


def _licence(about: metadata.PackageMetadata) -> str:
    said = _first(about, "License-Expression") or _first(about, "License")
    if said and "\n" not in said and len(said) <= 60:
        return said
    classes = about.get_all("Classifier") or []
    named = [each.rpartition(" :: ")[2] for each in classes if each.startswith("License ::")]
    return ", ".join(named) or "–"


def _first(about: metadata.PackageMetadata, field: str) -> str:
    values: list[str] = about.get_all(field) or [""]
    return values[0]
