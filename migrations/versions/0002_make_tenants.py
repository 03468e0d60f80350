"""Companies, places, people, roles, sessions, tokens, sharing with the group, audit."""

from alembic import op

revision = "0002"
down_revision = "0001"

PEOPLE = "portal_tenant, portal_group, portal_platform, portal_bank, portal_auditor"
ALL = f"{PEOPLE}, portal_ingest, portal_authn, portal_worker"
CONSOLE = "'00000000-0000-7000-8000-000000000001'"

COMPANIES = """
CREATE TABLE tenant (
  id uuid NOT NULL,
  kind text NOT NULL,
  code text NOT NULL,
  name_zh text NOT NULL,
  name_en text NOT NULL,
  uscc text,
  segment text,
  region text,
  holding_ratio numeric(18, 3),
  kpi_profile text,
  origin text NOT NULL,
  state text NOT NULL,
  created_at timestamptz NOT NULL,
  version bigint NOT NULL,
  CONSTRAINT pk__tenant PRIMARY KEY (id),
  CONSTRAINT uq__tenant__code UNIQUE (code),
  CONSTRAINT uq__tenant__uscc UNIQUE (uscc),
  CONSTRAINT uq__tenant__id_kind UNIQUE (id, kind),
  CONSTRAINT ck__tenant__kind_known
    CHECK (kind IN ('group', 'subsidiary', 'partner', 'provider', 'bank')),
  CONSTRAINT ck__tenant__kpi_profile_known
    CHECK (kpi_profile IN ('discrete', 'process', 'energy', 'project')),
  CONSTRAINT ck__tenant__origin_known CHECK (origin IN ('live', 'simulated', 'replayed')),
  CONSTRAINT ck__tenant__state_known CHECK (state IN ('active')),
  CONSTRAINT ck__tenant__holding_ratio_in_range CHECK (holding_ratio BETWEEN 0 AND 1),
  CONSTRAINT ck__tenant__code_is_short CHECK (code ~ '^[a-z][a-z0-9-]{1,30}$'),
  CONSTRAINT ck__tenant__uscc_is_plain CHECK (uscc ~ '^[0-9A-HJ-NPQRTUWXY]{18}$')
);
CREATE UNIQUE INDEX uq__tenant__one_group ON tenant (kind) WHERE kind = 'group';
ALTER TABLE outbox ADD CONSTRAINT fk__outbox__tenant_id
  FOREIGN KEY (tenant_id) REFERENCES tenant (id);
ALTER TABLE operation ADD CONSTRAINT fk__operation__tenant_id
  FOREIGN KEY (tenant_id) REFERENCES tenant (id);

CREATE TABLE place (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  level text NOT NULL,
  rank bigint NOT NULL GENERATED ALWAYS AS (CASE level WHEN 'company' THEN 0 WHEN 'site' THEN 1
    WHEN 'area' THEN 2 WHEN 'line' THEN 3 ELSE 4 END) STORED,
  code text NOT NULL,
  name_zh text NOT NULL,
  name_en text NOT NULL,
  zone text,
  day_start time,
  created_at timestamptz NOT NULL,
  retired_at timestamptz,
  CONSTRAINT pk__place PRIMARY KEY (id),
  CONSTRAINT uq__place__tenant_id_code UNIQUE (tenant_id, code),
  CONSTRAINT uq__place__tenant_id_id UNIQUE (tenant_id, id),
  CONSTRAINT uq__place__tenant_id_id_rank UNIQUE (tenant_id, id, rank),
  CONSTRAINT fk__place__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenant (id),
  CONSTRAINT ck__place__level_known
    CHECK (level IN ('company', 'site', 'area', 'line', 'unit')),
  CONSTRAINT ck__place__site_has_clock CHECK ((level = 'site') = (zone IS NOT NULL)
    AND (level = 'site') = (day_start IS NOT NULL))
);
CREATE UNIQUE INDEX uq__place__one_company ON place (tenant_id) WHERE level = 'company';

CREATE TABLE place_parent (
  tenant_id uuid NOT NULL,
  place_id uuid NOT NULL,
  place_rank bigint NOT NULL,
  parent_id uuid NOT NULL,
  parent_rank bigint NOT NULL,
  valid_from timestamptz NOT NULL,
  CONSTRAINT pk__place_parent PRIMARY KEY (tenant_id, place_id, valid_from),
  CONSTRAINT fk__place_parent__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenant (id),
  CONSTRAINT fk__place_parent__tenant_id_place_id_place_rank
    FOREIGN KEY (tenant_id, place_id, place_rank) REFERENCES place (tenant_id, id, rank),
  CONSTRAINT fk__place_parent__tenant_id_parent_id_parent_rank
    FOREIGN KEY (tenant_id, parent_id, parent_rank) REFERENCES place (tenant_id, id, rank),
  CONSTRAINT ck__place_parent__parent_is_higher CHECK (parent_rank < place_rank)
);

CREATE TABLE group_share (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  level text,
  set_by uuid NOT NULL,
  effective_at timestamptz NOT NULL,
  CONSTRAINT pk__group_share PRIMARY KEY (id),
  CONSTRAINT fk__group_share__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenant (id),
  CONSTRAINT ck__group_share__level_known
    CHECK (level IN ('company', 'site', 'area', 'line', 'unit'))
);
CREATE INDEX ix__group_share__tenant_id_effective_at ON group_share (tenant_id, effective_at);
CREATE TABLE group_share_level (
  tenant_id uuid NOT NULL,
  level text NOT NULL,
  CONSTRAINT pk__group_share_level PRIMARY KEY (tenant_id, level),
  CONSTRAINT fk__group_share_level__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenant (id),
  CONSTRAINT ck__group_share_level__level_known
    CHECK (level IN ('company', 'site', 'area', 'line', 'unit'))
);
"""

