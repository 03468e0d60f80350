"""What the worker derives from facts: intervals, hourly and daily sums, counters between days."""

from alembic import op

revision = "0004"
down_revision = "0003"

TIME_SUMS = [
    "cal_s",
    "not_scheduled_s",
    "planned_stop_s",
    "overtime_s",
    "pbt_s",
    "apt_s",
    "aust_s",
    "minor_s",
    "down_s",
    "starved_s",
    "blocked_s",
    "idle_s",
    "maint_s",
    "eng_s",
    "unk_s",
    "declared_s",
]
COUNTS = ("minor_count", "down_count")
OUTPUT_SUMS = ("prit_s", "prig_s", "prig_gap_s", "norate_pq")

TABLES = f"""
CREATE TABLE state_interval (
  tenant_id uuid NOT NULL,
  unit_id uuid NOT NULL,
  production_day date NOT NULL,
  started_at timestamptz NOT NULL,
  ended_at timestamptz NOT NULL,
  state text NOT NULL,
  reason_code text,
  source_rank bigint,
  declared boolean NOT NULL,
  overtime boolean NOT NULL,
  stops bigint NOT NULL,
  CONSTRAINT pk__state_interval PRIMARY KEY (tenant_id, unit_id, started_at),
  CONSTRAINT fk__state_interval__tenant_id_unit_id FOREIGN KEY (tenant_id, unit_id)
    REFERENCES unit (tenant_id, place_id),
  CONSTRAINT ck__state_interval__state_known CHECK (state IN ('producing', 'setup', 'minor_stop',
    'down', 'starved', 'blocked', 'idle', 'maint_planned', 'engineering', 'unknown',
    'planned_stop', 'not_scheduled')),
  CONSTRAINT ck__state_interval__has_length CHECK (started_at < ended_at)
);
CREATE INDEX ix__state_interval__tenant_id_unit_id_production_day
  ON state_interval (tenant_id, unit_id, production_day);

CREATE TABLE kpi_time (
  tenant_id uuid NOT NULL,
  place_id uuid NOT NULL,
  level text NOT NULL,
  grain text NOT NULL,
  bucket_start timestamptz NOT NULL,
  production_day date NOT NULL,
  version bigint NOT NULL,
  current boolean NOT NULL,
  {", ".join(f"{name} double precision NOT NULL" for name in TIME_SUMS)},
  {", ".join(f"{name} bigint NOT NULL" for name in COUNTS)},
  energy_kwh double precision,
  idle_kwh double precision,
  newest_fact_at timestamptz,
  fact_count bigint NOT NULL,
  derived_at timestamptz NOT NULL,
  closes_at timestamptz NOT NULL,
  closed_at timestamptz,
  revised_because text,
  inputs_sha256 bytea NOT NULL,
  CONSTRAINT pk__kpi_time PRIMARY KEY (tenant_id, place_id, grain, bucket_start, version),
  CONSTRAINT fk__kpi_time__tenant_id_place_id FOREIGN KEY (tenant_id, place_id)
    REFERENCES place (tenant_id, id),
  CONSTRAINT ck__kpi_time__level_known
    CHECK (level IN ('company', 'site', 'area', 'line', 'unit')),
  CONSTRAINT ck__kpi_time__grain_known CHECK (grain IN ('hour', 'day')),
  CONSTRAINT ck__kpi_time__revision_has_reason
    CHECK ((version > 1) = (revised_because IS NOT NULL)),
  CONSTRAINT ck__kpi_time__busy_time_adds_up CHECK (abs(pbt_s - (apt_s + aust_s + minor_s + down_s
    + starved_s + blocked_s + idle_s + maint_s + eng_s + unk_s)) <= 1e-6 * greatest(cal_s, 1)),
  CONSTRAINT ck__kpi_time__calendar_adds_up CHECK (abs(cal_s + overtime_s
    - (not_scheduled_s + planned_stop_s + pbt_s)) <= 1e-6 * greatest(cal_s, 1)),
  CONSTRAINT ck__kpi_time__not_negative
    CHECK ({" AND ".join(f"{name} >= 0" for name in (*TIME_SUMS, *COUNTS))})
);
CREATE UNIQUE INDEX uq__kpi_time__current ON kpi_time
  (tenant_id, place_id, grain, bucket_start) WHERE current;
-- A whole group's days are read from the index alone: their rows lie scattered in the table.
CREATE INDEX ix__kpi_time__by_day ON kpi_time (level, production_day, tenant_id)
  INCLUDE (place_id, {", ".join((*TIME_SUMS, *COUNTS))}, energy_kwh, idle_kwh, version, closed_at,
    revised_because, newest_fact_at)
  WHERE current AND grain = 'day' AND level IN ('company', 'line');
CREATE INDEX ix__kpi_time__own_day ON kpi_time (tenant_id, level, grain, production_day)
  WHERE current;
CREATE INDEX ix__kpi_time__open ON kpi_time (closes_at)
  WHERE current AND closed_at IS NULL AND grain = 'day';

CREATE TABLE kpi_output (
  tenant_id uuid NOT NULL,
  place_id uuid NOT NULL,
  level text NOT NULL,
  grain text NOT NULL,
  bucket_start timestamptz NOT NULL,
  production_day date NOT NULL,
  product_code text NOT NULL,
  version bigint NOT NULL,
  current boolean NOT NULL,
  pq double precision,
  gq double precision,
  sq double precision,
  rq double precision,
  declared_gq double precision,
  {", ".join(f"{name} double precision NOT NULL" for name in OUTPUT_SUMS)},
  CONSTRAINT pk__kpi_output
    PRIMARY KEY (tenant_id, place_id, grain, bucket_start, product_code, version),
  CONSTRAINT fk__kpi_output__tenant_id_place_id FOREIGN KEY (tenant_id, place_id)
    REFERENCES place (tenant_id, id),
  CONSTRAINT ck__kpi_output__level_known
    CHECK (level IN ('company', 'site', 'area', 'line', 'unit')),
  CONSTRAINT ck__kpi_output__grain_known CHECK (grain IN ('hour', 'day')),
  CONSTRAINT ck__kpi_output__not_negative CHECK (pq >= 0 AND gq >= 0 AND sq >= 0 AND rq >= 0
    AND {" AND ".join(f"{name} >= 0" for name in OUTPUT_SUMS)})
);
CREATE UNIQUE INDEX uq__kpi_output__current ON kpi_output
  (tenant_id, place_id, grain, bucket_start, product_code) WHERE current;
CREATE INDEX ix__kpi_output__by_day ON kpi_output (level, production_day, tenant_id)
  INCLUDE (place_id, pq, gq, sq, rq, declared_gq, {", ".join(OUTPUT_SUMS)})
  WHERE current AND grain = 'day' AND level IN ('company', 'line');
CREATE INDEX ix__kpi_output__own_day ON kpi_output (tenant_id, level, grain, production_day)
  WHERE current;

CREATE TABLE counter_mark (
  tenant_id uuid NOT NULL,
  unit_id uuid NOT NULL,
  kind text NOT NULL,
  production_day date NOT NULL,
  counter jsonb NOT NULL,
  CONSTRAINT pk__counter_mark PRIMARY KEY (tenant_id, unit_id, kind, production_day),
  CONSTRAINT fk__counter_mark__tenant_id_unit_id FOREIGN KEY (tenant_id, unit_id)
    REFERENCES unit (tenant_id, place_id),
  CONSTRAINT ck__counter_mark__kind_known
    CHECK (kind IN ('produced', 'good', 'scrap', 'rework'))
);
"""

OWN = "tenant_id = (SELECT ctx.tenant_id())"
WORKING = "(SELECT ctx.work_id()) IS NOT NULL"
SHARED = (
    "(SELECT ctx.tenant_id()) IS NOT NULL AND (tenant_id, {level}) IN"
    " (SELECT s.tenant_id, s.level FROM group_share_level s)"
)
LEVELS = {"state_interval": "'unit'", "kpi_time": "level", "kpi_output": "level"}


def upgrade() -> None:
    op.execute(TABLES)
    for table in (*LEVELS, "counter_mark"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY {table}_worker ON {table} TO portal_worker"
            f" USING ({WORKING}) WITH CHECK ({WORKING})"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO portal_worker")
    for table, level in LEVELS.items():
        op.execute(
            f"CREATE POLICY {table}_own ON {table} FOR SELECT TO portal_tenant USING ({OWN})"
        )
        op.execute(
            f"CREATE POLICY {table}_group ON {table} FOR SELECT TO portal_group"
            f" USING ({SHARED.format(level=level)})"
        )
        op.execute(f"GRANT SELECT ON {table} TO portal_tenant, portal_group")
