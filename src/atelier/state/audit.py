"""The audit log: who did which administrative act to what. Entries are only added; the database refuses the rest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils import uuid7

from atelier.state.records import AuditRecord
from atelier.state.rows import storable
from atelier.state.tables import audit

Action = Literal[
    "tenant.create",
    "tenant.change",
    "tenant.suspend",
    "tenant.resume",
    "tenant.delete",
    "key.create",
    "key.change",
    "key.revoke",
    "limits.set",
    "limits.unset",
    "voice.create",
    "voice.delete",
    "database.restore",
]


@dataclass(frozen=True)
class Actor:
    """Who acts. name: tenant and user (or key) of a request, or `cli:` and the operating system's user."""

    name: str
    request_id: str | None = None


@dataclass(frozen=True)
class AuditFilter:
    """Which entries: of one tenant, actor, action or target, from `first` on and before `before`."""

    tenant: str | None = None
    actor: str | None = None
    action: str | None = None
    target: str | None = None
    first: datetime | None = None
    before: datetime | None = None


async def record(
    connection: AsyncConnection,
    by: Actor,
    action: Action,
    target: str,
    *,
    tenant: str | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """One entry, in the transaction of the act itself: neither is there without the other."""
    row = {
        "id": str(uuid7()),
        "actor": storable(by.name, 300),
        "action": action,
        "target": storable(target, 300),
        "tenantId": tenant,
        "details": json.dumps(details or {}, default=_written, ensure_ascii=False),
        "requestId": by.request_id,
    }
    await connection.execute(audit.insert().values(row))


def _written(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


async def list_audit(
    connection: AsyncConnection, wanted: AuditFilter, *, limit: int, after: str | None = None
) -> list[AuditRecord]:
    """The newest first. after: the id of the last entry of the page before."""
    query = _filtered(wanted).order_by(audit.c.id.desc()).limit(limit)  # a UUIDv7 is in the order of time
    if after is not None:
        query = query.where(audit.c.id < after)
    return [_record(row) for row in await connection.execute(query)]


def _filtered(wanted: AuditFilter) -> Select[Any]:
    equal = (
        (audit.c.tenantId, wanted.tenant),
        (audit.c.actor, wanted.actor),
        (audit.c.action, wanted.action),
        (audit.c.target, wanted.target),
    )
    query = select(audit).where(*(column == value for column, value in equal if value is not None))
    if wanted.first is not None:
        query = query.where(audit.c.createdAt >= wanted.first)
    if wanted.before is not None:
        query = query.where(audit.c.createdAt < wanted.before)
    return query


def _record(row: Row[Any]) -> AuditRecord:
    return AuditRecord(
        id=row.id,
        created_at=row.createdAt,
        actor=row.actor,
        action=row.action,
        target=row.target,
        tenant=row.tenantId,
        details=json.loads(row.details),
        request_id=row.requestId,
    )
