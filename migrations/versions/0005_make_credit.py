"""Evidence, figures, consent and the two-step logged access of banks."""

from alembic import op

revision = "0005"
down_revision = "0004"

CONSENT = """
CREATE TABLE consent_request (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  name text NOT NULL,
  uscc text NOT NULL,
  purpose text NOT NULL,
  datasets text[] NOT NULL,
  level bigint NOT NULL,
  days bigint NOT NULL,
  reason text NOT NULL,
  state text NOT NULL,
  asked_by uuid NOT NULL,
  asked_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL,
  CONSTRAINT pk__consent_request PRIMARY KEY (id),
  CONSTRAINT uq__consent_request__tenant_id_id UNIQUE (tenant_id, id),
  CONSTRAINT fk__consent_request__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenant (id),
  CONSTRAINT ck__consent_request__state_known CHECK (state IN ('sent', 'granted', 'lapsed')),
  CONSTRAINT ck__consent_request__purpose_known
    CHECK (purpose IN ('underwriting', 'monitoring', 'audit')),
  CONSTRAINT ck__consent_request__datasets_known
    CHECK (datasets <@ ARRAY['H', 'B', 'C', 'G'] AND 'H' = ANY (datasets)),
  CONSTRAINT ck__consent_request__level_known CHECK (level BETWEEN 0 AND 2),
  CONSTRAINT ck__consent_request__days_within_a_year CHECK (days BETWEEN 1 AND 365)
);
CREATE INDEX ix__consent_request__due_at ON consent_request (due_at) WHERE state = 'sent';
CREATE TRIGGER lifecycle_guard BEFORE UPDATE ON consent_request
  FOR EACH ROW EXECUTE FUNCTION ctx.lifecycle_guard('consent_request');

CREATE TABLE consent (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  bank_id uuid NOT NULL,
  request_id uuid,
  company_uscc text NOT NULL,
  company_name_zh text NOT NULL,
  company_name_en text NOT NULL,
  bank_name_zh text NOT NULL,
  bank_name_en text NOT NULL,
  purpose text NOT NULL,
  datasets text[] NOT NULL,
  level bigint NOT NULL,
  data_from date NOT NULL,
  days bigint NOT NULL,
  reason text NOT NULL,
  valid_from timestamptz,
  valid_until timestamptz,
  notice_sha256 bytea,
  prepared_by uuid,
  prepared_at timestamptz,
  approved_by uuid,
  approved_at timestamptz,
  one_person boolean NOT NULL DEFAULT false,
  acr text,
  state text NOT NULL,
  due_at timestamptz,
  ended_at timestamptz,
  created_at timestamptz NOT NULL,
  pseudonym_key bytea NOT NULL,
  version bigint NOT NULL,
  CONSTRAINT pk__consent PRIMARY KEY (id),
  CONSTRAINT uq__consent__tenant_id_id UNIQUE (tenant_id, id),
  CONSTRAINT uq__consent__id_tenant_id_bank_id UNIQUE (id, tenant_id, bank_id),
  CONSTRAINT fk__consent__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenant (id),
  CONSTRAINT fk__consent__bank_id FOREIGN KEY (bank_id) REFERENCES tenant (id),
  CONSTRAINT fk__consent__bank_id_request_id
    FOREIGN KEY (bank_id, request_id) REFERENCES consent_request (tenant_id, id),
  CONSTRAINT ck__consent__state_known CHECK (state IN ('requested', 'draft', 'prepared', 'active',
    'suspended', 'denied', 'lapsed', 'withdrawn', 'expired', 'superseded')),
  CONSTRAINT ck__consent__purpose_known CHECK (purpose IN ('underwriting', 'monitoring', 'audit')),
  CONSTRAINT ck__consent__datasets_known
    CHECK (datasets <@ ARRAY['H', 'B', 'C', 'G'] AND 'H' = ANY (datasets)),
  CONSTRAINT ck__consent__level_known CHECK (level BETWEEN 0 AND 2),
  CONSTRAINT ck__consent__days_within_a_year CHECK (days BETWEEN 1 AND 365),
  CONSTRAINT ck__consent__valid_within_a_year
    CHECK (valid_until <= valid_from + interval '366 days'),
  CONSTRAINT ck__consent__four_eyes
    CHECK (approved_by IS NULL OR one_person = (approved_by = prepared_by)),
  CONSTRAINT ck__consent__given_is_whole CHECK (
    state NOT IN ('active', 'suspended', 'withdrawn', 'expired', 'superseded')
    OR (prepared_by IS NOT NULL AND approved_by IS NOT NULL AND notice_sha256 IS NOT NULL
        AND valid_from IS NOT NULL AND valid_until IS NOT NULL)),
  CONSTRAINT ck__consent__two_parties CHECK (bank_id <> tenant_id),
  CONSTRAINT ck__consent__key_is_whole CHECK (length(pseudonym_key) = 32)
);
CREATE UNIQUE INDEX uq__consent__one_live ON consent (tenant_id, bank_id, purpose)
  WHERE state IN ('active', 'suspended');
CREATE UNIQUE INDEX uq__consent__one_waiting ON consent (tenant_id, bank_id, purpose)
  WHERE state IN ('requested', 'draft', 'prepared');
CREATE INDEX ix__consent__bank_id ON consent (bank_id, created_at);
CREATE TRIGGER lifecycle_guard BEFORE UPDATE ON consent
  FOR EACH ROW EXECUTE FUNCTION ctx.lifecycle_guard('consent');

CREATE TABLE consent_event (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  consent_id uuid NOT NULL,
  state text NOT NULL,
  person_id uuid,
  recorded_at timestamptz NOT NULL,
  receipt text,
  CONSTRAINT pk__consent_event PRIMARY KEY (id),
  CONSTRAINT fk__consent_event__tenant_id_consent_id
    FOREIGN KEY (tenant_id, consent_id) REFERENCES consent (tenant_id, id),
  CONSTRAINT ck__consent_event__state_known CHECK (state IN ('requested', 'draft', 'prepared',
    'active', 'suspended', 'denied', 'lapsed', 'withdrawn', 'expired', 'superseded'))
);
CREATE INDEX ix__consent_event__tenant_id_consent_id
  ON consent_event (tenant_id, consent_id, recorded_at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consent_event
  FOR EACH STATEMENT EXECUTE FUNCTION ctx.append_only();
"""

