"""Context readers, lifecycle guard, job queue, outbox, operations, worker beat."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None

PEOPLE = "portal_tenant, portal_group, portal_platform, portal_bank, portal_auditor"
ALL = f"{PEOPLE}, portal_ingest, portal_authn, portal_worker"

CONTEXT = """
CREATE FUNCTION ctx.tenant_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('app.tenant_id', true), '')::uuid $$;
CREATE FUNCTION ctx.person_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('app.person_id', true), '')::uuid $$;
CREATE FUNCTION ctx.source_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('app.source_id', true), '')::uuid $$;
CREATE FUNCTION ctx.work_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('app.work_id', true), '')::uuid $$;
CREATE FUNCTION ctx.view_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('app.view_id', true), '')::uuid $$;
"""

LIFECYCLE = """
CREATE TABLE lifecycle_move (
  machine text NOT NULL,
  from_state text NOT NULL,
  to_state text NOT NULL,
  side text NOT NULL,
  CONSTRAINT pk__lifecycle_move PRIMARY KEY (machine, from_state, to_state, side),
  CONSTRAINT ck__lifecycle_move__side_known
    CHECK (side IN ('company', 'bank', 'platform', 'clock', 'authn', 'ingest'))
);
CREATE FUNCTION ctx.side() RETURNS text LANGUAGE sql STABLE
  AS $$ SELECT CASE current_user
    WHEN 'portal_tenant' THEN 'company' WHEN 'portal_bank' THEN 'bank'
    WHEN 'portal_platform' THEN 'platform' WHEN 'portal_worker' THEN 'clock'
    WHEN 'portal_authn' THEN 'authn' WHEN 'portal_ingest' THEN 'ingest' END $$;
CREATE FUNCTION ctx.lifecycle_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  old_state text := to_jsonb(OLD) ->> coalesce(TG_ARGV[1], 'state');
  new_state text := to_jsonb(NEW) ->> coalesce(TG_ARGV[1], 'state');
BEGIN
  IF old_state IS DISTINCT FROM new_state AND NOT EXISTS (
    SELECT FROM portal.lifecycle_move m WHERE m.machine = TG_ARGV[0]
      AND m.from_state = old_state AND m.to_state = new_state AND m.side = ctx.side()) THEN
    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'lifecycle_guard',
      MESSAGE = format('%s may not go from %s to %s', TG_ARGV[0], old_state, new_state);
  END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION ctx.append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'append_only',
    MESSAGE = format('%s is append-only', TG_TABLE_NAME);
END $$;
"""

# Who asked for a job stands in the job itself, written by the database: nobody queues in another's
# name. The definer function below runs as the owner, so the setting `role` tells the kind.
JOBS = """
CREATE FUNCTION jobs.stamp_asker() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.args := NEW.args || jsonb_build_object('asked_by', jsonb_build_object(
    'kind', current_setting('role', true),
    'tenant_id', nullif(current_setting('app.tenant_id', true), ''),
    'person_id', nullif(current_setting('app.person_id', true), '')));
  RETURN NEW;
END $$;
CREATE TRIGGER stamp_asker BEFORE INSERT ON jobs.procrastinate_jobs
  FOR EACH ROW EXECUTE FUNCTION jobs.stamp_asker();
ALTER FUNCTION jobs.procrastinate_defer_jobs_v1(jobs.procrastinate_job_to_defer_v1[])
  SECURITY DEFINER SET search_path = jobs, pg_temp;
"""

TABLES = """
CREATE TABLE outbox (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  kind text NOT NULL,
  body jsonb NOT NULL,
  recorded_at timestamptz NOT NULL,
  delivered_at timestamptz,
  CONSTRAINT pk__outbox PRIMARY KEY (id)
);
CREATE INDEX ix__outbox__waiting ON outbox (recorded_at) WHERE delivered_at IS NULL;

CREATE TABLE operation (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  person_id uuid,
  kind text NOT NULL,
  state text NOT NULL DEFAULT 'queued',
  stage text NOT NULL DEFAULT '',
  done bigint NOT NULL DEFAULT 0,
  total bigint,
  params jsonb NOT NULL DEFAULT '{}',
  result jsonb NOT NULL DEFAULT '{}',
  error_code text,
  attempt bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  started_at timestamptz,
  heartbeat_at timestamptz,
  finished_at timestamptz,
  CONSTRAINT pk__operation PRIMARY KEY (id),
  CONSTRAINT ck__operation__state_known
    CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  CONSTRAINT ck__operation__done_within_total CHECK (total IS NULL OR done <= total)
);
CREATE INDEX ix__operation__tenant_id_created_at ON operation (tenant_id, created_at);
CREATE TRIGGER lifecycle_guard BEFORE UPDATE ON operation
  FOR EACH ROW EXECUTE FUNCTION ctx.lifecycle_guard('operation');