PERSONS = """
CREATE TABLE person (
  id uuid NOT NULL,
  name_zh text NOT NULL,
  name_en text NOT NULL,
  email text,
  login_name text NOT NULL,
  made_in uuid NOT NULL,
  created_at timestamptz NOT NULL,
  CONSTRAINT pk__person PRIMARY KEY (id),
  CONSTRAINT uq__person__email UNIQUE (email),
  CONSTRAINT uq__person__login_name UNIQUE (login_name),
  CONSTRAINT uq__person__id_made_in UNIQUE (id, made_in),
  CONSTRAINT ck__person__email_is_lower CHECK (email = lower(email)),
  CONSTRAINT ck__person__login_name_is_lower CHECK (login_name = lower(login_name))
);

CREATE TABLE membership (
  tenant_id uuid NOT NULL,
  person_id uuid NOT NULL,
  made_in uuid,
  created_at timestamptz NOT NULL,
  ended_at timestamptz,
  ended_by uuid,
  CONSTRAINT pk__membership PRIMARY KEY (tenant_id, person_id),
  CONSTRAINT fk__membership__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenant (id),
  CONSTRAINT fk__membership__person_id FOREIGN KEY (person_id) REFERENCES person (id),
  CONSTRAINT fk__membership__person_id_made_in
    FOREIGN KEY (person_id, made_in) REFERENCES person (id, made_in),
  CONSTRAINT ck__membership__end_has_author CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE INDEX ix__membership__person_id ON membership (person_id);

CREATE TABLE role_grant (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  tenant_kind text NOT NULL,
  person_id uuid NOT NULL,
  place_id uuid NOT NULL,
  role text NOT NULL,
  granted_by uuid NOT NULL,
  approved_by uuid,
  granted_at timestamptz NOT NULL,
  valid_until timestamptz,
  revoked_at timestamptz,
  revoked_by uuid,
  CONSTRAINT pk__role_grant PRIMARY KEY (id),
  CONSTRAINT fk__role_grant__tenant_id_tenant_kind
    FOREIGN KEY (tenant_id, tenant_kind) REFERENCES tenant (id, kind),
  CONSTRAINT fk__role_grant__tenant_id_person_id
    FOREIGN KEY (tenant_id, person_id) REFERENCES membership (tenant_id, person_id),
  CONSTRAINT fk__role_grant__tenant_id_place_id
    FOREIGN KEY (tenant_id, place_id) REFERENCES place (tenant_id, id),
  CONSTRAINT ck__role_grant__not_to_oneself CHECK (granted_by <> person_id),
  CONSTRAINT ck__role_grant__not_approved_by_oneself CHECK (approved_by <> person_id),
  -- The group's seats see across companies: the console grants them, or two people do.
  CONSTRAINT ck__role_grant__group_needs_two CHECK (tenant_kind <> 'group'
    OR granted_by = '00000000-0000-7000-8000-000000000001'
    OR coalesce(approved_by <> granted_by, false)),
  CONSTRAINT ck__role_grant__role_fits_kind CHECK (CASE tenant_kind
    WHEN 'group' THEN role IN ('executive', 'platform_operator', 'auditor')
    WHEN 'bank' THEN role IN ('administrator', 'reviewer', 'approver')
    ELSE role IN ('administrator', 'planner', 'process_engineer', 'energy_manager', 'operator',
      'finance', 'service_manager') END),
  CONSTRAINT ck__role_grant__revocation_has_author
    CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE UNIQUE INDEX uq__role_grant__live ON role_grant (tenant_id, person_id, place_id, role)
  WHERE revoked_at IS NULL;
"""

