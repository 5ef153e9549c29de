"""Limits of one tenant's own, which count instead of those of its plan: rows of TenantLimit, read as rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy import Row, and_, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from atelier.errors import InvalidRequest, NotFound
from atelier.rules import LimitRule
from atelier.state.audit import Actor, record
from atelier.state.tables import tenant_limits, tenants
from atelier.state.tenants import lora_names, read_tenant

log = structlog.get_logger()


async def read_limits(connection: AsyncConnection, tenant: str) -> tuple[LimitRule, ...]:
    """Raises NotFound."""
    await read_tenant(connection, tenant)
    return await _rules(connection, tenant)


async def read_standing(
    connection: AsyncConnection, tenant: str
) -> tuple[str | None, bool, tuple[LimitRule, ...], bool, list[str] | None]:
    """(plan, whether it is suspended, limits of its own, whether it is commercial, LoRAs of its own), in one query.

    A tenant that is not there yet has none.
    """
    joined = tenants.outerjoin(tenant_limits, tenants.c.id == tenant_limits.c.tenantId)
    own = (tenants.c.plan, tenants.c.suspendedAt, tenants.c.commercial, tenants.c.loras)
    query = select(*own, tenant_limits).select_from(joined)
    rows = (await connection.execute(query.where(tenants.c.id == tenant))).all()
    if not rows:
        return None, False, (), False, None
    limits = [rule for row in rows if row.measure is not None and (rule := _rule(row)) is not None]
    first = rows[0]
    return first.plan, first.suspendedAt is not None, tuple(limits), first.commercial, lora_names(first.loras)


async def set_limit(connection: AsyncConnection, tenant: str, rule: LimitRule, *, by: Actor) -> None:
    """One limit, in the place of another of the same service, measure and window. Raises NotFound, InvalidRequest."""
    await read_tenant(connection, tenant, lock=True)
    row = _row(tenant, rule)
    await connection.execute(delete(tenant_limits).where(_same(row)))
    await connection.execute(tenant_limits.insert().values(row))
    await record(connection, by, "limits.set", tenant, tenant=tenant, details={"limits": [shown(rule)]})


async def replace_limits(connection: AsyncConnection, tenant: str, rules: Sequence[LimitRule], *, by: Actor) -> None:
    """These, and no others. Raises NotFound, and InvalidRequest for two of the same service, measure and window."""
    await read_tenant(connection, tenant, lock=True)
    rows = [_row(tenant, rule) for rule in rules]
    if len({(row["service"], row["measure"], row["per"]) for row in rows}) < len(rows):
        raise InvalidRequest("limits: two are of the same service, measure and window", field="limits")
    before = await _rules(connection, tenant)
    await connection.execute(delete(tenant_limits).where(tenant_limits.c.tenantId == tenant))
    if rows:
        await connection.execute(tenant_limits.insert(), rows)
    details = {"limits": [shown(rule) for rule in rules], "before": [shown(rule) for rule in before]}
    await record(connection, by, "limits.set", tenant, tenant=tenant, details=details)


async def unset_limit(connection: AsyncConnection, tenant: str, rule: LimitRule, *, by: Actor) -> None:
    """The limit of the same service, measure and window, whatever it allows. Raises NotFound."""
    await read_tenant(connection, tenant, lock=True)
    if not (await connection.execute(delete(tenant_limits).where(_same(_row(tenant, rule))))).rowcount:
        raise NotFound("The tenant has no such limit of its own")
    gone = {name: value for name, value in shown(rule).items() if name != rule.measure} | {"measure": rule.measure}
    await record(connection, by, "limits.unset", tenant, tenant=tenant, details=gone)


async def clear_limits(connection: AsyncConnection, tenant: str, *, by: Actor) -> None:
    """All of them: those of its plan count again. Raises NotFound for no such tenant."""
    await read_tenant(connection, tenant, lock=True)
    before = await _rules(connection, tenant)
    if not before:
        return
    await connection.execute(delete(tenant_limits).where(tenant_limits.c.tenantId == tenant))
    details = {"before": [shown(rule) for rule in before]}
    await record(connection, by, "limits.unset", tenant, tenant=tenant, details=details)


def shown(rule: LimitRule) -> dict[str, Any]:
    """As a person writes it: service, window, and the measure with what it allows."""
    return {"service": rule.service, rule.measure: getattr(rule, rule.measure), "per": rule.window}


async def _rules(connection: AsyncConnection, tenant: str) -> tuple[LimitRule, ...]:
    fields = (tenant_limits.c.service, tenant_limits.c.measure, tenant_limits.c.per)
    query = select(tenant_limits).where(tenant_limits.c.tenantId == tenant).order_by(*fields)
    return tuple(rule for row in await connection.execute(query) if (rule := _rule(row)) is not None)


def _rule(row: Row[Any]) -> LimitRule | None:
    """None for a row that another program wrote and that is no limit: it must not keep the others from counting."""
    fields = {row.measure: row.allowed, "per": row.per or None, "service": row.service, "tenant": row.tenantId}
    try:
        return LimitRule.model_validate(fields)
    except ValidationError:
        log.warning("limit not read", tenant=row.tenantId, service=row.service, measure=row.measure, per=row.per)
        return None


def _row(tenant: str, rule: LimitRule) -> dict[str, Any]:
    if rule.tenant not in {"*", tenant}:
        raise InvalidRequest("tenant: leave it out; the limit is this tenant's", field="tenant")
    return {
        "tenantId": tenant,
        "service": rule.service,
        "measure": rule.measure,
        "per": rule.window or "",
        "allowed": float(rule.allowed),
    }


def _same(row: dict[str, Any]) -> Any:
    return and_(*(tenant_limits.c[name] == row[name] for name in ("tenantId", "service", "measure", "per")))
