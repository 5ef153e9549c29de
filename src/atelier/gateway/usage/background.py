"""Work in the background that goes on, more slowly, whatever it meets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
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