SIGN_IN = """
CREATE TABLE local_account (
  person_id uuid NOT NULL,
  password_hash text NOT NULL,
  changed_at timestamptz NOT NULL,
  must_change boolean NOT NULL,
  CONSTRAINT pk__local_account PRIMARY KEY (person_id),
  CONSTRAINT fk__local_account__person_id FOREIGN KEY (person_id) REFERENCES person (id)
);

CREATE TABLE auth_session (
  id uuid NOT NULL,
  sid_sha256 bytea NOT NULL,
  tenant_id uuid NOT NULL,
  person_id uuid NOT NULL,
  kind text NOT NULL,
  provider text NOT NULL,
  stepped_up_at timestamptz,
  created_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  idle_until timestamptz NOT NULL,
  absolute_until timestamptz NOT NULL,
  revoked_at timestamptz,
  revoked_because text,
  address text NOT NULL,
  agent text NOT NULL,
  CONSTRAINT pk__auth_session PRIMARY KEY (id),
  CONSTRAINT uq__auth_session__sid_sha256 UNIQUE (sid_sha256),
  CONSTRAINT fk__auth_session__tenant_id_person_id
    FOREIGN KEY (tenant_id, person_id) REFERENCES membership (tenant_id, person_id),
  CONSTRAINT ck__auth_session__kind_known
    CHECK (kind IN ('tenant', 'group', 'platform', 'bank', 'auditor')),
  CONSTRAINT ck__auth_session__provider_known CHECK (provider IN ('local', 'demo')),
  CONSTRAINT ck__auth_session__idle_ends_first CHECK (idle_until <= absolute_until),
  CONSTRAINT ck__auth_session__revocation_has_reason
    CHECK ((revoked_at IS NULL) = (revoked_because IS NULL))
);
CREATE INDEX ix__auth_session__tenant_id_person_id ON auth_session (tenant_id, person_id);
CREATE INDEX ix__auth_session__person_id_seen_at ON auth_session (person_id, seen_at);

CREATE TABLE login_attempt (
  kind text NOT NULL,
  subject_hmac bytea NOT NULL,
  failures bigint NOT NULL,
  first_at timestamptz NOT NULL,
  wait_until timestamptz,
  CONSTRAINT pk__login_attempt PRIMARY KEY (kind, subject_hmac),
  CONSTRAINT ck__login_attempt__kind_known CHECK (kind IN ('pair', 'address', 'account'))
);

CREATE TABLE device_token (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  source_id uuid NOT NULL,
  name text NOT NULL,
  public_id text NOT NULL,
  secret_sha256 bytea NOT NULL,
  made_by uuid NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  last_used_at timestamptz,
  revoked_at timestamptz,
  revoked_by uuid,
  CONSTRAINT pk__device_token PRIMARY KEY (id),
  CONSTRAINT uq__device_token__public_id UNIQUE (public_id),
  CONSTRAINT fk__device_token__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenant (id),
  CONSTRAINT ck__device_token__lasts_a_year
    CHECK (expires_at <= created_at + interval '365 days'),
  CONSTRAINT ck__device_token__revocation_has_author
    CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE INDEX ix__device_token__tenant_id ON device_token (tenant_id);
"""

