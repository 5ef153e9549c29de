"""When API keys were last used: noted in memory, and written once a minute beside the requests."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from atelier.errors import Unavailable
from atelier.state.database import Database
from atelier.state.keys import write_last_used
from atelier.state.tables import now

WRITE_SECONDS = 60.0
LAST_WRITE_SECONDS = 2.0
"""How long the end of the gateway waits for what was not written yet."""

_MOST_NOTED = 10_000

log = structlog.get_logger()


class LastUsed:
    """Notes keys between `start` and `stop`. What cannot be written while the database is away is lost."""

    def __init__(self, database: Database, *, seconds: float = WRITE_SECONDS) -> None:
        self._database = database
        self._seconds = seconds
        self._noted: dict[str, datetime] = {}
        self._writing: asyncio.Task[None] | None = None

    def note(self, key: str) -> None:
        """Now. Costs no more than an entry in a table."""
        if key in self._noted or len(self._noted) < _MOST_NOTED:
            self._noted[key] = now()

    def start(self) -> None:
        self._writing = asyncio.create_task(self._write_again_and_again())

    async def stop(self) -> None:
        if self._writing is None:
            return
        self._writing.cancel()
        with suppress(asyncio.CancelledError):
            await self._writing
        with suppress(TimeoutError):
            await asyncio.wait_for(self.write(), LAST_WRITE_SECONDS)

    async def write(self) -> None:
        """What was noted since the last time, in one transaction."""
        noted, self._noted = self._noted, {}
        if not noted:
            return
        try:
            async with self._database.begin() as connection:
                await write_last_used(connection, noted)
        except (Unavailable, SQLAlchemyError) as problem:  # nothing that a request should suffer from
            log.debug("use of keys not written", keys=len(noted), reason=type(problem).__name__)

    async def _write_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            await self.write()
