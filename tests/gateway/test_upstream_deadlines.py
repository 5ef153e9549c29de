"""The end of a request's time, looked for now and then."""

from __future__ import annotations

import asyncio
from time import monotonic

from atelier.gateway.upstreams.deadlines import Deadlines


class Timed:
    def __init__(self, seconds: float) -> None:
        self.ends = monotonic() + seconds
        self.expired = 0
        self.over = asyncio.Event()

    def expire(self) -> None:
        self.expired += 1
        self.over.set()


async def test_what_is_late_ends_once_and_nothing_else_does() -> None:
    deadlines = Deadlines(0.005)
    soon, later, removed = Timed(0.02), Timed(60), Timed(0.02)
    for timed in (soon, later, removed):
        deadlines.add(timed)
    deadlines.remove(removed)
    deadlines.start()
    async with asyncio.timeout(60):
        await soon.over.wait()
    assert monotonic() >= soon.ends
    await asyncio.sleep(0.02)  # a few more looks
    await deadlines.stop()
    assert (soon.expired, later.expired, removed.expired) == (1, 0, 0)