# What a person approved must be what was prepared, and whoever acted must be who is written down:
# the service sees to both, and this sees to it that no other statement gets past.
CONSENT_GUARD = """
CREATE FUNCTION consent_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.id, NEW.tenant_id, NEW.bank_id, NEW.request_id, NEW.purpose, NEW.created_at,
      NEW.pseudonym_key, NEW.company_uscc)
     IS DISTINCT FROM (OLD.id, OLD.tenant_id, OLD.bank_id, OLD.request_id, OLD.purpose,
      OLD.created_at, OLD.pseudonym_key, OLD.company_uscc) THEN
    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'consent_guard',
      MESSAGE = 'parties and purpose of a consent stay as they are';
  END IF;
  IF OLD.state NOT IN ('requested', 'draft')
     AND (NEW.datasets, NEW.level, NEW.data_from, NEW.days, NEW.notice_sha256, NEW.prepared_by,
      NEW.prepared_at) IS DISTINCT FROM (OLD.datasets, OLD.level, OLD.data_from, OLD.days,
      OLD.notice_sha256, OLD.prepared_by, OLD.prepared_at) THEN
    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'consent_guard',
      MESSAGE = 'what was prepared stays as it is';
  END IF;
  IF OLD.state <> 'prepared'
     AND (NEW.approved_by, NEW.approved_at, NEW.one_person, NEW.valid_from, NEW.valid_until)
      IS DISTINCT FROM (OLD.approved_by, OLD.approved_at, OLD.one_person, OLD.valid_from,
      OLD.valid_until) THEN
    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'consent_guard',
      MESSAGE = 'what was approved stays as it is';
  END IF;
  IF NEW.prepared_by IS DISTINCT FROM OLD.prepared_by
     AND NEW.prepared_by IS DISTINCT FROM ctx.person_id()
     OR NEW.approved_by IS DISTINCT FROM OLD.approved_by
     AND NEW.approved_by IS DISTINCT FROM ctx.person_id() THEN
    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'consent_guard',
      MESSAGE = 'a consent is prepared and approved in one''s own name';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER consent_guard BEFORE UPDATE ON consent
  FOR EACH ROW EXECUTE FUNCTION consent_guard();
"""