AUDIT = """
CREATE TABLE audit_log (
  id uuid NOT NULL,
  recorded_at timestamptz NOT NULL,
  tenant_id uuid NOT NULL,
  actor_id uuid,
  actor_tenant_id uuid,
  db_role text NOT NULL DEFAULT current_user,
  work_id uuid NOT NULL,
  session_id uuid,
  address text,
  action text NOT NULL,
  object_kind text,
  object_id text,
  outcome text NOT NULL,
  detail jsonb NOT NULL,
  CONSTRAINT pk__audit_log PRIMARY KEY (id),
  CONSTRAINT ck__audit_log__outcome_known CHECK (outcome IN ('ok', 'refused', 'failed'))
);
CREATE INDEX ix__audit_log__tenant_id_recorded_at ON audit_log (tenant_id, recorded_at);
"""

APPEND_ONLY = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}
  FOR EACH ROW EXECUTE FUNCTION ctx.append_only();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON {table}
  FOR EACH STATEMENT EXECUTE FUNCTION ctx.append_only();
"""

TABLES = (
    "tenant",
    "place",
    "place_parent",
    "group_share",
    "group_share_level",
    "person",
    "membership",
    "role_grant",
    "local_account",
    "auth_session",
    "login_attempt",
    "device_token",
    "audit_log",
)

OWN = "tenant_id = (SELECT ctx.tenant_id())"
SIGNED_IN = "(SELECT ctx.tenant_id()) IS NOT NULL"
NAMED_WORK = "(SELECT ctx.work_id()) IS NOT NULL"
AT_CONSOLE = f"(SELECT ctx.person_id()) = {CONSOLE}::uuid"
# A person written down in this very transaction: nobody can pull an existing one in. For a
# membership a foreign key says so, since the policy of person reads membership.
MADE_HERE = "made_in = (SELECT ctx.work_id())"
JUST_MADE = "person_id IN (SELECT p.id FROM person p WHERE p.made_in = (SELECT ctx.work_id()))"

TENANT_POLICIES = f"""
CREATE POLICY tenant_own ON tenant FOR SELECT TO {PEOPLE}, portal_ingest
  USING (id = (SELECT ctx.tenant_id()));
-- A bank is listed for everybody: a company chooses to whom it consents.
CREATE POLICY tenant_bank ON tenant FOR SELECT TO portal_tenant
  USING (kind = 'bank' AND {SIGNED_IN});
CREATE POLICY tenant_all ON tenant FOR SELECT TO portal_group, portal_platform, portal_auditor
  USING ({SIGNED_IN});
CREATE POLICY tenant_lookup ON tenant FOR SELECT TO portal_authn, portal_worker
  USING ({NAMED_WORK});
CREATE POLICY tenant_profile ON tenant FOR UPDATE TO portal_tenant, portal_bank
  USING (id = (SELECT ctx.tenant_id())) WITH CHECK (id = (SELECT ctx.tenant_id()));
CREATE POLICY tenant_console ON tenant FOR INSERT TO portal_platform WITH CHECK ({AT_CONSOLE});
GRANT SELECT ON tenant TO {ALL};
GRANT UPDATE (name_zh, name_en, segment, region, kpi_profile, version)
  ON tenant TO portal_tenant, portal_bank;
GRANT INSERT ON tenant TO portal_platform;
"""

PLACE_POLICIES = f"""
CREATE POLICY place_own ON place FOR SELECT TO {PEOPLE}, portal_ingest USING ({OWN});
CREATE POLICY place_group ON place FOR SELECT TO portal_group
  USING ((tenant_id, level) IN (SELECT s.tenant_id, s.level FROM group_share_level s));
CREATE POLICY place_lookup ON place FOR SELECT TO portal_authn, portal_worker
  USING ({NAMED_WORK});
CREATE POLICY place_add ON place FOR INSERT TO portal_tenant WITH CHECK ({OWN});
CREATE POLICY place_change ON place FOR UPDATE TO portal_tenant
  USING ({OWN}) WITH CHECK ({OWN});
