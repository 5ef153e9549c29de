"""A request that is sent more than once runs once, whichever gateway it comes to: the same tests over both stores."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
import redis as redis_driver
from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.errors import Conflict, InvalidRequest, TooSlow, Unavailable
from atelier.gateway.answers import (
    MOST_KEPT_BYTES,
    Copy,
    Idempotency,
    StoredAnswer,
    Turn,
    create_idempotency,
    fingerprint,
    idempotency_key,
    kept_headers,
)
from atelier.gateway.answers.memory import MemoryIdempotency, Shelf
from atelier.gateway.answers.redis import RedisIdempotency, Server
from atelier.settings import Settings
from atelier.state.redis import connect_redis
from atelier.wire.body import Body
from redis_server import Redis, running_redis

ANSWER = StoredAnswer(200, (("content-type", "image/png"),), b"\x89PNG \x00\xff", "request-1")
ONE, OTHER = b"1" * 32, b"2" * 32
KEY = "POST /v1/images/generations first"

Open = Callable[..., Idempotency]
"""Another gateway's view of the same answers: in one process there is only one."""


@pytest.fixture(params=["memory", "redis"])
async def open_gateway(request: pytest.FixtureRequest) -> AsyncIterator[Open]:
    opened: list[Idempotency] = []
    if request.param == "redis":
        server: Redis = request.getfixturevalue("redis")
        where = {"redis_url": server.url, "redis_prefix": server.new_prefix()}

    def on_redis(*, lease_seconds: float = 10.0, **more: object) -> Idempotency:
        opened.append(create_idempotency(Settings(**where, **more), lease_seconds=lease_seconds))
        return opened[-1]

    def in_memory(*, lease_seconds: float = 10.0, **more: object) -> Idempotency:
        if not opened:
            opened.append(create_idempotency(Settings(**more)))
        return opened[0]

    yield on_redis if request.param == "redis" else in_memory
    for gateway in opened:
        await gateway.close()


async def first(gateway: Idempotency, key: str = KEY, asked: bytes = ONE, tenant: str = "acme") -> Turn:
    begun = await gateway.begin(tenant, key, asked)
    assert not isinstance(begun, StoredAnswer)
    return begun


async def waits(work: Awaitable[object], seconds: float = 0.3) -> bool:
    """Whether the work is still not done after a while; it goes on."""
    done, _ = await asyncio.wait([asyncio.ensure_future(work)], timeout=seconds)
    return not done


async def test_a_later_repeat_gets_the_kept_answer_on_any_gateway(open_gateway: Open) -> None:
    here, there = open_gateway(), open_gateway()
    await (await first(here)).keep(ANSWER)
    assert await here.begin("acme", KEY, ONE) == ANSWER
    assert await there.begin("acme", KEY, ONE) == ANSWER


async def test_tenants_and_keys_are_apart(open_gateway: Open) -> None:
    gateway = open_gateway()
    await (await first(gateway)).keep(ANSWER)
    await (await first(gateway, tenant="other")).give_up()
    await (await first(gateway, key=KEY + "2")).give_up()


async def test_a_repeat_waits_for_the_first_and_gets_its_answer(open_gateway: Open) -> None:
    here, there = open_gateway(), open_gateway()
    turn = await first(here)
    repeats = [asyncio.create_task(gateway.begin("acme", KEY, ONE)) for gateway in (here, there, there)]
    assert await waits(asyncio.gather(*repeats))
    await turn.keep(ANSWER)
    assert await asyncio.gather(*repeats) == [ANSWER] * 3


async def test_of_many_at_once_one_runs(open_gateway: Open) -> None:
    gateways = [open_gateway() for _ in range(3)]
    ran = 0

    async def send(gateway: Idempotency) -> StoredAnswer:
        nonlocal ran
        begun = await gateway.begin("acme", KEY, ONE)
        if isinstance(begun, StoredAnswer):
            return begun
        ran += 1
        await asyncio.sleep(0.05)
        await begun.keep(ANSWER)
        return ANSWER

    assert await asyncio.gather(*(send(gateways[i % 3]) for i in range(24))) == [ANSWER] * 24
    assert ran == 1


