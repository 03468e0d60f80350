"""Units, calendars, sources, batches, facts, quarantine, shift sheets."""

from alembic import op

revision = "0003"
down_revision = "0002"

MASTER = """
CREATE TABLE unit (
  tenant_id uuid NOT NULL,
  place_id uuid NOT NULL,
  class_code text NOT NULL,
  rated_power_kw double precision,
  min_stop_s bigint NOT NULL DEFAULT 120,
  heartbeat_s bigint NOT NULL DEFAULT 60,
  counts_from text NOT NULL DEFAULT 'counter',
  state_words jsonb NOT NULL DEFAULT '{}',
  device_items jsonb NOT NULL DEFAULT '{}',
  CONSTRAINT pk__unit PRIMARY KEY (tenant_id, place_id),
  CONSTRAINT fk__unit__tenant_id_place_id FOREIGN KEY (tenant_id, place_id)
    REFERENCES place (tenant_id, id),
  CONSTRAINT ck__unit__counts_from_known CHECK (counts_from IN ('counter', 'sheet', 'none')),
  CONSTRAINT ck__unit__min_stop_in_range CHECK (min_stop_s BETWEEN 0 AND 3600),
  CONSTRAINT ck__unit__heartbeat_in_range CHECK (heartbeat_s BETWEEN 1 AND 86400),
  CONSTRAINT ck__unit__rated_power_positive CHECK (rated_power_kw > 0)
);

CREATE TABLE calendar_rule (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  place_id uuid NOT NULL,
  kind text NOT NULL,
  shift_code text,
  weekdays bigint NOT NULL,
  local_start time NOT NULL,
  local_end time NOT NULL,
  valid_from date NOT NULL,
  valid_until date,
  CONSTRAINT pk__calendar_rule PRIMARY KEY (id),
  CONSTRAINT fk__calendar_rule__tenant_id_place_id FOREIGN KEY (tenant_id, place_id)
    REFERENCES place (tenant_id, id),
  CONSTRAINT ck__calendar_rule__kind_known
    CHECK (kind IN ('shift', 'break', 'planned_maintenance', 'meeting')),
  CONSTRAINT ck__calendar_rule__shift_has_code CHECK ((kind = 'shift') = (shift_code IS NOT NULL)),
  CONSTRAINT ck__calendar_rule__weekdays_in_range CHECK (weekdays BETWEEN 1 AND 127),
  CONSTRAINT ck__calendar_rule__ends_after_start CHECK (valid_until > valid_from)
);
CREATE INDEX ix__calendar_rule__tenant_id_place_id ON calendar_rule (tenant_id, place_id);

CREATE TABLE product (
  tenant_id uuid NOT NULL,
  code text NOT NULL,
  name_zh text NOT NULL,
  name_en text NOT NULL,
  quantity_unit text NOT NULL DEFAULT 'pcs',
  CONSTRAINT pk__product PRIMARY KEY (tenant_id, code),
  CONSTRAINT fk__product__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenant (id)
);

CREATE TABLE product_rate (
  tenant_id uuid NOT NULL,
  unit_id uuid NOT NULL,
  product_code text NOT NULL,
  valid_from date NOT NULL,
  pri_s double precision NOT NULL,
  basis text NOT NULL,
  CONSTRAINT pk__product_rate PRIMARY KEY (tenant_id, unit_id, product_code, valid_from),
  CONSTRAINT fk__product_rate__tenant_id_unit_id FOREIGN KEY (tenant_id, unit_id)
    REFERENCES unit (tenant_id, place_id),
  CONSTRAINT ck__product_rate__basis_known CHECK (basis IN ('nameplate', 'demonstrated')),
  CONSTRAINT ck__product_rate__pri_positive CHECK (pri_s > 0)
);

CREATE TABLE stop_reason (
  tenant_id uuid NOT NULL,
  code text NOT NULL,
  name_zh text NOT NULL,
  name_en text NOT NULL,
  state text NOT NULL,
  CONSTRAINT pk__stop_reason PRIMARY KEY (tenant_id, code),
  CONSTRAINT fk__stop_reason__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenant (id),
  CONSTRAINT ck__stop_reason__state_known CHECK (state IN ('setup', 'minor_stop', 'down',
    'starved', 'blocked', 'idle', 'maint_planned', 'engineering'))
);
"""

