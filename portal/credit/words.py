"""The closed lists of this package: purposes, datasets, outcomes, grades of evidence."""

from enum import StrEnum
from typing import Final


class Purpose(StrEnum):
    """What a bank may use the figures for."""

    UNDERWRITING = "underwriting"
    MONITORING = "monitoring"
    AUDIT = "audit"


class Dataset(StrEnum):
    """A part of the profile that a consent opens; the head is always in."""

    HEAD = "H"
    QUALITY = "B"
    PRODUCTION = "C"
    HISTORY = "G"


ALL_DATASETS: Final = tuple(Dataset)


STATUS_ONLY: Final = 0
FIGURES: Final = 1
FACTS: Final = 2
LEVELS: Final = (STATUS_ONLY, FIGURES, FACTS)
"""How deep a consent lets the bank look; each level contains the one before."""


class Outcome(StrEnum):
    """What became of an attempt to read; a preview is the company reading its own."""

    GRANTED = "granted"
    REFUSED = "refused"
    PREVIEW = "preview"


class Quality(StrEnum):
    """How far a fact can be relied on; quarantined facts feed no figure."""

    OK = "ok"
    LATE = "late"
    ESTIMATED = "estimated"
    DISPUTED = "disputed"
    QUARANTINED = "quarantined"


class Page(StrEnum):
    """Pages that disclose a company's figures."""

    CASE = "case"
    FIGURE = "figure"
