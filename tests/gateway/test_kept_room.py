"""What one tenant may keep in Redis: the oldest make room, and a repeat of those is refused, not charged again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import redis as redis_driver
from redis.asyncio import Redis as Client

from atelier.errors import KeyReused
from atelier.gateway.answers import AnswerCache, Idempotency, StoredAnswer, create_answer_cache, create_idempotency
from atelier.gateway.answers.redis_room import ENTRY_BYTES, MOST_DROPPED, keep
from atelier.settings import Settings
from redis_server import Redis

ONE, OTHER = b"1" * 32, b"2" * 32


def answer(kilobytes: int) -> StoredAnswer:
    return StoredAnswer(200, (), bytes(kilobytes * 1000), "request-1")


@pytest.fixture
def where(redis: Redis) -> dict[str, Any]:
    return {"redis_url": redis.url, "redis_prefix": redis.new_prefix(), "answers_mb": 1}


@pytest.fixture
async def idempotency(where: dict[str, Any]) -> AsyncIterator[Idempotency]:
    opened = create_idempotency(Settings(**where))
    yield opened
    await opened.close()


@pytest.fixture
async def cache(where: dict[str, Any]) -> AsyncIterator[AnswerCache]:
    opened = create_answer_cache(Settings(**where))
    yield opened
    await opened.close()


def taken(where: dict[str, Any]) -> int:
    """The bytes of all answers of the test."""
    with redis_driver.Redis.from_url(where["redis_url"]) as server:
        names = [*server.keys(f"{where['redis_prefix']}:idem:*"), *server.keys(f"{where['redis_prefix']}:answer:*")]
        return sum(int(server.strlen(name)) for name in names)


async def run(idempotency: Idempotency, key: str, kilobytes: int, tenant: str = "acme") -> None:
    turn = await idempotency.begin(tenant, key, ONE)
    assert not isinstance(turn, StoredAnswer), "it has run"
    await turn.keep(answer(kilobytes))


async def replayed(idempotency: Idempotency, key: str, tenant: str = "acme") -> bool:
    """Whether the answer is there; else the repeat is refused, and not run."""
    try:
        assert isinstance(await idempotency.begin(tenant, key, ONE), StoredAnswer)
    except KeyReused:
        return False
    return True


async def test_the_oldest_answers_make_room_and_are_not_run_again(
    idempotency: Idempotency, where: dict[str, Any]
) -> None:
    for key in "abcd":
        await run(idempotency, key, 400)
    assert [await replayed(idempotency, key) for key in "abcd"] == [False, False, True, True]
    assert taken(where) < 1_000_000
    with pytest.raises(KeyReused, match="different request"):
        await idempotency.begin("acme", "a", OTHER)
    with redis_driver.Redis.from_url(where["redis_url"]) as server:
        ends = [server.pttl(name) for name in server.keys(f"{where['redis_prefix']}:idem:*")]
        assert len(ends) == 4
        assert min(ends) > 86_000_000  # a trace lasts as long as the answer would have


async def test_one_tenants_answers_take_no_room_from_anothers(idempotency: Idempotency) -> None:
    await run(idempotency, "a", 900, tenant="small")
    for key in "abc":
        await run(idempotency, key, 900)
    assert await replayed(idempotency, "a", tenant="small")
    assert [await replayed(idempotency, key) for key in "abc"] == [False, False, True]


async def test_an_answer_over_the_bound_drives_nobody_out(idempotency: Idempotency) -> None:
    await run(idempotency, "a", 400)
    await run(idempotency, "large", 1_001)
    assert [await replayed(idempotency, key) for key in ("a", "large")] == [True, False]


async def test_what_has_ended_takes_no_room(where: dict[str, Any]) -> None:
    short = create_idempotency(Settings(**where, idempotency_hours=0.3 / 3600))
    await run(short, "a", 900)
    gone = await _once(lambda: short.begin("acme", "a", ONE))
    await gone.give_up()
    lasting = create_idempotency(Settings(**where))
    for key in "bc":
        await run(lasting, key, 490)
    assert [await replayed(lasting, key) for key in "bc"] == [True, True]
    await short.close()
    await lasting.close()


async def _once(begin: Callable[[], Awaitable[Any]]) -> Any:
    for _ in range(500):
        if not isinstance(begun := await begin(), StoredAnswer):
            return begun
        await asyncio.sleep(0.02)
    pytest.fail("it is still kept")


async def test_the_cache_forgets_the_oldest(cache: AnswerCache, where: dict[str, Any]) -> None:
    keys = [bytes([number]) * 32 for number in range(5)]
    for key in keys:
        await cache.keep("acme", key, answer(300))
    await cache.keep("other", keys[0], answer(900))
    assert [await cache.find("acme", key) is not None for key in keys] == [False, False, True, True, True]
    assert await cache.find("other", keys[0])
    await cache.keep("acme", b"l" * 32, answer(1_001))
    assert await cache.find("acme", b"l" * 32) is None
    assert await cache.find("acme", keys[4])
    assert taken(where) < 2_000_000


async def test_equal_requests_at_once_are_kept_once(cache: AnswerCache, where: dict[str, Any]) -> None:
    for key in (b"first", b"first", b"second"):
        await cache.keep("acme", key, answer(400))
    assert await cache.find("acme", b"first") is not None
    assert await cache.find("acme", b"second") is not None


async def test_no_single_answer_holds_the_server_up_to_make_room(redis: Redis) -> None:
    prefix, most = redis.new_prefix(), 2 * MOST_DROPPED * ENTRY_BYTES
    room, names = f"{prefix}:room", [f"{prefix}:{number}" for number in range(2 * MOST_DROPPED - 200)]
    async with Client.from_url(redis.url) as client:

        async def put(*places: str, size: int = 0) -> None:
            async with client.pipeline(transaction=False) as pipeline:
                for place in places:
                    await keep(pipeline, place, room, bytes(size), milliseconds=60_000, most_bytes=most)
                await pipeline.execute()

        await put(*names)
        assert await client.llen(room) == len(names)
        await put("large", size=most - 10 * ENTRY_BYTES)
        assert await client.llen(room) == len(names) - MOST_DROPPED
        assert not await client.exists("large")
        assert await client.exists(*names) == len(names) - MOST_DROPPED
        await put("large", size=most - 10 * ENTRY_BYTES)  # the rest of the way
        assert await client.strlen("large") == most - 10 * ENTRY_BYTES
        assert await client.llen(room) <= 10
