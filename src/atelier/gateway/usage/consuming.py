"""From the stream to the database: every gateway reads batches, writes them, and acknowledges what is written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from atelier.gateway.usage.dead import DeadRecords
from atelier.gateway.usage.stream import MOST_BATCHES, Batch, RedisAway, UsageStream
from atelier.gateway.usage.writing import write_lines
from atelier.state.database import Database

LOOK_SECONDS = 5.0
GATHER_SECONDS = 0.2
"""What comes within so long is written together."""


class Consuming:
    """Holds one read of the stream at most; while the database is away, the rest waits in Redis.

    lengths, oldest_seconds: what the stream held at the last look, and the age of the oldest of it.
    """

    def __init__(
        self,
        name: str,
        stream: UsageStream,
        database: Database,
        dead: DeadRecords,
        *,
        away: Callable[[RedisAway], None],
    ) -> None:
        self._name = name
        self._stream = stream
        self._database = database
        self._dead = dead
        self._away = away
        self._held: list[Batch] = []
        self._look_at = 0.0
        self._claims = False
        self.lengths: tuple[int, int] | None = None
        self.oldest_seconds = 0.0

    async def turn(self) -> None:
        """Raises Unavailable, RedisAway."""
        try:
            if time.monotonic() >= self._look_at:
                await self._look()
            self._held = self._held or await self._next()
            if self._held:
                await self._write(self._held)
            self._held = []
        except RedisAway as problem:
            # Written or not, what is not acknowledged comes again, to this consumer or another.
            self._held, self._look_at, self.lengths = [], 0.0, None
            self._away(problem)
            raise

    async def _look(self) -> None:
        """How much waits, and whether another consumer has died over its batches."""
        await self._stream.make_group()
        await self._stream.forget_consumers()
        self.lengths = await self._stream.lengths()
        self.oldest_seconds = await self._stream.oldest_seconds()
        self._claims = True
        self._look_at = time.monotonic() + LOOK_SECONDS

    async def _next(self) -> list[Batch]:
        """What others left first, then what is new."""
        if self._claims:
            claimed = await self._stream.claim(self._name)
            self._claims = bool(claimed)
            return claimed
        found = await self._stream.read(self._name)
        if 0 < len(found) < MOST_BATCHES:
            await asyncio.sleep(GATHER_SECONDS)
            found += await self._stream.read(self._name, MOST_BATCHES - len(found), wait=False)
        return found

    async def _write(self, batches: list[Batch]) -> None:
        lines = b"".join(batch.lines for batch in batches)
        for refused in await write_lines(self._database, lines) if lines else ():
            await self._dead.bury(refused)
        await self._stream.acknowledge(batches)
