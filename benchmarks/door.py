"""The ingestion door end to end: a device's batches over HTTP until they are committed.

gunicorn, the device token, row-level security, duplicates, quarantine and a server that syncs its
log, as in live use. Deriving is the worker's and not in here.
"""

import gzip
import http.client
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg

from benchmarks.cpu import cpu_seconds_of
from benchmarks.portal import server_pid, superuser, web_server, work_of
from benchmarks.stage import stage
from benchmarks.table import Line, timed
from kernel import clock
from kernel.db import Database
from kernel.embedded import Urls
from portal.demo.cast import KESTREL, KONG_KUN
from portal.demo.load import load_cast
from portal.demo.places import source_id
from portal.demo.plants import PLANTS
from tenants import service

LINES: Final = 5_000  # a batch
WARM_UP: Final = 3
BATCHES: Final = 20
PROMISED: Final = 5_000  # facts a second and core
_TABLES: Final = ("state_fact", "count_fact", "energy_fact")


def run() -> list[Line]:
    """Send 20 batches of a factory's gateway, then copy the same rows into bare tables."""
    with stage() as urls, tempfile.TemporaryDirectory(prefix="gongyun-bench-") as folder:
        load_cast(urls.admin)
        token = _make_token(urls)
        bodies = [_body(number) for number in range(WARM_UP + BATCHES)]
        with superuser(urls) as admin, web_server(urls, Path(folder)) as web:
            trees = (web.pid, server_pid(admin))
            gateway = _Gateway(http.client.HTTPConnection(web.host, timeout=60), token)
            for number, body in enumerate(bodies[:WARM_UP]):
                gateway.send(f"warm-up/{number}", body)
            cpu, began = cpu_seconds_of(*trees), time.perf_counter()
            facts = sum(
                gateway.send(f"batch/{number}", body)
                for number, body in enumerate(bodies[WARM_UP:])
            )
            wall_s = time.perf_counter() - began
            cpu_s = cpu_seconds_of(*trees) - cpu
            copied, copy_s = _copy_bare(admin)
    json_s = timed(lambda: [json.loads(line) for line in _lines_of(bodies[WARM_UP:])])
    return _say(facts, wall_s=wall_s, cpu_s=cpu_s, copy_rate=copied / copy_s, json_s=json_s)


def _say(facts: int, *, wall_s: float, cpu_s: float, copy_rate: float, json_s: float) -> list[Line]:
    a_core, a_client, json_rate = facts / cpu_s, facts / wall_s, facts / json_s
    return [
        Line(
            "door, facts a core (web and database)",
            f"{a_core:,.0f} /s",
            f"bare COPY {copy_rate:,.0f} /s",
            f"{a_core / copy_rate:.3f} x",
            f">= {PROMISED:,} /s",
            a_core >= PROMISED,
        ),
        Line(
            "door, facts of one client",
            f"{a_client:,.0f} /s",
            f"JSON alone {json_rate:,.0f} /s",
            f"{a_client / json_rate:.3f} x",
            "-",
            True,
        ),
    ]


def _make_token(urls: Urls) -> str:
    source = source_id(KESTREL, "L1")
    database = Database(urls.web, pool_size=2)
    try:
        with work_of(database, KONG_KUN) as work:
            return service.make_device_token(
                work, source_id=source, name="benchmark", days=1, sources=[source]
            )
    finally:
        database.dispose()


def _body(number: int) -> bytes:
    """Return a batch of a gateway that speaks for all machines of the factory, packed."""
    units = [unit.code for _, _, unit in PLANTS[KESTREL.code].units()]
    # Batches follow each other in time, the last ends an hour ago: the door takes seven days.
    span = timedelta(hours=6)
    first = clock.now() - timedelta(hours=1) - (WARM_UP + BATCHES - number) * span
    lines = (
        _line(units[index % len(units)], index, number, first + index * span / LINES)
        for index in range(LINES)
    )
    text = "\n".join(json.dumps(line, separators=(",", ":")) for line in lines)
    return gzip.compress(text.encode(), compresslevel=6, mtime=0)


def _line(unit: str, index: int, number: int, at: datetime) -> dict[str, Any]:
    """Return one line; of a hundred 45 are states, 35 counts, 17 meters, 3 signs of life."""
    said = {"unit": unit, "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
    share = index * 37 % 100
    if share < 45:
        return {"k": "state", **said, "state": ("producing", "idle", "down")[index % 3]}
    if share < 80:
        return {"k": "count", **said, "counter": number * LINES + index, "product": "SH-20"}
    if share < 97:
        return {"k": "meter", **said, "v": number * LINES + index / 10, "uom": "kWh"}
    return {"k": "alive", **said}


def _lines_of(bodies: list[bytes]) -> Iterator[bytes]:
    for body in bodies:
        yield from gzip.decompress(body).split(b"\n")


@dataclass(frozen=True, slots=True)
class _Gateway:
    connection: http.client.HTTPConnection
    token: str

    def send(self, key: str, body: bytes) -> int:
        """Send a batch and return how many facts were new; all of them have to be."""
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Idempotency-Key": key,
            "Content-Type": "application/x-ndjson",
            "Content-Encoding": "gzip",
        }
        self.connection.request("POST", "/api/v1/ingest/batches", body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"the door answers {answer.status}: {text[:500]!r}")
        accepted = int(json.loads(text)["accepted"])
        if accepted != LINES:
            raise RuntimeError(f"of {LINES} lines {accepted} are new: {text[:500]!r}")
        return accepted


def _copy_bare(admin: psycopg.Connection) -> tuple[int, float]:
    """Copy the rows of the door into unlogged tables without key, policy or check."""
    rows, seconds = 0, 0.0
    for table in _TABLES:
        admin.execute(f"CREATE UNLOGGED TABLE bare_{table} AS SELECT * FROM {table} WITH NO DATA")
        with admin.cursor().copy(f"COPY (SELECT * FROM {table}) TO STDOUT") as out:
            data = b"".join(bytes(part) for part in out)
        began = time.perf_counter()
        cursor = admin.cursor()
        with cursor.copy(f"COPY bare_{table} FROM STDIN") as into:
            into.write(data)
        seconds += time.perf_counter() - began
        rows += cursor.rowcount
    return rows, seconds
