"""The same state on SQLite and on PostgreSQL, and what happens while PostgreSQL is away."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, text

from atelier.catalog import SERVICES
from atelier.contracts.base import Usage
from atelier.errors import Unavailable
from atelier.gateway.auth import Caller
from atelier.gateway.usage import Ledger, UsageRecord
from atelier.settings import SettingsProblem
from atelier.state.audit import Actor
from atelier.state.database import Database, open_database
from atelier.state.keys import create_key, list_keys
from atelier.state.rows import insert_once, storable
from atelier.state.tables import tenants, usage
from atelier.state.tenants import ensure_tenant, list_tenants
from postgres_server import Postgres, on_both, running_postgres

# Word for word as users of the product have it.
QUERY = """SELECT service, COUNT(*) as count, SUM(tokens) as total_tokens FROM "AIUsage" WHERE "tenantId" = 'your-tenant-id' AND
"createdAt" >= date_trunc('month', CURRENT_DATE) GROUP BY service;"""  # noqa: E501
OPERATOR = Actor("cli:ann")


def record(number: int, tenant: str = "your-tenant-id", **more: Any) -> UsageRecord:
    service = list(SERVICES.values())[number % 2]
    kept = UsageRecord(f"00000000-0000-7000-8000-{number:012}", Caller(tenant, user="ann"), service, "made")
    kept.status = "succeeded"
    kept.delivered = Usage(units=number / 3, tokens=number, megapixels=0.1 * number, compute_ms=number / 7)
    for name, value in more.items():
        setattr(kept, name, value)
    return kept


@on_both
async def test_a_record_is_written_once_and_read_back_whole(database: Database) -> None:
    ledger, created = Ledger(database), datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
    for _ in range(2):  # as another process would, that knows nothing of the first
        await ledger.settle(record(3, created=created, model="m" * 300, upstream="http://one:7860"))
    async with database.connect() as connection:
        [row] = (await connection.execute(select(usage))).mappings()
    assert row["createdAt"] == created
    assert row["createdAt"].tzinfo is not None
    assert (row["tenantId"], row["userId"], row["status"], row["units"]) == ("your-tenant-id", "ann", "succeeded", 1.0)
    assert row["modelUsed"] == "m" * 200, "PostgreSQL refuses what does not fit"


@on_both
async def test_a_users_name_from_a_token_cannot_break_the_record(database: Database) -> None:
    await Ledger(database).settle(record(1, caller=Caller("acme", user="a\0b\ud800c")))
    async with database.connect() as connection:
        assert (await connection.execute(select(usage.c.userId))).scalar() == "ab?c"
    assert storable("x" * 300, 200) == "x" * 200


@on_both
async def test_a_tenant_is_made_once_by_all(database: Database) -> None:
    async with database.begin() as connection:
        assert await ensure_tenant(connection, "acme", "Acme Ltd")
        assert not await ensure_tenant(connection, "acme", "Another")
        await create_key(connection, "acme", name="k" * 300, by=OPERATOR)
        [tenant], [key] = await list_tenants(connection), await list_keys(connection, "acme")
    assert (tenant.name, len(key.name)) == ("Acme Ltd", 200)
    assert tenant.created_at.tzinfo is not None


@on_both
async def test_what_is_not_said_has_a_default_also_for_other_programs(database: Database) -> None:
    async with database.begin() as connection:
        await connection.execute(text("""INSERT INTO "Tenant" (id, name) VALUES ('acme', 'Acme')"""))
        await connection.execute(
            text(
                """INSERT INTO "AIUsage" (id, "tenantId", service, "requestType", duration, status, unit)
                VALUES ('1', 'acme', 'text-to-image', 'made', 7, 'succeeded', 'images')"""
            )
        )
    found = await Ledger(database).month("acme", None)
    assert (found["total"], found["services"]["text-to-image"]["tokens"]) == (1, 0)


@on_both
async def test_a_failed_block_leaves_nothing(database: Database) -> None:
    async def break_off() -> None:
        async with database.begin() as connection:
            await insert_once(connection, tenants, {"id": "acme", "name": "Acme"})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await break_off()
    async with database.connect() as connection:
        assert await list_tenants(connection) == []


MOMENTS = [
    datetime(2026, 1, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2026, 2, 1, tzinfo=UTC),
    datetime(2026, 2, 14, 12, tzinfo=UTC),
    datetime(2026, 2, 28, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2026, 3, 1, tzinfo=UTC),
]


async def test_the_months_sums_are_the_same_on_both(postgres: Postgres, tmp_path: Any) -> None:
    found = []
    for where in (f"sqlite+aiosqlite:///{tmp_path / 'atelier.db'}", postgres.new_database()):
        database = await open_database(where)
        ledger = Ledger(database)
        for number in range(30):
            status = ("succeeded", "failed", "cancelled")[number % 3]
            await ledger.settle(record(number, status=status, created=MOMENTS[number % 5]))
        await ledger.settle(record(99, tenant="other", created=MOMENTS[2]))
        found.append([await ledger.month("your-tenant-id", month) for month in ("2026-01", "2026-02", "2026-03")])
        await database.dispose()
    assert json.dumps(found[0]) == json.dumps(found[1])  # types too: a Decimal would not be JSON
    assert [month["total"] for month in found[0]] == [6, 18, 6]


async def test_the_query_of_the_product_works_word_for_word(postgres: Postgres) -> None:
    where = postgres.new_database()
    database = await open_database(where)
    for number in range(4):
        await Ledger(database).settle(record(number))
    await Ledger(database).settle(record(9, created=datetime(2020, 1, 1, tzinfo=UTC)))
    await Ledger(database).settle(record(8, tenant="other"))
    await database.dispose()
    first, second = list(SERVICES)[:2]
    assert sorted(postgres.ask(where, QUERY)) == sorted([[first, "2", "2"], [second, "2", "4"]])
    plan = postgres.ask(where, f"SET enable_seqscan = off; EXPLAIN {QUERY}")
    assert any("AIUsage_tenantId" in line[0] for line in plan), "the month's query has no index"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://ann:s3cret@127.0.0.1:9/atelier", "at 127.0.0.1:9/atelier cannot be used: Connection refused"),
        ("postgres://ann:s3cret@no.such.host.invalid/atelier", "its host is not known"),
        ("postgresql://ann:s3cret/9@127.0.0.1/atelier", "must look like postgresql://"),
        ("postgresql://ann:12#s3cret@127.0.0.1/atelier", "must look like postgresql://"),
        ("postgresql://ann:12?s3cret@127.0.0.1/atelier", "must look like postgresql://"),
        ("postgresql://ann:s3cret@127.0.0.1:many/atelier", "must look like postgresql://"),
        ("postgresql://ann:s3cret@127.0.0.1:9/atelier?sslmode=perhaps", "sslmode"),
    ],
)  # fmt: skip
async def test_a_server_that_cannot_be_used_is_told_without_the_password(url: str, said: str) -> None:
    with pytest.raises(SettingsProblem) as told:
        await open_database(url)
    assert said in str(told.value)
    assert "s3cret" not in str(told.value)


async def test_what_the_server_refuses_is_told_in_its_own_words(postgres: Postgres) -> None:
    with pytest.raises(SettingsProblem, match='database "nowhere" does not exist'):
        await open_database(postgres.url("nowhere"))


async def test_a_schema_of_its_own_holds_every_table(postgres: Postgres) -> None:
    where = postgres.new_database()
    postgres.ask(where, 'CREATE SCHEMA "Studio"')
    database = await open_database(f"{where}?schema=Studio&connection_limit=5")
    await Ledger(database).settle(record(1))
    await database.dispose()
    assert postgres.ask(where, 'SELECT COUNT(*) FROM "Studio"."AIUsage"') == [["1"]]
    assert postgres.ask(where, "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'") == [["0"]]


async def test_a_server_that_goes_and_comes_back_is_refused_and_used_again() -> None:
    with running_postgres() as server:
        database = await open_database(server.new_database())
        ledger = Ledger(database)
        await ledger.settle(record(1))
        server.stop()
        for number in (2, 3):  # the first finds a connection that was cut, the second none
            with pytest.raises(Unavailable, match="cannot be reached at the moment") as told:
                await ledger.settle(record(number))
            assert told.value.retry_after
        server.start()
        await ledger.settle(record(4))
        server.stop()
        server.start()
        await ledger.settle(record(5))  # its pooled connection is dead, and nobody notices
        assert (await ledger.month("your-tenant-id", None))["total"] == 3
        await database.dispose()


async def test_a_pool_that_is_used_up_refuses(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atelier.state.connections.WAIT_SECONDS", 0.05)
    database = await open_database(postgres.new_database(), connections=1)
    async with database.connect() as held:
        await held.execute(text("SELECT 1"))
        with pytest.raises(Unavailable):
            async with database.connect():
                pass
    await database.dispose()
