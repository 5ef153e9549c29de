"""/admin/limits: the limits of one tenant's own."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, WrapSerializer

from atelier.gateway.faces.admin.routes import AdminRoute, Asked, Nothing
from atelier.rules import LimitRule
from atelier.state.limits import clear_limits, read_limits, replace_limits


def _without_nulls(rule: LimitRule, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
    return {name: value for name, value in written(rule).items() if value is not None}


ShownLimit = Annotated[LimitRule, WrapSerializer(_without_nulls)]
"""One measure and what it allows; the other measures are left out."""


class NewLimits(BaseModel):
    """limits: all that the tenant has of its own from now on. Each names one measure."""

    model_config = ConfigDict(extra="forbid")

    limits: Annotated[list[LimitRule], Field(max_length=100)]


class TenantLimits(BaseModel):
    """They count instead of those of its plan."""

    tenant: str
    limits: list[ShownLimit]


async def show(asked: Asked[Nothing, Nothing]) -> TenantLimits:
    async with asked.gateway.database.connect() as connection:
        return TenantLimits(tenant=asked.name, limits=list(await read_limits(connection, asked.name)))


async def replace(asked: Asked[Nothing, NewLimits]) -> TenantLimits:
    async with asked.gateway.database.begin() as connection:
        await replace_limits(connection, asked.name, asked.body.limits, by=asked.by)
        limits = list(await read_limits(connection, asked.name))
    asked.gateway.tenants.forget(asked.name)
    return TenantLimits(tenant=asked.name, limits=limits)


async def clear(asked: Asked[Nothing, Nothing]) -> None:
    async with asked.gateway.database.begin() as connection:
        await clear_limits(connection, asked.name, by=asked.by)
    asked.gateway.tenants.forget(asked.name)


ROUTES = (
    AdminRoute("GET", "/admin/limits/{tenant:path}", "A tenant's own limits", show, answer=TenantLimits),
    AdminRoute(
        "PUT", "/admin/limits/{tenant:path}", "Replace a tenant's own limits",
        replace, body=NewLimits, answer=TenantLimits,
    ),
    AdminRoute(
        "DELETE", "/admin/limits/{tenant:path}", "Take a tenant's own limits away: those of its plan count again",
        clear, status=204,
    ),
)  # fmt: skip