DOORS = """
CREATE TABLE data_source (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  kind text NOT NULL,
  name text NOT NULL,
  state text NOT NULL DEFAULT 'awaiting_first',
  heartbeat_s bigint NOT NULL DEFAULT 60,
  settings jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL,
  first_seen_at timestamptz,
  last_seen_at timestamptz,
  last_batch_id uuid,
  CONSTRAINT pk__data_source PRIMARY KEY (id),
  CONSTRAINT uq__data_source__tenant_id_id UNIQUE (tenant_id, id),
  CONSTRAINT uq__data_source__tenant_id_name UNIQUE (tenant_id, name),
  CONSTRAINT fk__data_source__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenant (id),
  CONSTRAINT ck__data_source__kind_known
    CHECK (kind IN ('http', 'file', 'manual', 'simulator', 'mtconnect')),
  CONSTRAINT ck__data_source__state_known
    CHECK (state IN ('awaiting_first', 'live', 'silent', 'paused', 'retired')),
  CONSTRAINT ck__data_source__heartbeat_in_range CHECK (heartbeat_s BETWEEN 1 AND 86400)
);
CREATE TRIGGER lifecycle_guard BEFORE UPDATE ON data_source
  FOR EACH ROW EXECUTE FUNCTION ctx.lifecycle_guard('data_source');
INSERT INTO lifecycle_move (machine, from_state, to_state, side) VALUES
  ('data_source', 'awaiting_first', 'live', 'ingest'),
  ('data_source', 'awaiting_first', 'live', 'company'),
  ('data_source', 'awaiting_first', 'paused', 'clock'),
  ('data_source', 'awaiting_first', 'retired', 'company'),
  ('data_source', 'live', 'silent', 'clock'),
  ('data_source', 'live', 'retired', 'company'),
  ('data_source', 'silent', 'live', 'ingest'),
  ('data_source', 'silent', 'retired', 'company'),
  ('data_source', 'paused', 'awaiting_first', 'company'),
  ('data_source', 'paused', 'live', 'ingest'),
  ('data_source', 'paused', 'retired', 'company');

CREATE TABLE ingest_batch (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  source_id uuid NOT NULL,
  idempotency_key text NOT NULL,
  body_sha256 bytea NOT NULL,
  row_count bigint NOT NULL,
  accepted_count bigint NOT NULL,
  duplicate_count bigint NOT NULL,
  quarantined_count bigint NOT NULL,
  window_from timestamptz,
  window_until timestamptz,
  answer jsonb NOT NULL,
  received_at timestamptz NOT NULL,
  sent_by uuid,
  CONSTRAINT pk__ingest_batch PRIMARY KEY (id),
  CONSTRAINT uq__ingest_batch__tenant_id_id UNIQUE (tenant_id, id),
  CONSTRAINT uq__ingest_batch__tenant_id_source_id_idempotency_key
    UNIQUE (tenant_id, source_id, idempotency_key),
  CONSTRAINT fk__ingest_batch__tenant_id_source_id FOREIGN KEY (tenant_id, source_id)
    REFERENCES data_source (tenant_id, id),
  CONSTRAINT ck__ingest_batch__every_row_counted
    CHECK (row_count = accepted_count + duplicate_count + quarantined_count),
  CONSTRAINT ck__ingest_batch__key_length
    CHECK (octet_length(idempotency_key) BETWEEN 1 AND 255)
);
CREATE INDEX ix__ingest_batch__heard ON ingest_batch (tenant_id, source_id, window_until);
CREATE INDEX ix__ingest_batch__tenant_id_received_at ON ingest_batch (tenant_id, received_at);

CREATE TABLE quarantine (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  batch_id uuid NOT NULL,
  source_id uuid NOT NULL,
  line_no bigint NOT NULL,
  code text NOT NULL,
  field text NOT NULL,
  value text NOT NULL,
  raw text NOT NULL,
  fact_id uuid,
  unit_id uuid,
  occurred_at timestamptz,
  state text NOT NULL DEFAULT 'open',
  recorded_at timestamptz NOT NULL,
  resolved_at timestamptz,
  resolved_by uuid,
  reason text,
  CONSTRAINT pk__quarantine PRIMARY KEY (tenant_id, id),
  CONSTRAINT fk__quarantine__tenant_id_batch_id FOREIGN KEY (tenant_id, batch_id)
    REFERENCES ingest_batch (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT ck__quarantine__code_known CHECK (code IN ('E-UNIT', 'E-TAG', 'E-CLOCK', 'E-UOM',
    'E-STATE', 'E-CONFLICT', 'E-BACK', 'E-JUMP')),
  CONSTRAINT ck__quarantine__state_known
    CHECK (state IN ('open', 'replayed', 'dismissed', 'expired')),
  CONSTRAINT ck__quarantine__raw_length CHECK (octet_length(raw) <= 16384),
  CONSTRAINT ck__quarantine__dismissal_has_reason CHECK (state <> 'dismissed' OR reason <> ''),
  CONSTRAINT ck__quarantine__end_has_moment CHECK ((state = 'open') = (resolved_at IS NULL))
);
CREATE INDEX ix__quarantine__open ON quarantine (tenant_id, recorded_at) WHERE state = 'open';
CREATE INDEX ix__quarantine__tenant_id_batch_id ON quarantine (tenant_id, batch_id);
CREATE TRIGGER lifecycle_guard BEFORE UPDATE ON quarantine
  FOR EACH ROW EXECUTE FUNCTION ctx.lifecycle_guard('quarantine');
INSERT INTO lifecycle_move (machine, from_state, to_state, side) VALUES
  ('quarantine', 'open', 'replayed', 'company'),
  ('quarantine', 'open', 'dismissed', 'company'),
  ('quarantine', 'open', 'expired', 'clock'),
  ('quarantine', 'replayed', 'open', 'clock');

CREATE TABLE import_file (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  source_id uuid NOT NULL,
  name text NOT NULL,
  form text NOT NULL,
  byte_count bigint NOT NULL,
  body bytea,
  window_from timestamptz NOT NULL,
  window_until timestamptz NOT NULL,
  unit_code text,
  operation_id uuid NOT NULL,
  sent_by uuid,
  sent_at timestamptz NOT NULL,
  CONSTRAINT pk__import_file PRIMARY KEY (id),
  CONSTRAINT uq__import_file__tenant_id_id UNIQUE (tenant_id, id),
  CONSTRAINT fk__import_file__tenant_id_source_id FOREIGN KEY (tenant_id, source_id)
    REFERENCES data_source (tenant_id, id),
  CONSTRAINT ck__import_file__form_known CHECK (form IN ('archive', 'table', 'shdr')),
  CONSTRAINT ck__import_file__window_in_order CHECK (window_from < window_until),
  CONSTRAINT ck__import_file__lines_of_one_unit CHECK ((form = 'shdr') = (unit_code IS NOT NULL))
);
CREATE INDEX ix__import_file__tenant_id_sent_at ON import_file (tenant_id, sent_at);
"""

