"""Pages of consents: what is asked, what will be shown, prepare, approve, rest, end."""

from uuid import UUID

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from kernel.actor import Kind
from kernel.errors import FieldProblem, InvalidInput, NotFound
from kernel.web import current_actor, current_work, pages, read_form, requires
from portal.credit import disclosure, queries, service, showing, wording
from portal.credit.forms import DraftForm, TermsForm
from portal.credit.ids import ConsentId
from portal.credit.lifecycle import LIVE, WAITING, ConsentState
from portal.credit.words import Dataset
from tenants import queries as tenants
from tenants.holders import people_with
from tenants.permissions import Permission

P = Permission

bp = pages("consents", __name__, audience=Kind.TENANT)


@bp.get("/consents")
@requires(P.CREDIT_PROFILE_READ)
def list_consents() -> ResponseReturnValue:
    """Show what waits for a decision, what is live, what has ended."""
    rows = queries.list_consents(current_work())
    return render_template(
        "credit/consents.html",
        waiting=[row for row in rows if row.state in WAITING],
        live=[row for row in rows if row.state in LIVE],
        ended=[row for row in rows if row.state not in (*WAITING, *LIVE)],
        may_prepare=current_actor().may(P.CREDIT_CONSENT_PREPARE),
        words=wording,
    )


@bp.get("/consents/new")
@requires(P.CREDIT_CONSENT_PREPARE)
def new_consent() -> ResponseReturnValue:
    """Show the form of a consent that no bank has asked for."""
    return _draft_form((), {"days": "180"})


@bp.post("/consents")
@requires(P.CREDIT_CONSENT_PREPARE)
def draft_consent() -> ResponseReturnValue:
    """Begin a consent and show what it would open."""
    try:
        form = read_form(DraftForm)
    except InvalidInput as faulty:
        return _draft_form(faulty.errors, request.form), 422
    consent_id = service.draft_consent(
        current_work(), bank=form.bank, purpose=form.purpose, days=form.days
    )
    return redirect(url_for(".show_consent", consent_id=consent_id), code=303)


@bp.get("/consents/<uuid:consent_id>")
@requires(P.CREDIT_PROFILE_READ)
def show_consent(consent_id: UUID) -> ResponseReturnValue:
    """Show one consent: what it opens, who gave it, what happened."""
    return _show(ConsentId(consent_id), ())


@bp.post("/consents/<uuid:consent_id>/prepare")
@requires(P.CREDIT_CONSENT_PREPARE)
def prepare_consent(consent_id: UUID) -> ResponseReturnValue:
    """Fix what a consent will open; another person approves it."""
    try:
        form = read_form(TermsForm)
    except InvalidInput as faulty:
        return _show(ConsentId(consent_id), faulty.errors), 422
    service.prepare_consent(
        current_work(),
        ConsentId(consent_id),
        datasets=form.datasets,
        level=form.level,
        data_from=form.data_from,
        days=form.days,
    )
    flash(_("Prepared. It opens nothing until it is approved."))
    return _back(consent_id)


@bp.post("/consents/<uuid:consent_id>/approve")
@requires(P.CREDIT_CONSENT_APPROVE, step_up=True)
def approve_consent(consent_id: UUID) -> ResponseReturnValue:
    """Give a prepared consent."""
    service.approve_consent(current_work(), ConsentId(consent_id))
    flash(_("The consent is given. You see every read under it."))
    return _back(consent_id)


@bp.post("/consents/<uuid:consent_id>/deny")
@requires(P.CREDIT_CONSENT_PREPARE)
def deny_consent(consent_id: UUID) -> ResponseReturnValue:
    """Say no, or drop a draft; the bank is told nothing."""
    service.deny_consent(current_work(), ConsentId(consent_id))
    flash(_("Denied. The bank is told nothing and its request lapses."))
    return _back(consent_id)


@bp.get("/consents/<uuid:consent_id>/withdraw")
@requires(P.CREDIT_CONSENT_WITHDRAW)
def confirm_withdrawal(consent_id: UUID) -> ResponseReturnValue:
    """Say what withdrawing does before it is done."""
    consent = queries.get_consent(current_work(), ConsentId(consent_id))
    return render_template("credit/withdraw.html", consent=consent, words=wording)


@bp.post("/consents/<uuid:consent_id>/withdraw")
@requires(P.CREDIT_CONSENT_WITHDRAW)
def withdraw_consent(consent_id: UUID) -> ResponseReturnValue:
    """End a consent; the bank's next request finds nothing."""
    service.withdraw_consent(current_work(), ConsentId(consent_id))
    flash(_("Withdrawn. The bank's next request finds nothing."))
    return _back(consent_id)


@bp.post("/consents/<uuid:consent_id>/suspend")
@requires(P.CREDIT_CONSENT_WITHDRAW)
def suspend_consent(consent_id: UUID) -> ResponseReturnValue:
    """Let a consent rest."""
    service.suspend_consent(current_work(), ConsentId(consent_id))
    flash(_("The consent rests. Unless it is resumed within 30 days it is withdrawn."))
    return _back(consent_id)


@bp.post("/consents/<uuid:consent_id>/resume")
@requires(P.CREDIT_CONSENT_APPROVE, step_up=True)
def resume_consent(consent_id: UUID) -> ResponseReturnValue:
    """Let the bank read again."""
    service.resume_consent(current_work(), ConsentId(consent_id))
    flash(_("The bank may read again."))
    return _back(consent_id)


@bp.get("/consents/<uuid:consent_id>/receipt")
@requires(P.CREDIT_PROFILE_READ)
def download_receipt(consent_id: UUID) -> ResponseReturnValue:
    """Hand out the receipt of a consent that was given."""
    receipt = queries.find_receipt(current_work(), ConsentId(consent_id))
    if receipt is None:
        raise NotFound
    name = f"consent-{consent_id}.json"
    return Response(
        receipt,
        mimetype="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _back(consent_id: UUID) -> ResponseReturnValue:
    return redirect(url_for(".show_consent", consent_id=consent_id), code=303)


def _draft_form(problems: tuple[FieldProblem, ...], sent: object) -> str:
    banks = [(bank.code, bank.name()) for bank in tenants.list_banks(current_work())]
    return render_template(
        "credit/consent_form.html", banks=banks, problems=problems, sent=sent, words=wording
    )


def _show(consent_id: ConsentId, problems: tuple[FieldProblem, ...]) -> str:
    work = current_work()
    consent = queries.get_consent(work, consent_id)
    people = tenants.names_of(work, [consent.prepared_by, consent.approved_by])
    others = people_with(work, P.CREDIT_CONSENT_APPROVE) - {consent.prepared_by}
    datasets = frozenset(Dataset(each) for each in consent.datasets)
    return render_template(
        "credit/consent.html",
        consent=consent,
        people={person: name.name() for person, name in people.items()},
        approvers=sorted(name.name() for name in tenants.names_of(work, others).values()),
        is_preparer=consent.prepared_by == current_actor().person_id,
        may_approve=current_actor().may(P.CREDIT_CONSENT_APPROVE),
        can_fix=consent.state in (ConsentState.REQUESTED, ConsentState.DRAFT),
        events=queries.list_events(work, consent_id),
        fields=disclosure.case_fields(datasets, consent.level),
        problems=problems,
        all_datasets=[each for each in Dataset if each is not Dataset.HEAD],
        level_options=[(level, f"S{level}", name) for level, name in wording.LEVELS.items()],
        part_names=showing.datasets(consent.datasets),
        words=wording,
    )
