"""What people set up: machines, planned run times, sources. Every change of a rule asks again
what past days come to; a closed day then gets a new version that says so."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from kernel.db import Work
from kernel.errors import NotFound
from kernel.ids import PlaceId, SourceId, new_id
from kernel.lifecycle import Side
from portal.production.derived_models import KpiTime
from portal.production.errors import DeviceAmbiguous, DeviceModelUnreadable, NameTaken
from portal.production.ingest import mark_days
from portal.production.models import DataSource, ProductRate, Unit
from portal.production.mtconnect import DeviceModel, read_devices
from portal.production.words import (
    SOURCE,
    Basis,
    Because,
    CountsFrom,
    Grain,
    SourceKind,
    SourceState,
)
from tenants import access, audit
from tenants import queries as places
from tenants.permissions import Permission
from tenants.words import Level


@dataclass(frozen=True, slots=True)
class UnitRules:
    """A machine's own attributes, as people set them."""

    class_code: str
    rated_power_kw: float | None
    min_stop_s: int
    heartbeat_s: int
    counts_from: CountsFrom


def set_unit(work: Work, unit_id: PlaceId, rules: UnitRules) -> None:
    """Make a place of level unit a machine, or change how its reports are read.

    Raises `OutOfReach`, `NotFound` for a place of another level.
    """
    access.require(work, Permission.PRODUCTION_UNIT_WRITE, unit_id)
    if places.get_place(work, unit_id).level is not Level.UNIT:
        raise NotFound
    values = {
        "class_code": rules.class_code,
        "rated_power_kw": rules.rated_power_kw,
        "min_stop_s": rules.min_stop_s,
        "heartbeat_s": rules.heartbeat_s,
        "counts_from": rules.counts_from,
    }
    known = work.session.scalar(select(Unit.place_id).where(Unit.place_id == unit_id))
    if known is None:
        work.session.execute(
            insert(Unit).values(tenant_id=work.tenant_id, place_id=unit_id, **values)
        )
    else:
        _set(work, unit_id, **values)
        _ask_again(work, unit_id, since=date.min)
    audit.record(
        work,
        "production.unit.write",
        "unit",
        unit_id,
        min_stop_s=rules.min_stop_s,
        heartbeat_s=rules.heartbeat_s,
        counts_from=rules.counts_from.value,
    )


def set_rate(
    work: Work,
    unit_id: PlaceId,
    *,
    product_code: str,
    pri_s: float,
    basis: Basis,
    valid_from: date,
) -> None:
    """Set the planned run time per item of a product on a unit from a date on ('' for any product).

    Raises `OutOfReach`, `NotFound`.
    """
    access.require(work, Permission.PRODUCTION_UNIT_WRITE, unit_id)
    known = work.session.scalar(select(Unit.place_id).where(Unit.place_id == unit_id))
    if known is None:
        raise NotFound
    row = {
        "tenant_id": work.tenant_id,
        "unit_id": unit_id,
        "product_code": product_code,
        "valid_from": valid_from,
        "pri_s": pri_s,
        "basis": basis,
    }
    work.session.execute(
        upsert(ProductRate)
        .values(**row)
        .on_conflict_do_update(constraint="pk__product_rate", set_={"pri_s": pri_s, "basis": basis})
    )
    _ask_again(work, unit_id, since=valid_from)
    audit.record(
        work,
        "production.rate.write",
        "unit",
        unit_id,
        product=product_code,
        pri_s=pri_s,
        basis=basis.value,
        valid_from=valid_from.isoformat(),
    )


def set_state_word(work: Work, unit_id: PlaceId, *, word: str, state: str) -> None:
    """Say what a word of a machine's own means, for the lines that come in from now on.

    Raises `OutOfReach`, `NotFound`.
    """
    words = _get_for_update(work, unit_id).state_words
    _set(work, unit_id, state_words=words | {word: state})
    audit.record(work, "production.state_word.write", "unit", unit_id, word=word, state=state)


def drop_state_word(work: Work, unit_id: PlaceId, word: str) -> None:
    """Take a word out of a machine's table. Raises `OutOfReach`, `NotFound`."""
    words = _get_for_update(work, unit_id).state_words
    if word not in words:
        raise NotFound
    _set(work, unit_id, state_words={key: state for key, state in words.items() if key != word})
    audit.record(work, "production.state_word.drop", "unit", unit_id, word=word)


