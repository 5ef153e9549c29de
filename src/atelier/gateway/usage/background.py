"""Work in the background that goes on, more slowly, whatever it meets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import NoReturn

import structlog

from atelier.errors import Unavailable
from atelier.gateway.usage.stream import RedisAway

FIRST_SECONDS = 0.2
LAST_SECONDS = 5.0

log = structlog.get_logger()


class Pause:
    """0.2 s, then twice as long each time, up to 5 s."""

    def __init__(self) -> None:
        self._seconds = FIRST_SECONDS

    def next(self) -> float:
        seconds, self._seconds = self._seconds, min(self._seconds * 2, LAST_SECONDS)
        return seconds

    def reset(self) -> None:
        self._seconds = FIRST_SECONDS


async def repeat(turn: Callable[[], Awaitable[None]]) -> NoReturn:
    """Turn after turn, until it is cancelled; after one that fails there is a pause."""
    pause = Pause()
    while True:
        try:
            await turn()
        except (Unavailable, RedisAway):  # who raised it has logged it
            await asyncio.sleep(pause.next())
        except Exception:
            log.exception("usage is held up")
            await asyncio.sleep(pause.next())
        else:
            pause.reset()


async def end(tasks: Iterable[asyncio.Task[None]], *, after: float = 0.0) -> None:
    """Let the tasks go on for so many seconds, then cancel them, and wait until they have ended."""
    found = set(tasks)
    running = (await asyncio.wait(found, timeout=after))[1] if found else found
    while running:
        # Again and again: before Python 3.12 a `wait_for`, which drivers use, can swallow a cancellation.
        for task in running:
            task.cancel()
        running = (await asyncio.wait(running, timeout=1.0))[1]
    for task in found:
        if not task.cancelled() and isinstance(problem := task.exception(), Exception):
            log.info("usage waits in the journal", reason=type(problem).__name__)
