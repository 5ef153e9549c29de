"""What it cost: one row of AIUsage for every admitted request, settled exactly once, and the month's sums."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import MAXYEAR, UTC, datetime
from typing import Any

from sqlalchemy import case, func, select

from atelier.catalog import SERVICES, Service
from atelier.contracts.base import Usage
from atelier.errors import InvalidRequest
from atelier.gateway.auth import Caller
from atelier.state.database import Database
from atelier.state.rows import insert_once, storable
from atelier.state.tables import usage
from atelier.state.tenants import ensure_tenant


@dataclass
class UsageRecord:
    """A request's row while it is served. `delivered` grows with what the client has had; a failure counts nothing."""

    id: str
    caller: Caller
    service: Service
    request_type: str
    started: float = field(default_factory=time.monotonic)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    status: str = "cancelled"  # until something else is known
    error: str | None = None
    model: str | None = None
    upstream: str | None = None
    delivered: Usage = field(default_factory=Usage)
    settled: bool = False

    def name_upstream(self, url: str) -> None:
        self.upstream = url[:200]

    def row(self) -> dict[str, Any]:
        counted = Usage() if self.status == "failed" else self.delivered
        return {
            "id": self.id,
            "tenantId": self.caller.tenant,
            "userId": self.caller.user and storable(self.caller.user, 200),
            "service": self.service.name,
            "requestType": self.request_type,
            "modelUsed": self.model and storable(self.model, 200),
            "duration": round((time.monotonic() - self.started) * 1000),
            "status": self.status,
            "error": self.error,
            "unit": self.service.unit,
            "units": counted.units,
            "tokens": counted.tokens,
            "megapixels": counted.megapixels,
            "steps": counted.steps,
            "audioSeconds": counted.audio_seconds,
            "characters": counted.characters,
            "computeMs": counted.compute_ms,
            "upstream": self.upstream,
            "createdAt": self.created,
        }


class Ledger:
    """Writes usage records and sums them up."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def settle(self, record: UsageRecord) -> None:
        """Write the record; a second call, of this process or another, changes nothing.

        Raises Unavailable while the database cannot be reached.
        """
        if record.settled:
            return
        row = record.row()
        async with self._database.begin() as connection:
            await ensure_tenant(connection, record.caller.tenant)
            await insert_once(connection, usage, row)
        record.settled = True

    async def month(self, tenant: str, month: str | None) -> dict[str, Any]:
        """The tenant's sums of one month, `YYYY-MM` in UTC; none: the present one."""
        first, after = month_bounds(month)
        query = (
            select(
                usage.c.service,
                func.count().label("requests"),
                *(_count(status) for status in ("succeeded", "failed", "cancelled")),
                *(
                    func.sum(column).label(name)
                    for name, column in (
                        ("units", usage.c.units),
                        ("tokens", usage.c.tokens),
                        ("megapixels", usage.c.megapixels),
                        ("audio_seconds", usage.c.audioSeconds),
                        ("characters", usage.c.characters),
                        ("compute_ms", usage.c.computeMs),
                        ("cost", usage.c.cost),
                    )
                ),
            )
            .where(usage.c.tenantId == tenant, usage.c.createdAt >= first, usage.c.createdAt < after)
            .group_by(usage.c.service)
        )
        async with self._database.connect() as connection:
            rows = [dict(row._mapping) for row in await connection.execute(query)]
        return _summary(first, rows)


def _count(status: str) -> Any:
    return func.sum(case((usage.c.status == status, 1), else_=0)).label(status)


def _summary(first: datetime, rows: list[dict[str, Any]]) -> dict[str, Any]:
    by_service = {row.pop("service"): row for row in rows}
    for name, row in by_service.items():
        row.update({key: round(value, 6) for key, value in row.items() if isinstance(value, float)})
        row["unit"] = SERVICES[name].unit if name in SERVICES else ""
    return {
        "month": first.strftime("%Y-%m"),
        "usage": {name: by_service.get(name, {}).get("requests", 0) for name in SERVICES},
        "total": sum(row["requests"] for row in by_service.values()),
        "services": by_service,
    }


def month_bounds(month: str | None) -> tuple[datetime, datetime]:
    """(first moment, first moment of the next month), in UTC."""
    if month is None:
        first = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    else:
        try:
            first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
            if first.year >= MAXYEAR:
                raise ValueError("there is no month after it")
        except ValueError:
            raise InvalidRequest("month: must look like 2026-01", field="month") from None
    year, next_month = (first.year, first.month + 1) if first.month < 12 else (first.year + 1, 1)
    return first, first.replace(year=year, month=next_month)
