"""Rows that may be there already: written once, on either back end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection


async def insert_once(connection: AsyncConnection, table: Table, row: Mapping[str, Any]) -> bool:
    """Write a row unless its key is taken; True where it was written."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as insert_postgres

        written = await connection.execute(insert_postgres(table).values(row).on_conflict_do_nothing())
    else:
        from sqlalchemy.dialects.sqlite import insert as insert_sqlite

        written = await connection.execute(insert_sqlite(table).values(row).on_conflict_do_nothing())
    return written.rowcount == 1


def storable(text: str, most: int) -> str:
    """Text that PostgreSQL takes: no NUL, nothing that UTF-8 cannot hold, no longer than its column."""
    if text.isascii() and text.isprintable():
        return text[:most]
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:most]
