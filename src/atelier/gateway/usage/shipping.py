"""From the journals on the disk to the stream, or past it to the database while there is no Redis."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import structlog

from atelier.gateway.usage.background import Pause
from atelier.gateway.usage.dead import DeadRecords
from atelier.gateway.usage.journal import Chunk, Journal, abandoned_journals
from atelier.gateway.usage.stream import RedisAway, UsageStream
from atelier.gateway.usage.writing import write_lines
from atelier.state.database import Database
from atelier.state.redis import Presence

GATHER_SECONDS = 0.4
"""Records of so long travel together."""

IDLE_SECONDS = 2.0
LOOK_SECONDS = 60.0
"""How often journals of gateways that are gone are looked for."""

log = structlog.get_logger()


class Shipping:
    """Empties this process's journal, and those that other processes left behind."""

    def __init__(
        self, root: Path, own: Journal, database: Database, stream: UsageStream | None, dead: DeadRecords
    ) -> None:
        self._root = root
        self._own = own
        self._taken: list[Journal] = []
        self._database = database
        self._stream = stream
        self._dead = dead
        self._look_at = 0.0
        self._stream_at = 0.0
        self._stream_pause = Pause()
        self._presence = Presence("usage")
        self.appended = asyncio.Event()

    @property
    def stream_away(self) -> bool:
        return self._presence.away

    @property
    def waiting(self) -> int:
        """Bytes in the journals that are not shipped."""
        return sum(journal.waiting for journal in (self._own, *self._taken))

    def oldest(self) -> float | None:
        """When the oldest record in the journals was settled, in seconds since 1970."""
        return min((at for journal in (self._own, *self._taken) if (at := journal.oldest()) is not None), default=None)

    async def turn(self) -> None:
        """Ship all that waits; then wait for more, or for the time to tidy up. Raises Unavailable."""
        self._take_over()
        self.appended.clear()
        await self.ship()
        self._tidy()
        if await _happens(self.appended, IDLE_SECONDS):
            await asyncio.sleep(GATHER_SECONDS)

    async def ship(self) -> None:
        """What waits now, not what comes meanwhile. Raises Unavailable where it must stay on the disk."""
        for journal in (self._own, *self._taken):
            left = journal.waiting
            while left > 0 and (chunk := journal.read()):
                await self._deliver(chunk)
                journal.mark_shipped(chunk)
                left -= chunk.end - chunk.start

    def lose_stream(self, problem: RedisAway) -> None:
        """Redis is away: what it was given in its last seconds may be gone with it, and is shipped again."""
        if not self._presence.away:
            self._presence.lost(str(problem))
            for journal in (self._own, *self._taken):
                journal.rewind()
            self.appended.set()
        self._stream_at = time.monotonic() + self._stream_pause.next()

    def close(self) -> None:
        for journal in (self._own, *self._taken):
            journal.close()

    async def _deliver(self, chunk: Chunk) -> None:
        if not await self._streamed(chunk.lines):
            for refused in await write_lines(self._database, chunk.lines):
                await self._dead.bury(refused)

    async def _streamed(self, lines: bytes) -> bool:
        if self._stream is None or time.monotonic() < self._stream_at:
            return False
        try:
            await self._stream.add(lines)
        except RedisAway as problem:
            self.lose_stream(problem)
            return False
        if self._presence.away:
            self._presence.found()
            self._stream_pause.reset()
        return True

    def _take_over(self) -> None:
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_SECONDS
        for journal in abandoned_journals(self._root):
            log.info("a journal is taken over", bytes=journal.waiting)
            self._taken.append(journal)

    def _tidy(self) -> None:
        for journal in (self._own, *self._taken):
            journal.tidy()
        for journal in [journal for journal in self._taken if journal.empty]:
            self._taken.remove(journal)
            journal.close()


async def _happens(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
