"""What tests of production share: a gateway of Kestrel, lines, looks behind policies."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from kernel.actor import Actor, Kind
from kernel.ids import PlaceId, SourceId, TenantId
from portal.demo.places import place_id
from portal.production import ingest
from portal.production.lines import read_body
from tests.cast import KESTREL
from tests.conftest import NOW

L1_01 = place_id(KESTREL, "L1-01")
L2_07 = place_id(KESTREL, "L2-07")
DAY = (NOW - timedelta(days=1)).date()  # Monday, 2026-11-23, from 08:00 in Shanghai


def at(hours: float, *, base: datetime = NOW - timedelta(minutes=5)) -> datetime:
    """A moment `hours` after 08:00 in Shanghai of Monday, the 23rd (the day before NOW)."""
    return base - timedelta(days=1) + timedelta(hours=hours)


def text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def state(hours: float, word: str, *, unit: str = "L1-01", **more: Any) -> dict[str, Any]:
    return {"k": "state", "unit": unit, "at": text(at(hours)), "state": word, **more}


def counter(hours: float, value: float, *, unit: str = "L1-01", **more: Any) -> dict[str, Any]:
    return {"k": "count", "unit": unit, "at": text(at(hours)), "counter": value, **more}


def alive(hours: float, *, unit: str = "L1-01") -> dict[str, Any]:
    return {"k": "alive", "unit": unit, "at": text(at(hours))}


def meter(hours: float, kwh: float, *, unit: str = "L1-01", **more: Any) -> dict[str, Any]:
    return {"k": "meter", "unit": unit, "at": text(at(hours)), "v": kwh, "uom": "kWh", **more}


def beats(first: float, last: float, *, unit: str = "L1-01") -> list[dict[str, Any]]:
    """Signs of life every 15 minutes, well within three beats of a simulated unit."""
    count = round((last - first) * 4)
    return [alive(first + step / 4, unit=unit) for step in range(count + 1)]


def ndjson(lines: Sequence[Mapping[str, Any]]) -> bytes:
    return "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()


def make_batch(lines: Sequence[Mapping[str, Any]], *, key: str, **more: Any) -> ingest.Batch:
    body = ndjson(lines)
    read, problems = read_body(body)
    assert problems == []
    return ingest.Batch(key=key, body_sha256=sha256(body).digest(), lines=read, **more)


def device(source_id: SourceId, tenant_id: TenantId = KESTREL.id) -> Actor:
    return Actor(Kind.INGEST, tenant_id=tenant_id, source_id=source_id)


def clear(admin: Any) -> None:
    """Forget every fact and what was derived; for tests alone, behind triggers and policies."""
    tables = (
        "dirty_day, state_interval, kpi_time, kpi_output, counter_mark, state_fact, count_fact,"
        " energy_fact, quarantine, shift_sheet, import_file, ingest_batch, outbox, operation"
    )
    for table in ("state_fact", "count_fact", "energy_fact"):
        admin.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    admin.execute(f"TRUNCATE {tables} CASCADE")
    for table in ("state_fact", "count_fact", "energy_fact"):
        admin.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def unit_of(code: str) -> PlaceId:
    return place_id(KESTREL, code)