FIGURES = """
CREATE TABLE evidence (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  kind text NOT NULL,
  key text NOT NULL,
  revision bigint NOT NULL,
  supersedes_id uuid,
  occurred_on date NOT NULL,
  recorded_at timestamptz NOT NULL,
  body text,
  salt bytea,
  commit_sha256 bytea NOT NULL,
  erased_at timestamptz,
  quality text NOT NULL,
  CONSTRAINT pk__evidence PRIMARY KEY (id),
  CONSTRAINT uq__evidence__tenant_id_id UNIQUE (tenant_id, id),
  CONSTRAINT uq__evidence__tenant_id_kind_key_revision UNIQUE (tenant_id, kind, key, revision),
  CONSTRAINT fk__evidence__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenant (id),
  CONSTRAINT fk__evidence__tenant_id_supersedes_id
    FOREIGN KEY (tenant_id, supersedes_id) REFERENCES evidence (tenant_id, id),
  CONSTRAINT ck__evidence__kind_known CHECK (kind IN ('day')),
  CONSTRAINT ck__evidence__quality_known
    CHECK (quality IN ('ok', 'late', 'estimated', 'disputed', 'quarantined')),
  CONSTRAINT ck__evidence__revision_supersedes CHECK ((revision = 1) = (supersedes_id IS NULL)),
  CONSTRAINT ck__evidence__commit_binds CHECK (
    erased_at IS NOT NULL OR commit_sha256 = sha256(salt || convert_to(body, 'UTF8')))
);
CREATE INDEX ix__evidence__tenant_id_kind_occurred_on ON evidence (tenant_id, kind, occurred_on);
CREATE INDEX ix__evidence__tenant_id_recorded_at ON evidence (tenant_id, recorded_at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence
  FOR EACH STATEMENT EXECUTE FUNCTION ctx.append_only();

CREATE TABLE metric_def (
  code text NOT NULL,
  version bigint NOT NULL,
  family text NOT NULL,
  kind text NOT NULL,
  unit text NOT NULL,
  window_d bigint NOT NULL,
  better text NOT NULL,
  min_level bigint NOT NULL,
  min_count bigint NOT NULL,
  formula text NOT NULL,
  source_sha256 bytea NOT NULL,
  CONSTRAINT pk__metric_def PRIMARY KEY (code, version),
  CONSTRAINT ck__metric_def__unit_known CHECK (unit IN ('permille', 'change', 'days')),
  CONSTRAINT ck__metric_def__better_known CHECK (better IN ('higher', 'lower'))
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON metric_def
  FOR EACH STATEMENT EXECUTE FUNCTION ctx.append_only();

CREATE TABLE metric_value (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  code text NOT NULL,
  version bigint NOT NULL,
  as_of date NOT NULL,
  known_at timestamptz NOT NULL,
  first_on date NOT NULL,
  first_fact_on date,
  value bigint,
  low bigint,
  high bigint,
  num bigint NOT NULL,
  den bigint NOT NULL,
  fact_count bigint NOT NULL,
  coverage_permille bigint,
  why_missing text,
  evidence_root bytea NOT NULL,
  CONSTRAINT pk__metric_value PRIMARY KEY (id),
  CONSTRAINT uq__metric_value__tenant_id_id UNIQUE (tenant_id, id),
  CONSTRAINT uq__metric_value__tenant_id_code_version_as_of_known_at
    UNIQUE (tenant_id, code, version, as_of, known_at),
  CONSTRAINT fk__metric_value__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenant (id),
  CONSTRAINT fk__metric_value__code_version
    FOREIGN KEY (code, version) REFERENCES metric_def (code, version),
  CONSTRAINT ck__metric_value__missing_has_reason
    CHECK ((value IS NULL) = (why_missing IS NOT NULL))
);
CREATE INDEX ix__metric_value__tenant_id_known_at ON metric_value (tenant_id, known_at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON metric_value
  FOR EACH STATEMENT EXECUTE FUNCTION ctx.append_only();
"""