CREATE POLICY place_console ON place FOR INSERT TO portal_platform
  WITH CHECK (level = 'company' AND {AT_CONSOLE});
GRANT SELECT ON place TO {ALL};
GRANT INSERT (id, tenant_id, level, code, name_zh, name_en, zone, day_start, created_at, retired_at)
  ON place TO portal_tenant, portal_platform;
GRANT UPDATE (name_zh, name_en, retired_at) ON place TO portal_tenant;

CREATE POLICY place_parent_own ON place_parent FOR SELECT TO {PEOPLE}, portal_ingest USING ({OWN});
CREATE POLICY place_parent_group ON place_parent FOR SELECT TO portal_group
  USING ((tenant_id, place_id) IN (SELECT p.tenant_id, p.id FROM place p));
CREATE POLICY place_parent_lookup ON place_parent FOR SELECT TO portal_authn, portal_worker
  USING ({NAMED_WORK});
CREATE POLICY place_parent_add ON place_parent FOR INSERT TO portal_tenant WITH CHECK ({OWN});
GRANT SELECT ON place_parent TO {ALL};
GRANT INSERT ON place_parent TO portal_tenant;

CREATE POLICY group_share_own ON group_share FOR SELECT TO portal_tenant USING ({OWN});
CREATE POLICY group_share_set ON group_share FOR INSERT TO portal_tenant
  WITH CHECK ({OWN} AND set_by = (SELECT ctx.person_id()));
GRANT SELECT, INSERT ON group_share TO portal_tenant;

CREATE POLICY group_share_level_own ON group_share_level FOR SELECT TO portal_tenant
  USING ({OWN});
CREATE POLICY group_share_level_group ON group_share_level FOR SELECT TO portal_group
  USING ({SIGNED_IN});
CREATE POLICY group_share_level_lookup ON group_share_level FOR SELECT TO portal_worker
  USING ({NAMED_WORK});
CREATE POLICY group_share_level_add ON group_share_level FOR INSERT TO portal_tenant
  WITH CHECK ({OWN});
CREATE POLICY group_share_level_drop ON group_share_level FOR DELETE TO portal_tenant
  USING ({OWN});
GRANT SELECT ON group_share_level TO portal_tenant, portal_group, portal_worker;
GRANT INSERT, DELETE ON group_share_level TO portal_tenant;
"""

PERSON_POLICIES = f"""
CREATE POLICY person_known ON person FOR SELECT TO {PEOPLE}
  USING (id = (SELECT ctx.person_id()) OR made_in = (SELECT ctx.work_id())
    OR id IN (SELECT m.person_id FROM membership m WHERE m.{OWN}));
CREATE POLICY person_audit ON person FOR SELECT TO portal_auditor USING ({SIGNED_IN});
CREATE POLICY person_lookup ON person FOR SELECT TO portal_authn USING ({NAMED_WORK});
CREATE POLICY person_add ON person FOR INSERT TO portal_tenant, portal_bank
  WITH CHECK (made_in = (SELECT ctx.work_id()) AND {SIGNED_IN});
CREATE POLICY person_console ON person FOR INSERT TO portal_platform
  WITH CHECK (made_in = (SELECT ctx.work_id()) AND {AT_CONSOLE});
GRANT SELECT ON person TO {PEOPLE}, portal_authn;
GRANT INSERT ON person TO portal_tenant, portal_bank, portal_platform;

CREATE POLICY membership_own ON membership FOR SELECT TO {PEOPLE} USING ({OWN});
CREATE POLICY membership_audit ON membership FOR SELECT TO portal_auditor USING ({SIGNED_IN});
CREATE POLICY membership_lookup ON membership FOR SELECT TO portal_authn, portal_worker
  USING ({NAMED_WORK});
CREATE POLICY membership_add ON membership FOR INSERT TO portal_tenant, portal_bank
  WITH CHECK ({OWN} AND {MADE_HERE});
CREATE POLICY membership_end ON membership FOR UPDATE TO portal_tenant, portal_bank
  USING ({OWN}) WITH CHECK ({OWN} AND ended_by = (SELECT ctx.person_id()));
