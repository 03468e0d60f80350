"""A few days of sums and states of Kestrel's and Pelican's machines, written behind the policies.

The boards read what the worker derives; these tests are of the boards, so the rows are made here,
Σ over units at every higher place, as the worker would.
"""

import hashlib
from collections import defaultdict
from dataclasses import astuple, fields
from datetime import UTC, date, datetime, timedelta

import psycopg

from portal.production.sums import OutputSums, TimeSums

TODAY = date(2026, 11, 24)  # the production day of `NOW` at the demo's sites
DAYS = 12
HOUR = 3_600.0
PRI_S = 240.0
_TIME = [field.name for field in fields(TimeSums)]
_OUTPUT = [field.name for field in fields(OutputSums)]


def unit_day(number: int, back: int) -> tuple[TimeSums, OutputSums]:
    """Return plausible sums that differ by machine and day; today has 5 h without data of 22."""
    unknown = 5 * HOUR if back == 0 else 0.0
    down = (1 + (number + back) % 3) * HOUR
    apt = 22 * HOUR - down - unknown
    good, scrap = float(int(apt * 0.9 / PRI_S)), float(number % 3)
    time = TimeSums(
        cal_s=24 * HOUR,
        planned_stop_s=2 * HOUR,
        pbt_s=22 * HOUR,
        apt_s=apt,
        down_s=down,
        down_count=2,
        unk_s=unknown,
        energy_kwh=40.0 + number,
        idle_kwh=3.0,
    )
    made = good + scrap
    return time, OutputSums(
        pq=made, gq=good, sq=scrap, rq=0.0, prit_s=made * PRI_S, prig_s=good * PRI_S
    )


def write(admin: psycopg.Connection) -> None:
    """Write the sums of every machine of the two companies, and of the places above them."""
    units = admin.execute(
        "SELECT u.tenant_id, u.place_id FROM unit u JOIN tenant t ON t.id = u.tenant_id"
        " WHERE t.code IN ('kestrel', 'pelican') ORDER BY t.code, u.place_id"
    ).fetchall()
    parents = dict(admin.execute("SELECT place_id, parent_id FROM place_parent").fetchall())
    levels = dict(admin.execute("SELECT id, level FROM place").fetchall())
    sums: dict[tuple[object, object, date], tuple[TimeSums, OutputSums]] = defaultdict(
        lambda: (TimeSums(), OutputSums())
    )
    for number, (tenant, unit) in enumerate(units):
        for back in range(DAYS):
            time, output = unit_day(number, back)
            place = unit
            while place is not None:
                old = sums[tenant, place, TODAY - timedelta(days=back)]
                sums[tenant, place, TODAY - timedelta(days=back)] = (old[0] + time, old[1] + output)
                place = parents.get(place)
    with admin.transaction():
        admin.execute("SET LOCAL session_replication_role = replica")
        for (tenant, place, day), (time, output) in sums.items():
            _write(admin, (tenant, place, levels[place]), day, time, output)
        for tenant, unit in units:
            _write_states(admin, tenant, unit)


def _write(admin, place, day, time, output):
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    end = datetime(2026, 11, 24, tzinfo=UTC) if day >= TODAY else start + timedelta(days=1)
    closes = start + timedelta(days=4)
    times = (*astuple(time), end, 100, end, closes, closes if day < date(2026, 11, 20) else None)
    names = "newest_fact_at, fact_count, derived_at, closes_at, closed_at, inputs_sha256"
    _insert(
        admin,
        f"kpi_time (tenant_id, place_id, level, grain, bucket_start, production_day, version,"
        f" current, {', '.join(_TIME)}, {names})",
        (*place, "day", start, day, 1, True, *times, hashlib.sha256(b"facts").digest()),
    )
    _insert(
        admin,
        f"kpi_output (tenant_id, place_id, level, grain, bucket_start, production_day,"
        f" product_code, version, current, {', '.join(_OUTPUT)})",
        (*place, "day", start, day, "", 1, True, *astuple(output)),
    )


def _write_states(admin, tenant, unit):
    at = datetime(2026, 11, 23, tzinfo=UTC)
    for hours, state, reason in ((10, "producing", None), (2, "down", "chuck"), (12, "idle", None)):
        until = at + timedelta(hours=hours)
        _insert(
            admin,
            "state_interval (tenant_id, unit_id, production_day, started_at, ended_at, state,"
            " reason_code, source_rank, declared, overtime, stops)",
            (tenant, unit, date(2026, 11, 23), at, until, state, reason, 40, False, False, 1),
        )
        at = until


def _insert(admin, into, values):
    admin.execute(f"INSERT INTO {into} VALUES ({', '.join(['%s'] * len(values))})", values)
