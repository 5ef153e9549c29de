"""API keys: shown once, stored as a hash, found by their public part.

A key is `atl_<id>_<secret>`: the id finds the row, the secret has 256 random bits, so a plain SHA-256 keeps it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from atelier.state.rows import storable
from atelier.state.tables import api_keys, now
from atelier.state.tenants import ensure_tenant

PREFIX = "atl_"


@dataclass(frozen=True)
class KeyOwner:
    key: str
    tenant: str
    admin: bool


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


async def create_key(connection: AsyncConnection, tenant: str, *, name: str = "", admin: bool = False) -> str:
    """The new key in full: nothing else ever shows it again."""
    await ensure_tenant(connection, tenant)
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    row = {
        "id": key_id,
        "tenantId": tenant,
        "name": storable(name, 200) or "key",
        "hash": _hash(secret),
        "admin": admin,
    }
    await connection.execute(api_keys.insert().values(row))
    return f"{PREFIX}{key_id}_{secret}"


async def find_owner(connection: AsyncConnection, key: str) -> KeyOwner | None:
    """Whose key it is; None for one that is unknown, wrong or revoked. The comparison takes constant time."""
    key_id, _, secret = key.removeprefix(PREFIX).partition("_")
    found = (await connection.execute(select(api_keys).where(api_keys.c.id == key_id))).one_or_none()
    expected = found.hash if found else _hash("")
    if not hmac.compare_digest(expected, _hash(secret)) or found is None or found.revokedAt is not None:
        return None
    return KeyOwner(key=found.id, tenant=found.tenantId, admin=found.admin)


async def list_keys(connection: AsyncConnection, tenant: str | None = None) -> list[dict[str, Any]]:
    """Everything but the hashes."""
    columns = [column for column in api_keys.c if column.name != "hash"]
    query = select(*columns).order_by(api_keys.c.createdAt, api_keys.c.id)
    if tenant is not None:
        query = query.where(api_keys.c.tenantId == tenant)
    return [dict(row._mapping) for row in await connection.execute(query)]


async def revoke_key(connection: AsyncConnection, key_id: str) -> bool:
    """False where there is no such key in use."""
    key_id = key_id.removeprefix(PREFIX).partition("_")[0]
    query = update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revokedAt.is_(None))
    return (await connection.execute(query.values(revokedAt=now()))).rowcount == 1