@pytest.mark.parametrize("status", [400, 401, 422, 429, 500, 503, None])
async def test_after_a_failure_the_one_that_waits_takes_its_turn(open_gateway: Open, status: int | None) -> None:
    here, there = open_gateway(), open_gateway()
    turn = await first(here)
    repeat = asyncio.create_task(there.begin("acme", KEY, ONE))
    assert await waits(repeat, 0.1)
    await (turn.give_up() if status is None else turn.keep(StoredAnswer(status, (), b"{}", "request-1")))
    begun = await asyncio.wait_for(repeat, 60)
    assert not isinstance(begun, StoredAnswer)
    await turn.keep(ANSWER)  # too late: it has no turn any more
    await turn.give_up()
    assert await waits(there.begin("acme", KEY, ONE), 0.1)
    await begun.keep(ANSWER)
    assert await here.begin("acme", KEY, ONE) == ANSWER


async def test_a_key_that_was_given_up_is_free_for_a_mended_request(open_gateway: Open) -> None:
    gateway = open_gateway()
    await (await first(gateway, asked=ONE)).give_up()
    await (await first(gateway, asked=OTHER)).keep(ANSWER)


@pytest.mark.parametrize("done", [False, True])
async def test_another_request_under_the_same_key_is_refused(open_gateway: Open, done: bool) -> None:
    here, there = open_gateway(), open_gateway()
    turn = await first(here)
    if done:
        await turn.keep(ANSWER)
    with pytest.raises(Conflict, match="Idempotency-Key: was used for a different request") as refused:
        await there.begin("acme", KEY, OTHER)
    assert (refused.value.status, refused.value.code) == (409, "idempotency_conflict")
    assert refused.value.headers == {"x-should-retry": "false"}
    await turn.give_up()


async def test_an_answer_that_is_too_large_is_not_made_again(open_gateway: Open) -> None:
    gateway = open_gateway()
    await (await first(gateway)).keep(StoredAnswer(200, (), bytes(MOST_KEPT_BYTES + 1), "request-1"))
    with pytest.raises(Conflict, match="over 25 MB, or later ones took its room"):
        await gateway.begin("acme", KEY, ONE)


async def test_the_largest_answer_is_kept_whole(open_gateway: Open) -> None:
    gateway = open_gateway()
    largest = StoredAnswer(200, (), bytes(MOST_KEPT_BYTES), "request-1")
    await (await first(gateway)).keep(largest)
    assert await gateway.begin("acme", KEY, ONE) == largest


async def test_an_answer_is_kept_for_its_time(open_gateway: Open) -> None:
    gateway = open_gateway(idempotency_hours=1.5 / 3600)
    await (await first(gateway)).keep(ANSWER)
    assert await gateway.begin("acme", KEY, ONE) == ANSWER
    for _ in range(3000):
        begun = await gateway.begin("acme", KEY, ONE)
        if not isinstance(begun, StoredAnswer):
            return await begun.give_up()
        await asyncio.sleep(0.02)
    pytest.fail("it is still kept")


async def test_waiting_ends_with_the_time_of_a_request(open_gateway: Open) -> None:
    gateway = open_gateway(request_seconds=0.2)
    turn = await first(gateway)
    with pytest.raises(TooSlow, match="still running"):
        await gateway.begin("acme", KEY, ONE)
    await turn.keep(ANSWER)
    assert await gateway.begin("acme", KEY, ONE) == ANSWER


async def test_who_stops_waiting_leaves_nothing_behind(open_gateway: Open) -> None:
    gateway = open_gateway()
    turn = await first(gateway)
    left = asyncio.create_task(gateway.begin("acme", KEY, ONE))
    assert await waits(left, 0.1)
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    await turn.give_up()
    await (await asyncio.wait_for(first(gateway), 60)).give_up()


