"""/admin/tenants and /admin/plans: make tenants, look at them, put them on plans, suspend and delete them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from atelier.errors import Conflict
from atelier.gateway.faces.admin.limits import ShownLimit
from atelier.gateway.faces.admin.routes import AdminRoute, Asked, Nothing, page_of
from atelier.gateway.removal import remove_tenant
from atelier.rules import Plan
from atelier.state.limits import read_limits
from atelier.state.queries import DeleteQuery, TenantsQuery
from atelier.state.records import NewTenant, Tenant, TenantChange, UsageSum
from atelier.state.tenants import change_tenant, count_keys, create_tenant, list_tenants, read_tenant
from atelier.state.usage_export import UsageFilter, sum_usage, this_month

PLANS_NOTE = "Plans are part of atelier.toml: change them there and start the gateways again"


class TenantList(BaseModel):
    """next: what the next page is asked with as `after`; null for the last one."""

    tenants: list[Tenant]
    next: str | None


class TenantDetails(Tenant):
    """limits: the tenant's own. keys: those in use. usage: of the present month (UTC), by service."""

    limits: list[ShownLimit]
    keys: int
    usage: list[UsageSum]


class PlanList(BaseModel):
    """Read only: plans are part of the settings."""

    plans: dict[str, ShownPlan]
    read_only: Literal[True] = True
    note: str = PLANS_NOTE


class ShownPlan(BaseModel):
    limits: list[ShownLimit]
    cache: bool
    retention_days: float | None
    loras: list[str] | None

    @classmethod
    def of(cls, plan: Plan) -> ShownPlan:
        return cls(limits=list(plan.limits), cache=plan.cache, retention_days=plan.retention_days, loras=plan.loras)


async def show_list(asked: Asked[TenantsQuery, Nothing]) -> TenantList:
    query = asked.query
    async with asked.gateway.database.connect() as connection:
        rows = await list_tenants(connection, search=query.search, after=query.after, limit=query.limit + 1)
    tenants, following = page_of(rows, query, lambda tenant: tenant.id)
    return TenantList(tenants=tenants, next=following)


async def create(asked: Asked[Nothing, NewTenant]) -> Tenant:
    async with asked.gateway.database.begin() as connection:
        return await create_tenant(connection, asked.body, asked.gateway.plans, by=asked.by)


async def show(asked: Asked[Nothing, Nothing]) -> TenantDetails:
    async with asked.gateway.database.connect() as connection:
        tenant = await read_tenant(connection, asked.name)
        return TenantDetails(
            **dict(tenant),
            limits=list(await read_limits(connection, asked.name)),
            keys=await count_keys(connection, asked.name),
            usage=await sum_usage(connection, UsageFilter(tenant=asked.name, first=this_month())),
        )


async def change(asked: Asked[Nothing, TenantChange]) -> Tenant:
    if asked.body.suspended and asked.name == asked.own:
        raise Conflict("You act as this tenant, and would be out; another administrator has to suspend it")
    async with asked.gateway.database.begin() as connection:
        changed = await change_tenant(connection, asked.name, asked.body, asked.gateway.plans, by=asked.by)
    asked.gateway.tenants.forget(asked.name)
    return changed


async def delete(asked: Asked[DeleteQuery, Nothing]) -> None:
    gateway = asked.gateway
    await remove_tenant(
        gateway.database, gateway.artifacts, gateway.voices, asked.name, purge=asked.query.purge, by=asked.by
    )
    gateway.tenants.forget(asked.name)


async def plans(asked: Asked[Nothing, Nothing]) -> PlanList:
    return PlanList(plans={name: ShownPlan.of(plan) for name, plan in asked.gateway.plans.items()})


ROUTES = (
    AdminRoute("GET", "/admin/tenants", "Tenants, in the order of ids", show_list, TenantsQuery, answer=TenantList),
    AdminRoute("POST", "/admin/tenants", "Make a tenant", create, body=NewTenant, answer=Tenant, status=201),
    AdminRoute(
        "GET", "/admin/tenants/{tenant:path}", "One tenant, with what it may and what it used",
        show, answer=TenantDetails,
    ),
    AdminRoute(
        "PATCH", "/admin/tenants/{tenant:path}", "Rename a tenant, put it on a plan, say what it may use, suspend it",
        change, body=TenantChange, answer=Tenant,
    ),
    AdminRoute(
        "DELETE", "/admin/tenants/{tenant:path}", "Delete a tenant; one with usage only with `purge=true`",
        delete, DeleteQuery, status=204,
    ),
    AdminRoute("GET", "/admin/plans", "The plans, as atelier.toml has them", plans, answer=PlanList),
)  # fmt: skip
