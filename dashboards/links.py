"""Addresses of the boards of one audience; the period goes along through every step."""

import hashlib
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import request, url_for

from dashboards import words
from dashboards.audience import Audience
from dashboards.boards.figure import called
from dashboards.exception import Score
from dashboards.guard import ASSETS
from dashboards.profiles import Kpi
from kernel.ids import PlaceId
from portal.ui.filters import decimal
from portal.ui.periods import Period
from portal.ui.viewstate import ViewState
from tenants.queries import CompanyRow, PlaceRow
from tenants.words import PROFILE_LABELS, KpiProfile, Level

_PAGES = {Level.COMPANY: "company", Level.LINE: "line", Level.UNIT: "machine"}


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses that keep the period of `view`; every method gives text for a template."""

    audience: Audience
    view: ViewState

    @property
    def default_period(self) -> str:
        """The period of an address that names none."""
        return ViewState().period.value

    def board(self, place: PlaceRow) -> str:
        """The board of a place; a site's or area's is its company's."""
        if place.level in _PAGES:
            return self._page(_PAGES[place.level], place.id)
        return self._page("company", place.path[0])

    def company(self, place: PlaceRow) -> str:
        """The board of a company."""
        return self._page("company", place.id)

    def line(self, place: PlaceRow) -> str:
        """The board of a line."""
        return self._page("line", place.id)

    def machine(self, place: PlaceRow, **changes: Any) -> str:
        """The board of a machine."""
        return self._page("machine", place.id, **changes)

    def on_day(self, place: PlaceRow, day: date) -> str:
        """The board of a place on one production day."""
        page = _PAGES.get(place.level, "company")
        return self._page(page, place.id, period=Period.CUSTOM, first=day, last=day)

    def figure(self, place: PlaceRow | None, metric: str, day: date | None = None) -> str:
        """How one figure of a place is computed; without a place, of the whole group."""
        changes: dict[str, Any] = {"metric": metric}
        if day is not None:
            changes |= {"period": Period.CUSTOM, "first": day, "last": day}
        return self._page("figure", place.id if place else None, **changes)

    def facts(self, place: PlaceRow, kind: str, cursor: str = "") -> str:
        """The raw facts of a machine."""
        return self._page("facts", place.id, metric=kind, cursor=cursor)

    def export(self, table: str, ending: str) -> str:
        """A table of this view as a file."""
        path = url_for(f"{self.audience.blueprint}.export", table=table, ending=ending)
        return self.view.href(path)

    def here(self) -> str:
        """This page without its query: where the filter form leads."""
        return request.path

    def home(self) -> str:
        """The home of the audience, with the period."""
        return self.view.href("/home", node=None, metric="")

    def sign_in(self) -> str:
        """The door, and back to this view."""
        return "/sign-in?" + urlencode({"next": request.full_path.rstrip("?")})

    def asset(self, name: str) -> str:
        """A file of the boards, for pages outside of Dash."""
        folder = f"_boards_{self.audience.name}_dash_assets"
        return url_for(f"{folder}.static", filename=name, v=_fingerprint(name))

    def periods(self) -> list[tuple[str, str]]:
        """The periods to choose from."""
        return [(period.value, str(word)) for period, word in words.PERIODS.items()]

    def called(self, place: PlaceRow) -> str:
        """The name of a place with its code."""
        return called(place)

    def kpi(self, kpi: Kpi) -> str:
        """The name of a measure."""
        return str(words.KPIS[kpi])

    def profile(self, company: CompanyRow) -> str:
        """The name of the company's KPI profile."""
        return str(PROFILE_LABELS[company.kpi_profile or KpiProfile.DISCRETE])

    def origin(self, company: CompanyRow) -> str:
        """Whether its facts are live, simulated or replayed."""
        return str(words.ORIGINS[company.origin])

    def explain(self, score: Score) -> str:
        """The parts of an exception score in words, the largest first."""
        parts = [f"{self.kpi(part.kpi)} {decimal(part.points)}" for part in score.worst()]
        silent = [f"{words.LATE} {score.silent}"] if score.silent else []
        return " + ".join(parts + silent)

    def _page(self, page: str, node: UUID | PlaceId | None, **changes: Any) -> str:
        # Not `url_for`: a large group's home has hundreds of these.
        path = self.audience.prefix + page
        return self.view.href(path, node=node, **({"metric": "", "cursor": ""} | changes))


@cache
def _fingerprint(name: str) -> str:
    return hashlib.sha256((ASSETS / name).read_bytes()).hexdigest()[:12]
