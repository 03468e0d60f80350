"""Pages about what comes in: sources, batches, quarantine, imports."""

from datetime import datetime
from enum import StrEnum
from typing import Final, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from kernel import operations
from kernel.actor import Kind
from kernel.errors import FieldProblem
from kernel.ids import SourceId
from kernel.web import current_work, pages, read_form, requires
from portal.production import (
    door_queries,
    importer,
    labels,
    quarantine_service,
    queries,
    setup_service,
)
from portal.production.forms import (
    DismissForm,
    ImportFileForm,
    ReplayAllForm,
    SourceForm,
    read_upload,
)
from portal.production.ids import QuarantineId
from portal.production.importer import LARGEST_MIB, Upload
from portal.production.words import Problem, RowState, SourceKind
from tenants import queries as places
from tenants.permissions import Permission
from tenants.refilling import REFUSALS, problems_of, sent

bp = pages("production_doors", __name__, audience=Kind.TENANT)

PAGE: Final = 50
_W = TypeVar("_W", bound=StrEnum)
Problems = tuple[FieldProblem, ...]


@bp.get("/production/sources")
@requires(Permission.PRODUCTION_FACT_READ)
def list_sources() -> ResponseReturnValue:
    """Show every source: its door, since when it is silent, its last batch."""
    work = current_work()
    return render_template(
        "production/sources.html",
        source_word=labels.source_word,
        sources=door_queries.list_sources(work),
        kinds=labels.SOURCE_KINDS,
        states=labels.SOURCE_STATES,
        may_write=work.actor.may(Permission.PRODUCTION_SOURCE_WRITE),
        may_make_token=work.actor.may(Permission.TENANTS_TOKEN_WRITE),
        quarantined=door_queries.count_open_quarantine(work),
    )


@bp.get("/production/sources/new")
@requires(Permission.PRODUCTION_SOURCE_WRITE)
def new_source() -> ResponseReturnValue:
    """Show the form for a new source."""
    return _source_page({"kind": SourceKind.HTTP.value, "heartbeat_s": "60"}, ())


@bp.post("/production/sources/new")
@requires(Permission.PRODUCTION_SOURCE_WRITE)
def add_source() -> ResponseReturnValue:
    """Add a source; a token for it is made on the company's pages."""
    try:
        form = read_form(SourceForm)
        with current_work().session.begin_nested():
            setup_service.add_source(current_work(), **form.model_dump())
    except REFUSALS as refusal:
        return _source_page(sent(), problems_of(refusal)), refusal.status
    flash(_("The source is added. It waits for its first message; its device needs a token."))
    return redirect(url_for(".list_sources"), code=303)


def _source_page(values: dict[str, str], problems: Problems) -> str:
    kinds = (SourceKind.HTTP, SourceKind.MTCONNECT)
    return render_template(
        "production/source_form.html",
        values=values,
        problems=problems,
        kinds=[(kind.value, labels.SOURCE_KINDS[kind]) for kind in kinds],
    )


@bp.post("/production/sources/<uuid:source_id>/retire")
@requires(Permission.PRODUCTION_SOURCE_WRITE)
def retire_source(source_id: UUID) -> ResponseReturnValue:
    """Let a source send no more."""
    setup_service.retire_source(current_work(), SourceId(source_id))
    flash(_("The source sends no more. What it has sent stays."))
    return redirect(url_for(".list_sources"), code=303)


@bp.post("/production/sources/<uuid:source_id>/resume")
@requires(Permission.PRODUCTION_SOURCE_WRITE)
def resume_source(source_id: UUID) -> ResponseReturnValue:
    """Wait for a paused source again."""
    setup_service.resume_source(current_work(), SourceId(source_id))
    flash(_("The source is waited for again."))
    return redirect(url_for(".list_sources"), code=303)


@bp.get("/production/batches/<uuid:batch_id>")
@requires(Permission.PRODUCTION_FACT_READ)
def show_batch(batch_id: UUID) -> ResponseReturnValue:
    """Show what was sent at once: its counts, its first facts, its quarantined lines."""
    work = current_work()
    batch = queries.get_batch(work, batch_id)
    return render_template(
        "production/batch.html",
        source_word=labels.source_word,
        batch=batch,
        kinds=labels.SOURCE_KINDS,
        facts=queries.facts_of_batch(work, batch_id, limit=200),
        units={unit.place_id: unit for unit in queries.list_units(work)},
        rows=queries.list_quarantine(work, state=None, batch_id=batch_id),
        problems=labels.PROBLEMS,
        row_states=labels.ROW_STATES,
        sender=places.names_of(work, [batch.sent_by]).get(batch.sent_by) if batch.sent_by else None,
    )


@bp.get("/production/quarantine")
@requires(Permission.PRODUCTION_FACT_READ)
def list_quarantine() -> ResponseReturnValue:
    """Show quarantined lines with why they wait and what helps."""
    work = current_work()
    state = _word(RowState, request.args.get("state"), RowState.OPEN)
    code = _word(Problem, request.args.get("code"), None)
    page = min(max(request.args.get("page", 1, type=int), 1), 1_000)
    rows = queries.list_quarantine(
        work, state=state, code=code, limit=PAGE + 1, offset=(page - 1) * PAGE
    )
    return render_template(
        "production/quarantine.html",
        source_word=labels.source_word,
        rows=rows[:PAGE],
        state=state,
        code=code,
        page=page,
        has_more=len(rows) > PAGE,
        counts=door_queries.count_quarantine(work, state=state or RowState.OPEN),
        problems=labels.PROBLEMS,
        remedies=labels.REMEDIES,
        states=labels.ROW_STATES,
        state_tabs=[
            (word, url_for(".list_quarantine", state=each.value), each is state)
            for each, (_sign, word) in labels.ROW_STATES.items()
        ],
        open=RowState.OPEN,
        may_write=work.actor.may(Permission.PRODUCTION_QUARANTINE_WRITE),
    )


