"""/admin/audit: what administrators did."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from atelier.gateway.faces.admin.routes import AdminRoute, Asked, Nothing, Page, page_of
from atelier.state.audit import Action, AuditFilter, list_audit
from atelier.state.records import AuditRecord, Instant, TenantName


class AuditQuery(Page):
    tenant: TenantName | None = None
    actor: Annotated[str | None, Field(max_length=300, description="Who acted: tenant/user, or cli:name.")] = None
    action: Action | None = None
    target: Annotated[str | None, Field(max_length=300, description="The id of a tenant or a key.")] = None
    first: Annotated[Instant | None, Field(alias="from", description="From this moment on; without a zone UTC.")] = None
    before: Annotated[Instant | None, Field(alias="to", description="Before this moment; without a zone UTC.")] = None


class AuditList(BaseModel):
    """next: what the next page is asked with as `after`; null for the last one."""

    entries: list[AuditRecord]
    next: str | None


async def show_list(asked: Asked[AuditQuery, Nothing]) -> AuditList:
    query = asked.query
    wanted = AuditFilter(query.tenant, query.actor, query.action, query.target, query.first, query.before)
    async with asked.gateway.database.connect() as connection:
        rows = await list_audit(connection, wanted, limit=query.limit + 1, after=query.after)
    entries, following = page_of(rows, query, lambda entry: entry.id)
    return AuditList(entries=entries, next=following)


ROUTES = (
    AdminRoute("GET", "/admin/audit", "Administrative acts, the newest first", show_list, AuditQuery, answer=AuditList),
)
