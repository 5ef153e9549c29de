"""Tenants and cost: who used what, from the rows of "AIUsage" (docs/database.md). Cost is in the unit of the prices."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import QueryVariable
from grafana_foundation_sdk.models.dashboard import Dashboard, VariableOption, VariableRefresh, VariableSort

from boards.panels import BAD, FAIR, GOOD, board, columns, number, rows
from boards.sql import POSTGRES, Sql

_MEANT = '$__timeFilter("createdAt") AND "tenantId" IN (${tenant:sqlstring})'
"""The rows of the time and the tenants that are shown. For all of them the variable stands for a question itself."""

_EVERY = 'SELECT id FROM "Tenant"'


def _one(value: str) -> Sql:
    return Sql(f'SELECT {value} AS value FROM "AIUsage" WHERE {_MEANT}')


def _by_day(value: str, by: str) -> Sql:
    day = """$__timeGroupAlias("createdAt",'1d',0)"""
    grouped = f'FROM "AIUsage" WHERE {_MEANT} GROUP BY 1, 2 ORDER BY 1'
    return Sql(f"SELECT {day}, {by} AS metric, {value} AS value {grouped}", over_time=True)


_LARGEST = f"""CASE WHEN "tenantId" IN (
  SELECT "tenantId" FROM "AIUsage" WHERE {_MEANT} GROUP BY 1 ORDER BY SUM(cost) DESC, COUNT(*) DESC LIMIT 8
) THEN "tenantId" ELSE 'all others' END"""

NOW = [
    number("Cost", "By the table `prices` of atelier.toml.", "short", _one("COALESCE(SUM(cost), 0)"), decimals=2),
    number("Requests", "That were admitted; refused ones are not in the table.", "short", _one("COUNT(*)")),
    number(
        "Failed", "Share of the requests that failed; cancelled ones are not among them.", "percentunit",
        _one("COALESCE(AVG((status = 'failed')::int), 0)"), steps=((None, GOOD), (0.01, FAIR), (0.05, BAD)), decimals=2,
    ),
    number("Tenants", "That had any request.", "short", _one('COUNT(DISTINCT "tenantId")')),
    number("Time of devices", "What the models were at work.", "ms", _one('COALESCE(SUM("computeMs"), 0)'), decimals=1),
    number(
        "From kept answers", "Share of the requests that no model had to work for.", "percentunit",
        _one("COALESCE(AVG(cached::int), 0)"), decimals=1,
    ),
]  # fmt: skip

DAYS = [
    columns("Cost by service", "By day, in UTC.", "short", _by_day("SUM(cost)", "service")),
    columns("Requests by service", "By day, in UTC.", "short", _by_day("COUNT(*)", "service")),
    columns("Cost by tenant", "By day, in UTC: the eight that cost most, and the others.", "short",
            _by_day("SUM(cost)", _LARGEST)),
    columns("Requests by how they ended", "By day, in UTC.", "short", _by_day("COUNT(*)", "status")),
]  # fmt: skip

WHO = [
    rows(
        "Tenants", "The fifty that cost most.",
        Sql(f"""SELECT t.name AS "Tenant", t.id AS "Id", COALESCE(t.plan, 'none') AS "Plan", COUNT(*) AS "Requests",
  SUM(u.cost) AS "Cost", AVG((u.status = 'failed')::int) AS "Failed", SUM(u."computeMs") AS "Time of devices",
  MAX(u."createdAt") AS "Last request"
FROM (
  SELECT "tenantId", cost, status, "computeMs", "createdAt" FROM "AIUsage" WHERE {_MEANT}
) u JOIN "Tenant" t ON t.id = u."tenantId"
GROUP BY t.id, t.name, t.plan ORDER BY SUM(u.cost) DESC, COUNT(*) DESC LIMIT 50"""),
        units={"Failed": "percentunit", "Time of devices": "ms", "Last request": "dateTimeFromNow"}, height=10,
    ),
    rows(
        "Services and models", "What was made, in the unit of each service, and how long requests took.",
        Sql(f"""SELECT service AS "Service", COALESCE("modelUsed", 'none') AS "Model", COUNT(*) AS "Requests",
  SUM(units) AS "Units", unit AS "Unit", SUM(cost) AS "Cost",
  percentile_cont(0.5) WITHIN GROUP (ORDER BY duration) AS "Median",
  percentile_cont(0.95) WITHIN GROUP (ORDER BY duration) AS "95 %"
FROM "AIUsage" WHERE {_MEANT} GROUP BY service, "modelUsed", unit ORDER BY SUM(cost) DESC, COUNT(*) DESC LIMIT 50"""),
        units={"Median": "ms", "95 %": "ms"}, width=14,
    ),
    rows(
        "What failed requests", "The codes of errors, by service.",
        Sql(f"""SELECT service AS "Service", COALESCE(error, 'none told') AS "Code", COUNT(*) AS "Requests",
  COUNT(DISTINCT "tenantId") AS "Tenants", MAX("createdAt") AS "Last"
FROM "AIUsage" WHERE {_MEANT} AND status = 'failed' GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 50"""),
        units={"Last": "dateTimeFromNow"}, width=10,
    ),
    rows(
        "Who served", "Upstreams, and how often another stood in.",
        Sql(f"""SELECT service AS "Service", COALESCE(upstream, 'none') AS "Upstream", COUNT(*) AS "Requests",
  AVG(fallback::int) AS "Stood in", SUM(cost) AS "Cost"
FROM "AIUsage" WHERE {_MEANT} GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 50"""),
        units={"Stood in": "percentunit"},
    ),
]  # fmt: skip


def tenants() -> Dashboard:
    chosen = QueryVariable("tenant").label("Tenant").datasource(POSTGRES).multi(True).sort(VariableSort.DISABLED)
    chosen.query("""SELECT name || ' (' || id || ')' AS __text, id AS __value FROM "Tenant" ORDER BY name LIMIT 1000""")
    chosen.include_all(True).all_value(_EVERY).refresh(VariableRefresh.ON_DASHBOARD_LOAD)
    chosen.current(VariableOption(text=["All"], value=["$__all"], selected=True))
    sections = [("In the time that is shown", NOW), ("By day", DAYS), ("Who and what", WHO)]
    about = "What tenants used and what it costs, from the database."
    return board(
        "Atelier: tenants and cost", "atelier-tenants", about, sections, [chosen], since="now-30d", refresh="5m"
    )
