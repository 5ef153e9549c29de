"""The example query of docs/database.md: Prisma's own client, on the tables that Atelier migrates in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable

from uuid_utils import uuid7

from atelier.catalog import SERVICES
from atelier.contracts.base import Usage
from atelier.gateway.auth import Caller
from atelier.gateway.usage import Ledger, UsageRecord
from atelier.state.database import open_database
from postgres_server import Postgres


def record(tenant: str, service: str, units: float) -> UsageRecord:
    made = UsageRecord(str(uuid7()), Caller(tenant), SERVICES[service], "made", status="succeeded")
    made.delivered = Usage(units=units)
    return made


async def test_the_month_of_one_tenant(postgres: Postgres, migrated: str, node: Callable[..., str]) -> None:
    url = postgres.new_database(like=migrated)
    database = await open_database(url)
    for tenant, service, units in [
        ("acme", "text-to-image", 2),
        ("acme", "text-to-image", 1),
        ("acme", "text-to-speech", 18),
        ("globex", "text-to-image", 4),
    ]:
        await Ledger(database).settle(record(tenant, service, units))
    await database.dispose()
    postgres.ask(
        url,
        """INSERT INTO "AIUsage" ("id", "tenantId", "service", "requestType", "duration", "status", "units", "unit",
           "createdAt") SELECT 'long-ago', "tenantId", "service", "requestType", "duration", "status", 100, "unit",
           date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - interval '1 ms'
           FROM "AIUsage" WHERE "tenantId" = 'acme' LIMIT 1""",
    )
    node("node_modules/prisma/build/index.js", "generate", PRISMA_SCHEMA_ENGINE_BINARY="/bin/false")
    printed = node("examples/usage-with-prisma.ts", DATABASE_URL=url, TENANT="acme")
    assert printed.splitlines() == [
        "text-to-image: 2 requests, 3 images, 0",
        "text-to-speech: 1 requests, 18 characters, 0",
    ]