async def test_a_turn_that_is_left_while_it_is_taken_is_free_again(open_gateway: Open) -> None:
    """Wherever a client hangs up: cancelled after any number of steps of the event loop, the key is never stuck."""
    gateway = open_gateway()
    for steps in range(30):
        begun = asyncio.create_task(gateway.begin("acme", f"{KEY} {steps}", ONE))
        for _ in range(steps):
            await asyncio.sleep(0)
        begun.cancel()
        if not isinstance(ended := (await asyncio.gather(begun, return_exceptions=True))[0], asyncio.CancelledError):
            await ended.give_up()  # type: ignore[union-attr]
    for steps in range(30):
        await (await asyncio.wait_for(first(gateway, key=f"{KEY} {steps}"), 60)).give_up()


# What only Redis has: other gateways that end, and a server that is away


@pytest.fixture
def shared(redis: Redis) -> dict[str, str]:
    return {"redis_url": redis.url, "redis_prefix": redis.new_prefix()}


async def test_a_turn_is_renewed_for_as_long_as_it_runs(shared: dict[str, str]) -> None:
    here, there = (create_idempotency(Settings(**shared), lease_seconds=3) for _ in range(2))
    turn = await first(here)
    repeat = asyncio.create_task(there.begin("acme", KEY, ONE))
    assert await waits(repeat, 4.5)
    await turn.keep(ANSWER)
    assert await asyncio.wait_for(repeat, 60) == ANSWER
    await here.close()
    await there.close()


KILLED = f"""
import asyncio, sys
from atelier.gateway.answers import create_idempotency
from atelier.settings import Settings
async def run():
    gateway = create_idempotency(Settings(redis_url=sys.argv[1], redis_prefix=sys.argv[2]), lease_seconds=3.0)
    await gateway.begin("acme", {KEY!r}, {ONE!r})
    print("begun", flush=True)
    await asyncio.sleep(600)
asyncio.run(run())
"""


async def test_the_turn_of_a_killed_gateway_lapses(shared: dict[str, str]) -> None:
    command = [sys.executable, "-c", KILLED, shared["redis_url"], shared["redis_prefix"]]
    other = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert other.stdout
    assert await other.stdout.readline() == b"begun\n"
    gateway = create_idempotency(Settings(**shared))
    repeat = asyncio.create_task(gateway.begin("acme", KEY, ONE))
    assert await waits(repeat, 4.5)  # it lives, and renews
    other.kill()
    await other.wait()
    begun = await asyncio.wait_for(repeat, 60)
    assert not isinstance(begun, StoredAnswer)
    await begun.keep(ANSWER)
    assert await gateway.begin("acme", KEY, ONE) == ANSWER
    await gateway.close()


async def test_who_lost_its_turn_does_not_write_over_the_other(shared: dict[str, str]) -> None:
    here, there = (create_idempotency(Settings(**shared)) for _ in range(2))
    with redis_driver.Redis.from_url(shared["redis_url"]) as server:
        lost = await first(here)
        server.delete(*server.keys(f"{shared['redis_prefix']}:*"))
        taken = await first(there)
        await lost.keep(StoredAnswer(200, (), b"of the one that was thought dead", "request-0"))
        repeat = asyncio.create_task(here.begin("acme", KEY, ONE))
        assert await waits(repeat)
        await taken.keep(ANSWER)
        assert await repeat == ANSWER
        assert await here.begin("acme", KEY, ONE) == ANSWER
        alone = await first(here, key="POST /v1/ocr alone")
        server.delete(*server.keys(f"{shared['redis_prefix']}:*"))
        await alone.keep(ANSWER)  # nobody has it: a server that forgot the claim still takes the answer
        assert await there.begin("acme", "POST /v1/ocr alone", ONE) == ANSWER
    await here.close()
    await there.close()


async def test_nothing_that_a_caller_wrote_is_in_a_keys_name(shared: dict[str, str]) -> None:
    gateway = create_idempotency(Settings(**shared))
    await (await first(gateway)).keep(ANSWER)
    with redis_driver.Redis.from_url(shared["redis_url"], decode_responses=True) as server:
        names = sorted(server.keys(f"{shared['redis_prefix']}:*"))
        assert [name.removeprefix(shared["redis_prefix"])[:-64] for name in names] == [":idem-of:", ":idem:"]
        for name in names:
            assert "acme" not in name
            assert "first" not in name
            assert 86_000_000 < server.pttl(name) <= 86_400_000
    await gateway.close()