INSERT INTO lifecycle_move (machine, from_state, to_state, side) VALUES
  ('operation', 'queued', 'running', 'clock'),
  ('operation', 'queued', 'failed', 'clock'),
  ('operation', 'queued', 'cancelled', 'company'),
  ('operation', 'running', 'queued', 'clock'),
  ('operation', 'running', 'succeeded', 'clock'),
  ('operation', 'running', 'failed', 'clock'),
  ('operation', 'running', 'cancelled', 'company');

CREATE TABLE worker_beat (
  worker text NOT NULL,
  beat_at timestamptz NOT NULL,
  CONSTRAINT pk__worker_beat PRIMARY KEY (worker)
);
"""

POLICIES = f"""
ALTER TABLE lifecycle_move ENABLE ROW LEVEL SECURITY;
ALTER TABLE lifecycle_move FORCE ROW LEVEL SECURITY;
CREATE POLICY lifecycle_move_read ON lifecycle_move FOR SELECT TO {ALL}
  USING ((SELECT ctx.work_id()) IS NOT NULL);
CREATE POLICY lifecycle_move_owner ON lifecycle_move TO portal_owner
  USING (current_user = 'portal_owner') WITH CHECK (current_user = 'portal_owner');
GRANT SELECT ON lifecycle_move TO {ALL};

ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY outbox_write ON outbox FOR INSERT TO {PEOPLE}, portal_ingest
  WITH CHECK (tenant_id = (SELECT ctx.tenant_id()));
CREATE POLICY outbox_worker ON outbox TO portal_worker
  USING ((SELECT ctx.work_id()) IS NOT NULL) WITH CHECK ((SELECT ctx.work_id()) IS NOT NULL);
GRANT INSERT (id, tenant_id, kind, body, recorded_at) ON outbox TO {PEOPLE}, portal_ingest;
GRANT SELECT, INSERT, DELETE ON outbox TO portal_worker;
GRANT UPDATE (delivered_at) ON outbox TO portal_worker;

ALTER TABLE operation ENABLE ROW LEVEL SECURITY;
ALTER TABLE operation FORCE ROW LEVEL SECURITY;
CREATE POLICY operation_own ON operation FOR SELECT TO {PEOPLE}
  USING (tenant_id = (SELECT ctx.tenant_id()));
CREATE POLICY operation_start ON operation FOR INSERT TO {PEOPLE}
  WITH CHECK (tenant_id = (SELECT ctx.tenant_id()) AND person_id = (SELECT ctx.person_id()));
CREATE POLICY operation_cancel ON operation FOR UPDATE TO portal_tenant
  USING (tenant_id = (SELECT ctx.tenant_id())) WITH CHECK (tenant_id = (SELECT ctx.tenant_id()));
CREATE POLICY operation_worker ON operation TO portal_worker
  USING ((SELECT ctx.work_id()) IS NOT NULL) WITH CHECK ((SELECT ctx.work_id()) IS NOT NULL);
GRANT SELECT ON operation TO {PEOPLE};
GRANT INSERT (id, tenant_id, person_id, kind, total, params, created_at) ON operation TO {PEOPLE};
GRANT UPDATE (state, finished_at) ON operation TO portal_tenant;
GRANT SELECT, INSERT, UPDATE ON operation TO portal_worker;

ALTER TABLE worker_beat ENABLE ROW LEVEL SECURITY;
ALTER TABLE worker_beat FORCE ROW LEVEL SECURITY;
CREATE POLICY worker_beat_worker ON worker_beat TO portal_worker
  USING ((SELECT ctx.work_id()) IS NOT NULL) WITH CHECK ((SELECT ctx.work_id()) IS NOT NULL);
CREATE POLICY worker_beat_read ON worker_beat FOR SELECT TO portal_authn, portal_platform
  USING ((SELECT ctx.work_id()) IS NOT NULL);
GRANT SELECT, INSERT, UPDATE, DELETE ON worker_beat TO portal_worker;
GRANT SELECT ON worker_beat TO portal_authn, portal_platform;

GRANT SELECT ON alembic_version TO portal_authn;
"""

USAGE = f"""
GRANT USAGE ON SCHEMA portal, ctx TO {ALL};
GRANT USAGE ON SCHEMA jobs TO {ALL}, portal_jobs;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA jobs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
  jobs.procrastinate_defer_jobs_v1(jobs.procrastinate_job_to_defer_v1[]) TO {ALL};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO portal_jobs;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA jobs TO portal_jobs;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA jobs TO portal_jobs;
"""


def upgrade() -> None:
    op.execute(CONTEXT)
    op.execute(LIFECYCLE)
    queue = Path(__file__).parents[1] / "sql" / "procrastinate_3_10.sql"
    op.execute("SET LOCAL search_path = jobs")
    # Through the driver: its text is full of percent signs, which SQLAlchemy takes for parameters.
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute(queue.read_bytes())
    op.execute("SET LOCAL search_path = portal, ctx, jobs")
    op.execute(JOBS)
    op.execute(TABLES)
    op.execute(USAGE)
    op.execute(POLICIES)
