"""Connections to the database: pooled ones for requests, an unhurried one for migrations."""

from __future__ import annotations

from functools import partial

from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from atelier.state import postgres

WAIT_SECONDS = 10.0
"""For a free connection, before the request is refused."""


def is_sqlite(location: str) -> bool:
    return location.startswith("sqlite")


def pooled(location: str, connections: int) -> AsyncEngine:
    """For requests. Raises ValueError for a malformed address; nothing is connected yet."""
    if is_sqlite(location):
        engine = create_async_engine(location, hide_parameters=True)
        event.listen(engine.sync_engine, "connect", _prepare)
        return engine
    return create_async_engine(
        "postgresql+asyncpg://",
        hide_parameters=True,  # an error's text goes to the log
        async_creator=partial(postgres.connect, postgres.parse_address(location)),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=WAIT_SECONDS,
        # A connection that a restart of the server has ended is found out before a request is given it.
        pool_pre_ping=True,
    )


def unhurried(location: str) -> AsyncEngine:
    """For migrations: their statements may take long, and SQLite must not delete along foreign keys meanwhile."""
    if is_sqlite(location):
        engine = create_async_engine(location, hide_parameters=True, poolclass=NullPool)
        event.listen(engine.sync_engine, "connect", _prepare_to_migrate)
        return engine
    creator = partial(postgres.connect, postgres.parse_address(location), statement_seconds=None)
    return create_async_engine("postgresql+asyncpg://", hide_parameters=True, async_creator=creator, poolclass=NullPool)


def _prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Readers never wait for a writer, a second process waits its turn, and foreign keys are kept."""
    _pragmas(connection, "busy_timeout=10000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON")


def _prepare_to_migrate(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """A table that is made anew is dropped in between: with foreign keys on, the rows of its tenants would go too."""
    _pragmas(connection, "busy_timeout=60000", "journal_mode=WAL", "foreign_keys=OFF")


def _pragmas(connection: DBAPIConnection, *pragmas: str) -> None:
    cursor = connection.cursor()
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