ACCESS = """
CREATE TABLE access_log (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  view_id uuid NOT NULL,
  bank_id uuid NOT NULL,
  person_id uuid NOT NULL,
  person_name_zh text NOT NULL,
  person_name_en text NOT NULL,
  consent_id uuid NOT NULL,
  page text NOT NULL,
  datasets text[] NOT NULL,
  level bigint NOT NULL,
  fields text[] NOT NULL,
  outcome text NOT NULL,
  refused_because text,
  opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  top_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  CONSTRAINT pk__access_log PRIMARY KEY (id),
  CONSTRAINT fk__access_log__consent_id_tenant_id_bank_id
    FOREIGN KEY (consent_id, tenant_id, bank_id) REFERENCES consent (id, tenant_id, bank_id),
  CONSTRAINT ck__access_log__page_known CHECK (page IN ('case', 'figure')),
  CONSTRAINT ck__access_log__outcome_known CHECK (outcome IN ('granted', 'refused', 'preview')),
  CONSTRAINT ck__access_log__refusal_has_reason
    CHECK ((outcome = 'refused') = (refused_because IS NOT NULL))
);
CREATE INDEX ix__access_log__view_id ON access_log (view_id);
CREATE INDEX ix__access_log__tenant_id_opened_at ON access_log (tenant_id, opened_at);
CREATE INDEX ix__access_log__bank_id_consent_id ON access_log (bank_id, consent_id, opened_at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON access_log
  FOR EACH STATEMENT EXECUTE FUNCTION ctx.append_only();

CREATE TABLE bank_view (
  consent_id uuid NOT NULL,
  as_of date NOT NULL,
  dataset text NOT NULL,
  part text NOT NULL,
  tenant_id uuid NOT NULL,
  doc jsonb NOT NULL,
  sha256 bytea NOT NULL,
  made_at timestamptz NOT NULL,
  CONSTRAINT pk__bank_view PRIMARY KEY (consent_id, as_of, dataset, part),
  CONSTRAINT fk__bank_view__tenant_id_consent_id
    FOREIGN KEY (tenant_id, consent_id) REFERENCES consent (tenant_id, id),
  CONSTRAINT ck__bank_view__dataset_known CHECK (dataset IN ('H', 'B', 'C', 'G'))
);
"""

MOVES = """
INSERT INTO lifecycle_move (machine, from_state, to_state, side) VALUES
  ('consent', 'requested', 'prepared', 'company'),
  ('consent', 'requested', 'denied', 'company'),
  ('consent', 'requested', 'lapsed', 'clock'),
  ('consent', 'draft', 'prepared', 'company'),
  ('consent', 'draft', 'denied', 'company'),
  ('consent', 'draft', 'lapsed', 'clock'),
  ('consent', 'prepared', 'active', 'company'),
  ('consent', 'prepared', 'denied', 'company'),
  ('consent', 'prepared', 'lapsed', 'clock'),
  ('consent', 'active', 'suspended', 'company'),
  ('consent', 'active', 'withdrawn', 'company'),
  ('consent', 'active', 'superseded', 'company'),
  ('consent', 'active', 'expired', 'clock'),
  ('consent', 'suspended', 'active', 'company'),
  ('consent', 'suspended', 'withdrawn', 'company'),
  ('consent', 'suspended', 'withdrawn', 'clock'),
  ('consent', 'suspended', 'superseded', 'company'),
  ('consent', 'suspended', 'expired', 'clock'),
  ('consent_request', 'sent', 'granted', 'clock'),
  ('consent_request', 'sent', 'lapsed', 'clock');
"""

TABLES = (
    "consent_request",
    "consent",
    "consent_event",
    "evidence",
    "metric_def",
    "metric_value",
    "access_log",
    "bank_view",
)

