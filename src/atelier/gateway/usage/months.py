"""The sums of a tenant's month, by service; and of each of its days, by service and model."""

from __future__ import annotations

from datetime import MAXYEAR, UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal_column, select

from atelier.catalog import SERVICES
from atelier.errors import InvalidRequest
from atelier.state.database import Database
from atelier.state.tables import usage
from atelier.state.utc_day import utc_day

_SUMS = {
    "units": usage.c.units,
    "tokens": usage.c.tokens,
    "megapixels": usage.c.megapixels,
    "audio_seconds": usage.c.audioSeconds,
    "characters": usage.c.characters,
    "compute_ms": usage.c.computeMs,
    "cost": usage.c.cost,
}


async def month_of(database: Database, tenant: str, month: str | None) -> dict[str, Any]:
    """The tenant's sums of one month, `YYYY-MM` in UTC; none: the present one. Raises InvalidRequest, Unavailable."""
    first, after = month_bounds(month)
    async with database.connect() as connection:
        rows = [dict(row._mapping) for row in await connection.execute(_query(tenant, first, after))]
    return _summary(first, rows)


async def days_of(database: Database, tenant: str, month: str | None) -> dict[str, Any]:
    """What was asked on each day (in UTC) of one month, as in `month_of`. Raises InvalidRequest, Unavailable."""
    first, after = month_bounds(month)
    async with database.connect() as connection:
        rows = [row._mapping for row in await connection.execute(_by_day(tenant, first, after))]
    days = [{**row, "units": round(row["units"], 6), "cost": round(row["cost"], 6)} for row in rows]
    return {"month": first.strftime("%Y-%m"), "days": days}


def _by_day(tenant: str, first: datetime, after: datetime) -> Select[Any]:
    model = func.coalesce(
        usage.c.modelUsed, literal_column("''")
    )  # as a parameter it would not be the same in GROUP BY
    keys = (utc_day(usage.c.createdAt), usage.c.service, model, usage.c.unit)
    return (
        select(
            *(key.label(name) for key, name in zip(keys, ("day", "service", "model", "unit"), strict=True)),
            func.count().label("requests"),
            _count("failed", usage.c.status == "failed"),
            func.sum(usage.c.units).label("units"),
            func.sum(usage.c.cost).label("cost"),
        )
        .where(usage.c.tenantId == tenant, usage.c.createdAt >= first, usage.c.createdAt < after)
        .group_by(*keys)
        .order_by(*keys)
    )


def _query(tenant: str, first: datetime, after: datetime) -> Select[Any]:
    return (
        select(
            usage.c.service,
            func.count().label("requests"),
            *(_count(name, usage.c.status == name) for name in ("succeeded", "failed", "cancelled")),
            _count("cached", usage.c.cached),
            _count("fallback", usage.c.fallback),
            *(func.sum(column).label(name) for name, column in _SUMS.items()),
        )
        .where(usage.c.tenantId == tenant, usage.c.createdAt >= first, usage.c.createdAt < after)
        .group_by(usage.c.service)
    )


def _count(name: str, condition: ColumnElement[bool]) -> Any:
    return func.sum(case((condition, 1), else_=0)).label(name)


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