# The id of a fact is made of what it says: the same line said twice is one row, whoever sends it.
FACTS = """
CREATE TABLE state_fact (
  tenant_id uuid NOT NULL,
  unit_id uuid NOT NULL,
  occurred_at timestamptz NOT NULL,
  id uuid NOT NULL,
  item text NOT NULL,
  value text NOT NULL,
  ended_at timestamptz,
  reason_code text,
  rank bigint NOT NULL,
  declared_s double precision,
  stops bigint,
  supersedes_id uuid,
  source_id uuid NOT NULL,
  batch_id uuid NOT NULL,
  recorded_at timestamptz NOT NULL,
  CONSTRAINT pk__state_fact PRIMARY KEY (tenant_id, unit_id, occurred_at, id),
  CONSTRAINT fk__state_fact__tenant_id_unit_id FOREIGN KEY (tenant_id, unit_id)
    REFERENCES unit (tenant_id, place_id),
  CONSTRAINT fk__state_fact__tenant_id_batch_id FOREIGN KEY (tenant_id, batch_id)
    REFERENCES ingest_batch (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT ck__state_fact__rank_known CHECK (rank IN (10, 20, 30, 40, 50)),
  CONSTRAINT ck__state_fact__ends_after_start CHECK (ended_at >= occurred_at),
  CONSTRAINT ck__state_fact__declared_has_end CHECK (declared_s IS NULL OR ended_at IS NOT NULL),
  CONSTRAINT ck__state_fact__declared_not_negative CHECK (declared_s >= 0)
);
CREATE INDEX ix__state_fact__tenant_id_batch_id ON state_fact (tenant_id, batch_id);
CREATE INDEX ix__state_fact__item ON state_fact (tenant_id, unit_id, item, occurred_at);
CREATE INDEX ix__state_fact__spans ON state_fact (tenant_id, unit_id, ended_at)
  WHERE ended_at IS NOT NULL;

CREATE TABLE count_fact (
  tenant_id uuid NOT NULL,
  unit_id uuid NOT NULL,
  occurred_at timestamptz NOT NULL,
  id uuid NOT NULL,
  kind text NOT NULL,
  product_code text,
  counter double precision,
  qty double precision,
  over_s double precision,
  baseline boolean NOT NULL DEFAULT false,
  declared boolean NOT NULL DEFAULT false,
  supersedes_id uuid,
  source_id uuid NOT NULL,
  batch_id uuid NOT NULL,
  recorded_at timestamptz NOT NULL,
  CONSTRAINT pk__count_fact PRIMARY KEY (tenant_id, unit_id, occurred_at, id),
  CONSTRAINT fk__count_fact__tenant_id_unit_id FOREIGN KEY (tenant_id, unit_id)
    REFERENCES unit (tenant_id, place_id),
  CONSTRAINT fk__count_fact__tenant_id_batch_id FOREIGN KEY (tenant_id, batch_id)
    REFERENCES ingest_batch (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT ck__count_fact__kind_known CHECK (kind IN ('produced', 'good', 'scrap', 'rework')),
  CONSTRAINT ck__count_fact__counter_or_quantity CHECK ((counter IS NULL) <> (qty IS NULL)),
  CONSTRAINT ck__count_fact__not_negative CHECK (coalesce(counter, qty) >= 0 AND over_s >= 0)
);
CREATE INDEX ix__count_fact__tenant_id_batch_id ON count_fact (tenant_id, batch_id);

CREATE TABLE energy_fact (
  tenant_id uuid NOT NULL,
  unit_id uuid NOT NULL,
  occurred_at timestamptz NOT NULL,
  id uuid NOT NULL,
  meter text NOT NULL,
  carrier text NOT NULL,
  kind text NOT NULL,
  kwh double precision NOT NULL,
  over_s double precision,
  supersedes_id uuid,
  source_id uuid NOT NULL,
  batch_id uuid NOT NULL,
  recorded_at timestamptz NOT NULL,
  CONSTRAINT pk__energy_fact PRIMARY KEY (tenant_id, unit_id, occurred_at, id),
  CONSTRAINT fk__energy_fact__tenant_id_unit_id FOREIGN KEY (tenant_id, unit_id)
    REFERENCES unit (tenant_id, place_id),
  CONSTRAINT fk__energy_fact__tenant_id_batch_id FOREIGN KEY (tenant_id, batch_id)
    REFERENCES ingest_batch (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT ck__energy_fact__carrier_known CHECK (carrier IN ('electricity', 'steam', 'gas',
    'water', 'air', 'coal', 'heat')),
  CONSTRAINT ck__energy_fact__kind_known CHECK (kind IN ('cumulative', 'interval')),
  CONSTRAINT ck__energy_fact__interval_has_span CHECK (kind = 'cumulative' OR over_s > 0),
  CONSTRAINT ck__energy_fact__not_negative CHECK (kwh >= 0)
);
CREATE INDEX ix__energy_fact__tenant_id_batch_id ON energy_fact (tenant_id, batch_id);

CREATE TABLE shift_sheet (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  unit_id uuid NOT NULL,
  production_day date NOT NULL,
  shift_code text NOT NULL,
  batch_id uuid NOT NULL,
  content jsonb NOT NULL,
  note text NOT NULL DEFAULT '',
  supersedes_id uuid,
  reason text,
  entered_by uuid NOT NULL,
  entered_at timestamptz NOT NULL,
  signed_by uuid,
  signed_at timestamptz,
  CONSTRAINT pk__shift_sheet PRIMARY KEY (id),
  CONSTRAINT uq__shift_sheet__tenant_id_id UNIQUE (tenant_id, id),
  CONSTRAINT uq__shift_sheet__tenant_id_supersedes_id UNIQUE (tenant_id, supersedes_id),
  CONSTRAINT fk__shift_sheet__tenant_id_unit_id FOREIGN KEY (tenant_id, unit_id)
    REFERENCES unit (tenant_id, place_id),
  CONSTRAINT fk__shift_sheet__tenant_id_batch_id FOREIGN KEY (tenant_id, batch_id)
    REFERENCES ingest_batch (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT fk__shift_sheet__tenant_id_supersedes_id FOREIGN KEY (tenant_id, supersedes_id)
    REFERENCES shift_sheet (tenant_id, id),
  CONSTRAINT ck__shift_sheet__correction_has_reason
    CHECK ((supersedes_id IS NULL) = (reason IS NULL)),
  CONSTRAINT ck__shift_sheet__signature_has_author CHECK ((signed_by IS NULL) = (signed_at IS NULL))
);
CREATE UNIQUE INDEX uq__shift_sheet__first ON shift_sheet
  (tenant_id, unit_id, production_day, shift_code) WHERE supersedes_id IS NULL;
CREATE INDEX ix__shift_sheet__tenant_id_production_day ON shift_sheet (tenant_id, production_day);

CREATE TABLE dirty_day (
  tenant_id uuid NOT NULL,
  unit_id uuid NOT NULL,
  production_day date NOT NULL,
  id uuid NOT NULL,
  because text NOT NULL,
  marked_at timestamptz NOT NULL,
  CONSTRAINT pk__dirty_day PRIMARY KEY (tenant_id, unit_id, production_day, id),
  CONSTRAINT fk__dirty_day__tenant_id_unit_id FOREIGN KEY (tenant_id, unit_id)
    REFERENCES unit (tenant_id, place_id),
  CONSTRAINT ck__dirty_day__because_known
    CHECK (because IN ('facts', 'correction', 'rules', 'neighbour', 'clock'))
);
"""

