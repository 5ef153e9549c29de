"""Answers kept in Redis: every gateway finds them, and waits for those that another is still making."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from atelier.errors import Unavailable
from atelier.gateway.answers.fingerprints import HEADER
from atelier.gateway.answers.idempotency import Kept, require_same, waited_too_long
from atelier.gateway.answers.redis_room import keep
from atelier.gateway.answers.stored import StoredAnswer
from atelier.state.redis import Presence, connect_redis, redis_troubles
from atelier.telemetry import of_no_request

if TYPE_CHECKING:
    from redis.asyncio import Redis

MOST_AT_ONCE = 32
"""Commands in flight; more wait. Each takes a connection of its own."""

AWAY_SECONDS = 0.5
"""For so long a server that failed is not asked again: one that is away must not make every request wait for it."""

ANSWER_SECONDS = 5.0
"""For one command; the largest answers are 25 MB."""

RETRY_SECONDS = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE, _PAUSE_GROWTH = 0.02, 0.25, 1.5

# A value of idempotency: what it is, the fingerprint, and for a claim its token, for an answer the answer.
_CLAIM, _ANSWER, _TRACE = b"c", b"a", b"t"
_FINGERPRINT = slice(1, 33)
_REST = slice(33, None)

_FREE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
_RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"

T = TypeVar("T")
log = structlog.get_logger()


class Away(Exception):
    """The server cannot be asked just now."""


class Server:
    """A Redis, asked by a few at a time, and not at all for a moment after it failed."""

    def __init__(self, client: Redis) -> None:
        from redis.exceptions import ResponseError  # what a server that is full refuses with

        self.client = client
        self._troubles: tuple[type[Exception], ...] = (*redis_troubles(), ResponseError)
        self._places = asyncio.Semaphore(MOST_AT_ONCE)
        self._away_until = 0.0
        self._presence = Presence("answers")

    async def ask(self, command: Callable[[Redis], Awaitable[T]]) -> T:
        """Raises Away."""
        async with self._places:
            if time.monotonic() < self._away_until:
                raise Away
            try:
                answer = await command(self.client)
            except self._troubles as problem:
                self._away_until = time.monotonic() + AWAY_SECONDS
                self._presence.lost(str(problem) or type(problem).__name__)
                raise Away from problem
            if time.monotonic() >= self._away_until:
                self._presence.found()
            return answer

    async def close(self) -> None:
        await self.client.aclose()


def connect(url: str) -> Server:
    """Raises SettingsProblem as connect_redis does."""
    return Server(connect_redis(url, answer_seconds=ANSWER_SECONDS))


class RedisAnswerCache:
    """The cache of all gateways with the same Redis and prefix."""

    def __init__(self, server: Server, prefix: str, seconds: float, *, most_bytes: int) -> None:
        self._server = server
        self._prefix = prefix
        self._milliseconds = _milliseconds(seconds)
        self._most_bytes = most_bytes

    async def find(self, tenant: str, key: bytes) -> StoredAnswer | None:
        try:
            found = await self._server.ask(lambda redis: redis.get(self._place(tenant, key)))
        except Away:
            return None
        return StoredAnswer.unpack(found) if isinstance(found, bytes) else None

    async def keep(self, tenant: str, key: bytes, answer: StoredAnswer) -> None:
        if not (answer.succeeded and answer.fits):
            return
        place, room = self._place(tenant, key), f"{self._prefix}:answers-of:{_hashed(tenant)}"
        try:
            await self._server.ask(
                lambda redis: keep(
                    redis, place, room, answer.pack(), milliseconds=self._milliseconds, most_bytes=self._most_bytes
                )
            )
        except Away:
            return

    async def close(self) -> None:
        await self._server.close()

    def _place(self, tenant: str, key: bytes) -> str:
        return f"{self._prefix}:answer:{_hashed(tenant, key.hex())}"


class RedisIdempotency:
    """Idempotency among all gateways with the same Redis and prefix.

    A turn is a lease that is renewed while its gateway lives: of one that was killed it is free after `lease_seconds`.
    """

    def __init__(
        self,
        server: Server,
        prefix: str,
        seconds: float,
        *,
        wait_seconds: float,
        lease_seconds: float,
        most_bytes: int,
    ) -> None:
        self._server = server
        self._prefix = prefix
        self._milliseconds = _milliseconds(seconds)
        self._wait_seconds = wait_seconds
        self._lease_seconds = lease_seconds
        self._most_bytes = most_bytes
        self._turns: set[RedisTurn] = set()
        self._renewing: asyncio.Task[None] | None = None
        self._aside: set[asyncio.Task[None]] = set()
        self._closed = False

    async def begin(self, tenant: str, key: str, fingerprint: bytes) -> StoredAnswer | RedisTurn:
        place, room = f"{self._prefix}:idem:{_hashed(tenant, key)}", f"{self._prefix}:idem-of:{_hashed(tenant)}"
        try:
            async with asyncio.timeout(self._wait_seconds):
                return await self._begin(place, room, fingerprint)
        except TimeoutError:
            raise waited_too_long() from None
        except Away:
            raise Unavailable(
                f"{HEADER}: earlier answers cannot be looked up just now; repeat the request with the same key",
                retry_after=RETRY_SECONDS,
            ) from None

    async def close(self) -> None:
        """Turns that are still open are left to lapse."""
        self._closed = True  # should a cancel get lost on its way through a library, nothing goes on for ever
        for task in (*self._aside, *([self._renewing] if self._renewing else [])):
            task.cancel()
        await self._server.close()

    async def _begin(self, place: str, room: str, fingerprint: bytes) -> StoredAnswer | RedisTurn:
        claim = _CLAIM + fingerprint + secrets.token_bytes(16)
        pause, cancels = _FIRST_PAUSE, _cancels()
        while True:
            held = await self._claim(place, claim)
            if _cancels() > cancels:  # the driver may swallow one that comes together with its own time-out
                self._do_aside(self._released(place, claim))
                raise asyncio.CancelledError
            if held is None:
                return self._opened(RedisTurn(self, place, room, claim))
            if held[:1] != _CLAIM:
                return _read(held).given_again(fingerprint)
            require_same(held[_FINGERPRINT], fingerprint)
            await asyncio.sleep(pause)
            pause = min(pause * _PAUSE_GROWTH, _LONGEST_PAUSE)

    async def _claim(self, place: str, claim: bytes) -> bytes | None:
        """None where the place was free and is now held; else what is there."""
        lease = _milliseconds(self._lease_seconds)
        try:
            held = await self._server.ask(lambda redis: redis.set(place, claim, nx=True, get=True, px=lease))
        except asyncio.CancelledError:  # it may have been claimed all the same, and nobody would know
            self._do_aside(self._released(place, claim))
            raise
        assert held is None or isinstance(held, bytes)
        return held

    def _opened(self, turn: RedisTurn) -> RedisTurn:
        self._turns.add(turn)
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew_turns(), context=of_no_request())
        return turn

    async def _renew_turns(self) -> None:
        while self._turns and not self._closed:
            await asyncio.sleep(self._lease_seconds / 3)
            turns = list(self._turns)
            try:
                await self._server.ask(lambda redis, turns=turns: self._renewed(redis, turns))  # type: ignore[misc]
            except Away:
                continue  # it is tried again before the lease is over

    async def _renewed(self, redis: Redis, turns: list[RedisTurn]) -> None:
        lease = str(_milliseconds(self._lease_seconds))
        async with redis.pipeline(transaction=False) as pipeline:
            for turn in turns:
                pipeline.eval(_RENEW, 1, turn.place, turn.claim, lease)
            await pipeline.execute()

    async def _kept(self, turn: RedisTurn, answer: StoredAnswer) -> None:
        fingerprint = turn.claim[_FINGERPRINT]
        value = _ANSWER + fingerprint + answer.pack() if answer.fits else _TRACE + fingerprint
        try:
            await self._server.ask(
                lambda redis: keep(
                    redis,
                    turn.place,
                    turn.room,
                    value,
                    milliseconds=self._milliseconds,
                    most_bytes=self._most_bytes,
                    claim=turn.claim,
                    trace=_TRACE,
                )
            )
        except Away:
            log.warning("the answer to an idempotency key was not kept", request_id=answer.request_id)
        finally:
            self._turns.discard(turn)

    async def _released(self, place: str, claim: bytes) -> None:
        try:
            await self._server.ask(lambda redis: redis.eval(_FREE, 1, place, claim))
        except Away:
            return  # it lapses

    def _do_aside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)


class RedisTurn:
    """A place in Redis, and the claim that holds it. room: what its tenant keeps."""

    def __init__(self, store: RedisIdempotency, place: str, room: str, claim: bytes) -> None:
        self._store = store
        self.place = place
        self.room = room
        self.claim = claim
        self._over = False

    async def keep(self, answer: StoredAnswer) -> None:
        if not answer.succeeded:
            await self.give_up()
        elif not self._over:
            self._over = True
            await self._store._kept(self, answer)

    async def give_up(self) -> None:
        if not self._over:
            self._over = True
            self._store._turns.discard(self)
            await self._store._released(self.place, self.claim)


def _read(value: bytes) -> Kept:
    answer = StoredAnswer.unpack(value[_REST]) if value[:1] == _ANSWER else None
    return Kept(value[_FINGERPRINT], answer)


def _hashed(*named: str) -> str:
    """Nothing that a caller wrote stands in the name of a key."""
    return hashlib.sha256("\0".join(named).encode()).hexdigest()


def _cancels() -> int:
    """How often this task was told to end."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
