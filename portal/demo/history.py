"""The demo's past and present, sent through the same door as that of real machines.

History fills in newest day first, as a long action of the group; then the machines go on at real
pace, a batch a minute. How far a source has come is read from its own batches.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from kernel.actor import Actor, Kind
from kernel.db import Database, worker
from kernel.ids import SourceId, TenantId
from kernel.jobs import task
from kernel.operations import Progress, find_latest, operation, start
from portal.demo import acts, testbed
from portal.demo.cast import COMPANIES, DOVE, HERON, NIST, Company
from portal.demo.places import source_id
from portal.demo.plants import PLANTS
from portal.demo.playing import lines_of
from portal.production import ingest, queries
from portal.production.derive import derive_company, fills_backwards
from portal.production.lines import read_body

DAYS: Final = 90
_DAY: Final = timedelta(days=1)
_FIRST_DAYS: Final = 3  # one by one, so that home pages have figures at once; then by weeks
_WEEK: Final = timedelta(days=7)
_HISTORY: Final = "demo.history"
fills_backwards(_HISTORY)


@dataclass(frozen=True, slots=True)
class Feed:
    """One line with sensors, simulated or replayed: its company, the source that speaks."""

    company: Company
    line: str
    source: SourceId

    def actor(self) -> Actor:
        """Return the source as the ingestion door knows it."""
        return Actor(Kind.INGEST, tenant_id=self.company.id, source_id=self.source)

    def lines(
        self, first: datetime, until: datetime, *, story_ends_at: datetime
    ) -> list[dict[str, Any]]:
        """Return what is reported with `first` ≤ at < `until`, in order of time."""
        if self.company is NIST:
            return testbed.lines_between(first, until, moved=testbed.moved_by(story_ends_at))
        return lines_of(self.company.code, self.line, first, until, story_ends_at=story_ends_at)


def feeds() -> list[Feed]:
    """Return every line of the demo that has sensors."""
    real = [
        Feed(NIST, line.code, source_id(NIST, line.code))
        for site in testbed.TEST_BED.sites
        for line in site.lines
    ]
    return real + [
        Feed(company, line.code, source_id(company, line.code))
        for company in COMPANIES
        if company.code in PLANTS
        for site in PLANTS[company.code].sites
        for line in site.lines
        if line.units[0].machine is not None
    ]


def begin(database: Database, *, days: int = DAYS) -> None:
    """Queue the filling of the demo's history, which ends now."""
    with database.work(worker(HERON.id)) as work:
        until = work.now.replace(second=0, microsecond=0)
        params = {"until": until.isoformat(), "days": days}
        start(work, _HISTORY, params=params, total=days, tenant_id=HERON.id)


@operation(_HISTORY)
def fill(progress: Progress) -> None:
    """Send the days before the demo began, newest first, and derive what follows from them."""
    until = datetime.fromisoformat(progress.params["until"])
    days = int(progress.params["days"])
    done = 0
    progress.say("Days of history", done=0, total=days)
    for first, last in spans(until, days):
        send_span(progress.database, feeds(), first, last, story_ends_at=until)
        done += -(-(last - first) // _DAY)
        progress.say("Days of history", done=min(done, days), total=days)


def spans(until: datetime, days: int) -> Iterator[tuple[datetime, datetime]]:
    """Yield the spans of `days` before `until`, newest first: single days, then weeks."""
    last, oldest = until, until - days * _DAY
    while last > oldest:
        step = _DAY if until - last < _FIRST_DAYS * _DAY else _WEEK
        first = max(last - step, oldest)
        yield first, last
        last = first


def send_span(
    database: Database,
    spoken: Sequence[Feed],
    first: datetime,
    until: datetime,
    *,
    story_ends_at: datetime,
) -> None:
    """Send what `spoken` say with `first` ≤ at < `until`, and derive their companies' days."""
    touched: dict[TenantId, None] = {}
    if acts.hand_in_sheets(database, first, until):
        touched[DOVE.id] = None
    for feed in spoken:
        if send(database, feed, first, until, story_ends_at=story_ends_at):
            touched[feed.company.id] = None
    for tenant_id in touched:
        derive_company(database, tenant_id)


def send(
    database: Database, feed: Feed, first: datetime, until: datetime, *, story_ends_at: datetime
) -> int:
    """Send one line's span as one batch; sent twice it counts once. Returns its lines."""
    told = feed.lines(first, until, story_ends_at=story_ends_at)
    if not told:
        return 0
    body = "\n".join(json.dumps(line, ensure_ascii=False) for line in told).encode()
    lines, problems = read_body(body)
    assert not problems, problems[0]
    batch = ingest.Batch(
        key=f"simulator/{first.isoformat()}/{until.isoformat()}",
        body_sha256=sha256(body).digest(),
        lines=lines,
        window=(first, until),
    )
    with database.work(feed.actor()) as work:
        ingest.accept(work, batch)
    return len(told)


@task("demo.go_on", cron="* * * * *")
def go_on(database: Database) -> None:
    """Let the demo's machines report what has happened since they last spoke."""
    with database.work(worker(), read_only=True) as work:
        begun = find_latest(work, _HISTORY)
        if begun is None:
            return  # no demo here
        story_ends_at = datetime.fromisoformat(begun.params["until"])
        heard = queries.heard_until(work)
        now = work.now.replace(second=0, microsecond=0)
    for feed in feeds():
        last = max(heard.get(feed.source, story_ends_at), story_ends_at)
        told = 0
        while last < now:  # a day at most in one batch, however long nobody was here
            until = min(now, last + _DAY)
            told += send(database, feed, last, until, story_ends_at=story_ends_at)
            last = until
        if told:
            derive_company(database, feed.company.id)
    if acts.hand_in_sheets(database, now - _DAY, now):
        derive_company(database, DOVE.id)