def set_device_model(work: Work, unit_id: PlaceId, document: bytes) -> DeviceModel:
    """Keep the items of a machine's device model, of an MTConnectDevices document.

    Of several devices the one called like the machine is taken. What its items say of past days is
    asked again. Raises `OutOfReach`, `NotFound`, `DeviceModelUnreadable`, `DeviceAmbiguous`.
    """
    _get_for_update(work, unit_id)
    code = places.get_place(work, unit_id).code
    try:
        devices = read_devices(document)
    except ValueError:
        raise DeviceModelUnreadable(field="model") from None
    model = next(iter(devices.values())) if len(devices) == 1 else devices.get(code)
    if model is None:
        raise DeviceAmbiguous(code=code, names=", ".join(sorted(devices)[:20]), field="model")
    _set(work, unit_id, device_items=model.to_json())
    _ask_again(work, unit_id, since=date.min)
    audit.record(work, "production.device_model.write", "unit", unit_id, items=len(model.items))
    return model


def _get_for_update(work: Work, unit_id: PlaceId) -> Unit:
    access.require(work, Permission.PRODUCTION_UNIT_WRITE, unit_id)
    # Locked: of two people who add a word at once, neither loses the other's.
    unit = work.session.scalar(select(Unit).where(Unit.place_id == unit_id).with_for_update())
    if unit is None:
        raise NotFound
    return unit


def _set(work: Work, unit_id: PlaceId, **values: object) -> None:
    work.session.execute(
        update(Unit)
        .where(Unit.tenant_id == work.tenant_id, Unit.place_id == unit_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def _ask_again(work: Work, unit_id: PlaceId, *, since: date) -> None:
    days = work.session.scalars(
        select(KpiTime.production_day).where(
            KpiTime.place_id == unit_id,
            KpiTime.grain == Grain.DAY,
            KpiTime.current,
            KpiTime.production_day >= since,
        )
    ).all()
    mark_days(work, [(unit_id, day) for day in days], Because.RULES)
    if days:
        work.defer("production.derive", tenant_id=str(work.tenant_id))


def add_source(work: Work, *, kind: SourceKind, name: str, heartbeat_s: int) -> SourceId:
    """Add a source of facts; it waits for its first message. Raises `NameTaken`."""
    source_id = SourceId(new_id())
    try:
        work.session.execute(
            insert(DataSource).values(
                id=source_id,
                tenant_id=work.tenant_id,
                kind=kind,
                name=name,
                heartbeat_s=heartbeat_s,
                created_at=work.now,
            )
        )
    except IntegrityError as broken:
        # Two people who add one name at once: the second one meets this.
        name_of = getattr(getattr(broken.orig, "diag", None), "constraint_name", None)
        if name_of == "uq__data_source__tenant_id_name":
            raise NameTaken(field="name") from None
        raise
    audit.record(work, "production.source.add", "data_source", source_id, kind=kind.value)
    return source_id


def retire_source(work: Work, source_id: SourceId) -> None:
    """Let a source send no more; what it sent stays. Raises `NotFound`, `MoveNotAllowed`."""
    source = work.session.scalar(
        select(DataSource).where(DataSource.id == source_id).with_for_update()
    )
    if source is None:
        raise NotFound
    SOURCE.require(source.state, SourceState.RETIRED, by=Side.COMPANY)
    source.state = SourceState.RETIRED
    work.session.flush()
    audit.record(work, "production.source.retire", "data_source", source_id)


def resume_source(work: Work, source_id: SourceId) -> None:
    """Let a paused source be waited for again. Raises `NotFound`, `MoveNotAllowed`."""
    source = work.session.scalar(
        select(DataSource).where(DataSource.id == source_id).with_for_update()
    )
    if source is None:
        raise NotFound
    SOURCE.require(source.state, SourceState.AWAITING_FIRST, by=Side.COMPANY)
    source.state = SourceState.AWAITING_FIRST
    audit.record(work, "production.source.resume", "data_source", source_id)
