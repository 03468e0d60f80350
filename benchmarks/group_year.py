"""A group on paper: companies of 50 machines with a year of daily sums, written by the database.

No fact stands behind these sums; they have the size, the spread and the arithmetic of real ones.
They are generated for units and added up to lines, sites and companies, as the worker does.
"""

from typing import Final

import psycopg

MACHINES: Final = 50  # of a company, in five lines of one site
DAYS: Final = 365
_DERIVED: Final = ("kpi_time", "kpi_output")

# Ids are made of what they name, so that parents are known without looking. Random, as real ones
# nearly are: rows of one company do not lie together in an index.
_COMPANY: Final = "md5(format('group-year/%s', c))::uuid"
_SITE: Final = "md5(format('group-year/%s/site', c))::uuid"
_LINE: Final = "md5(format('group-year/%s/line/%s', c, l))::uuid"
_UNIT: Final = "md5(format('group-year/%s/unit/%s', c, u))::uuid"
_PLACE: Final = "md5(format('group-year/%s/company', c))::uuid"

_COMPANIES: Final = f"""
CREATE TEMP TABLE bench_company AS SELECT c, {_COMPANY} AS tenant_id, {_PLACE} AS place_id
  FROM generate_series(1, :companies) AS c;
INSERT INTO tenant (id, kind, code, name_zh, name_en, segment, region, holding_ratio, kpi_profile,
    origin, state, created_at, version)
  SELECT tenant_id, 'subsidiary', format('bench-%s', c), format('Works %s', c),
    format('Works %s', c), 'machining', 'east', 1,
    (ARRAY['discrete', 'process', 'energy', 'project'])[1 + c % 4], 'live', 'active',
    now() - interval '2 years', 1
  FROM bench_company;
INSERT INTO group_share (id, tenant_id, level, set_by, effective_at)
  SELECT uuidv7(), tenant_id, 'unit', '00000000-0000-7000-8000-000000000001',
    now() - interval '2 years' FROM bench_company;
INSERT INTO group_share_level (tenant_id, level)
  SELECT tenant_id, level FROM bench_company,
    unnest(ARRAY['company', 'site', 'area', 'line', 'unit']) AS level;

CREATE TEMP TABLE bench_unit AS SELECT c, tenant_id, place_id AS company_id, {_SITE} AS site_id,
    l, {_LINE} AS line_id, u, {_UNIT} AS unit_id
  FROM bench_company, generate_series(1, {MACHINES}) AS u, LATERAL (SELECT 1 + u % 5 AS l) AS o;
INSERT INTO place (id, tenant_id, level, code, name_zh, name_en, zone, day_start, created_at)
  SELECT DISTINCT p.id, tenant_id, p.level, p.code, p.code, p.code,
    CASE p.level WHEN 'site' THEN 'Asia/Shanghai' END,
    CASE p.level WHEN 'site' THEN time '08:00' END, now() - interval '2 years'
  FROM bench_unit, LATERAL (VALUES (company_id, 'company', format('bench-%s', c)),
    (site_id, 'site', 'S1'), (line_id, 'line', format('L%s', l)),
    (unit_id, 'unit', format('L%s-%s', l, u))) AS p (id, level, code);
INSERT INTO place_parent (tenant_id, place_id, place_rank, parent_id, parent_rank, valid_from)
  SELECT DISTINCT tenant_id, p.id, p.rank, p.parent_id, p.parent_rank, now() - interval '2 years'
  FROM bench_unit, LATERAL (VALUES (site_id, 1, company_id, 0), (line_id, 3, site_id, 1),
    (unit_id, 4, line_id, 3)) AS p (id, rank, parent_id, parent_rank);
INSERT INTO unit (tenant_id, place_id, class_code)
  SELECT tenant_id, unit_id, 'lathe' FROM bench_unit;
"""

