"""The audit log: written with the act or not at all, and never changed."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from atelier.rules import LimitRule
from atelier.state.audit import Actor, AuditFilter, list_audit
from atelier.state.database import Database
from atelier.state.keys import change_key, create_key, list_keys, revoke_key
from atelier.state.limits import clear_limits, replace_limits, set_limit, unset_limit
from atelier.state.records import AuditRecord, KeyChange, NewTenant, TenantChange
from atelier.state.tables import now
from atelier.state.tenants import change_tenant, create_tenant, delete_tenant, ensure_tenant, list_tenants
from postgres_server import on_both

ANN = Actor("cli:ann")
BOB = Actor("acme/bob", request_id="018f-request")


async def entries(database: Database, **more: object) -> list[AuditRecord]:
    async with database.connect() as connection:
        return await list_audit(connection, AuditFilter(**more), limit=100)  # type: ignore[arg-type]


@on_both
async def test_every_act_writes_one_entry(database: Database) -> None:
    async with database.begin() as connection:
        await create_tenant(connection, NewTenant(id="acme", name="Acme", plan="pro"), ["pro"], by=ANN)
        await change_tenant(connection, "acme", TenantChange(name="Acme Ltd", plan=None), [], by=ANN)
        await change_tenant(connection, "acme", TenantChange(suspended=True), [], by=ANN)
        await change_tenant(connection, "acme", TenantChange(suspended=True), [], by=ANN)  # changes nothing
        await change_tenant(connection, "acme", TenantChange(suspended=False), [], by=ANN)
        key = await create_key(connection, "acme", by=BOB, services=["text-to-image"])
        await change_key(connection, key, KeyChange(services=None, expires_at=now() + timedelta(days=1)), by=BOB)
        await revoke_key(connection, key, by=BOB)
        await set_limit(connection, "acme", LimitRule(requests=5), by=ANN)
        await unset_limit(connection, "acme", LimitRule(requests=0), by=ANN)
        await replace_limits(connection, "acme", [LimitRule(units=5), LimitRule(concurrent=1)], by=ANN)
        await clear_limits(connection, "acme", by=ANN)
        await delete_tenant(connection, "acme", purge=False, by=ANN)
    found = (await entries(database))[::-1]
    assert [entry.action for entry in found] == [
        "tenant.create", "tenant.change", "tenant.suspend", "tenant.resume",
        "key.create", "key.change", "key.revoke",
        "limits.set", "limits.unset", "limits.set", "limits.unset", "tenant.delete",
    ]  # fmt: skip
    assert {entry.tenant for entry in found} == {"acme"}, "they outlive the tenant"
    assert found[1].details == {
        "name": {"from": "Acme", "to": "Acme Ltd"},
        "plan": {"from": "pro", "to": None},
    }
    by = {(entry.actor, entry.request_id) for entry in found if entry.action.startswith("key")}
    assert by == {("acme/bob", "018f-request")}
    assert found[5].details["services"] == {"from": ["text-to-image"], "to": None}
    assert found[7].details == {"limits": [{"service": "*", "requests": 5, "per": "hour"}]}
    assert key.split("_", 2)[2] not in str(found), "no secret"


@on_both
async def test_an_act_that_fails_leaves_no_entry_and_an_entry_that_fails_no_act(database: Database) -> None:
    async def both(fail: bool) -> None:
        async with database.begin() as connection:
            await create_tenant(connection, NewTenant(id="acme"), [], by=ANN)
            if fail:
                raise RuntimeError

    with pytest.raises(RuntimeError):
        await both(fail=True)
    async with database.connect() as connection:
        assert await list_tenants(connection) == []
    assert await entries(database) == []
    async with database.begin() as connection:
        await connection.execute(text('ALTER TABLE "AuditEntry" RENAME TO "Away"'))
    with pytest.raises(DBAPIError):
        await both(fail=False)
    async with database.connect() as connection:
        assert await list_tenants(connection) == []


CHANGES = [
    "UPDATE \"AuditEntry\" SET actor = 'nobody'",
    'DELETE FROM "AuditEntry"',
    'UPDATE "AuditEntry" SET actor = \'nobody\' WHERE id = (SELECT MAX(id) FROM "AuditEntry")',
]
REPLACE = (
    'INSERT OR REPLACE INTO "AuditEntry" (id, actor, action, target, "createdAt") '
    'SELECT id, \'nobody\', action, target, "createdAt" FROM "AuditEntry"'
)


@on_both
async def test_the_database_refuses_to_change_an_entry(database: Database, location: str) -> None:
    async with database.begin() as connection:
        await ensure_tenant(connection, "acme")
        await create_key(connection, "acme", by=ANN)
    before = await entries(database)
    for statement in [*CHANGES, REPLACE if location.startswith("sqlite") else 'TRUNCATE "AuditEntry"']:
        with pytest.raises(DBAPIError, match="never changed or deleted"):
            async with database.begin() as connection:
                await connection.execute(text(statement))
    assert await entries(database) == before
    assert len(before) == 1


async def test_another_program_cannot_change_one_either(database: Database, tmp_path: Path) -> None:
    async with database.begin() as connection:
        await create_key(connection, "acme", by=ANN)
    with sqlite3.connect(tmp_path / "atelier.db") as other, pytest.raises(sqlite3.DatabaseError, match="never changed"):
        other.execute(CHANGES[0])


@on_both
async def test_entries_are_found_by_what_they_are_about_the_newest_first(database: Database) -> None:
    async with database.begin() as connection:
        for number in range(5):
            await create_tenant(connection, NewTenant(id=f"t{number}"), [], by=ANN if number % 2 else BOB)
        await create_key(connection, "t1", by=BOB)
        [key] = await list_keys(connection, "t1")
    assert [entry.target for entry in await entries(database)] == [key.id, "t4", "t3", "t2", "t1", "t0"]
    assert [entry.target for entry in await entries(database, actor="cli:ann")] == ["t3", "t1"]
    assert [entry.action for entry in await entries(database, tenant="t1")] == ["key.create", "tenant.create"]
    assert [entry.tenant for entry in await entries(database, target=key.id)] == ["t1"]
    middle = (await entries(database))[3].created_at
    assert len(await entries(database, first=middle)) == 4
    assert len(await entries(database, before=middle)) == 2
    async with database.connect() as connection:
        first = await list_audit(connection, AuditFilter(), limit=4)
        rest = await list_audit(connection, AuditFilter(), limit=4, after=first[-1].id)
    assert [entry.target for entry in first + rest] == [key.id, "t4", "t3", "t2", "t1", "t0"]
