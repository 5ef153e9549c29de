"""The Redis stream between the gateways and the database: batches of lines, read by a consumer group."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redis.asyncio import Redis

GROUP = "gateways"
MOST_BATCHES = 4
BLOCK_SECONDS = 1.0
CLAIM_SECONDS = 30.0
"""Batches that a consumer has had for so long are another's to write."""

FORGET_SECONDS = 3600.0

# In one step on the server: between looking and deleting, a consumer that was only slow could take a batch.
_FORGET_CONSUMERS = """
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local found = {}
  for i = 1, #consumer, 2 do found[consumer[i]] = consumer[i + 1] end
  if found.pending == 0 and found.idle > tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], found.name)
  end
end
"""


# An entry's id begins with the milliseconds at which it came.
_OLDEST = """
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
if not first then return 0 end
local now = redis.call('TIME')
return math.max(0, now[1] * 1000 + math.floor(now[2] / 1000) - tonumber(string.match(first[1], '^%d+')))
"""


class RedisAway(Exception):
    """Redis cannot be reached, or takes nothing; the reason is for the operator."""


@dataclass(frozen=True)
class Batch:
    """An entry of the stream: its id there, and its lines."""

    id: bytes
    lines: bytes


class UsageStream:
    """All methods raise RedisAway. A batch leaves the stream when it is acknowledged, and never otherwise."""

    def __init__(self, client: Redis, prefix: str, *, claim_seconds: float = CLAIM_SECONDS) -> None:
        self._client = client
        self._key = f"{prefix}:usage"
        self._dead = f"{prefix}:usage:dead"
        self.claim_seconds = claim_seconds

    async def add(self, lines: bytes) -> None:
        async with _telling_away():
            await self._client.xadd(self._key, {"lines": lines})

    async def make_group(self) -> None:
        from redis.exceptions import ResponseError

        async with _telling_away():
            try:
                await self._client.xgroup_create(self._key, GROUP, id="0", mkstream=True)
            except ResponseError as problem:
                if not str(problem).startswith("BUSYGROUP"):
                    raise

    async def read(self, consumer: str, most: int = MOST_BATCHES, *, wait: bool = True) -> list[Batch]:
        """New batches; waits for a second where there are none."""
        async with _telling_away():
            found: Any = await self._client.xreadgroup(
                GROUP, consumer, {self._key: ">"}, count=most, block=int(BLOCK_SECONDS * 1000) if wait else None
            )
        return _batches(found[0][1]) if found else []

    async def claim(self, consumer: str) -> list[Batch]:
        """Batches that their consumers have had for too long."""
        async with _telling_away():
            found: Any = await self._client.xautoclaim(
                self._key, GROUP, consumer, min_idle_time=int(self.claim_seconds * 1000), count=MOST_BATCHES
            )
        return _batches(found[1])

    async def acknowledge(self, batches: list[Batch]) -> None:
        """They are in the database: take them off the stream."""
        ids = [batch.id for batch in batches]
        async with _telling_away(), self._client.pipeline(transaction=True) as both:
            both.xack(self._key, GROUP, *ids)
            both.xdel(self._key, *ids)
            await both.execute()

    async def bury(self, line: bytes, reason: str) -> None:
        """Keep a line that can never be a row where an operator finds it."""
        async with _telling_away():
            await self._client.xadd(self._dead, {"line": line, "reason": reason})

    async def lengths(self) -> tuple[int, int]:
        """Batches in the stream, and lines that are buried."""
        async with _telling_away(), self._client.pipeline(transaction=False) as both:
            both.xlen(self._key)
            both.xlen(self._dead)
            waiting, dead = await both.execute()
        return int(waiting), int(dead)

    async def oldest_seconds(self) -> float:
        """The age of the oldest batch in the stream, by the clock of Redis; 0 where there is none."""
        async with _telling_away():
            return float(await self._client.eval(_OLDEST, 1, self._key)) / 1000

    async def forget_consumers(self) -> None:
        """The names of gateways that are long gone and left nothing."""
        async with _telling_away():
            await self._client.eval(_FORGET_CONSUMERS, 1, self._key, GROUP, str(int(FORGET_SECONDS * 1000)))

    async def close(self) -> None:
        await self._client.aclose()


def _batches(entries: Any) -> list[Batch]:
    return [Batch(entry, fields.get(b"lines", b"")) for entry, fields in entries]


@asynccontextmanager
async def _telling_away() -> AsyncGenerator[None, None]:
    """Also a full Redis, or one that has lost the group: whatever it refuses, the records stay where they are."""
    from redis.exceptions import RedisError

    try:
        yield
    except (RedisError, OSError) as problem:
        raise RedisAway(str(problem) or type(problem).__name__) from None
