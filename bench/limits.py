"""What admission costs: in this process, in Redis one at a time, in Redis many at once, and by redis-py's own way.

    python bench/limits.py --redis redis://127.0.0.1:6379/0

Each line is the median of some rounds. An admission has three limits (requests, images, concurrent requests) and is
settled; its headers are made too. processor: this process's time; the server's is its own.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import time
from collections.abc import Awaitable, Callable
from importlib.resources import files

import uvloop
from redis.asyncio import Redis

from atelier.gateway.limits import Ask, Limits, create_limits
from atelier.rules import LimitRule
from atelier.settings import load_settings

RULES = [LimitRule(requests=10**9, per="hour"), LimitRule(units=10**9), LimitRule(concurrent=10**6)]

numbers = itertools.count()

Admission = Callable[[], Awaitable[object]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--redis", required=True, help="a Redis to write to, below a prefix of its own")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--admissions", type=int, default=6400, help="in each round")
    options = parser.parse_args()
    uvloop.run(_measure(options.redis, options.rounds, options.admissions))


async def _measure(url: str, rounds: int, admissions: int) -> None:
    memory = create_limits(load_settings(limits=RULES))
    shared = create_limits(load_settings(limits=RULES, redis_url=url, redis_prefix="bench"))
    await shared.start()
    client = Redis.from_url(url, protocol=2, max_connections=64)
    by_client = await _by_client(client)
    for name, one, waiting in (
        ("in memory, one after another", lambda: _admit(memory), 1),
        ("in Redis, one after another", lambda: _admit(shared), 1),
        ("in Redis, 64 waiting", lambda: _admit(shared), 64),
        ("in Redis, 256 waiting", lambda: _admit(shared), 256),
        ("redis-py's evalsha, one after another", by_client, 1),
        ("redis-py's evalsha, 64 waiting", by_client, 64),
    ):
        found = [await _round(one, waiting, admissions) for _ in range(rounds + 1)][1:]
        wall, processor = (statistics.median(column) for column in zip(*found, strict=True))
        print(f"{name:40} {1 / wall:8,.0f} a second   {wall * 1e6:6.1f} µs   processor {processor * 1e6:6.1f} µs")
    await shared.stop()
    async for key in client.scan_iter("bench:*"):
        await client.delete(key)
    await client.aclose()


async def _round(one: Admission, waiting: int, admissions: int) -> tuple[float, float]:
    """Seconds for each admission: by the clock, and of this process's processor."""

    async def some() -> None:
        for _ in range(admissions // waiting):
            await one()

    wall, processor = time.perf_counter(), time.process_time()
    await asyncio.gather(*(some() for _ in range(waiting)))
    return (time.perf_counter() - wall) / admissions, (time.process_time() - processor) / admissions


async def _admit(limits: Limits) -> None:
    place = await limits.admit(Ask(str(next(numbers)), "acme", "text-to-image", units=2))
    place.headers()
    limits.settle(place, units=1, cost=0)


async def _by_client(client: Redis) -> Admission:
    """The same script through the client's pool: a trip for each admission, and one for each settlement."""
    sha = await client.script_load(files("atelier.gateway.limits").joinpath("limits.lua").read_bytes())
    rules = ("r", "by-client:hour", 10**9, 3600 * 10**6, "u", "by-client:units", 10**15, 31 * 86400)
    lease = ("l", "by-client:concurrent", 10**6, 0)

    async def one() -> None:
        name = str(next(numbers))
        head = (sha, 0, "bench", 30 * 10**6, "")
        [reply] = await client.evalsha(*head, "T", name, 1, 2 * 10**6, 0, 3, *rules, *lease)
        settled = ("u", "by-client:units", 31 * 86400, -(10**6), "l", "by-client:concurrent", 0, 0)
        await client.evalsha(*head, "A", reply[1], name, 2, *settled)

    return one


if __name__ == "__main__":
    main()