@bp.post("/production/quarantine/<uuid:row_id>/replay")
@requires(Permission.PRODUCTION_QUARANTINE_WRITE)
def replay_row(row_id: UUID) -> ResponseReturnValue:
    """Send one line through the door again."""
    try:
        with current_work().session.begin_nested():
            quarantine_service.replay(current_work(), QuarantineId(row_id))
    except REFUSALS as refusal:
        flash(refusal.message, "warn")
    else:
        flash(_("The line is in."))
    return redirect(url_for(".list_quarantine"), code=303)


@bp.post("/production/quarantine/replay-all")
@requires(Permission.PRODUCTION_QUARANTINE_WRITE)
def replay_all() -> ResponseReturnValue:
    """Send all open lines of one problem again."""
    form = read_form(ReplayAllForm)
    done = quarantine_service.replay_all(current_work(), form.code)
    told = ngettext("%(num)s line is in.", "%(num)s lines are in.", done.replayed)
    if done.left:
        told += " " + ngettext(
            "%(num)s line waits on: its cause still stands.",
            "%(num)s lines wait on: their cause still stands.",
            done.left,
        )
    flash(told, "warn" if done.left else "ok")
    return redirect(url_for(".list_quarantine"), code=303)


@bp.get("/production/quarantine/<uuid:row_id>/dismiss")
@requires(Permission.PRODUCTION_QUARANTINE_WRITE)
def confirm_dismissal(row_id: UUID) -> ResponseReturnValue:
    """Show the line that is to be left out, and ask why."""
    return _dismissal_page(row_id, "", ())


@bp.post("/production/quarantine/<uuid:row_id>/dismiss")
@requires(Permission.PRODUCTION_QUARANTINE_WRITE)
def dismiss_row(row_id: UUID) -> ResponseReturnValue:
    """Leave a line out for good, with the reason."""
    try:
        form = read_form(DismissForm)
        quarantine_service.dismiss(current_work(), QuarantineId(row_id), reason=form.reason)
    except REFUSALS as refusal:
        page = _dismissal_page(row_id, sent().get("reason", ""), problems_of(refusal))
        return page, refusal.status
    flash(_("The line is dismissed; it stays readable with the reason."))
    return redirect(url_for(".list_quarantine"), code=303)


def _dismissal_page(row_id: UUID, reason: str, problems: Problems) -> str:
    row = door_queries.get_quarantined(current_work(), QuarantineId(row_id))
    return render_template(
        "production/dismiss.html",
        source_word=labels.source_word,
        row=row,
        reason=reason,
        problems=problems,
        sentences=labels.PROBLEMS,
    )


@bp.get("/production/imports")
@requires(Permission.PRODUCTION_FACT_READ)
def list_imports() -> ResponseReturnValue:
    """Show the files that were sent and how far each has come."""
    work = current_work()
    rows = door_queries.list_imports(work)
    return render_template(
        "production/imports.html",
        rows=[(row, operations.get_operation(work, row.operation_id)) for row in rows],
        forms=labels.FORMS,
        may_import=work.actor.may(Permission.PRODUCTION_ARCHIVE_IMPORT),
    )


@bp.get("/production/imports/new")
@requires(Permission.PRODUCTION_ARCHIVE_IMPORT)
def new_import() -> ResponseReturnValue:
    """Show the form for a file."""
    return _import_page({}, ())


@bp.post("/production/imports/new")
@requires(Permission.PRODUCTION_ARCHIVE_IMPORT)
def send_file() -> ResponseReturnValue:
    """Take a file and queue its reading; its page shows how far it has come."""
    try:
        form = read_form(ImportFileForm)
        zone = ZoneInfo(_own_zone())
        upload = Upload(
            name=_file_name(),
            form=form.form,
            body=read_upload("file", most_mib=LARGEST_MIB),
            window_from=_aware(form.window_from, zone),
            window_until=_aware(form.window_until, zone),
            unit=form.unit,
        )
        with current_work().session.begin_nested():
            importer.send_file(current_work(), upload)
    except REFUSALS as refusal:
        return _import_page(sent(), problems_of(refusal)), refusal.status
    flash(_("The file is here and is being read."))
    return redirect(url_for(".list_imports"), code=303)


def _own_zone() -> str:
    return places.site_clock(places.company_place(current_work())).zone


def _aware(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment


def _file_name() -> str:
    file = request.files.get("file")
    return (file.filename or "file") if file else "file"


def _import_page(values: dict[str, str], problems: Problems) -> str:
    work = current_work()
    return render_template(
        "production/import_form.html",
        values=values,
        problems=problems,
        forms=[(form.value, label, "") for form, label in labels.FORMS.items()],
        units=[(unit.code, unit.code) for unit in queries.list_units(work)],
        zone=_own_zone(),
        limit_mib=LARGEST_MIB,
    )


def _word(words: type[_W], sent_word: str | None, default: _W | None) -> _W | None:
    try:
        return words(sent_word) if sent_word else default
    except ValueError:
        return default
