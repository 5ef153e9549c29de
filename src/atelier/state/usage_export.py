"""Usage for books and bills: every record of a time, streamed as CSV or NDJSON, and sums by tenant and service."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from typing import Any, Literal

from sqlalchemy import Row, Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from atelier.errors import InvalidRequest
from atelier.state.database import Database
from atelier.state.records import UsageSum
from atelier.state.tables import usage

ROWS_AT_ONCE = 500
"""What is in memory at a time, and how long the gateway's other requests wait for it to be written: milliseconds."""

Format = Literal["csv", "ndjson"]

MEDIA_TYPES: dict[Format, str] = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}

COLUMNS = {
    "id": usage.c.id,
    "created_at": usage.c.createdAt,
    "tenant": usage.c.tenantId,
    "user": usage.c.userId,
    "service": usage.c.service,
    "request_type": usage.c.requestType,
    "model": usage.c.modelUsed,
    "status": usage.c.status,
    "error": usage.c.error,
    "unit": usage.c.unit,
    "units": usage.c.units,
    "megapixels": usage.c.megapixels,
    "steps": usage.c.steps,
    "audio_seconds": usage.c.audioSeconds,
    "characters": usage.c.characters,
    "tokens": usage.c.tokens,
    "duration_ms": usage.c.duration,
    "compute_ms": usage.c.computeMs,
    "cost": usage.c.cost,
    "upstream": usage.c.upstream,
    "fallback": usage.c.fallback,
    "cached": usage.c.cached,
}
"""The columns of an export, in their order. They are described in docs/administration.md."""

_SUMS = {
    "units": usage.c.units,
    "tokens": usage.c.tokens,
    "megapixels": usage.c.megapixels,
    "audio_seconds": usage.c.audioSeconds,
    "characters": usage.c.characters,
    "compute_ms": usage.c.computeMs,
    "cost": usage.c.cost,
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class UsageFilter:
    """Which records: of one tenant or service, from `first` on and before `before`."""

    tenant: str | None = None
    service: str | None = None
    first: datetime | None = None
    before: datetime | None = None

    def __post_init__(self) -> None:
        """Raises InvalidRequest for a time that ends before it begins."""
        if self.first is not None and self.before is not None and self.first >= self.before:
            raise InvalidRequest("from: must be before to", field="from")


async def export_usage(database: Database, wanted: UsageFilter, kind: Format) -> AsyncGenerator[bytes, None]:
    """The records in the order of time, a piece at a time; the database keeps the rest until it is asked for.

    Raises Unavailable where the database goes away.
    """
    write = _WRITERS[kind]
    if kind == "csv":
        yield _csv([list(COLUMNS)])
    async with database.connect() as connection, aclosing(_chunks(connection, wanted)) as chunks:
        async for chunk in chunks:
            yield write(chunk)


async def _chunks(connection: AsyncConnection, wanted: UsageFilter) -> AsyncGenerator[Sequence[Row[Any]], None]:
    named = [column.label(name) for name, column in COLUMNS.items()]
    query = _filtered(select(*named), wanted).order_by(usage.c.createdAt, usage.c.id)
    rows = await connection.stream(query.execution_options(yield_per=ROWS_AT_ONCE))
    try:
        async for chunk in rows.partitions():
            yield chunk
    finally:
        await rows.close()


async def sum_usage(
    connection: AsyncConnection, wanted: UsageFilter, *, after: str | None = None, limit: int | None = None
) -> list[UsageSum]:
    """For each tenant, in the order of ids, one sum for each service. limit: of tenants. after: the last of before."""
    some = _filtered(select(usage.c.tenantId), wanted).group_by(usage.c.tenantId)
    some = some.order_by(usage.c.tenantId).limit(limit)
    if after is not None:
        some = some.where(usage.c.tenantId > after)
    statuses = ("succeeded", "failed", "cancelled")
    query = _filtered(
        select(
            usage.c.tenantId.label("tenant"),
            usage.c.service,
            func.max(usage.c.unit).label("unit"),
            func.count().label("requests"),
            *(func.sum(case((usage.c.status == status, 1), else_=0)).label(status) for status in statuses),
            *(func.sum(column).label(name) for name, column in _SUMS.items()),
        ),
        wanted,
    )
    query = query.where(usage.c.tenantId.in_(some)).group_by(usage.c.tenantId, usage.c.service)
    rows = await connection.execute(query.order_by(usage.c.tenantId, usage.c.service))
    return [UsageSum.model_validate({name: _rounded(value) for name, value in row._mapping.items()}) for row in rows]


def this_month() -> datetime:
    """Its first moment, in UTC."""
    return datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _filtered(query: Select[Any], wanted: UsageFilter) -> Select[Any]:
    if wanted.tenant is not None:
        query = query.where(usage.c.tenantId == wanted.tenant)
    if wanted.service is not None:
        query = query.where(usage.c.service == wanted.service)
    if wanted.first is not None:
        query = query.where(usage.c.createdAt >= wanted.first)
    if wanted.before is not None:
        query = query.where(usage.c.createdAt < wanted.before)
    return query


def _rounded(value: object) -> object:
    return round(value, 6) if isinstance(value, float) else value


def _write_csv(rows: Iterable[Row[Any]]) -> bytes:
    return _csv([[_cell(value) for value in row] for row in rows])


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    """Names come from callers: none is run as a formula by the program that opens the file."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if isinstance(value, bool):
        return str(value).lower()
    return _written(value)


def _write_ndjson(rows: Iterable[Row[Any]]) -> bytes:
    lines = [json.dumps(dict(row._mapping), default=_written, ensure_ascii=False) for row in rows]
    return "".join(f"{line}\n" for line in lines).encode()


def _written(value: object) -> object:
    """A moment as ISO 8601 in UTC, with microseconds and a Z."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return value


_WRITERS: dict[Format, Callable[[Iterable[Row[Any]]], bytes]] = {"csv": _write_csv, "ndjson": _write_ndjson}
