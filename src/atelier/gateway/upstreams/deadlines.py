"""The end of a request's time: one look at all of them now and then, for a timer each would cost more than the rest."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from typing import Protocol


class Timed(Protocol):
    """ends: by the clock that never goes back. expire: called once that has passed."""

    ends: float

    def expire(self) -> None: ...


class Deadlines:
    """`start` before the first, `stop` at the end. every: seconds between two looks, and so how late one may be."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._open: set[Timed] = set()
        self._watcher: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._watcher = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            with suppress(asyncio.CancelledError):
                await self._watcher

    def add(self, timed: Timed) -> None:
        self._open.add(timed)

    def remove(self, timed: Timed) -> None:
        self._open.discard(timed)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            now = monotonic()
            for late in [timed for timed in self._open if timed.ends <= now]:
                self._open.discard(late)
                late.expire()
