"""The file importer: a long action that reads a stored file through the same door as machines.

First the whole file is checked: with one faulty row nothing of it is stored, and every faulty row
is named. Then it goes through `ingest.accept` in parts; run again after a crash, parts that are in
are recognised by their key.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, insert, select, update

from kernel.actor import Actor, Kind
from kernel.db import Database, Work, worker
from kernel.errors import NotFound
from kernel.ids import OperationId, SourceId, TenantId, new_id
from kernel.operations import Progress, operation, start
from portal.production import derive, ingest
from portal.production.errors import FileTooLarge, FileUnreadable, UnitUnknown, WindowWrong
from portal.production.files import Unreadable, read_file
from portal.production.ids import ImportId
from portal.production.lines import MOST_PROBLEMS, Line, LineProblem
from portal.production.models import DataSource, DirtyDay, ImportFile, Unit
from portal.production.mtconnect import DeviceModel
from portal.production.states import Rank
from portal.production.words import NAMED_BY_US, ImportForm, SourceKind
from tenants import audit
from tenants import queries as places

KIND: Final = "production.import_archive"
LARGEST_MIB: Final = 15
PART: Final = 5_000
LONGEST_WINDOW: Final = timedelta(days=3660)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it is handed in. `unit` is the machine of adapter lines, which do not name it."""

    name: str
    form: ImportForm
    body: bytes
    window_from: datetime
    window_until: datetime
    unit: str | None = None


def send_file(
    work: Work, upload: Upload, *, tenant_id: TenantId | None = None
) -> tuple[ImportId, OperationId]:
    """Store a file and queue its reading; the worker names the company.

    Raises `FileTooLarge`, `FileUnreadable` for an empty one, `WindowWrong`, `UnitUnknown`.
    """
    owner = tenant_id or work.tenant_id
    _check(work, upload, owner)
    import_id = ImportId(new_id())
    source_id = _file_source(work, owner)
    operation_id = start(work, KIND, params={"import_id": str(import_id)}, tenant_id=tenant_id)
    work.session.execute(
        insert(ImportFile).values(
            id=import_id,
            tenant_id=owner,
            source_id=source_id,
            name=upload.name[:200],
            form=upload.form,
            byte_count=len(upload.body),
            body=upload.body,
            window_from=upload.window_from,
            window_until=upload.window_until,
            unit_code=upload.unit if upload.form is ImportForm.SHDR else None,
            operation_id=operation_id,
            sent_by=work.actor.person_id,
            sent_at=work.now,
        )
    )
    audit.record(
        work,
        "production.file.send",
        "import_file",
        import_id,
        tenant_id=owner,
        form=upload.form.value,
        name=upload.name[:200],
    )
    return import_id, operation_id


def _check(work: Work, upload: Upload, tenant_id: TenantId) -> None:
    if len(upload.body) > LARGEST_MIB * 1024 * 1024:
        raise FileTooLarge(limit_mib=LARGEST_MIB, field="file")
    if not upload.body:
        raise FileUnreadable(why="empty", field="file")
    span = upload.window_until - upload.window_from
    if not timedelta() < span <= LONGEST_WINDOW:
        raise WindowWrong(field="window_from")
    if upload.form is ImportForm.SHDR:
        _get_model(work, tenant_id, upload.unit or "")


def _file_source(work: Work, tenant_id: TenantId) -> SourceId:
    """Return the company's source for files, made with the first one."""
    known = work.session.scalar(
        select(DataSource.id)
        .where(DataSource.tenant_id == tenant_id, DataSource.kind == SourceKind.FILE)
        .order_by(DataSource.created_at)
        .limit(1)
    )
    if known is not None:
        return known
    source_id = SourceId(new_id())
    work.session.execute(
        insert(DataSource).values(
            id=source_id,
            tenant_id=tenant_id,
            kind=SourceKind.FILE,
            name=NAMED_BY_US[SourceKind.FILE],
            created_at=work.now,
        )
    )
    return source_id


def _get_model(work: Work, tenant_id: TenantId, code: str) -> DeviceModel:
    for place in places.list_places(work, level="unit", tenant_id=tenant_id):
        if place.code == code:
            items = work.session.scalar(
                select(Unit.device_items).where(
                    Unit.tenant_id == tenant_id, Unit.place_id == place.id
                )
            )
            return DeviceModel.from_json(code, items or {})
    raise UnitUnknown(field="unit")


