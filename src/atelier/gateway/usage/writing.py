"""Lines of usage into the database: each row once, and the lines that no database would take told apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from pydantic_core import from_json
from sqlalchemy import Boolean, Column, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection

from atelier.errors import Unavailable
from atelier.state.database import RETRY_SECONDS, Database
from atelier.state.tables import tenants, usage

_UNFIT = ("22", "23")
"""The classes of SQLSTATE that blame the row: what it holds, or what it refers to. All others pass with time."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Refused:
    """A line that the database does not take, and why."""

    line: bytes
    reason: str


class _Unfit(Exception):
    """At least one of the lines cannot be a row."""


async def write_lines(database: Database, lines: bytes) -> list[Refused]:
    """Write the row of every line; one that is there already stays as it is. Gives back those that cannot be rows.

    Raises Unavailable where nothing can be written just now; then nothing, or some of it, is written.
    """
    try:
        await _insert(database, lines)
    except _Unfit as problem:
        each = lines.splitlines(keepends=True)
        if len(each) == 1:
            return [Refused(lines, str(problem))]
        half = len(each) // 2  # by halves: one bad line among a thousand costs twenty statements
        return [
            *await write_lines(database, b"".join(each[:half])),
            *await write_lines(database, b"".join(each[half:])),
        ]
    return []


async def _insert(database: Database, lines: bytes) -> None:
    """In one transaction. Raises _Unfit, Unavailable."""
    try:
        async with database.begin() as connection:
            if connection.dialect.name == "postgresql":
                await _insert_postgres(connection, lines)
            else:
                await _insert_sqlite(connection, lines)
    except DBAPIError as problem:
        if _blames_the_row(problem):
            raise _Unfit(_first_line(problem.orig)) from None
        log.error("usage cannot be written", reason=_first_line(problem.orig))
        raise Unavailable(
            "The database cannot write at the moment; try again soon", retry_after=RETRY_SECONDS
        ) from None
    except (StatementError, ValueError, TypeError, AttributeError, OverflowError, KeyError) as problem:
        raise _Unfit(_first_line(problem)) from None


def _blames_the_row(problem: DBAPIError) -> bool:
    state = getattr(problem.orig, "sqlstate", None)
    return str(state).startswith(_UNFIT) if state else isinstance(problem, IntegrityError)


def _first_line(problem: BaseException | None) -> str:
    return next(iter(str(problem).splitlines()), type(problem).__name__)[:300]


def _default(column: Column[Any]) -> int | None:
    """What a column that a line does not name holds: nothing used, not so."""
    return 0 if column.server_default is not None else None


def _value(column: Column[Any]) -> str:
    """A column of the batch, as PostgreSQL writes it."""
    if column.server_default is None or column.name == "createdAt":
        return f'batch."{column.name}"'
    return f"""COALESCE(batch."{column.name}", {"false" if isinstance(column.type, Boolean) else 0})"""


_COLUMNS = ", ".join(f'"{column.name}"' for column in usage.columns)

# One statement, in which the server itself reads the JSON. Both inserts are sorted: two gateways that write the same
# rows then wait for each other, and never in a circle.
_POSTGRES = text(
    f"""
    WITH batch AS MATERIALIZED (
        SELECT * FROM json_populate_recordset(CAST(NULL AS "AIUsage"), CAST(:lines AS json))
    ), missing AS (
        INSERT INTO "Tenant" (id, name) SELECT DISTINCT "tenantId", "tenantId" FROM batch ORDER BY 1 ON CONFLICT DO NOTHING
    )
    INSERT INTO "AIUsage" ({_COLUMNS}) SELECT {", ".join(map(_value, usage.columns))} FROM batch ORDER BY id
    ON CONFLICT DO NOTHING
    """  # noqa: E501, S608  names of our own tables only
)


async def _insert_postgres(connection: AsyncConnection, lines: bytes) -> None:
    array = b"[" + lines.rstrip(b"\n").replace(b"\n", b",") + b"]"
    await connection.execute(_POSTGRES, {"lines": array.decode()})


async def _insert_sqlite(connection: AsyncConnection, lines: bytes) -> None:
    from sqlalchemy.dialects.sqlite import insert

    rows = [_row(line) for line in lines.splitlines()]
    named = [{"id": tenant, "name": tenant} for tenant in sorted({row["tenantId"] for row in rows})]
    await connection.execute(insert(tenants).on_conflict_do_nothing(), named)
    await connection.execute(insert(usage).on_conflict_do_nothing(), rows)


def _row(line: bytes) -> dict[str, Any]:
    found: dict[str, Any] = from_json(line)
    found["createdAt"] = datetime.fromisoformat(found["createdAt"])
    return {column.name: found.get(column.name, _default(column)) for column in usage.columns}