OWN = "tenant_id = (SELECT ctx.tenant_id())"
WORKING = "(SELECT ctx.work_id()) IS NOT NULL"
FROM_SOURCE = f"{OWN} AND source_id = (SELECT ctx.source_id())"
BY_PERSON = f"{OWN} AND (SELECT ctx.person_id()) IS NOT NULL"
MASTER_TABLES = ("unit", "calendar_rule", "product", "product_rate", "stop_reason")
FACT_TABLES = ("state_fact", "count_fact", "energy_fact")
TABLES = (
    *MASTER_TABLES,
    "data_source",
    "ingest_batch",
    "quarantine",
    "import_file",
    *FACT_TABLES,
    "shift_sheet",
    "dirty_day",
)


def policies() -> list[str]:
    """The policies and grants of this revision, table by table."""
    sql = []
    for table in TABLES:
        sql += [
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY {table}_own ON {table} FOR SELECT TO portal_tenant USING ({OWN})",
            f"CREATE POLICY {table}_worker ON {table} FOR SELECT TO portal_worker"
            f" USING ({WORKING})",
            f"GRANT SELECT ON {table} TO portal_tenant, portal_worker",
        ]
    for table in MASTER_TABLES:
        sql += [
            f"CREATE POLICY {table}_add ON {table} FOR INSERT TO portal_tenant WITH CHECK ({OWN})",
            f"CREATE POLICY {table}_edit ON {table} FOR UPDATE TO portal_tenant"
            f" USING ({OWN}) WITH CHECK ({OWN})",
            f"GRANT INSERT ON {table} TO portal_tenant",
        ]
    for table in FACT_TABLES:
        sql += [
            f"CREATE POLICY {table}_send ON {table} FOR INSERT TO portal_ingest"
            f" WITH CHECK ({FROM_SOURCE})",
            f"CREATE POLICY {table}_known ON {table} FOR SELECT TO portal_ingest USING ({OWN})",
            f"CREATE POLICY {table}_enter ON {table} FOR INSERT TO portal_tenant"
            f" WITH CHECK ({BY_PERSON})",
            f"GRANT INSERT ON {table} TO portal_ingest, portal_tenant",
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION ctx.append_only()",
            f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION ctx.append_only()",
        ]
    return sql + REST