OWN = "tenant_id = (SELECT ctx.tenant_id())"
IN_A_WORK = "(SELECT ctx.work_id()) IS NOT NULL"

POLICIES = f"""
CREATE POLICY consent_request_asked ON consent_request FOR SELECT TO portal_bank USING ({OWN});
CREATE POLICY consent_request_ask ON consent_request FOR INSERT TO portal_bank
  WITH CHECK ({OWN} AND asked_by = (SELECT ctx.person_id()) AND state = 'sent');
CREATE POLICY consent_request_worker ON consent_request FOR SELECT TO portal_worker
  USING ({IN_A_WORK});
CREATE POLICY consent_request_move ON consent_request FOR UPDATE TO portal_worker
  USING ({IN_A_WORK}) WITH CHECK ({IN_A_WORK});
GRANT SELECT, INSERT ON consent_request TO portal_bank;
GRANT SELECT, UPDATE (state) ON consent_request TO portal_worker;

CREATE POLICY consent_own ON consent FOR SELECT TO portal_tenant USING ({OWN});
CREATE POLICY consent_draft ON consent FOR INSERT TO portal_tenant
  WITH CHECK ({OWN} AND state = 'draft' AND approved_by IS NULL AND prepared_by IS NULL
    AND request_id IS NULL);
CREATE POLICY consent_decide ON consent FOR UPDATE TO portal_tenant
  USING ({OWN}) WITH CHECK ({OWN});
-- A bank learns of a consent when it is given: before, a company that is here looks like none.
CREATE POLICY consent_given ON consent FOR SELECT TO portal_bank
  USING (bank_id = (SELECT ctx.tenant_id())
    AND state IN ('active', 'suspended', 'withdrawn', 'expired', 'superseded'));
CREATE POLICY consent_worker ON consent FOR SELECT TO portal_worker USING ({IN_A_WORK});
CREATE POLICY consent_asked ON consent FOR INSERT TO portal_worker
  WITH CHECK ({IN_A_WORK} AND state = 'requested' AND approved_by IS NULL AND prepared_by IS NULL);
CREATE POLICY consent_clock ON consent FOR UPDATE TO portal_worker
  USING ({IN_A_WORK}) WITH CHECK ({IN_A_WORK});
GRANT SELECT, INSERT ON consent TO portal_tenant;
GRANT UPDATE (state, datasets, level, data_from, days, valid_from, valid_until, notice_sha256,
  prepared_by, prepared_at, approved_by, approved_at, one_person, acr, due_at, ended_at, version)
  ON consent TO portal_tenant;
GRANT SELECT (id, tenant_id, bank_id, request_id, company_uscc, company_name_zh, company_name_en,
  bank_name_zh, bank_name_en, purpose, datasets, level, data_from, days, valid_from, valid_until,
  state, ended_at, created_at) ON consent TO portal_bank;
GRANT SELECT, INSERT ON consent TO portal_worker;
GRANT UPDATE (state, due_at, ended_at, version) ON consent TO portal_worker;

CREATE POLICY consent_event_own ON consent_event FOR SELECT TO portal_tenant USING ({OWN});
CREATE POLICY consent_event_write ON consent_event FOR INSERT TO portal_tenant
  WITH CHECK ({OWN} AND person_id = (SELECT ctx.person_id()));
CREATE POLICY consent_event_worker ON consent_event FOR INSERT TO portal_worker
  WITH CHECK ({IN_A_WORK} AND person_id IS NULL);
GRANT SELECT, INSERT ON consent_event TO portal_tenant;
GRANT INSERT ON consent_event TO portal_worker;

CREATE POLICY evidence_own ON evidence FOR SELECT TO portal_tenant USING ({OWN});
CREATE POLICY evidence_read ON evidence FOR SELECT TO portal_worker USING ({IN_A_WORK});
CREATE POLICY evidence_write ON evidence FOR INSERT TO portal_worker WITH CHECK ({IN_A_WORK});
GRANT SELECT ON evidence TO portal_tenant;
GRANT SELECT, INSERT ON evidence TO portal_worker;

CREATE POLICY metric_def_read ON metric_def FOR SELECT TO portal_tenant, portal_bank, portal_worker
  USING ({IN_A_WORK});
CREATE POLICY metric_def_release ON metric_def FOR INSERT TO portal_worker WITH CHECK ({IN_A_WORK});
GRANT SELECT ON metric_def TO portal_tenant, portal_bank, portal_worker;
GRANT INSERT ON metric_def TO portal_worker;

CREATE POLICY metric_value_own ON metric_value FOR SELECT TO portal_tenant USING ({OWN});
CREATE POLICY metric_value_read ON metric_value FOR SELECT TO portal_worker USING ({IN_A_WORK});
CREATE POLICY metric_value_write ON metric_value FOR INSERT TO portal_worker
  WITH CHECK ({IN_A_WORK});
GRANT SELECT ON metric_value TO portal_tenant;
GRANT SELECT, INSERT ON metric_value TO portal_worker;
"""

