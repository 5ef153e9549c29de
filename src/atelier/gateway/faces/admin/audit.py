"""/admin/audit: what administrators did."""

from __future__ import annotations

from pydantic import BaseModel

from atelier.gateway.faces.admin.routes import AdminRoute, Asked, Nothing, page_of
from atelier.state.audit import list_audit
from atelier.state.queries import AuditQuery
from atelier.state.records import AuditRecord


class AuditList(BaseModel):
    """next: what the next page is asked with as `after`; null for the last one."""

    entries: list[AuditRecord]
    next: str | None


async def show_list(asked: Asked[AuditQuery, Nothing]) -> AuditList:
    query = asked.query
    async with asked.gateway.database.connect() as connection:
        rows = await list_audit(connection, query.wanted(), limit=query.limit + 1, after=query.after)
    entries, following = page_of(rows, query, lambda entry: entry.id)
    return AuditList(entries=entries, next=following)


ROUTES = (
    AdminRoute("GET", "/admin/audit", "Administrative acts, the newest first", show_list, AuditQuery, answer=AuditList),
)