CREATE POLICY membership_console ON membership FOR INSERT TO portal_platform
  WITH CHECK ({MADE_HERE} AND {AT_CONSOLE});
GRANT SELECT ON membership TO {PEOPLE}, portal_authn, portal_worker;
GRANT INSERT (tenant_id, person_id, made_in, created_at)
  ON membership TO portal_tenant, portal_bank, portal_platform;
GRANT UPDATE (ended_at, ended_by) ON membership TO portal_tenant, portal_bank;

CREATE POLICY role_grant_own ON role_grant FOR SELECT TO {PEOPLE} USING ({OWN});
CREATE POLICY role_grant_audit ON role_grant FOR SELECT TO portal_auditor USING ({SIGNED_IN});
CREATE POLICY role_grant_lookup ON role_grant FOR SELECT TO portal_authn, portal_worker
  USING ({NAMED_WORK});
CREATE POLICY role_grant_add ON role_grant FOR INSERT TO portal_tenant, portal_bank
  WITH CHECK ({OWN} AND granted_by = (SELECT ctx.person_id()));
CREATE POLICY role_grant_revoke ON role_grant FOR UPDATE TO portal_tenant, portal_bank
  USING ({OWN}) WITH CHECK ({OWN} AND revoked_by = (SELECT ctx.person_id()));
CREATE POLICY role_grant_console ON role_grant FOR INSERT TO portal_platform
  WITH CHECK (granted_by = {CONSOLE}::uuid AND {JUST_MADE} AND {AT_CONSOLE});
GRANT SELECT ON role_grant TO {PEOPLE}, portal_authn, portal_worker;
GRANT INSERT (id, tenant_id, tenant_kind, person_id, place_id, role, granted_by, granted_at,
  valid_until) ON role_grant TO portal_tenant, portal_bank, portal_platform;
GRANT UPDATE (revoked_at, revoked_by) ON role_grant TO portal_tenant, portal_bank;
"""

SIGN_IN_POLICIES = f"""
CREATE POLICY local_account_authn ON local_account FOR SELECT TO portal_authn
  USING ({NAMED_WORK});
CREATE POLICY local_account_change ON local_account FOR UPDATE TO portal_authn
  USING ({NAMED_WORK}) WITH CHECK ({NAMED_WORK});
CREATE POLICY local_account_first ON local_account FOR INSERT TO portal_tenant, portal_bank
  WITH CHECK ({JUST_MADE} AND {SIGNED_IN});
CREATE POLICY local_account_console ON local_account FOR INSERT TO portal_platform
  WITH CHECK ({JUST_MADE} AND {AT_CONSOLE});
GRANT SELECT ON local_account TO portal_authn;
GRANT UPDATE (password_hash, changed_at, must_change) ON local_account TO portal_authn;
GRANT INSERT ON local_account TO portal_tenant, portal_bank, portal_platform;

CREATE POLICY auth_session_mine ON auth_session FOR SELECT TO {PEOPLE}
  USING (person_id = (SELECT ctx.person_id()));
CREATE POLICY auth_session_mine_end ON auth_session FOR UPDATE TO {PEOPLE}
  USING (person_id = (SELECT ctx.person_id()))
  WITH CHECK (person_id = (SELECT ctx.person_id()) AND revoked_at IS NOT NULL);
CREATE POLICY auth_session_company ON auth_session FOR SELECT TO portal_tenant, portal_bank
  USING ({OWN});
CREATE POLICY auth_session_company_end ON auth_session FOR UPDATE TO portal_tenant, portal_bank
  USING ({OWN}) WITH CHECK ({OWN} AND revoked_at IS NOT NULL);
CREATE POLICY auth_session_authn ON auth_session FOR SELECT TO portal_authn USING ({NAMED_WORK});
CREATE POLICY auth_session_begin ON auth_session FOR INSERT TO portal_authn
  WITH CHECK ({NAMED_WORK});
CREATE POLICY auth_session_keep ON auth_session FOR UPDATE TO portal_authn
  USING ({NAMED_WORK}) WITH CHECK ({NAMED_WORK});
