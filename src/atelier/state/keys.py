"""API keys: shown once, stored as a hash, found by their public part.

A key is `atl_<id>_<secret>`: the id finds the row, the secret has 256 random bits, so a plain SHA-256 keeps it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from atelier.errors import InvalidRequest, NotFound
from atelier.state.audit import Actor, record
from atelier.state.records import Key, KeyChange, NewKey
from atelier.state.rows import storable
from atelier.state.tables import api_keys, now
from atelier.state.tenants import ensure_tenant

PREFIX = "atl_"

_SHOWN = [column for column in api_keys.c if column.name != "hash"]


@dataclass(frozen=True)
class KeyOwner:
    """Whose key it is, what it is for (services: none is every one), and until when it is good."""

    key: str
    tenant: str
    admin: bool
    services: frozenset[str] | None = None
    expires_at: datetime | None = None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def key_id(key: str) -> str:
    """The public part of a key, or of an id with or without its prefix."""
    return key.removeprefix(PREFIX).partition("_")[0]


async def create_key(
    connection: AsyncConnection,
    tenant: str,
    *,
    by: Actor,
    name: str = "key",
    admin: bool = False,
    services: Sequence[str] | None = None,
    expires_at: datetime | None = None,
) -> str:
    """The new key in full: nothing else ever shows it again. A tenant that is not there yet is made."""
    made = await ensure_tenant(connection, tenant)
    public, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    row = {
        "id": public,
        "tenantId": tenant,
        "name": storable(name, 200) or "key",
        "admin": admin,
        "services": _stored(services),
        "expiresAt": expires_at,
    }
    await connection.execute(api_keys.insert().values({**row, "hash": _hash(secret)}))
    details = {"name": row["name"], "admin": admin, "services": services, "expires_at": expires_at, "tenant_made": made}
    await record(connection, by, "key.create", public, tenant=tenant, details=details)
    return f"{PREFIX}{public}_{secret}"


async def issue_key(connection: AsyncConnection, wanted: NewKey, *, by: Actor) -> str:
    """As create_key, for what a person asked. Raises InvalidRequest for an end that is in the past."""
    return await create_key(
        connection,
        wanted.tenant,
        by=by,
        name=wanted.name,
        admin=wanted.admin,
        services=wanted.services,
        expires_at=_end(wanted),
    )


def _end(wanted: NewKey) -> datetime | None:
    if wanted.expires_in_days is None:
        return _ahead(wanted.expires_at)
    if wanted.expires_at is not None:
        raise InvalidRequest("expires_at: give it or expires_in_days, not both", field="expires_at")
    return now() + timedelta(days=wanted.expires_in_days)


def _ahead(moment: datetime | None) -> datetime | None:
    if moment is not None and moment <= now():
        raise InvalidRequest("expires_at: is in the past; revoke the key to end it now", field="expires_at")
    return moment


async def find_owner(connection: AsyncConnection, key: str) -> KeyOwner | None:
    """Whose key it is; None for one that is unknown, wrong or revoked. The comparison takes constant time.

    A key whose time is over is found too: who has all of it may be told why it is refused.
    """
    public, _, secret = key.removeprefix(PREFIX).partition("_")
    found = (await connection.execute(select(api_keys).where(api_keys.c.id == public))).one_or_none()
    expected = found.hash if found else _hash("")
    if not hmac.compare_digest(expected, _hash(secret)) or found is None or found.revokedAt is not None:
        return None
    services = _read(found.services)
    return KeyOwner(
        key=found.id,
        tenant=found.tenantId,
        admin=found.admin,
        services=None if services is None else frozenset(services),
        expires_at=found.expiresAt,
    )


async def list_keys(
    connection: AsyncConnection, tenant: str | None = None, *, after: str | None = None, limit: int | None = None
) -> list[Key]:
    """Everything but the hashes, in the order of ids. after: the last id of the page before."""
    query = select(*_SHOWN).order_by(api_keys.c.id).limit(limit)
    if tenant is not None:
        query = query.where(api_keys.c.tenantId == tenant)
    if after is not None:
        query = query.where(api_keys.c.id > after)
    return [_key(row) for row in await connection.execute(query)]


async def change_key(connection: AsyncConnection, key: str, change: KeyChange, *, by: Actor) -> Key:
    """Raises NotFound for a key that is not in use, InvalidRequest for an end that is in the past."""
    before = await _in_use(connection, key)
    given = {name: getattr(change, name) for name in change.model_fields_set}
    _ahead(given.get("expires_at"))
    changed = {name: value for name, value in given.items() if value != getattr(before, name)}
    if not changed:
        return before
    columns = {"name": "name", "services": "services", "expires_at": "expiresAt"}
    row = {columns[name]: _stored(value) if name == "services" else value for name, value in changed.items()}
    await connection.execute(update(api_keys).where(api_keys.c.id == before.id).values(row))
    details = {name: {"from": getattr(before, name), "to": value} for name, value in changed.items()}
    await record(connection, by, "key.change", before.id, tenant=before.tenant, details=details)
    return before.model_copy(update=changed)


async def revoke_key(connection: AsyncConnection, key: str, *, by: Actor) -> Key:
    """Raises NotFound where there is no such key in use."""
    found = await _in_use(connection, key)
    moment = now()
    await connection.execute(update(api_keys).where(api_keys.c.id == found.id).values(revokedAt=moment))
    await record(connection, by, "key.revoke", found.id, tenant=found.tenant, details={"name": found.name})
    return found.model_copy(update={"revoked_at": moment})


async def write_last_used(connection: AsyncConnection, used: Mapping[str, datetime]) -> None:
    """When keys were last used, by their ids; a later moment that another gateway wrote stays."""
    older = or_(api_keys.c.lastUsedAt.is_(None), api_keys.c.lastUsedAt < bindparam("moment"))
    statement = update(api_keys).where(api_keys.c.id == bindparam("key"), older).values(lastUsedAt=bindparam("moment"))
    # In one order everywhere: two gateways that write the same keys must not wait for each other.
    await connection.execute(statement, [{"key": key, "moment": moment} for key, moment in sorted(used.items())])


async def read_key(connection: AsyncConnection, key: str) -> Key:
    """Raises NotFound."""
    found = (await connection.execute(select(*_SHOWN).where(api_keys.c.id == key_id(key)))).one_or_none()
    if found is None:
        raise NotFound("There is no such key", field="key")
    return _key(found)


async def _in_use(connection: AsyncConnection, key: str) -> Key:
    """The row, locked until the transaction ends where the database can do that."""
    query = select(*_SHOWN).where(api_keys.c.id == key_id(key), api_keys.c.revokedAt.is_(None)).with_for_update()
    found = (await connection.execute(query)).one_or_none()
    if found is None:
        raise NotFound("There is no such key in use", field="key")
    return _key(found)


def _stored(services: Sequence[str] | None) -> str | None:
    return None if services is None else ",".join(services)


def _read(services: str | None) -> list[str] | None:
    return None if services is None else services.split(",")


def _key(row: Row[Any]) -> Key:
    return Key(
        id=row.id,
        tenant=row.tenantId,
        name=row.name,
        admin=row.admin,
        services=_read(row.services),
        expires_at=row.expiresAt,
        last_used_at=row.lastUsedAt,
        created_at=row.createdAt,
        revoked_at=row.revokedAt,
    )
