"""Limits that several gateways share in Redis: exact together, through crashes, and while Redis is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from redis import Redis as Client
from structlog.testing import capture_logs

from atelier.errors import RateLimited, Unavailable
from atelier.gateway.answers.redis import Away, connect
from atelier.gateway.limits import Ask, Limits, Place, create_limits, trips
from atelier.rules import LimitRule
from atelier.settings import load_settings
from atelier.state.redis import ANSWER_SECONDS
from limiting_process import LimitingProcess
from redis_server import Redis, running_redis

Opened = Callable[..., Awaitable[Limits]]

numbers = iter(range(1_000_000_000))


def ask(tenant: str = "acme", **more: Any) -> Ask:
    return Ask(f"request-{next(numbers)}", tenant, "text-to-image", **more)


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    """Opens the limits of one gateway on a Redis."""
    made: list[Limits] = []

    async def open_limits(server: Redis, *rules: LimitRule, **more: Any) -> Limits:
        limits = create_limits(load_settings(limits=list(rules), redis_url=server.url, **more))
        await limits.start()
        made.append(limits)
        return limits

    yield open_limits
    for limits in made:
        await limits.stop()


@pytest.fixture
def own_redis() -> Iterator[Redis]:
    """A server that the test may stop."""
    with running_redis() as server:
        yield server


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = 60) -> float:
    """Wait for a condition; the seconds that it took to come true."""
    begun = time.monotonic()
    while not await condition():
        assert time.monotonic() < begun + seconds, "did not come true"
        await asyncio.sleep(0.02)
    return time.monotonic() - begun


async def admitted(limits: Limits, **more: Any) -> bool:
    try:
        await limits.admit(ask(**more))
    except (RateLimited, Unavailable):
        return False
    return True


async def is_away(limits: Limits) -> bool:
    try:
        await limits.check(ask())
    except Unavailable:
        return True
    return False


async def left(limits: Limits, measure: str) -> float:
    states = await limits.states("acme")
    return next(s.left for s in states if s.measure == measure and s.service == "text-to-image")


def evaluations(server: Redis) -> int:
    """How many times a script was run."""
    with Client.from_url(server.url, protocol=2) as client:
        stats: Any = client.info("commandstats")
    return sum(int(stats[name]["calls"]) for name in ("cmdstat_evalsha", "cmdstat_eval") if name in stats)


def test_three_gateways_together_let_exactly_as_many_through_as_allowed(redis: Redis) -> None:
    settings = {
        "redis_url": redis.url,
        "redis_prefix": redis.new_prefix(),
        "limits": [{"requests": 50, "per": "hour"}, {"units": 60}, {"concurrent": 70}],
    }
    with ExitStack() as stack:
        gateways = [LimitingProcess(**settings) for _ in range(3)]
        for gateway in gateways:
            stack.callback(gateway.kill)
        for turn in range(20):
            for gateway, count in zip(gateways, (67, 67, 66), strict=True):
                gateway.admit(f"tenant-{turn}", count)
            assert sum(gateway.passed() for gateway in gateways) == 50, f"round {turn}"


async def test_what_a_killed_gateway_held_is_free_within_the_lease(redis: Redis, opened: Opened) -> None:
    prefix = redis.new_prefix()
    shared: dict[str, Any] = {"redis_prefix": prefix, "lease_seconds": 5}
    limits = await opened(redis, LimitRule(concurrent=4), **shared)
    killed = await asyncio.to_thread(
        lambda: LimitingProcess(redis_url=redis.url, limits=[{"concurrent": 4}], **shared),
    )
    mine = await limits.admit(ask())
    killed.admit("acme", 10)
    assert await asyncio.to_thread(killed.passed) == 3
    killed.kill()
    assert not await admitted(limits)

    async def three_are_free() -> bool:
        return await left(limits, "concurrent") == 3

    assert await eventually(three_are_free) < 15
    await asyncio.sleep(1)  # the lease of the living one would have ended, had it not been renewed
    assert await left(limits, "concurrent") == 3
    limits.settle(mine, units=1, cost=0)
    assert await left(limits, "concurrent") == 4


async def test_a_gateway_that_stops_settles_and_gives_its_places_back(redis: Redis, opened: Opened) -> None:
    shared: dict[str, Any] = {"redis_prefix": redis.new_prefix()}
    rules = LimitRule(concurrent=2), LimitRule(units=50)
    stopping, other = await opened(redis, *rules, **shared), await opened(redis, *rules, **shared)
    settled = await stopping.admit(ask(units=10))
    await stopping.admit(ask(units=10))
    assert not await admitted(other)
    stopping.settle(settled, units=1, cost=0)
    await stopping.stop()
    assert (await left(other, "concurrent"), await left(other, "units")) == (2, 39)


async def test_those_that_wait_together_go_in_one_trip(redis: Redis, opened: Opened) -> None:
    limits = await opened(redis, LimitRule(requests=1000, per="hour"), redis_prefix=redis.new_prefix())
    before = evaluations(redis)
    await limits.admit(ask())
    assert evaluations(redis) == before + 1
    places = await asyncio.gather(*(limits.admit(ask()) for _ in range(200)))
    assert evaluations(redis) == before + 3, "the first at once, and those that came meanwhile together"
    assert {dict(place.headers())[b"x-ratelimit-remaining-requests"] for place in places} == {
        b"%d" % n for n in range(799, 999)
    }
    await asyncio.gather(*(limits.admit(ask()) for _ in range(200)))
    assert evaluations(redis) == before + 4, "where many came before, the first waits for those of its turn"
    await limits.admit(ask())
    await limits.admit(ask())
    assert evaluations(redis) == before + 6


async def test_who_asks_does_not_wait_as_long_as_what_nobody_waits_for(
    redis: Redis, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trips, "LINGER_SECONDS", 600)
    limits = await opened(redis, LimitRule(concurrent=9), redis_prefix=redis.new_prefix())
    places = await asyncio.gather(*(limits.admit(ask()) for _ in range(3)))
    for place in places:
        limits.settle(place, units=1, cost=0)
        async with asyncio.timeout(60):
            await limits.admit(ask())
    assert await left(limits, "concurrent") == 6


async def test_a_redis_that_has_forgotten_the_script_is_told_it_again(redis: Redis, opened: Opened) -> None:
    limits = await opened(redis, redis_prefix=redis.new_prefix())
    await limits.admit(ask())
    with Client.from_url(redis.url, protocol=2) as client:
        client.script_flush()
    assert all(isinstance(place, Place) for place in await asyncio.gather(*(limits.admit(ask()) for _ in range(9))))
    assert await left(limits, "requests") == 90


async def test_closed_refuses_at_once_while_redis_is_away(own_redis: Redis, opened: Opened) -> None:
    limits = await opened(own_redis, LimitRule(requests=3, per="hour"))
    await limits.admit(ask())
    own_redis.stop()
    await eventually(lambda: is_away(limits))
    begun = time.monotonic()
    for _ in range(100):
        with pytest.raises(Unavailable) as refusal:
            await limits.admit(ask())
    assert time.monotonic() - begun < 10, "nobody waits for a time-out"
    assert refusal.value.retry_after == 1
    with pytest.raises(Unavailable):
        await limits.states("acme")
    await asyncio.to_thread(own_redis.start)
    await eventually(lambda: admitted(limits))
    assert await left(limits, "requests") == 1, "what was taken before is still taken"


async def test_a_slot_outlives_an_outage_in_which_its_lease_ran_out(own_redis: Redis, opened: Opened) -> None:
    shared: dict[str, Any] = {"redis_prefix": own_redis.new_prefix(), "lease_seconds": 5}
    one, other = [await opened(own_redis, LimitRule(concurrent=1), **shared) for _ in range(2)]
    await one.admit(ask())
    await asyncio.to_thread(own_redis.stop)
    await asyncio.sleep(5.2)
    await asyncio.to_thread(own_redis.start)

    async def is_back() -> bool:
        assert not await admitted(other), "one request too many at the same time"
        return not await is_away(other)

    with pytest.raises(RateLimited):  # from the moment that Redis is back, and before
        await eventually(is_back)
    assert not await admitted(other)


async def test_what_is_settled_just_before_a_stop_is_sent_though_nobody_passes_yet(
    own_redis: Redis, opened: Opened
) -> None:
    stopping, other = [await opened(own_redis, LimitRule(units=50)) for _ in range(2)]
    place = await stopping.admit(ask(units=10))
    with capture_logs() as logs:
        own_redis.stop()
        await eventually(lambda: is_away(stopping))
        await asyncio.to_thread(own_redis.start)

        async def both_are_back() -> bool:
            return [line["event"] for line in logs].count("redis is back") == 2

        await eventually(both_are_back)
    assert await is_away(stopping), "others may have slots to renew"
    stopping.settle(place, units=1, cost=0)
    await stopping.stop()
    await eventually(lambda: admitted(other))
    assert await left(other, "units") == 48


async def test_the_log_tells_once_that_redis_is_away_and_back_whoever_asks(own_redis: Redis, opened: Opened) -> None:
    limits, answers = await opened(own_redis), connect(own_redis.url)

    async def pinged() -> bool:
        try:
            return bool(await answers.ask(lambda redis: redis.ping()))
        except Away:
            return False

    with capture_logs() as logs:
        assert await pinged()
        own_redis.stop()
        await eventually(lambda: is_away(limits))
        begun = time.monotonic()
        while time.monotonic() < begun + 1.2:  # it is asked again every half second
            assert not await pinged()
            await asyncio.sleep(0.05)
        await asyncio.to_thread(own_redis.start)
        await eventually(pinged)
        await eventually(lambda: admitted(limits))
    await answers.close()
    told = [(line["log_level"], line["event"], line["what"]) for line in logs]
    for what in ("limits", "answers"):
        assert [line for line in told if line[2] == what] == [
            ("warning", "redis is away", what),
            ("info", "redis is back", what),
        ]
    assert all(line.get("problem") for line in logs if line["log_level"] == "warning")


async def test_local_holds_a_share_while_redis_is_away(own_redis: Redis, opened: Opened) -> None:
    rules = LimitRule(requests=8, per="hour"), LimitRule(concurrent=2), LimitRule(units=0, service="text-to-speech")
    limits = await opened(own_redis, *rules, redis_away="local", gateways=3)
    here = await limits.admit(ask())
    own_redis.stop()

    async def counts_alone() -> bool:
        return (await limits.states("acme"))[0].allowed == 2

    await eventually(counts_alone)
    first = await limits.admit(ask())
    assert not await admitted(limits), "two at the same time for three gateways: one for each"
    limits.settle(first, units=1, cost=0)
    limits.settle(here, units=1, cost=0)
    second = await limits.admit(ask())
    limits.settle(second, units=1, cost=0)
    assert not await admitted(limits), "eight an hour for three gateways: two for each"
    with pytest.raises(RateLimited):  # none shared by three is none
        await limits.admit(Ask("speech", "acme", "text-to-speech", units=1))
    await asyncio.to_thread(own_redis.start)
    await eventually(lambda: admitted(limits))
    assert await left(limits, "requests") == 6


async def test_a_redis_that_does_not_answer_is_away(own_redis: Redis, opened: Opened) -> None:
    limits = await opened(own_redis)
    await limits.admit(ask())
    own_redis.freeze()
    ended = await asyncio.gather(*(limits.admit(ask()) for _ in range(20)), return_exceptions=True)
    assert all(isinstance(end, Unavailable) for end in ended)
    begun = time.monotonic()
    for _ in range(10):
        assert not await admitted(limits)
    assert time.monotonic() - begun < 10, "nobody waits for a time-out"


async def test_a_redis_that_was_held_up_together_with_the_gateway_is_not_away(own_redis: Redis, opened: Opened) -> None:
    limits = await opened(own_redis)
    own_redis.freeze()
    admitting = [asyncio.create_task(limits.admit(ask())) for _ in range(3)]
    await asyncio.sleep(0.1)  # the question is on its way
    time.sleep(ANSWER_SECONDS + 0.5)  # noqa: ASYNC251 - the whole process stands still
    await asyncio.sleep(0.1)
    own_redis.thaw()
    await asyncio.gather(*admitting)
    assert await admitted(limits)


async def test_a_gateway_starts_while_redis_is_away(own_redis: Redis, opened: Opened) -> None:
    own_redis.stop()
    limits = await opened(own_redis)
    assert await is_away(limits)
    await asyncio.to_thread(own_redis.start)
    await eventually(lambda: admitted(limits))


async def test_what_is_settled_while_redis_is_away_counts_when_it_is_back(own_redis: Redis, opened: Opened) -> None:
    limits = await opened(own_redis, LimitRule(units=50))
    place, refunded = await limits.admit(ask(units=10)), await limits.admit(ask(units=20))
    own_redis.stop()
    await eventually(lambda: is_away(limits))
    limits.settle(place, units=1, cost=0)
    limits.refund(refunded)
    await asyncio.to_thread(own_redis.start)

    async def settled() -> bool:
        return not await is_away(limits) and await left(limits, "units") == 49

    await eventually(settled)


async def test_what_redis_lost_is_not_given_back(own_redis: Redis, opened: Opened) -> None:
    limits = await opened(own_redis, LimitRule(units=50))
    kept, lost = await limits.admit(ask(units=10)), await limits.admit(ask(units=20))
    with Client.from_url(own_redis.url) as client:
        [name] = [key for key in client.scan_iter() if client.type(key) == b"string"]
        client.decrby(name, 20_000_000)
    limits.refund(lost)
    limits.settle(kept, units=1, cost=0)
    await eventually(lambda: _left_is(limits, 50))
    assert await admitted(limits, units=50)
    assert not await admitted(limits, units=1)


async def _left_is(limits: Limits, units: float) -> bool:
    return await left(limits, "units") == units


async def test_a_settlement_that_may_have_been_heard_is_not_repeated(own_redis: Redis, opened: Opened) -> None:
    limits = await opened(own_redis, LimitRule(units=50))
    place = await limits.admit(ask(units=10))
    own_redis.freeze()
    limits.settle(place, units=1, cost=0)
    assert not await admitted(limits), "it waits behind the settlement, and both are lost"
    own_redis.stop()
    await asyncio.to_thread(own_redis.start)
    await eventually(lambda: admitted(limits))
    assert await left(limits, "units") == 39, "the reservation stands"
