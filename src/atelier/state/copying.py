"""All rows of a database as of one moment, in a SQLite file; and such a file's rows in place of a database's."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from sqlalchemy import Table, func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from atelier.settings import SQLITE, SettingsProblem
from atelier.state.connections import is_sqlite
from atelier.state.database import alone, database_version, upgrade_database
from atelier.state.tables import audit, metadata
from atelier.state.upgrade import HEAD, LOCK_SECONDS, version

BATCH = 2000
"""Rows that are in memory at a time."""

TABLES = [table for table in metadata.sorted_tables if table is not audit]
"""What a restore replaces, those first that others refer to. The audit log only ever grows."""


def file_location(file: Path) -> str:
    return f"{SQLITE}///{file.absolute()}"


async def copy_rows(location: str, copy: Path) -> None:
    """All of one moment, while others write. Raises SettingsProblem where the tables are not this version's."""
    if is_sqlite(location):
        await _copy_file(Path(make_url(location).database or ""), copy)
    else:
        await upgrade_database(file_location(copy))
        await alone(file_location(copy), lambda target: alone(location, lambda source: _copy(source, target)))
    await asyncio.to_thread(_in_one_file, copy)


async def replace_rows(location: str, copy: Path) -> None:
    """The rows of `copy` in place of those that are there, in one transaction; the audit log keeps what it has.

    Both must have this version's tables. Raises SettingsProblem where other programs hold the tables.
    """
    await alone(file_location(copy), lambda source: alone(location, lambda target: _replace(source, target)))


async def count_rows(location: str) -> dict[str, int]:
    """How many rows each table has; the tables must be there."""

    async def count(connection: AsyncConnection) -> dict[str, int]:
        return {
            table.name: (await connection.execute(select(func.count()).select_from(table))).scalar_one()
            for table in metadata.sorted_tables
        }

    return await alone(location, count)


async def gateways_connected(location: str) -> int:
    """Connections of gateways to a PostgreSQL database; of a SQLite file nobody knows."""
    if is_sqlite(location):
        return 0
    others = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = 'atelier' AND pid <> pg_backend_pid()"
    )
    return int(await alone(location, lambda connection: connection.scalar(others)) or 0)


async def _copy_file(source: Path, copy: Path) -> None:
    if not await asyncio.to_thread(source.is_file):
        raise SettingsProblem(f"There is no database yet: {source}")
    _check_version(await database_version(file_location(source)))
    await asyncio.to_thread(_back_up, source, copy)


def _back_up(source: Path, copy: Path) -> None:
    """By SQLite's own online backup: the pages of one moment."""
    reading, writing = sqlite3.connect(source), sqlite3.connect(copy)
    try:
        reading.backup(writing)
    finally:
        reading.close()
        writing.close()


def _in_one_file(copy: Path) -> None:
    """Without a write-ahead log beside it."""
    connection = sqlite3.connect(copy)
    try:
        connection.execute("PRAGMA journal_mode=DELETE")
    finally:
        connection.close()


async def _copy(source: AsyncConnection, target: AsyncConnection) -> None:
    await source.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    _check_version(await source.run_sync(version))
    for table in metadata.sorted_tables:
        await _pour(source, target, table)
    await target.commit()


async def _replace(source: AsyncConnection, target: AsyncConnection) -> None:
    try:
        await _empty(target)
        for table in TABLES:
            await _pour(source, target, table)
        await _add_audit(source, target)
        await target.commit()
    except DBAPIError as problem:
        raise SettingsProblem(f"Nothing was restored: {_why(problem)}") from None


async def _pour(source: AsyncConnection, target: AsyncConnection, table: Table) -> None:
    async for rows in (await source.stream(select(table))).partitions(BATCH):
        await target.execute(table.insert(), [dict(row._mapping) for row in rows])


async def _add_audit(source: AsyncConnection, target: AsyncConnection) -> None:
    """Those entries that are not there: the database refuses to change one."""
    async for rows in (await source.stream(select(audit))).partitions(BATCH):
        known = select(audit.c.id).where(audit.c.id.in_([row.id for row in rows]))
        there = set((await target.execute(known)).scalars())
        missing = [dict(row._mapping) for row in rows if row.id not in there]
        if missing:
            await target.execute(audit.insert(), missing)


async def _empty(target: AsyncConnection) -> None:
    if target.dialect.name == "postgresql":
        await target.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
        # Without CASCADE: it refuses where another program's rows refer to ours, and would go with them.
        names = ", ".join(f'"{table.name}"' for table in TABLES)
        await target.execute(text(f"TRUNCATE {names}"))
    else:
        await target.exec_driver_sql("BEGIN IMMEDIATE")
        for table in reversed(TABLES):
            await target.execute(table.delete())


def _why(problem: DBAPIError) -> str:
    state = getattr(problem.orig, "sqlstate", None)
    if state == "0A000":
        return "tables of another program refer to Atelier's; restore into a database of its own"
    if state == "55P03" or "database is locked" in str(problem.orig):
        return f"another program held the tables for {LOCK_SECONDS} s; end what holds them, then try again"
    return " ".join(str(problem.orig).split())[:300]


def _check_version(found: str | None) -> None:
    if found == HEAD:
        return
    if found is None:
        raise SettingsProblem("There is nothing to back up: the database has no tables of Atelier's yet")
    raise SettingsProblem(
        f"The database is at version {found}, and this Atelier's is {HEAD}: back it up with the Atelier "
        "that serves it, or bring it up to date first: atelier db upgrade"
    )
