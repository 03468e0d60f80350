"""Pages of a company: its own profile, what a bank would see of it, and who read it.

Consents have their own pages in `consent_web.py`.
"""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from kernel import clock
from kernel.actor import Kind
from kernel.errors import NotFound
from kernel.web import current_actor, current_database, current_work, pages, requires
from portal.credit import case, queries, reading, showing, tabling, wording
from portal.credit.disclosure import cut, own_figure
from portal.credit.ids import ConsentId, FigureId
from portal.credit.lifecycle import LIVE, WAITING
from portal.credit.metrics.facts import DayFact
from portal.production import queries as production
from portal.ui.paging import page_of, read_offset
from portal.ui.periods import Period
from portal.ui.tables import csv_response, xlsx_response
from portal.ui.viewstate import ViewState
from tenants import audit
from tenants import queries as tenants
from tenants.permissions import Permission
from tenants.words import ORIGIN_LABELS

FACTS_A_PAGE: Final = 50
READS_A_PAGE: Final = 50
EXPORTED: Final = 5_000
MONTH: Final = timedelta(days=30)
SHOWN_ON_TILES: Final = ("C0", "C10", "C4", "G2")

bp = pages("credit", __name__, audience=Kind.TENANT)


@bp.get("/credit")
@requires(Permission.CREDIT_PROFILE_READ)
def show_profile() -> ResponseReturnValue:
    """Show the company its own profile, or with `as` the page that a bank gets."""
    consent_id = _asked_preview()
    if consent_id is not None:
        return _preview(consent_id)
    work = current_work()
    profile = queries.get_profile(work)
    consents = queries.list_consents(work)
    rows = queries.list_figures(work) if profile else ()
    figures = {row.known.metric.code: showing.figure(own_figure(row.known)) for row in rows}
    return render_template(
        "credit/profile.html",
        company=tenants.own_company(work),
        profile=profile,
        rows=rows,
        figures=figures,
        hrefs={row.known.metric.code: url_for(".show_figure", figure_id=row.id) for row in rows},
        tiles_shown=[figures[code] for code in SHOWN_ON_TILES if code in figures],
        consents=[each for each in consents if each.state in (*LIVE, *WAITING)],
        reads=queries.list_reads(work, limit=5),
        has_alert=queries.has_refusal_alert(work),
        origin_words=ORIGIN_LABELS,
        words=wording,
    )


@bp.get("/credit/figures/<uuid:figure_id>")
@requires(Permission.CREDIT_PROFILE_READ)
def show_figure(figure_id: UUID) -> ResponseReturnValue:
    """Show a figure with its formula, sums and facts; with `as` the page that a bank gets."""
    consent_id = _asked_preview()
    if consent_id is not None:
        return _preview_figure(consent_id, FigureId(figure_id))
    opened = queries.get_figure(current_work(), FigureId(figure_id))
    code = opened.row.known.metric.code
    offset = read_offset()
    newest_first = list(reversed(opened.facts))
    page = page_of(
        newest_first[offset : offset + FACTS_A_PAGE + 1], offset=offset, size=FACTS_A_PAGE
    )
    return render_template(
        "credit/figure.html",
        opened=opened,
        shown=showing.figure(own_figure(opened.row.known)),
        heads=showing.fact_heads(code),
        page=page,
        machines=_machines(),
        board=_board,
        amount=showing.amount,
        words=wording,
    )


@bp.get("/credit/readers")
@requires(Permission.CREDIT_READER_READ)
def list_readers() -> ResponseReturnValue:
    """Show who read what of the company, when, and every refused attempt."""
    work = current_work()
    before = _read_moment()
    rows = queries.list_reads(work, before=before, limit=READS_A_PAGE + 1)
    return render_template(
        "credit/readers.html",
        rows=rows[:READS_A_PAGE],
        next_before=rows[READS_A_PAGE - 1].opened_at if len(rows) > READS_A_PAGE else None,
        is_first=before is None,
        counts=queries.count_reads(work, since=work.now - MONTH),
        has_alert=queries.has_refusal_alert(work),
        words=wording,
        refusals=tabling.REFUSAL_WORDS,
    )


@bp.get("/credit/readers/export/<string:ending>")
@requires(Permission.CREDIT_READER_READ)
def export_readers(ending: str) -> ResponseReturnValue:
    """Hand out the log of reads as CSV or XLSX; the export itself is written down first."""
    answer = {"csv": csv_response, "xlsx": xlsx_response}.get(ending)
    if answer is None:
        raise NotFound
    with current_database().work(current_actor()) as work:
        audit.record(work, "credit.readers.export", object_kind="access_log")
    rows = queries.list_reads(current_work(), limit=EXPORTED)
    return answer(tabling.reads_table(rows, made_at=clock.now()))


def _asked_preview() -> ConsentId | None:
    asked = request.args.get("as", "")
    if not asked:
        return None
    try:
        return ConsentId(UUID(asked))
    except ValueError:
        raise NotFound from None


def _preview(consent_id: ConsentId) -> ResponseReturnValue:
    consent = reading.open_preview(
        current_database(), current_actor(), consent_id, plan=reading.case_reading
    )
    work = current_work()
    profile = queries.get_profile(work)
    if profile is None:
        return redirect(url_for(".show_profile"), code=303)
    documents = case.as_documents(cut(profile, queries.get_cut(work, consent_id)))
    found = case.case_of(consent, documents)
    as_bank: dict[str, Any] = {"as": consent_id}
    hrefs = {
        row.known.metric.code: url_for(".show_figure", figure_id=row.id, **as_bank)
        for row in queries.list_figures(work)
    }
    return render_template(
        "credit/preview.html",
        case=found,
        hrefs=hrefs,
        part_names=showing.datasets(consent.datasets),
        words=wording,
        reader=_("Preview · %(bank)s", bank=consent.bank_name),
    )


def _preview_figure(consent_id: ConsentId, figure_id: FigureId) -> ResponseReturnValue:
    code = queries.code_of_figure(current_work(), figure_id)
    consent = reading.open_preview(
        current_database(),
        current_actor(),
        consent_id,
        plan=lambda given: reading.figure_reading(given, code=code),
    )
    work = current_work()
    profile = queries.get_profile(work, facts_of=code)
    assert profile is not None  # there is a figure, so there is a profile
    documents = case.as_documents(cut(profile, queries.get_cut(work, consent_id)))
    opened = case.figure_of(consent, documents, code)
    if opened is None:
        raise NotFound
    offset = read_offset()
    page = page_of(
        opened.rows[offset : offset + FACTS_A_PAGE + 1], offset=offset, size=FACTS_A_PAGE
    )
    return render_template(
        "credit/preview_figure.html",
        opened=opened,
        page=page,
        figure_id=figure_id,
        words=wording,
        reader=_("Preview · %(bank)s", bank=consent.bank_name),
    )


def _machines() -> dict[UUID, str]:
    units = production.list_units(current_work())
    return {unit.place_id: unit.code for unit in units}


def _board(fact: DayFact) -> str:
    view = ViewState(node=fact.unit_id, period=Period.CUSTOM, first=fact.day, last=fact.day)
    return view.href("/boards/tenant/machine")


def _read_moment() -> datetime | None:
    try:
        moment = datetime.fromisoformat(request.args.get("before", ""))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
