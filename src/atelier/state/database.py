"""The database: one SQLite file with write-ahead logging, opened through SQLAlchemy's async engine."""

from __future__ import annotations

from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from atelier.state.tables import metadata


async def open_database(url: str) -> AsyncEngine:
    """An engine on a database that has the tables."""
    engine = create_async_engine(url)
    event.listen(engine.sync_engine, "connect", _prepare)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    return engine


def _prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Readers never wait for a writer, a second process waits its turn, and foreign keys are kept."""
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=10000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
