"""Migrations: which version a database has, and bringing it up to date under a lock."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from atelier.settings import SettingsProblem

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0006"
"""The newest migration. Known here so that a gateway whose database is current need not load Alembic to see it."""

FIRST = "0001"
"""What Atelier made before it had migrations."""

LOCK_SECONDS = 60

_LOCK = int.from_bytes(b"atelier", "big")
_VERSIONS = "alembic_version"
_TABLES_OF_FIRST = {"Tenant", "ApiKey", "AIUsage", "Artifact"}


def version(connection: Connection) -> str | None:
    """The migration that the database is at; None where it has had none."""
    if not inspect(connection).has_table(_VERSIONS):
        return None
    return connection.execute(text(f"SELECT version_num FROM {_VERSIONS}")).scalar()  # noqa: S608  a constant


async def upgrade(connection: AsyncConnection) -> None:
    """All migrations that are missing, in one transaction that one process holds at a time; the others wait for it.

    Raises SettingsProblem where the database is not ours to upgrade, or stays locked.
    """
    try:
        await _lock(connection)
        await connection.run_sync(_upgrade)
        await connection.commit()
    except DBAPIError as problem:
        if not _is_locked(problem):
            raise
        raise SettingsProblem(
            f"The database could not be upgraded: another program held its tables for {LOCK_SECONDS} s. "
            "End what holds them, then start again."
        ) from None


async def _lock(connection: AsyncConnection) -> None:
    if connection.dialect.name == "sqlite":
        await connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    await connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
    await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def _is_locked(problem: DBAPIError) -> bool:
    lock_not_available = "55P03"
    return getattr(problem.orig, "sqlstate", None) == lock_not_available or "database is locked" in str(problem.orig)


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.util.exc import CommandError

    config = migrations(connection)
    at = version(connection)
    try:
        if at is None and _is_unversioned(connection):
            command.stamp(config, FIRST)
        command.upgrade(config, "head")
    except CommandError:
        raise SettingsProblem(
            f"The database is at version {at}, which this Atelier ({HEAD}) does not know: "
            "a newer one has upgraded it, or it belongs to another program."
        ) from None


def _is_unversioned(connection: Connection) -> bool:
    """Whether Atelier 0.1.0 made the tables. Tables of another program's are not touched."""
    found = _TABLES_OF_FIRST & set(inspect(connection).get_table_names())
    if found and found != _TABLES_OF_FIRST:
        raise SettingsProblem(
            f"The database has a table {min(found)} that Atelier did not make; give Atelier a database of its own, "
            "or a schema of its own (CREATE SCHEMA atelier, and ?schema=atelier at the end of DATABASE_URL)."
        )
    return bool(found)


def migrations(connection: Connection) -> Config:
    """Alembic's configuration, for commands that work on `connection`."""
    from alembic.config import Config

    config = Config(attributes={"connection": connection}, stdout=StringIO())  # it would tell of itself in between
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config
