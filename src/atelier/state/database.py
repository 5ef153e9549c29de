"""The database: a SQLite file or PostgreSQL; opened with its tables up to date, and what is said while it is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from atelier.errors import Unavailable
from atelier.settings import Settings, SettingsProblem
from atelier.state import postgres
from atelier.state.connections import WAIT_SECONDS, is_sqlite, pooled, unhurried
from atelier.state.postgres import Away
from atelier.state.upgrade import HEAD, upgrade, version

RETRY_SECONDS = 5.0

T = TypeVar("T")

log = structlog.get_logger()


class Database:
    """Connections to a database that has the tables. away: whether the last look for one was in vain.

    Both methods raise Unavailable where the server cannot be reached, is gone, or is too busy.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.away = False

    def connect(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """To read."""
        return self._refusing_while_away(self._engine.connect())

    def begin(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """To write: everything or nothing, committed at the end of the block."""
        return self._refusing_while_away(self._engine.begin())

    async def dispose(self) -> None:
        await self._engine.dispose()

    @asynccontextmanager
    async def _refusing_while_away(
        self, opened: AbstractAsyncContextManager[AsyncConnection]
    ) -> AsyncGenerator[AsyncConnection, None]:
        """For a caller: what to do, and nothing of the server."""
        try:
            async with _telling_away(), opened as connection:
                self.away = False
                yield connection
        except Away as problem:
            self.away = True
            log.warning("database away", reason=str(problem))
            message = "The database cannot be reached at the moment; try again soon"
            raise Unavailable(message, retry_after=RETRY_SECONDS) from None


async def open_database(location: str, *, connections: int = 10) -> Database:
    """A database with the tables of this version; they are made or brought up to date first, if need be.

    Raises SettingsProblem where it cannot be reached, or is not ours to bring up to date.
    """
    async with _saying_why_not(location):
        engine = pooled(location, connections)
        try:
            async with engine.connect() as connection:
                current = await connection.run_sync(version) == HEAD
            if not current:
                await upgrade_database(location)
        except BaseException:
            await engine.dispose()
            raise
    return Database(engine)


async def upgrade_database(location: str) -> None:
    """Bring the tables up to date; several processes may do so at once. Raises SettingsProblem."""
    await alone(location, upgrade)


async def database_version(location: str) -> str | None:
    """The migration that the database is at, None before the first. Raises SettingsProblem."""
    return await alone(location, lambda connection: connection.run_sync(version))


async def server_version(location: str) -> str:
    """What PostgreSQL calls its version. Raises SettingsProblem."""
    found = await alone(location, lambda connection: connection.scalar(text("SHOW server_version")))
    return str(found).partition(" ")[0]


async def alone(location: str, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """`work` on a connection of its own, whose statements may take long. Raises SettingsProblem."""
    async with _saying_why_not(location):
        engine = unhurried(location)
        try:
            async with engine.connect() as connection:
                return await work(connection)
        finally:
            await engine.dispose()


def prepare_database(settings: Settings) -> None:
    """Before a server starts: what keeps it from its database is told in one sentence. Raises SettingsProblem."""

    async def prepare() -> None:
        await (await open_database(settings.database_location())).dispose()

    asyncio.run(prepare())


@asynccontextmanager
async def _saying_why_not(location: str) -> AsyncGenerator[None, None]:
    """For the operator: with the server's own reason, and without the password."""
    if not is_sqlite(location) and not postgres.has_driver():
        raise SettingsProblem("DATABASE_URL: PostgreSQL needs its driver. Type: pip install 'atelier[postgres]'")
    try:
        async with _telling_away():
            yield
    except Away as problem:
        shown = postgres.parse_address(location).shown
        raise SettingsProblem(f"DATABASE_URL: PostgreSQL at {shown} cannot be used: {problem}") from None
    except ValueError as problem:
        raise SettingsProblem(f"DATABASE_URL: {problem}") from None


@asynccontextmanager
async def _telling_away() -> AsyncGenerator[None, None]:
    """Everything that a lost server looks like, as Away."""
    try:
        yield
    except PoolTimeout:
        raise Away(f"every connection was in use for {WAIT_SECONDS:.0f} s") from None
    except TimeoutError:
        raise Away("it stopped answering") from None
    except OSError as problem:
        raise Away(problem.strerror or "the connection broke") from None
    except DBAPIError as problem:
        if not problem.connection_invalidated:
            raise
        raise Away("the connection broke") from None
