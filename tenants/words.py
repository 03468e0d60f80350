"""Words that companies and places are described with; stored as codes, shown in both languages."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString


class Level(StrEnum):
    """Levels of the place tree, from the top (ISA-95: enterprise part, site, area, line, unit)."""

    COMPANY = "company"
    SITE = "site"
    AREA = "area"
    LINE = "line"
    UNIT = "unit"

    @property
    def rank(self) -> int:
        """0 for the company, 4 for a unit: a parent always has the smaller rank."""
        return _RANKS[self]


_RANKS: Final = {level: rank for rank, level in enumerate(Level)}


class KpiProfile(StrEnum):
    """Which figures say something about a company: OEE says nothing of a boiler house."""

    DISCRETE = "discrete"
    PROCESS = "process"
    ENERGY = "energy"
    PROJECT = "project"


class Origin(StrEnum):
    """Where a company's facts come from; said wherever they are shown."""

    LIVE = "live"
    SIMULATED = "simulated"
    REPLAYED = "replayed"


class CompanyState(StrEnum):
    """Whether a company is at work in the cloud."""

    ACTIVE = "active"


LEVEL_LABELS: Final[Mapping[Level, LazyString]] = {
    Level.COMPANY: _l("Company"),
    Level.SITE: _l("Site"),
    Level.AREA: _l("Area"),
    Level.LINE: _l("Line"),
    Level.UNIT: _l("Machine"),
}
PROFILE_LABELS: Final[Mapping[KpiProfile, LazyString]] = {
    KpiProfile.DISCRETE: _l("Discrete manufacturing"),
    KpiProfile.PROCESS: _l("Process industry"),
    KpiProfile.ENERGY: _l("Energy supply"),
    KpiProfile.PROJECT: _l("Project manufacturing"),
}
ORIGIN_LABELS: Final[Mapping[Origin, LazyString]] = {
    Origin.LIVE: _l("Real data from machines"),
    Origin.SIMULATED: _l("Invented data from a simulator"),
    Origin.REPLAYED: _l("Real public data, replayed"),
}
STATE_LABELS: Final[Mapping[CompanyState, LazyString]] = {CompanyState.ACTIVE: _l("Active")}

SEGMENTS: Final[Mapping[str, LazyString]] = {
    "holding": _l("Holding"),
    "machining": _l("Precision machining"),
    "castings": _l("Castings and metals"),
    "pumps": _l("Pumps and plant equipment"),
    "electronics": _l("Electronics"),
    "solar": _l("Photovoltaics"),
    "fibres": _l("Fibres and chemicals"),
    "packaging": _l("Packaging"),
    "energy": _l("Heat and power"),
    "services": _l("Digital services"),
    "test bed": _l("Research and test beds"),
    "bank": _l("Banking"),
}

# ISO 3166-2 of China, and of the one plant abroad whose public data is replayed.
REGIONS: Final[Mapping[str, LazyString]] = {
    "CN-AH": _l("Anhui"),
    "CN-BJ": _l("Beijing"),
    "CN-CQ": _l("Chongqing"),
    "CN-FJ": _l("Fujian"),
    "CN-GD": _l("Guangdong"),
    "CN-GS": _l("Gansu"),
    "CN-GX": _l("Guangxi"),
    "CN-GZ": _l("Guizhou"),
    "CN-HA": _l("Henan"),
    "CN-HB": _l("Hubei"),
    "CN-HE": _l("Hebei"),
    "CN-HI": _l("Hainan"),
    "CN-HL": _l("Heilongjiang"),
    "CN-HN": _l("Hunan"),
    "CN-JL": _l("Jilin"),
    "CN-JS": _l("Jiangsu"),
    "CN-JX": _l("Jiangxi"),
    "CN-LN": _l("Liaoning"),
    "CN-NM": _l("Inner Mongolia"),
    "CN-NX": _l("Ningxia"),
    "CN-QH": _l("Qinghai"),
    "CN-SC": _l("Sichuan"),
    "CN-SD": _l("Shandong"),
    "CN-SH": _l("Shanghai"),
    "CN-SN": _l("Shaanxi"),
    "CN-SX": _l("Shanxi"),
    "CN-TJ": _l("Tianjin"),
    "CN-XJ": _l("Xinjiang"),
    "CN-XZ": _l("Tibet"),
    "CN-YN": _l("Yunnan"),
    "CN-ZJ": _l("Zhejiang"),
    "US-MD": _l("Maryland, USA"),
}


def localised(zh: str, en: str, locale: object = None) -> str:
    """Return the name in the reader's language; Chinese where no language is known."""
    return zh if str(locale or get_locale() or "zh").startswith("zh") else en


def segment_label(code: str | None) -> str:
    """Return the segment in words; a code that is not listed as it stands."""
    return str(SEGMENTS.get(code or "", code or "–"))


def region_label(code: str | None) -> str:
    """Return the region in words; a code that is not listed as it stands."""
    return str(REGIONS.get(code or "", code or "–"))