# Two shifts a day; what part of them a machine works, stands or is silent depends on company,
# machine and day, so that some companies are off their own past and most are not.
_DAYS: Final = f"""
CREATE TEMP TABLE bench_day AS
SELECT tenant_id, company_id, site_id, line_id, unit_id, d AS day, format('P%s', u % 3) AS product,
    round(57600 * part)::float8 AS apt_s,
    round(57600 * (1 - part) * 0.35)::float8 AS down_s,
    round(57600 * (1 - part) * 0.20)::float8 AS minor_s,
    round(57600 * (1 - part) * 0.15)::float8 AS aust_s,
    round(57600 * (1 - part) * silent)::float8 AS unk_s,
    least(d + time '23:50', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS newest_fact_at
FROM bench_unit,
  LATERAL (SELECT (now() AT TIME ZONE 'UTC')::date - i AS d
    FROM generate_series(0, {DAYS - 1}) AS i) AS days,
  LATERAL (SELECT 0.55 + 0.02 * (c % 10) + 0.2 * ((hashtext(unit_id::text || d) & 1023) / 1023.0)
    - CASE WHEN c % 7 = 0 AND d > now()::date - 10 THEN 0.15 ELSE 0 END AS part) AS work,
  LATERAL (SELECT CASE WHEN c % 11 = 0 THEN 0.2 ELSE 0.02 END AS silent) AS quiet;
"""

_SUMS: Final = """
INSERT INTO kpi_time (tenant_id, place_id, level, grain, bucket_start, production_day, version,
    current, cal_s, not_scheduled_s, planned_stop_s, overtime_s, pbt_s, apt_s, aust_s, minor_s,
    down_s, starved_s, blocked_s, idle_s, maint_s, eng_s, unk_s, declared_s, minor_count,
    down_count, energy_kwh, idle_kwh, newest_fact_at, fact_count, derived_at, closes_at, closed_at,
    inputs_sha256)
  SELECT tenant_id, {place}, '{level}', 'day', day::timestamp AT TIME ZONE 'UTC', day, 1, true,
    count(*) * 86400, count(*) * 28800, 0, 0, count(*) * 57600, sum(apt_s), sum(aust_s),
    sum(minor_s), sum(down_s), 0, 0,
    sum(57600 - apt_s - aust_s - minor_s - down_s - unk_s), 0, 0, sum(unk_s), 0, count(*) * 9,
    count(*) * 2, sum(apt_s / 300), sum((57600 - apt_s) / 3000), max(newest_fact_at),
    count(*) * 150, max(newest_fact_at), (day + 4)::timestamp AT TIME ZONE 'UTC',
    CASE WHEN day + 4 < now() THEN (day + 4)::timestamp AT TIME ZONE 'UTC' END,
    sha256(format('%s/%s', {place}, day)::bytea)
  FROM bench_day GROUP BY tenant_id, {place}, day;
INSERT INTO kpi_output (tenant_id, place_id, level, grain, bucket_start, production_day,
    product_code, version, current, pq, gq, sq, rq, prit_s, prig_s, prig_gap_s, norate_pq)
  SELECT tenant_id, {place}, '{level}', 'day', day::timestamp AT TIME ZONE 'UTC', day, product, 1,
    true, sum(made), sum(good), sum(made - good), 0, sum(made) * 30, sum(good) * 30, 0, 0
  FROM bench_day, LATERAL (SELECT floor(apt_s * 0.93 / 30) AS made) AS p,
    LATERAL (SELECT floor(made * 0.975) AS good) AS q
  GROUP BY tenant_id, {place}, day, product;
"""
_LEVELS: Final = {
    "unit": "unit_id",
    "line": "line_id",
    "site": "site_id",
    "company": "company_id",
}


def write(admin: psycopg.Connection, companies: int) -> int:
    """Write that many companies; return how many daily rows of machines there are.

    Keys and checks hold, foreign keys are not asked again row by row; indexes are made at the end.
    """
    admin.execute("SET session_replication_role = replica")
    admin.execute("SET work_mem = '256MB'")
    admin.execute("SET maintenance_work_mem = '256MB'")
    indexes = [
        definition
        for table in _DERIVED
        for (definition,) in admin.execute(
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'portal' AND tablename = %s"
            " AND indexname NOT LIKE 'pk\\_%%'",
            (table,),
        )
    ]
    for definition in indexes:
        name = definition.split(" INDEX ")[1].split()[0]
        admin.execute(f"DROP INDEX {name}")
    admin.execute(_COMPANIES.replace(":companies", str(companies)))
    admin.execute(_DAYS)
    for level, place in _LEVELS.items():
        admin.execute(_SUMS.format(level=level, place=place))
    for definition in indexes:
        admin.execute(definition)
    admin.execute("VACUUM (ANALYZE)")
    row = admin.execute("SELECT count(*) FROM kpi_time WHERE level = 'unit'").fetchone()
    assert row is not None
    return int(row[0])
