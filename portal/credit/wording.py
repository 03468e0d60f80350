"""What people read: names, formulas and reasons. English here, Chinese in the catalogue."""

from collections.abc import Mapping
from typing import Final

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.credit.consenting import Refusal
from portal.credit.lifecycle import ConsentState, RequestState
from portal.credit.metrics.figure import Missing, WhyMissing
from portal.credit.words import Dataset, Outcome, Page, Purpose, Quality

NAMES: Final[Mapping[str, LazyString]] = {
    "B5": _l("Yield"),
    "C0": _l("Active days"),
    "C1": _l("Utilisation"),
    "C4": _l("Energy activity"),
    "C5": _l("Idle days"),
    "C10": _l("Good quantity trend"),
    "G2": _l("Data coverage"),
}
FORMULAS: Final[Mapping[str, LazyString]] = {
    "B5": _l("Good pieces divided by produced pieces, over all machine-days that count both."),
    "C0": _l("Days on which at least one good piece was counted."),
    "C1": _l("Actual production time divided by planned busy time, summed over all machine-days."),
    "C4": _l(
        "Energy of the last 28 days divided by the median of earlier 28-day sums,"
        " which step back by a week."
    ),
    "C5": _l(
        "Planned days with less than a tenth of the production time of the median planned day."
    ),
    "C10": _l("Good pieces of the last 42 days divided by those of the 42 days before, minus 1."),
    "G2": _l("Planned busy time in which the machine's state is known, divided by all of it."),
}
NUMERATORS: Final[Mapping[str, LazyString]] = {
    "B5": _l("good pieces"),
    "C0": _l("days with good pieces"),
    "C1": _l("production time"),
    "C4": _l("energy of the last 28 days"),
    "C5": _l("idle days"),
    "C10": _l("good pieces, last 42 days"),
    "G2": _l("known planned time"),
}
DENOMINATORS: Final[Mapping[str, LazyString]] = {
    "B5": _l("produced pieces"),
    "C0": _l("days with counts"),
    "C1": _l("planned busy time"),
    "C4": _l("median of earlier 28-day sums"),
    "C5": _l("planned days"),
    "C10": _l("good pieces, 42 days before"),
    "G2": _l("planned busy time"),
}
SUM_UNITS: Final[Mapping[str, str]] = {
    "B5": "milli",
    "C0": "days",
    "C1": "s",
    "C4": "wh",
    "C5": "days",
    "C10": "milli",
    "G2": "s",
}
"""What the sums of a figure count: thousandths of a piece, days, seconds, watt-hours."""

AMOUNTS: Final[Mapping[str, LazyString]] = {
    "pbt_s": _l("Planned busy"),
    "apt_s": _l("Run time"),
    "unk_s": _l("Unknown"),
    "pq_milli": _l("Produced"),
    "gq_milli": _l("Good"),
    "energy_wh": _l("Energy"),
}
DATASETS: Final[Mapping[Dataset, LazyString]] = {
    Dataset.HEAD: _l("Company and freshness"),
    Dataset.QUALITY: _l("Quality"),
    Dataset.PRODUCTION: _l("Production and energy"),
    Dataset.HISTORY: _l("History and coverage"),
}
LEVELS: Final[Mapping[int, LazyString]] = {
    0: _l("Status and coverage only"),
    1: _l("Figures"),
    2: _l("Figures, their sums and the machine-days behind them"),
}
PURPOSES: Final[Mapping[Purpose, LazyString]] = {
    Purpose.UNDERWRITING: _l("Credit review"),
    Purpose.MONITORING: _l("Monitoring"),
    Purpose.AUDIT: _l("Audit"),
}
STATES: Final[Mapping[ConsentState, LazyString]] = {
    ConsentState.REQUESTED: _l("Asked for"),
    ConsentState.DRAFT: _l("Draft"),
    ConsentState.PREPARED: _l("Waits for approval"),
    ConsentState.ACTIVE: _l("In force"),
    ConsentState.SUSPENDED: _l("Suspended"),
    ConsentState.DENIED: _l("Denied"),
    ConsentState.LAPSED: _l("Lapsed"),
    ConsentState.WITHDRAWN: _l("Withdrawn"),
    ConsentState.EXPIRED: _l("Expired"),
    ConsentState.SUPERSEDED: _l("Replaced"),
}
STATE_MARKS: Final[Mapping[ConsentState, str]] = {
    ConsentState.REQUESTED: "watch",
    ConsentState.DRAFT: "watch",
    ConsentState.PREPARED: "watch",
    ConsentState.ACTIVE: "ok",
    ConsentState.SUSPENDED: "watch",
}
REQUEST_STATES: Final[Mapping[RequestState, LazyString]] = {
    RequestState.SENT: _l("Sent"),
    RequestState.GRANTED: _l("Consent given"),
    RequestState.LAPSED: _l("Lapsed"),
}
OUTCOMES: Final[Mapping[Outcome, LazyString]] = {
    Outcome.GRANTED: _l("Read"),
    Outcome.REFUSED: _l("Refused"),
    Outcome.PREVIEW: _l("Own preview"),
}
PAGES: Final[Mapping[Page, LazyString]] = {
    Page.CASE: _l("Case page"),
    Page.FIGURE: _l("A figure and its machine-days"),
}
QUALITIES: Final[Mapping[Quality, LazyString]] = {
    Quality.OK: _l("In time"),
    Quality.LATE: _l("Recorded late"),
    Quality.ESTIMATED: _l("Estimated"),
    Quality.DISPUTED: _l("Disputed"),
    Quality.QUARANTINED: _l("In quarantine"),
}
REFUSALS: Final[Mapping[Refusal, LazyString]] = {
    Refusal.NOT_LIVE: _l("the consent has ended or rests"),
    Refusal.PURPOSE: _l("another purpose"),
    Refusal.LEVEL: _l("a deeper level"),
    Refusal.DATASET: _l("a part of the profile that is not opened"),
    Refusal.DATA_FROM: _l("days before the first one opened"),
}
_MISSING: Final[Mapping[Missing, LazyString]] = {
    Missing.NO_FACTS: _l("No closed day in the window yet."),
    Missing.NO_COUNTS: _l("No machine counts pieces."),
    Missing.NO_ENERGY: _l("No meter reports energy."),
    Missing.TOO_FEW_DAYS: _l("%(have)s of %(need)s days."),
    Missing.NO_EARLIER_DAYS: _l("Nothing earlier to compare with: %(have)s of %(need)s days."),
    Missing.NOTHING_PLANNED: _l("No planned time in the window."),
    Missing.OUTSIDE_CONSENT: _l("Its window begins before the first day that the consent opens."),
}


def why_missing(text: str) -> str:
    """Return the sentence that says why there is no value; `text` as stored."""
    why = WhyMissing.parse(text)
    sentence = str(_MISSING[why.reason])
    return sentence % {"have": why.have, "need": why.need} if "%(" in sentence else sentence
