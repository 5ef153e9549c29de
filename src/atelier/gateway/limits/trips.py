"""The way to Redis and back: operations that wait together go in one trip, and nobody waits while Redis is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha1
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from atelier.state.redis import ANSWER_SECONDS, CONNECT_SECONDS, Presence, connect_redis

if TYPE_CHECKING:
    from redis.asyncio import Redis

PROBE_SECONDS = 0.25
"""How often it is looked whether an answer is overdue, or whether Redis is back."""

LOOKS = round(ANSWER_SECONDS / PROBE_SECONDS)
"""An answer that has not come after so many looks is overdue. Time alone does not make it so: a machine that stood
still for a while held up Redis, too."""

REUNION_SECONDS = CONNECT_SECONDS + 2 * PROBE_SECONDS
"""When Redis is back, every gateway knows it after this: also one whose attempt to connect had only just begun."""

LINGER_SECONDS = 0.002
"""What nobody waits for goes with the next trip, or alone after this."""

MOST_TOGETHER = 500
"""Operations in one trip: a script keeps everyone else waiting while it runs."""

MOST_KEPT = 100_000
"""Operations that nobody waits for and that are kept while Redis is away; of more the oldest are dropped."""

Operation = Sequence[str | int]
Reply = list[int]


class Away(Exception):
    """Redis is away, or went away before it answered: what was asked for may or may not have been done."""


class _Waiting:
    """An operation on its way. future: None where nobody waits. undo: for a reply that nobody waits for any more."""

    __slots__ = ("future", "operation", "undo")

    def __init__(
        self,
        operation: Operation,
        future: asyncio.Future[Reply] | None = None,
        undo: Callable[[Reply], None] | None = None,
    ) -> None:
        self.operation = operation
        self.future = future
        self.undo = undo


class Trips(asyncio.Protocol):
    """One connection, on which one run of the script is under way at a time.

    redis-py opens the connection (addresses, TLS, passwords); from then on its bytes go straight to hiredis: at one
    waiting request that takes a third of the processor time of redis-py's own way.
    """

    def __init__(
        self,
        url: str,
        prefix: str,
        lease_seconds: float,
        clock: Callable[[], float] | None,
        *,
        back: Callable[[], Operation | None] = lambda: None,
    ) -> None:
        import hiredis

        self._new_reader = hiredis.Reader
        self._pack: Any = hiredis.pack_command
        self._redis: Redis = connect_redis(url)
        self._head = (prefix, int(lease_seconds * 1000) * 1000)
        self._clock = clock
        self._back = back
        self._closed_until = 0.0
        self._script = files("atelier.gateway.limits").joinpath("limits.lua").read_bytes()
        self._run = ("EVALSHA", sha1(self._script, usedforsecurity=False).hexdigest(), "0")
        self._waiting: list[_Waiting] = []
        self._under_way: list[_Waiting] = []
        self._alone = True  # one operation went on the last trip
        self._goes_soon = False
        self._looks = 0
        self._later: asyncio.TimerHandle | None = None
        self._connection: Any = None
        self._presence = Presence("limits")
        self._transport: asyncio.Transport | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._stopping = False
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def away(self) -> bool:
        return self._transport is None or self._closed_until > 0

    async def start(self) -> None:
        """Connect, or begin to look out for Redis where it is away."""
        self._loop = asyncio.get_running_loop()
        await self._connect()
        self._keeper = asyncio.create_task(self._keep(), name="redis-limits")

    async def stop(self) -> None:
        """Send what is waiting, for as long as Redis may take to answer; then hang up."""
        if self._transport is not None:
            self._go()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), ANSWER_SECONDS)
        self._stopping = True  # should a cancel get lost on its way through a library, nothing waits for ever
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
        if self._later is not None:
            self._later.cancel()
        self._hang_up()
        await self._redis.aclose()

    def ask(self, operation: Operation, undo: Callable[[Reply], None]) -> asyncio.Future[Reply]:
        """The reply, as soon as a trip can bring it. undo: called with it where nobody waits for it any more.

        Raises Away at once while Redis is away, and where it goes away before it answers.
        """
        if self._transport is None or self._closed_until > 0:
            raise Away
        future: asyncio.Future[Reply] = self._loop.create_future()
        self._waiting.append(_Waiting(operation, future, undo))
        if not self._under_way:
            if self._alone:
                self._go()
            elif not self._goes_soon:  # with others, as before: they ask in the same turn of the loop
                self._goes_soon = True
                self._loop.call_soon(self._go)
        return future

    def tell(self, operation: Operation) -> None:
        """Send it with the next trip; nobody waits for it. While Redis is away it is kept."""
        self._waiting.append(_Waiting(operation))
        if self._transport is None:
            del self._waiting[:-MOST_KEPT]
        elif not self._under_way and self._later is None:
            self._later = self._loop.call_later(LINGER_SECONDS, self._linger_ends)

    def _linger_ends(self) -> None:
        self._later = None
        self._go()

    def _go(self) -> None:
        """Begin a trip with everything that waits, where there is something and none is under way."""
        self._goes_soon = False
        if self._under_way or self._transport is None or not self._waiting:
            return
        self._under_way, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
        self._alone = len(self._under_way) == 1
        self._idle.clear()
        self._write(self._run)

    def _write(self, run: tuple[str | bytes, ...]) -> None:
        assert self._transport is not None
        words: list[str | int | bytes] = [*run, *self._head, int(self._clock() * 1e6) if self._clock else ""]
        for waiting in self._under_way:
            words += waiting.operation
        self._looks = 0
        self._transport.write(self._pack(tuple(words)))

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        replies = self._reader.gets()
        if replies is False:
            return
        if isinstance(replies, list):
            under_way, self._under_way = self._under_way, []
            for waiting, reply in zip(under_way, replies, strict=True):
                _deliver(waiting, reply)
            if self._waiting:
                self._go()
            else:
                self._idle.set()
        elif str(replies).startswith("NOSCRIPT"):
            # A Redis that was started anew has not seen the script yet, so nothing of it was run.
            self._write(("EVAL", self._script, "0"))
        else:
            self._lose(str(replies))

    def connection_lost(self, problem: Exception | None) -> None:
        if self._transport is not None:
            self._lose(str(problem or "closed"))

    async def _keep(self) -> None:
        """Find out that Redis is away, and that it is back, so that no request has to."""
        while not self._stopping:
            await asyncio.sleep(PROBE_SECONDS)
            if self._transport is None:
                if await self._connect():
                    self._return()
            elif 0 < self._closed_until <= time.monotonic():
                self._closed_until = 0.0
            elif self._under_way:
                self._looks += 1
                if self._looks > LOOKS:
                    self._lose("no answer in time")

    def _return(self) -> None:
        """What this gateway holds is renewed first, and for a moment nothing new is taken: leases of others may have
        run out meanwhile too, or are lost with the last second of Redis's file, and they have to find out first."""
        renewal = self._back()
        if renewal is not None:
            self._waiting.insert(0, _Waiting(renewal))
        self._closed_until = time.monotonic() + REUNION_SECONDS
        self._go()

    async def _connect(self) -> bool:
        from redis.exceptions import RedisError

        pool: Any = self._redis.connection_pool
        connection = pool.make_connection()
        try:
            await connection.connect()
            # A server that is still reading its file says so only when it is asked.
            await connection.send_command("PING")
            await connection.read_response()
        except (RedisError, OSError) as problem:
            connection._close()
            self._presence.lost(str(problem))
            return False
        self._presence.found()
        self._reader = self._new_reader()
        self._connection = connection
        self._transport = connection._writer.transport
        connection._writer.transport.set_protocol(self)
        return True

    def _lose(self, problem: str) -> None:
        """Redis is away from now on. What was under way may have been done: it is not sent again, so that nothing is
        taken or given back twice."""
        self._presence.lost(problem)
        self._hang_up()
        lost = self._under_way + [waiting for waiting in self._waiting if waiting.future is not None]
        self._waiting = [waiting for waiting in self._waiting if waiting.future is None]
        self._under_way = []
        self._idle.set()
        for waiting in lost:
            if waiting.future is not None and not waiting.future.done():
                waiting.future.set_exception(Away())

    def _hang_up(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
            self._connection._close()


def _deliver(waiting: _Waiting, reply: Reply) -> None:
    future = waiting.future
    if future is None:
        return
    if not future.done():
        future.set_result(reply)
    elif waiting.undo is not None:
        waiting.undo(reply)