CREATE POLICY auth_session_old ON auth_session FOR SELECT TO portal_worker USING ({NAMED_WORK});
CREATE POLICY auth_session_drop ON auth_session FOR DELETE TO portal_worker USING ({NAMED_WORK});
GRANT SELECT (id, tenant_id, person_id, kind, provider, stepped_up_at, created_at, seen_at,
  idle_until, absolute_until, revoked_at, revoked_because, address, agent)
  ON auth_session TO {PEOPLE};
GRANT UPDATE (revoked_at, revoked_because) ON auth_session TO {PEOPLE};
GRANT SELECT, INSERT ON auth_session TO portal_authn;
GRANT UPDATE (sid_sha256, stepped_up_at, seen_at, idle_until, revoked_at, revoked_because)
  ON auth_session TO portal_authn;
GRANT SELECT (id, absolute_until) ON auth_session TO portal_worker;
GRANT DELETE ON auth_session TO portal_worker;

CREATE POLICY login_attempt_authn ON login_attempt TO portal_authn
  USING ({NAMED_WORK}) WITH CHECK ({NAMED_WORK});
CREATE POLICY login_attempt_worker ON login_attempt TO portal_worker
  USING ({NAMED_WORK}) WITH CHECK (false);
GRANT SELECT, INSERT, UPDATE, DELETE ON login_attempt TO portal_authn;
GRANT SELECT, DELETE ON login_attempt TO portal_worker;

CREATE POLICY device_token_own ON device_token FOR SELECT TO portal_tenant USING ({OWN});
CREATE POLICY device_token_add ON device_token FOR INSERT TO portal_tenant
  WITH CHECK ({OWN} AND made_by = (SELECT ctx.person_id()));
CREATE POLICY device_token_revoke ON device_token FOR UPDATE TO portal_tenant
  USING ({OWN}) WITH CHECK ({OWN} AND revoked_by = (SELECT ctx.person_id()));
CREATE POLICY device_token_authn ON device_token FOR SELECT TO portal_authn USING ({NAMED_WORK});
CREATE POLICY device_token_used ON device_token FOR UPDATE TO portal_authn
  USING ({NAMED_WORK}) WITH CHECK ({NAMED_WORK});
GRANT SELECT (id, tenant_id, source_id, name, public_id, made_by, created_at, expires_at,
  last_used_at, revoked_at, revoked_by) ON device_token TO portal_tenant;
GRANT INSERT (id, tenant_id, source_id, name, public_id, secret_sha256, made_by, created_at,
  expires_at) ON device_token TO portal_tenant;
GRANT UPDATE (revoked_at, revoked_by) ON device_token TO portal_tenant;
GRANT SELECT ON device_token TO portal_authn;
GRANT UPDATE (last_used_at) ON device_token TO portal_authn;
"""

AUDIT_POLICIES = f"""
CREATE POLICY audit_log_write ON audit_log FOR INSERT TO {ALL}
  WITH CHECK (db_role = current_user AND work_id = (SELECT ctx.work_id())
    AND actor_id IS NOT DISTINCT FROM (SELECT ctx.person_id())
    AND actor_tenant_id IS NOT DISTINCT FROM (SELECT ctx.tenant_id()));
CREATE POLICY audit_log_own ON audit_log FOR SELECT TO {PEOPLE} USING ({OWN});
CREATE POLICY audit_log_auditor ON audit_log FOR SELECT TO portal_auditor USING ({SIGNED_IN});
-- No grant on db_role: whose role it was is written by the database, not by the writer.
GRANT INSERT (id, recorded_at, tenant_id, actor_id, actor_tenant_id, work_id, session_id, address,
  action, object_kind, object_id, outcome, detail) ON audit_log TO {ALL};
GRANT SELECT ON audit_log TO {PEOPLE};
"""


def upgrade() -> None:
    for tables in (COMPANIES, PERSONS, SIGN_IN, AUDIT):
        op.execute(tables)
    for table in ("audit_log", "group_share"):
        op.execute(APPEND_ONLY.format(table=table))
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for policies in (
        TENANT_POLICIES,
        PLACE_POLICIES,
        PERSON_POLICIES,
        SIGN_IN_POLICIES,
        AUDIT_POLICIES,
    ):
        op.execute(policies)