# The two steps. First a row of its own, committed; then, in another transaction, the figures that
# this row opens. `top_xid` names the transaction at the top: a comparison with `xmin` would be
# broken by a savepoint, whose rows carry the savepoint's own id.
TWO_STEPS = """
CREATE POLICY access_open ON access_log FOR INSERT TO portal_bank WITH CHECK (
  bank_id = (SELECT ctx.tenant_id()) AND person_id = (SELECT ctx.person_id())
  AND outcome IN ('granted', 'refused') AND (outcome = 'refused' OR EXISTS (
    SELECT FROM consent c WHERE c.id = access_log.consent_id AND c.state = 'active'
      AND c.valid_from <= statement_timestamp() AND statement_timestamp() < c.valid_until
      AND access_log.level <= c.level AND access_log.datasets <@ c.datasets)));
CREATE POLICY access_mine ON access_log FOR SELECT TO portal_bank
  USING (bank_id = (SELECT ctx.tenant_id()) AND outcome IN ('granted', 'refused'));
CREATE POLICY access_of_us ON access_log FOR SELECT TO portal_tenant
  USING (tenant_id = (SELECT ctx.tenant_id()));
CREATE POLICY access_preview ON access_log FOR INSERT TO portal_tenant
  WITH CHECK (tenant_id = (SELECT ctx.tenant_id()) AND person_id = (SELECT ctx.person_id())
    AND outcome = 'preview');
GRANT SELECT ON access_log TO portal_bank, portal_tenant;
GRANT INSERT (id, tenant_id, view_id, bank_id, person_id, person_name_zh, person_name_en,
  consent_id, page, datasets,
  level, fields, outcome, refused_because) ON access_log TO portal_bank, portal_tenant;

CREATE POLICY view_logged ON bank_view FOR SELECT TO portal_bank USING ((consent_id, dataset) IN (
  SELECT a.consent_id, unnest(a.datasets) FROM access_log a JOIN consent c ON c.id = a.consent_id
   WHERE a.view_id = (SELECT ctx.view_id()) AND a.person_id = (SELECT ctx.person_id())
     AND a.outcome = 'granted'
     AND a.opened_at > statement_timestamp() - interval '60 s'
     AND a.top_xid IS DISTINCT FROM (SELECT pg_current_xact_id_if_assigned())
     AND c.state = 'active'
     AND c.valid_from <= statement_timestamp() AND statement_timestamp() < c.valid_until));
CREATE POLICY view_made ON bank_view FOR ALL TO portal_worker
  USING ((SELECT ctx.work_id()) IS NOT NULL) WITH CHECK ((SELECT ctx.work_id()) IS NOT NULL);
GRANT SELECT ON bank_view TO portal_bank;
GRANT SELECT, INSERT, DELETE ON bank_view TO portal_worker;
"""


def upgrade() -> None:
    op.execute(CONSENT)
    op.execute(CONSENT_GUARD)
    op.execute(FIGURES)
    op.execute(ACCESS)
    op.execute(MOVES)
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(POLICIES)
    op.execute(TWO_STEPS)
