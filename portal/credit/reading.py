"""The two steps of a bank's read: written down and committed, then read under what was written.

`@reads(…)` stands beside `@requires(…)`. A view function without it sees no figure: the database
shows documents to a transaction only under a row that another transaction has committed.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from psycopg.errors import InsufficientPrivilege
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

from kernel.actor import Actor
from kernel.db import Database, Work
from kernel.errors import NotFound
from kernel.ids import ViewId, new_id
from kernel.web import current_actor, current_database, enter_view
from portal.credit import bank_queries, consenting, disclosure, queries
from portal.credit.consenting import Asked, Refusal, Terms
from portal.credit.errors import ConsentScope, ReadNotLogged
from portal.credit.events import ProfileRead
from portal.credit.ids import AccessId, ConsentId
from portal.credit.metrics.registry import METRICS
from portal.credit.models import AccessLog
from portal.credit.queries import ConsentRow
from portal.credit.wording import REFUSALS
from portal.credit.words import Dataset, Outcome, Page
from tenants import queries as tenants

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Reading:
    """What a page is about to show of a consent, to the name of each field."""

    page: Page
    asked: Asked
    fields: Sequence[str]


Plan = Callable[..., Reading]
"""(consent, the arguments of the view) → what its page shows."""


def reads(plan: Plan) -> Callable[[_F], _F]:
    """Open a logged view on the consent `consent_id` before the view function runs.

    A consent that is not this bank's, or has ended, answers as a missing one does; one that does
    not open what the page shows answers 403. Refusals on a consent that was given are logged too.
    """

    def decorate(view: _F) -> _F:
        @functools.wraps(view)
        def run(consent_id: UUID, **values: Any) -> Any:
            wanted = functools.partial(plan, **values)
            view_id = open_view(
                current_database(), current_actor(), ConsentId(consent_id), plan=wanted
            )
            enter_view(view_id)
            return view(consent_id=consent_id, **values)

        return run  # type: ignore[return-value]

    return decorate


def open_view(
    database: Database,
    actor: Actor,
    consent_id: ConsentId,
    *,
    plan: Callable[[ConsentRow], Reading],
) -> ViewId:
    """Write down and commit that `actor` reads; return the view under which he may.

    Raises `NotFound` without a live consent of the actor's bank, `ConsentScope` where it opens
    less than is asked, `ReadNotLogged` when the row could not be written.
    """
    view_id = ViewId(new_id())
    try:
        refused = _write(database, actor, consent_id, plan, view_id)
    except DBAPIError as failed:
        if isinstance(failed.orig, InsufficientPrivilege):
            # The policy's answer, by the database's clock: it has ended since we asked.
            raise NotFound from None
        raise ReadNotLogged from failed
    if refused is Refusal.NOT_LIVE:
        raise NotFound
    if refused is not None:
        raise ConsentScope(element=str(REFUSALS[refused]))
    return view_id


def _write(
    database: Database,
    actor: Actor,
    consent_id: ConsentId,
    plan: Callable[[ConsentRow], Reading],
    view_id: ViewId,
) -> Refusal | None:
    with database.work(actor) as work:
        # The row must survive a crash of the server, whatever the server is set to.
        work.session.execute(text("SET LOCAL synchronous_commit = on"))
        consent = bank_queries.find_given(work, consent_id)
        if consent is None:
            raise NotFound
        reading = plan(consent)
        refused = consenting.refusal(terms_of(consent), reading.asked, work.now)
        outcome = Outcome.GRANTED if refused is None else Outcome.REFUSED
        log_read(work, consent, reading, outcome, refused=refused, view_id=view_id)
        if refused is None:
            work.emit(
                ProfileRead(
                    consent_id=consent_id, company_id=consent.tenant_id, page=reading.page.value
                )
            )
    return refused


def open_preview(
    database: Database,
    actor: Actor,
    consent_id: ConsentId,
    *,
    plan: Callable[[ConsentRow], Reading],
) -> ConsentRow:
    """Write down and commit that the company looks at its figures as the bank would; return it.

    Raises `NotFound` unless the consent is the company's own, `ConsentScope` where the bank would
    be refused for what the consent opens; whether it is live does not matter.
    """
    with database.work(actor) as work:
        consent = queries.get_consent(work, consent_id)
        reading = plan(consent)
        opened = terms_of(consent)
        if not reading.asked.datasets <= opened.datasets or reading.asked.level > opened.level:
            raise ConsentScope(element=str(REFUSALS[Refusal.DATASET]))
        log_read(work, consent, reading, Outcome.PREVIEW)
    return consent


def log_read(
    work: Work,
    consent: ConsentRow,
    reading: Reading,
    outcome: Outcome,
    *,
    refused: Refusal | None = None,
    view_id: ViewId | None = None,
) -> None:
    """Write one row of the access log; moment and transaction are the database's own."""
    person = work.actor.person_id
    names = tenants.names_of(work, [person])
    name = names.get(person) if person else None
    work.session.execute(
        insert(AccessLog).values(
            id=AccessId(new_id()),
            tenant_id=consent.tenant_id,
            view_id=view_id or ViewId(new_id()),
            bank_id=consent.bank_id,
            person_id=person,
            person_name_zh=name.name_zh if name else work.actor.name,
            person_name_en=name.name_en if name else work.actor.name,
            consent_id=consent.id,
            page=reading.page,
            datasets=sorted(each.value for each in reading.asked.datasets),
            level=reading.asked.level,
            fields=list(reading.fields),
            outcome=outcome,
            refused_because=refused.value if refused else None,
        )
    )


def terms_of(consent: ConsentRow) -> Terms:
    """Return what the rule must know of a consent."""
    return Terms(
        state=consent.state,
        purpose=consent.purpose,
        datasets=frozenset(Dataset(each) for each in consent.datasets),
        level=consent.level,
        data_from=consent.data_from,
        valid_from=consent.valid_from,
        valid_until=consent.valid_until,
    )


def case_reading(consent: ConsentRow) -> Reading:
    """Return what the case page shows: everything the consent opens, but no single facts."""
    datasets = frozenset(Dataset(each) for each in consent.datasets)
    return Reading(
        page=Page.CASE,
        asked=Asked(datasets=datasets, level=consent.level),
        fields=disclosure.case_fields(datasets, consent.level),
    )


def figure_reading(consent: ConsentRow, *, code: str) -> Reading:
    """Return what the page of one figure shows. Raises `NotFound` for an unknown code."""
    metric = METRICS.get(code)
    if metric is None:
        raise NotFound
    level = max(consent.level, metric.min_level)
    return Reading(
        page=Page.FIGURE,
        asked=Asked(datasets=frozenset({Dataset.HEAD, metric.dataset}), level=level),
        fields=disclosure.figure_fields(code, level),
    )
