-- The role by which Grafana reads: what was used and by which tenant, and nothing else (no users, no keys, no limits).
-- Run it once, as the owner of the database; then give the role a password: \password atelier_grafana
DO $$ BEGIN
  CREATE ROLE atelier_grafana LOGIN;
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;

GRANT SELECT (
  "tenantId", service, "modelUsed", duration, status, error, units, unit, "computeMs", cost, upstream, fallback, cached,
  "createdAt"
) ON "AIUsage" TO atelier_grafana;
GRANT SELECT (id, name, plan) ON "Tenant" TO atelier_grafana;

-- A dashboard over many months must not keep the database from its work.
ALTER ROLE atelier_grafana SET statement_timeout = '30s';
ALTER ROLE atelier_grafana SET default_transaction_read_only = on;
