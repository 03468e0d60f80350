-- Roles of the cluster; run through ADMIN_DATABASE_URL by `app.py migrate`, twice = once.
-- Names are fixed: one deployment per PostgreSQL cluster. Passwords of the two logins are set by
-- the one who runs the server (the embedded server sets its own).
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['owner', 'tenant', 'group', 'platform', 'bank', 'auditor', 'ingest', 'authn', 'worker'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'portal_' || name) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', 'portal_' || name);
    END IF;
  END LOOP;
  FOREACH name IN ARRAY ARRAY['portal_login', 'portal_jobs'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
      EXECUTE format('CREATE ROLE %I LOGIN NOINHERIT', name);
    END IF;
  END LOOP;
END
$$;
GRANT portal_tenant, portal_group, portal_platform, portal_bank, portal_auditor, portal_ingest, portal_authn
  TO portal_login, portal_jobs WITH INHERIT FALSE, SET TRUE;
GRANT portal_worker TO portal_jobs WITH INHERIT FALSE, SET TRUE;
GRANT portal_owner TO CURRENT_USER WITH SET TRUE;
ALTER ROLE portal_login SET search_path = portal, jobs;
ALTER ROLE portal_jobs SET search_path = portal, jobs;
ALTER ROLE portal_login SET statement_timeout = '15s';
ALTER ROLE portal_login SET transaction_timeout = '60s';
ALTER ROLE portal_jobs SET statement_timeout = '10min';
ALTER ROLE portal_jobs SET transaction_timeout = '1h';
DO $$
BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO portal_login, portal_jobs', current_database());
  EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO portal_ingest', current_database());
  EXECUTE format('GRANT CREATE ON DATABASE %I TO portal_owner', current_database());
END
$$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
CREATE SCHEMA IF NOT EXISTS portal AUTHORIZATION portal_owner;
CREATE SCHEMA IF NOT EXISTS ctx AUTHORIZATION portal_owner;
CREATE SCHEMA IF NOT EXISTS jobs AUTHORIZATION portal_owner;
