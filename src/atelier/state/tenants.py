"""Tenants: made by hand, or the first time that a token names one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from atelier.state.rows import insert_once, storable
from atelier.state.tables import tenants

MOST_TENANT_CHARACTERS = 128


def is_tenant_name(tenant: str) -> bool:
    """Whether it can be a tenant's id: 1 to 128 printable characters."""
    return 1 <= len(tenant) <= MOST_TENANT_CHARACTERS and tenant.isprintable() and tenant == tenant.strip()


async def ensure_tenant(connection: AsyncConnection, tenant: str, name: str | None = None) -> bool:
    """True where it was not there before."""
    return await insert_once(connection, tenants, {"id": tenant, "name": storable(name or tenant, 200)})


async def list_tenants(connection: AsyncConnection) -> list[dict[str, Any]]:
    rows = await connection.execute(select(tenants).order_by(tenants.c.createdAt, tenants.c.id))
    return [dict(row._mapping) for row in rows]