@dataclass(frozen=True, slots=True)
class _Job:
    id: ImportId
    tenant_id: TenantId
    source_id: SourceId
    form: ImportForm
    body: bytes
    window: tuple[datetime, datetime]
    unit: str | None
    model: DeviceModel | None

    def rows(self) -> Iterator[Any]:
        return read_file(self.body, self.form, unit=self.unit, model=self.model)

    def lines(self) -> Iterator[Line]:
        return (row for row in self.rows() if isinstance(row, Line))


@operation(KIND)
def import_file(progress: Progress) -> Mapping[str, Any]:
    """Check a stored file, store its facts part by part, derive what they touch.

    The result tells `accepted`, `duplicate` and `quarantined` lines, or `refused` with the faulty
    rows of a file of which nothing was stored.
    """
    job = _load(progress.database, ImportId(UUID(progress.params["import_id"])))
    count, problems = _check_rows(progress, job)
    fatal = [problem for problem in problems if problem.code != "cut"]
    named = [problem.to_json() for problem in problems[:MOST_PROBLEMS]]
    if fatal or not count:
        _drop_body(progress.database, job)
        return {"refused": True, "rows": count, "problems": named}
    result = _store_parts(progress, job, count)
    _drop_body(progress.database, job)
    _derive(progress, job)
    return result | {"rows": count, "problems": named}


def _load(database: Database, import_id: ImportId) -> _Job:
    with database.work(worker(), read_only=True) as work:
        row = work.session.execute(
            select(
                ImportFile.tenant_id,
                ImportFile.source_id,
                ImportFile.form,
                ImportFile.body,
                ImportFile.window_from,
                ImportFile.window_until,
                ImportFile.unit_code,
            ).where(ImportFile.id == import_id)
        ).one_or_none()
        if row is None or row.body is None:
            raise NotFound
        model = _get_model(work, row.tenant_id, row.unit_code) if row.unit_code else None
    return _Job(
        id=import_id,
        tenant_id=row.tenant_id,
        source_id=row.source_id,
        form=row.form,
        body=row.body,
        window=(row.window_from, row.window_until),
        unit=row.unit_code,
        model=model,
    )


def _check_rows(progress: Progress, job: _Job) -> tuple[int, list[LineProblem]]:
    progress.say("Checking the file")
    count, problems = 0, list[LineProblem]()
    try:
        for row in job.rows():
            count += 1
            if not isinstance(row, Line) and len(problems) < MOST_PROBLEMS:
                problems.extend(row)
            if count % 50_000 == 0:
                progress.say("Checking the file", done=count)
    except Unreadable as broken:
        raise FileUnreadable(why=str(broken)) from None
    return count, problems


def _store_parts(progress: Progress, job: _Job, count: int) -> dict[str, Any]:
    actor = Actor(Kind.INGEST, tenant_id=job.tenant_id, source_id=job.source_id)
    totals = {"accepted": 0, "duplicate": 0, "quarantined": 0}
    lines, done, part = job.lines(), 0, 0
    progress.say("Storing the lines", done=0, total=count)
    while chunk := list(islice(lines, PART)):
        batch = ingest.Batch(
            key=f"import/{job.id}/{part}",
            body_sha256=sha256(repr(chunk).encode()).digest(),
            lines=chunk,
            window=job.window,
            restates=job.form is not ImportForm.TABLE,
            rank=Rank.LOG if job.form is ImportForm.TABLE else Rank.MACHINE,
        )
        with progress.database.work(actor) as work:
            receipt = ingest.accept(work, batch)
        totals["accepted"] += receipt.accepted
        totals["duplicate"] += receipt.duplicate
        totals["quarantined"] += receipt.quarantined_count
        done, part = done + len(chunk), part + 1
        progress.say("Storing the lines", done=done, total=count)
    return totals


def _derive(progress: Progress, job: _Job) -> None:
    """Derive what was marked, so that the boards are there when the action has ended."""
    total, done = _count_marked(progress.database, job.tenant_id), 0
    while left := _count_marked(progress.database, job.tenant_id):
        total = max(total, done + left)
        progress.say("Deriving the days", done=total - left, total=total)
        done += derive.derive_company(progress.database, job.tenant_id, most=derive.CHUNK)
        if done >= total:
            break


def _count_marked(database: Database, tenant_id: TenantId) -> int:
    days = (
        select(DirtyDay.unit_id, DirtyDay.production_day)
        .where(DirtyDay.tenant_id == tenant_id)
        .distinct()
        .subquery()
    )
    with database.work(worker(tenant_id), read_only=True) as work:
        return work.session.scalar(select(func.count()).select_from(days)) or 0


def _drop_body(database: Database, job: _Job) -> None:
    with database.work(worker(job.tenant_id)) as work:
        work.session.execute(update(ImportFile).where(ImportFile.id == job.id).values(body=None))
