"""Pages of a bank: what it asked, the companies that consent, and their cases."""

from typing import Final
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from kernel.actor import Kind
from kernel.errors import FieldProblem, InvalidInput, NotFound
from kernel.web import current_actor, current_work, pages, read_form, requires
from portal.credit import bank_queries, case, service, showing, wording
from portal.credit.forms import RequestForm
from portal.credit.ids import ConsentId
from portal.credit.queries import ConsentRow
from portal.credit.reading import case_reading, figure_reading, reads
from portal.ui.filters import moment
from portal.ui.paging import page_of, read_offset
from tenants import queries as tenants
from tenants.permissions import Permission

FACTS_A_PAGE: Final = 50

bp = pages("credit_bank", __name__, audience=Kind.BANK)


@bp.get("/bank/cases")
@requires(Permission.CREDIT_CASE_READ)
def list_cases() -> ResponseReturnValue:
    """Show which companies consent; ended ones stay as a line without a link."""
    cases = bank_queries.list_cases(current_work())
    return render_template("credit/cases.html", cases=cases, words=wording)


@bp.get("/bank/cases/<uuid:consent_id>")
@requires(Permission.CREDIT_CASE_READ)
@reads(case_reading)
def show_case(consent_id: UUID) -> ResponseReturnValue:
    """Show a case as a document that prints."""
    consent = bank_queries.get_given(current_work(), ConsentId(consent_id))
    found = case.case_of(consent, case.read_documents(current_work(), consent))
    if found is None:
        return _not_made_yet(consent)
    hrefs = {
        each.code: url_for(".show_figure", consent_id=consent_id, code=each.code)
        for each in found.figures
    }
    return render_template(
        "credit/case.html",
        case=found,
        hrefs=hrefs,
        part_names=showing.datasets(consent.datasets),
        words=wording,
        reader=_watermark(),
    )


@bp.get("/bank/cases/<uuid:consent_id>/figures/<string:code>")
@requires(Permission.CREDIT_CASE_READ)
@reads(figure_reading)
def show_figure(consent_id: UUID, code: str) -> ResponseReturnValue:
    """Show one figure of a case, opened down to the machine-days behind it."""
    consent = bank_queries.get_given(current_work(), ConsentId(consent_id))
    documents = case.read_documents(current_work(), consent, code=code)
    opened = case.figure_of(consent, documents, code)
    if opened is None:
        return _not_made_yet(consent)
    offset = read_offset()
    page = page_of(
        opened.rows[offset : offset + FACTS_A_PAGE + 1], offset=offset, size=FACTS_A_PAGE
    )
    return render_template(
        "credit/case_figure.html",
        opened=opened,
        page=page,
        words=wording,
        reader=_watermark(),
    )


@bp.get("/bank/requests")
@requires(Permission.CREDIT_REQUEST_WRITE)
def list_requests() -> ResponseReturnValue:
    """Show what this bank has asked."""
    rows = bank_queries.list_requests(current_work())
    return render_template("credit/requests.html", rows=rows, words=wording)


@bp.get("/bank/requests/new")
@requires(Permission.CREDIT_REQUEST_WRITE)
def new_request() -> ResponseReturnValue:
    """Show the form of a request."""
    return _request_form((), {"days": "180"})


@bp.post("/bank/requests")
@requires(Permission.CREDIT_REQUEST_WRITE)
def send_request() -> ResponseReturnValue:
    """Ask a company for its consent; the answer is the same whether it is here or not."""
    try:
        form = read_form(RequestForm)
    except InvalidInput as faulty:
        return _request_form(faulty.errors, request.form), 422
    service.request_consent(
        current_work(),
        name=form.name,
        uscc=form.uscc,
        purpose=form.purpose,
        days=form.days,
        reason=form.reason,
    )
    flash(_("Sent, if the company is here. It decides; until then nothing more is said."))
    return redirect(url_for(".list_requests"), code=303)


def _request_form(problems: tuple[FieldProblem, ...], sent: object) -> str:
    return render_template("credit/request_form.html", problems=problems, sent=sent, words=wording)


def _not_made_yet(consent: ConsentRow) -> ResponseReturnValue:
    # The documents are there a moment after the consent; a consent that has ended since the view
    # was opened shows none either, and answers like one that never was.
    if not bank_queries.get_given(current_work(), consent.id).is_live:
        raise NotFound
    return render_template("credit/case_waiting.html", consent=consent, words=wording)


def _watermark() -> str:
    work = current_work()
    person = current_actor().person_id
    names = tenants.names_of(work, [person])
    name = names[person].name() if person and person in names else current_actor().name
    return f"{name} · {tenants.own_company(work).name()} · {moment(work.now)}"