class Swallowing(Server):
    """A driver that takes the first cancel for a time-out of its own, as the real one does where both come at once."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self.asked = asyncio.Event()

    async def ask(self, command: Callable[[Any], Awaitable[Any]]) -> Any:
        if not self.asked.is_set():
            self.asked.set()
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        return await super().ask(command)


async def test_who_stops_waiting_ends_though_the_driver_swallows_it(shared: dict[str, str]) -> None:
    here = create_idempotency(Settings(**shared))
    turn = await first(here)
    server = Swallowing(connect_redis(shared["redis_url"]))
    there = RedisIdempotency(
        server, shared["redis_prefix"], 60, wait_seconds=60, lease_seconds=10, most_bytes=MOST_KEPT_BYTES
    )
    left = asyncio.create_task(there.begin("acme", KEY, ONE))
    await server.asked.wait()
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    await turn.keep(ANSWER)
    await there.close()
    await here.close()


NOBODY = "redis://127.0.0.1:9/0"  # the discard port: nothing listens


async def test_while_redis_is_away_a_key_is_refused_or_kept_here() -> None:
    closed = create_idempotency(Settings(redis_url=NOBODY))
    with pytest.raises(Unavailable, match="Idempotency-Key") as refused:
        await closed.begin("acme", KEY, ONE)
    assert refused.value.retry_after
    local = create_idempotency(Settings(redis_url=NOBODY, redis_away="local", gateways=1))
    await (await first(local)).keep(ANSWER)
    assert await local.begin("acme", KEY, ONE) == ANSWER
    with pytest.raises(Conflict):
        await local.begin("acme", KEY, OTHER)
    await closed.close()
    await local.close()


async def test_an_answer_that_cannot_be_kept_is_still_an_answer() -> None:
    with running_redis() as server:
        gateway = create_idempotency(Settings(redis_url=server.url))
        kept, given_up = await first(gateway), await first(gateway, key="POST /v1/ocr other")
        server.stop()
        await kept.keep(ANSWER)
        await given_up.give_up()
        with pytest.raises(Unavailable):
            await gateway.begin("acme", KEY, ONE)
        await gateway.close()


async def test_what_began_here_ends_here_when_redis_is_back() -> None:
    with running_redis() as server:
        server.stop()
        gateway = create_idempotency(Settings(redis_url=server.url, redis_away="local", gateways=1))
        turn = await first(gateway)
        server.start()
        with redis_driver.Redis.from_url(server.url) as found:
            for probe in range(500):
                await (await first(gateway, key=f"POST /v1/ocr {probe}")).keep(ANSWER)
                if found.keys("*"):
                    break
                await asyncio.sleep(0.02)
        repeat = asyncio.create_task(gateway.begin("acme", KEY, ONE))
        assert await waits(repeat, 0.7)
        await turn.keep(ANSWER)
        assert await asyncio.wait_for(repeat, 60) == ANSWER
        await gateway.close()


# What makes two requests one


@pytest.mark.parametrize("header", ["", "x" * 256, "tab\there", "line\nbreak", "schlüssel", "\x7f"])
def test_a_key_that_cannot_be_one_is_refused_by_the_headers_name(header: str) -> None:
    with pytest.raises(InvalidRequest, match="1 to 255 printable ASCII") as refused:
        idempotency_key("/v1/ocr", header)
    assert refused.value.field == "Idempotency-Key"


def test_a_key_is_one_for_each_path() -> None:
    assert idempotency_key("/v1/ocr", "x" * 255) != idempotency_key("/api/image-to-text", "x" * 255)
    assert idempotency_key("/v1/ocr", "stainless-python-retry-8e03978e-40d5-43dd-bc93-6894a57f9324")


VALUES = st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=4)


@settings(max_examples=30)
@given(st.dictionaries(st.text(), VALUES, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_fields_does_not_matter(fields: dict[str, object], chance: object) -> None:
    names = list(fields)
    chance.shuffle(names)  # type: ignore[attr-defined]
    assert fingerprint("/v1/ocr", Body(fields)) == fingerprint("/v1/ocr", Body({name: fields[name] for name in names}))


def test_everything_else_does() -> None:
    bodies = [
        Body({"prompt": "a", "n": 1}),
        Body({"prompt": "a", "n": "1"}),
        Body({"prompt": "a"}),
        Body({"prompt": "b"}),
        Body({"image": "data:" + "a" * 20_000}),
        Body({"image": "data:" + "a" * 19_999 + "b"}),
        Body({"messages": [{"image_url": "a" * 20_000}]}),
        Body({"messages": [{"image_url": "b" * 20_000}]}),
        Body({"prompt": ["a", "b"]}),
        Body({"prompt": ["b", "a"]}),
        Body({"prompt": "a"}, {"image": [b"1"]}),
        Body({"prompt": "a"}, {"image": [b"2"]}),
        Body({"prompt": "a"}, {"mask": [b"1"]}),
        Body({"prompt": "a"}, {"image": [b"1", b"2"]}),
        Body({"prompt": "a"}, {"image": [b"2", b"1"]}),
    ]
    prints = {fingerprint(path, body) for body in bodies for path in ("/v1/images/edits", "/v1/images/variations")}
    assert len(prints) == 30
    assert {len(each) for each in prints} == {32}


# What is kept


def test_headers_of_the_exchange_are_not_given_again() -> None:
    sent = [
        ("Content-Type", "audio/wav"),
        ("X-Audio-Duration", "1.2"),
        ("x-request-id", "1"),
        ("ratelimit", "…"),
        ("set-cookie", "a=b"),
        ("content-length", "7"),
        ("date", "today"),
    ]
    assert kept_headers(sent) == (("content-type", "audio/wav"), ("x-audio-duration", "1.2"))


def test_a_copy_holds_the_pieces_up_to_what_is_kept() -> None:
    copy = Copy()
    for piece in (b"data: 1\n\n", b"", b"data: 2\n\n"):
        copy.add(piece)
    assert copy.body() == b"data: 1\n\ndata: 2\n\n"
    for _ in range(100):
        copy.add(bytes(MOST_KEPT_BYTES // 10))
    assert MOST_KEPT_BYTES < len(copy.body()) < MOST_KEPT_BYTES * 1.2
    assert not StoredAnswer(200, (), copy.body(), "").fits


@given(st.binary(), st.lists(st.tuples(st.text(), st.text())), st.text(), st.integers(100, 599))
def test_a_packed_answer_is_unpacked_as_it_was(
    body: bytes, headers: list[tuple[str, str]], request_id: str, status: int
) -> None:
    answer = StoredAnswer(status, tuple(headers), body, request_id)
    assert StoredAnswer.unpack(answer.pack()) == answer


async def test_memory_is_bounded_in_bytes_and_forgets_what_was_unused_for_the_longest() -> None:
    gateway = MemoryIdempotency(3600, wait_seconds=1, most_bytes=100_000)
    large = StoredAnswer(200, (), bytes(40_000), "")
    for key in ("a", "b"):
        await (await first(gateway, key=key)).keep(large)
    assert await gateway.begin("acme", "a", ONE) == large
    await (await first(gateway, key="c")).keep(large)
    assert await gateway.begin("acme", "a", ONE) == large
    await (await first(gateway, key="b")).give_up()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 60_000), st.sampled_from([0.0, 60.0]))))
def test_a_shelf_never_holds_more_than_its_bytes(items: list[tuple[int, int, float]]) -> None:
    shelf: Shelf[int] = Shelf(100_000)
    for place, size, seconds in items:
        shelf.put(place, size, size, seconds)
        assert shelf.get(place) == (size if seconds else None)
        assert 0 <= shelf.bytes <= 100_000
    for place in range(10):
        shelf.put(place, 0, 10**9, 1)  # larger than the whole: it goes, and takes nothing with it
    assert shelf.bytes == 0
