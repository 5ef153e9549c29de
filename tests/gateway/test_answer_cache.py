"""The cache of answers: what may be in it, what makes two requests equal, and the same tests over both stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import redis as redis_driver

from atelier.catalog import SERVICES
from atelier.contracts.base import Contract
from atelier.contracts.image_to_text import ImageToTextRequest
from atelier.contracts.images import ImageToImageRequest, TextToImageRequest
from atelier.contracts.speech_to_text import TranscriptionRequest
from atelier.contracts.text_to_speech import SpeechRequest, SpeechResult
from atelier.gateway.answers import (
    MOST_KEPT_BYTES,
    AnswerCache,
    StoredAnswer,
    cache_key,
    create_answer_cache,
    kept_headers,
    may_be_kept,
)
from atelier.gateway.answers.memory import MemoryAnswerCache
from atelier.settings import Settings
from atelier.wire import speech
from atelier.wire.call import Call
from redis_server import Redis, running_redis

ANSWER = StoredAnswer(200, (("content-type", "audio/wav"),), b"RIFF\x00\xff", "request-1")
KEY = b"k" * 32
SEEDED = TextToImageRequest(prompt="a red circle", seed=7)

Open = Callable[..., AnswerCache]


@pytest.fixture(params=["memory", "redis"])
async def open_cache(request: pytest.FixtureRequest) -> AsyncIterator[Open]:
    opened: list[AnswerCache] = []
    where = {}
    if request.param == "redis":
        server: Redis = request.getfixturevalue("redis")
        where = {"redis_url": server.url, "redis_prefix": server.new_prefix()}

    def opener(**more: object) -> AnswerCache:
        opened.append(create_answer_cache(Settings(**where, **more)))
        return opened[-1]

    yield opener
    for cache in opened:
        await cache.close()


async def test_an_answer_is_found_by_its_tenant_and_key_alone(open_cache: Open) -> None:
    cache = open_cache()
    assert await cache.find("acme", KEY) is None
    await cache.keep("acme", KEY, ANSWER)
    assert await cache.find("acme", KEY) == ANSWER
    assert await cache.find("other", KEY) is None
    assert await cache.find("acme", b"l" * 32) is None


async def test_an_answer_is_kept_for_its_time(open_cache: Open) -> None:
    cache = open_cache(cache_seconds=1.5)
    await cache.keep("acme", KEY, ANSWER)
    assert await cache.find("acme", KEY) == ANSWER
    for _ in range(3000):
        if await cache.find("acme", KEY) is None:
            return
        await asyncio.sleep(0.02)
    pytest.fail("it is still kept")


@pytest.mark.parametrize(
    "answer",
    [
        StoredAnswer(400, (), b"{}", ""),
        StoredAnswer(500, (), b"{}", ""),
        StoredAnswer(200, (), bytes(MOST_KEPT_BYTES + 1), ""),
    ],
    ids=["refused", "failed", "too large"],
)
async def test_failures_and_what_is_too_large_are_not_kept(open_cache: Open, answer: StoredAnswer) -> None:
    cache = open_cache()
    await cache.keep("acme", KEY, answer)
    assert await cache.find("acme", KEY) is None


async def test_gateways_share_what_is_in_redis(redis: Redis) -> None:
    where = {"redis_url": redis.url, "redis_prefix": redis.new_prefix()}
    here, there = (create_answer_cache(Settings(**where)) for _ in range(2))
    await here.keep("acme", KEY, ANSWER)
    assert await there.find("acme", KEY) == ANSWER
    with redis_driver.Redis.from_url(redis.url, decode_responses=True) as server:
        names = sorted(server.keys(f"{where['redis_prefix']}:*"))
        assert [name.removeprefix(where["redis_prefix"])[:-64] for name in names] == [":answer:", ":answers-of:"]
        for name in names:
            assert "acme" not in name
            assert server.pttl(name) > 3_500_000
    await here.close()
    await there.close()


async def test_while_redis_is_away_everything_is_a_miss_and_nothing_fails() -> None:
    with running_redis() as server:
        cache = create_answer_cache(Settings(redis_url=server.url))
        await cache.keep("acme", KEY, ANSWER)
        server.stop()
        assert await cache.find("acme", KEY) is None
        await cache.keep("acme", KEY, ANSWER)
        server.start()
        for _ in range(3000):
            if await cache.find("acme", KEY) == ANSWER:
                break
            await asyncio.sleep(0.02)
        else:
            pytest.fail("it was not looked for again")
        await cache.close()


async def test_a_full_redis_is_a_miss_and_not_a_failure() -> None:
    with running_redis() as server, redis_driver.Redis.from_url(server.url) as owner:
        owner.config_set("maxmemory", "1")
        cache = create_answer_cache(Settings(redis_url=server.url))
        await cache.keep("acme", KEY, ANSWER)
        assert await cache.find("acme", KEY) is None
        await cache.close()


async def test_memory_makes_room_by_forgetting_what_was_unused_for_the_longest() -> None:
    cache = MemoryAnswerCache(3600, most_bytes=100_000)
    large = StoredAnswer(200, (), bytes(40_000), "")
    for key in (b"a", b"b"):
        await cache.keep("acme", key, large)
    assert await cache.find("acme", b"a")
    await cache.keep("acme", b"c", large)
    assert [await cache.find("acme", key) is not None for key in (b"a", b"b", b"c")] == [True, False, True]


# What may be kept


@pytest.mark.parametrize(
    ("service", "request_", "same"),
    [
        ("text-to-image", SEEDED, True),
        ("text-to-image", TextToImageRequest(prompt="a", seed=0), True),
        ("text-to-image", TextToImageRequest(prompt="a"), False),
        ("image-to-image", ImageToImageRequest(image=b"1", seed=7), True),
        ("image-to-image", ImageToImageRequest(image=b"1"), False),
        ("text-to-speech", SpeechRequest(text="a"), True),
        ("speech-to-text", TranscriptionRequest(audio=b"1"), True),
        ("speech-to-text", TranscriptionRequest(audio=b"1", temperature=0.2), False),
        ("image-to-text", ImageToTextRequest(image=b"1", task="ocr"), True),
        ("image-to-text", ImageToTextRequest(image=b"1", task="ocr", temperature=1), True),
        ("image-to-text", ImageToTextRequest(image=b"1", task="caption"), True),
        ("image-to-text", ImageToTextRequest(image=b"1", task="caption", temperature=0.7), False),
        ("image-to-text", ImageToTextRequest(image=b"1", task="both", temperature=0.7), False),
    ],
)
def test_only_what_has_one_answer_may_be_kept(service: str, request_: Contract, same: bool) -> None:
    assert SERVICES[service].deterministic(request_) == same
    assert may_be_kept(service, Call(request_)) == same
    assert not may_be_kept(service, Call(request_, keep=True))  # links end


def test_a_recordings_headers_are_kept_with_it() -> None:
    result = SpeechResult(
        model="m", data=b"RIFF", media_type="audio/wav", duration=1, sample_rate=24000, voice="en", language="en"
    )
    sent = speech.answer(result, Call(SpeechRequest(text="a")), str).headers
    assert {name for name, _ in kept_headers(sent.items())} == set(sent) - {"content-length"}


# What makes two requests equal


def test_equal_requests_have_equal_keys_however_they_were_written() -> None:
    worded = {"path": "/v1/images/generations", "stream": False}
    key = cache_key("text-to-image", SEEDED, worded)
    written_out = TextToImageRequest(seed=7, prompt=" a red circle ", n=1, size="AUTO")
    assert cache_key("text-to-image", written_out, dict(reversed(worded.items()))) == key
    assert len(key) == 32


def test_any_difference_makes_another_key() -> None:
    keys = {
        cache_key("text-to-image", SEEDED, {}),
        cache_key("image-to-image", SEEDED, {}),
        cache_key("text-to-image", SEEDED.model_copy(update={"model": "other"}), {}),
        cache_key("text-to-image", SEEDED.model_copy(update={"seed": 8}), {}),
        cache_key("text-to-image", SEEDED.model_copy(update={"stream": True}), {}),
        cache_key("text-to-image", SEEDED, {"response_format": "url"}),
        cache_key("text-to-image", SEEDED, {"response_format": "b64_json"}),
        cache_key("image-to-image", ImageToImageRequest(image=b"1", seed=7), {}),
        cache_key("image-to-image", ImageToImageRequest(image=b"2", seed=7), {}),
        cache_key("image-to-text", ImageToTextRequest(image=b"1"), {}),
        cache_key("speech-to-text", TranscriptionRequest(audio=b"1"), {}),
    }
    assert len(keys) == 11


@pytest.mark.filterwarnings("ignore:Pydantic serializer")
@pytest.mark.parametrize("request_type", sorted({s.request for s in SERVICES.values()}, key=lambda c: c.__name__))
def test_every_field_of_every_request_is_in_its_key(request_type: type[Contract]) -> None:
    given = {"prompt": "a", "text": "a", "image": b"1", "audio": b"1"}
    plain = request_type(**{name: value for name, value in given.items() if name in request_type.model_fields})
    for name in request_type.model_fields:
        other = plain.model_copy(update={name: b"2" if isinstance(getattr(plain, name), bytes) else "another"})
        assert cache_key("any", other, {}) != cache_key("any", plain, {})