# What tells a duplicate from a conflict, and no more: no door returns it.
REST = [
    "GRANT SELECT (tenant_id, unit_id, occurred_at, id, recorded_at, item, rank, ended_at)"
    " ON state_fact TO portal_ingest",
    "GRANT SELECT (tenant_id, unit_id, occurred_at, id, recorded_at, kind, product_code)"
    " ON count_fact TO portal_ingest",
    "GRANT SELECT (tenant_id, unit_id, occurred_at, id, recorded_at, meter)"
    " ON energy_fact TO portal_ingest",
    "GRANT UPDATE (class_code, rated_power_kw, min_stop_s, heartbeat_s, counts_from, state_words,"
    " device_items) ON unit TO portal_tenant",
    "GRANT UPDATE (valid_until) ON calendar_rule TO portal_tenant",
    "GRANT UPDATE (name_zh, name_en, quantity_unit) ON product TO portal_tenant",
    "GRANT UPDATE (pri_s, basis) ON product_rate TO portal_tenant",
    "GRANT UPDATE (name_zh, name_en, state) ON stop_reason TO portal_tenant",
    f"CREATE POLICY unit_named ON unit FOR SELECT TO portal_ingest USING ({OWN})",
    "GRANT SELECT ON unit TO portal_ingest",
    # The group sees which machines there are where the company shares them, nothing of their rules.
    "CREATE POLICY unit_group ON unit FOR SELECT TO portal_group"
    " USING ((SELECT ctx.tenant_id()) IS NOT NULL AND (tenant_id, 'unit') IN"
    " (SELECT s.tenant_id, s.level FROM group_share_level s))",
    "GRANT SELECT (tenant_id, place_id, class_code) ON unit TO portal_group",
    f"CREATE POLICY data_source_add ON data_source FOR INSERT TO portal_tenant WITH CHECK ({OWN})",
    f"CREATE POLICY data_source_edit ON data_source FOR UPDATE TO portal_tenant"
    f" USING ({OWN}) WITH CHECK ({OWN})",
    f"CREATE POLICY data_source_console ON data_source FOR INSERT TO portal_worker"
    f" WITH CHECK ({WORKING})",
    "GRANT INSERT ON data_source TO portal_tenant, portal_worker",
    "GRANT UPDATE (name, state, heartbeat_s, first_seen_at, last_seen_at, last_batch_id)"
    " ON data_source TO portal_tenant",
    f"CREATE POLICY data_source_itself ON data_source FOR SELECT TO portal_ingest"
    f" USING ({OWN} AND id = (SELECT ctx.source_id()))",
    f"CREATE POLICY data_source_seen ON data_source FOR UPDATE TO portal_ingest"
    f" USING ({OWN} AND id = (SELECT ctx.source_id()))"
    f" WITH CHECK ({OWN} AND id = (SELECT ctx.source_id()))",
    "GRANT SELECT ON data_source TO portal_ingest",
    "GRANT UPDATE (state, first_seen_at, last_seen_at, last_batch_id)"
    " ON data_source TO portal_ingest",
    f"CREATE POLICY data_source_watch ON data_source FOR UPDATE TO portal_worker"
    f" USING ({WORKING}) WITH CHECK ({WORKING})",
    "GRANT UPDATE (state) ON data_source TO portal_worker",
    f"CREATE POLICY ingest_batch_send ON ingest_batch FOR INSERT TO portal_ingest"
    f" WITH CHECK ({FROM_SOURCE})",
    f"CREATE POLICY ingest_batch_answer ON ingest_batch FOR SELECT TO portal_ingest"
    f" USING ({FROM_SOURCE})",
    f"CREATE POLICY ingest_batch_enter ON ingest_batch FOR INSERT TO portal_tenant"
    f" WITH CHECK ({OWN} AND sent_by = (SELECT ctx.person_id()))",
    "GRANT INSERT ON ingest_batch TO portal_ingest, portal_tenant",
    "GRANT SELECT ON ingest_batch TO portal_ingest",
    f"CREATE POLICY quarantine_send ON quarantine FOR INSERT TO portal_ingest"
    f" WITH CHECK ({FROM_SOURCE})",
    f"CREATE POLICY quarantine_enter ON quarantine FOR INSERT TO portal_tenant"
    f" WITH CHECK ({BY_PERSON})",
    f"CREATE POLICY quarantine_resolve ON quarantine FOR UPDATE TO portal_tenant"
    f" USING ({OWN}) WITH CHECK ({OWN} AND resolved_by = (SELECT ctx.person_id()))",
    f"CREATE POLICY quarantine_doubt ON quarantine FOR INSERT TO portal_worker"
    f" WITH CHECK ({WORKING})",
    f"CREATE POLICY quarantine_clock ON quarantine FOR UPDATE TO portal_worker"
    f" USING ({WORKING}) WITH CHECK ({WORKING})",
    "GRANT INSERT ON quarantine TO portal_ingest, portal_tenant, portal_worker",
    "GRANT UPDATE (state, resolved_at, resolved_by, reason)"
    " ON quarantine TO portal_tenant, portal_worker",
    f"CREATE POLICY import_file_send ON import_file FOR INSERT TO portal_tenant"
    f" WITH CHECK ({OWN} AND sent_by = (SELECT ctx.person_id()))",
    f"CREATE POLICY import_file_drop ON import_file FOR UPDATE TO portal_worker"
    f" USING ({WORKING}) WITH CHECK ({WORKING})",
    f"CREATE POLICY import_file_console ON import_file FOR INSERT TO portal_worker"
    f" WITH CHECK ({WORKING})",
    "GRANT INSERT ON import_file TO portal_tenant, portal_worker",
    "GRANT UPDATE (body) ON import_file TO portal_worker",
    f"CREATE POLICY shift_sheet_enter ON shift_sheet FOR INSERT TO portal_tenant"
    f" WITH CHECK ({OWN} AND entered_by = (SELECT ctx.person_id()))",
    f"CREATE POLICY shift_sheet_sign ON shift_sheet FOR UPDATE TO portal_tenant"
    f" USING ({OWN} AND signed_at IS NULL)"
    f" WITH CHECK ({OWN} AND signed_by = (SELECT ctx.person_id()))",
    "GRANT INSERT ON shift_sheet TO portal_tenant",
    "GRANT UPDATE (signed_by, signed_at) ON shift_sheet TO portal_tenant",
    f"CREATE POLICY dirty_day_mark ON dirty_day FOR INSERT TO portal_tenant, portal_ingest"
    f" WITH CHECK ({OWN})",
    f"CREATE POLICY dirty_day_waiting ON dirty_day FOR SELECT TO portal_ingest USING ({OWN})",
    f"CREATE POLICY dirty_day_add ON dirty_day FOR INSERT TO portal_worker WITH CHECK ({WORKING})",
    f"CREATE POLICY dirty_day_done ON dirty_day FOR DELETE TO portal_worker USING ({WORKING})",
    "GRANT SELECT (tenant_id) ON dirty_day TO portal_ingest",
    "GRANT INSERT ON dirty_day TO portal_tenant, portal_ingest, portal_worker",
    "GRANT DELETE ON dirty_day TO portal_worker",
]


def upgrade() -> None:
    op.execute(MASTER)
    op.execute(DOORS)
    op.execute(FACTS)
    for statement in policies():
        op.execute(statement)
