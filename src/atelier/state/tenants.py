"""Tenants: made by hand, or the first time that a token names one; renamed, put on a plan, suspended and deleted."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Row, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from atelier.errors import Conflict, InvalidRequest, NotFound
from atelier.state.audit import Action, Actor, record
from atelier.state.records import NewTenant, Tenant, TenantChange
from atelier.state.rows import insert_once, storable
from atelier.state.tables import api_keys, artifacts, now, tenants, usage, voices

_MOST_COMPARED = 10_000


async def ensure_tenant(connection: AsyncConnection, tenant: str, name: str | None = None) -> bool:
    """True where it was not there before."""
    return await insert_once(connection, tenants, {"id": tenant, "name": storable(name or tenant, 200)})


async def create_tenant(connection: AsyncConnection, wanted: NewTenant, plans: Collection[str], *, by: Actor) -> Tenant:
    """Raises Conflict where it is there already, InvalidRequest for a plan that is not one of `plans`."""
    _check_plan(wanted.plan, plans)
    row = {"id": wanted.id, **_described(wanted), "loras": _stored(wanted.loras)}
    if not await insert_once(connection, tenants, row):
        raise Conflict("id: there is a tenant of this id already", field="id")
    await record(connection, by, "tenant.create", wanted.id, tenant=wanted.id, details=_described(wanted))
    return await read_tenant(connection, wanted.id)


async def list_tenants(
    connection: AsyncConnection, *, search: str | None = None, after: str | None = None, limit: int | None = None
) -> list[Tenant]:
    """In the order of ids. search: part of an id or a name. after: the last id of the page before."""
    query = select(tenants).order_by(tenants.c.id).limit(limit)
    if search is not None:
        query = query.where(
            or_(tenants.c.id.icontains(search, autoescape=True), tenants.c.name.icontains(search, autoescape=True))
        )
    if after is not None:
        query = query.where(tenants.c.id > after)
    return [_tenant(row) for row in await connection.execute(query)]


async def read_tenant(connection: AsyncConnection, tenant: str, *, lock: bool = False) -> Tenant:
    """Raises NotFound. lock: nobody else changes it until the transaction ends, where the database can do that."""
    query = select(tenants).where(tenants.c.id == tenant)
    found = (await connection.execute(query.with_for_update() if lock else query)).one_or_none()
    if found is None:
        raise NotFound(f"There is no tenant {tenant!r}", field="tenant")
    return _tenant(found)


async def closest_tenant(connection: AsyncConnection, tenant: str) -> str | None:
    """The id that somebody may have meant; None where none is like it. Of very many only the latest are looked at."""
    query = select(tenants.c.id).order_by(tenants.c.createdAt.desc()).limit(_MOST_COMPARED)
    ids = {found.casefold(): found for found in (await connection.execute(query)).scalars()}
    return next((ids[close] for close in get_close_matches(tenant.casefold(), ids, n=1)), None)


async def count_keys(connection: AsyncConnection, tenant: str) -> int:
    """Keys in use: neither revoked nor over."""
    good = or_(api_keys.c.expiresAt.is_(None), api_keys.c.expiresAt > now())
    query = select(func.count()).where(api_keys.c.tenantId == tenant, api_keys.c.revokedAt.is_(None), good)
    return (await connection.execute(query)).scalar_one()


async def change_tenant(
    connection: AsyncConnection, tenant: str, change: TenantChange, plans: Collection[str], *, by: Actor
) -> Tenant:
    """Raises NotFound, or InvalidRequest for a plan that is not one of `plans`. One entry tells all that changed."""
    before = await read_tenant(connection, tenant, lock=True)
    given = {name: getattr(change, name) for name in change.model_fields_set}
    _check_plan(given.get("plan"), plans)
    changed = {name: value for name, value in given.items() if value != getattr(before, name)}
    if not changed:
        return before
    row = {name: value for name, value in changed.items() if name != "suspended"}
    if "loras" in changed:
        row["loras"] = _stored(changed["loras"])
    if "suspended" in changed:
        row["suspendedAt"] = now() if changed["suspended"] else None
    await connection.execute(update(tenants).where(tenants.c.id == tenant).values(row))
    details = {name: {"from": getattr(before, name), "to": value} for name, value in changed.items()}
    await record(connection, by, _action(changed), tenant, tenant=tenant, details=details)
    return await read_tenant(connection, tenant)


async def delete_tenant(
    connection: AsyncConnection, tenant: str, *, purge: bool, by: Actor, artifacts_deleted: int = 0
) -> None:
    """With its keys and limits; with its usage and the rows of its artifacts and voices too where `purge` says so.

    artifacts_deleted: how many went already, for the entry in the log. Raises NotFound, and Conflict for a tenant that
    has usage, artifacts or voices and is not to be purged.
    """
    found = await read_tenant(connection, tenant, lock=True)
    counts = {
        "usage": await _count(connection, usage.c.tenantId == tenant),
        "artifacts": await _count(connection, artifacts.c.tenantId == tenant),
        "voices": await _count(connection, voices.c.tenantId == tenant),
    }
    if any(counts.values()) and not purge:
        raise Conflict(
            f"The tenant has {counts['usage']} usage records, {counts['artifacts']} artifacts and {counts['voices']} "
            "voices, which would be deleted with it: suspend it instead, or ask with purge",
            field="purge",
        )
    await connection.execute(delete(tenants).where(tenants.c.id == tenant))
    counts["artifacts"] += artifacts_deleted
    details = {"name": found.name, "purged": purge, **counts}
    await record(connection, by, "tenant.delete", tenant, tenant=tenant, details=details)


async def suspended_tenants(connection: AsyncConnection, *, limit: int) -> dict[str, str | None]:
    """The plans of those that are suspended, by their ids; the latest first."""
    query = select(tenants.c.id, tenants.c.plan).where(tenants.c.suspendedAt.is_not(None))
    rows = await connection.execute(query.order_by(tenants.c.suspendedAt.desc()).limit(limit))
    return {row.id: row.plan for row in rows}


async def _count(connection: AsyncConnection, condition: Any) -> int:
    return (await connection.execute(select(func.count()).where(condition))).scalar_one()


def _check_plan(plan: str | None, plans: Collection[str]) -> None:
    if plan is not None and plan not in plans:
        known = f"there are {', '.join(plans)}" if plans else "the settings have none (plans in atelier.toml)"
        raise InvalidRequest(f"plan: there is no plan {plan[:60]!r}; {known}", field="plan")


def _described(wanted: NewTenant) -> dict[str, Any]:
    told = {"name": wanted.name or wanted.id, "plan": wanted.plan, "commercial": wanted.commercial}
    return told if wanted.loras is None else {**told, "loras": wanted.loras}


def lora_names(stored: str | None) -> list[str] | None:
    """As the column has them: names with commas between."""
    return None if stored is None else [name for name in stored.split(",") if name]


def _stored(loras: list[str] | None) -> str | None:
    return None if loras is None else ",".join(loras)


def _action(changed: dict[str, Any]) -> Action:
    if "suspended" not in changed:
        return "tenant.change"
    return "tenant.suspend" if changed["suspended"] else "tenant.resume"


def _tenant(row: Row[Any]) -> Tenant:
    return Tenant(
        id=row.id,
        name=row.name,
        plan=row.plan,
        suspended=row.suspendedAt is not None,
        suspended_at=row.suspendedAt,
        commercial=row.commercial,
        loras=lora_names(row.loras),
        created_at=row.createdAt,
    )
