"""Answers kept in this process, bounded in bytes and in time."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from atelier.gateway.answers.idempotency import Kept, require_same, waited_too_long
from atelier.gateway.answers.stored import StoredAnswer

MOST_BYTES = 64_000_000

_ENTRY_BYTES = 1_000  # what an entry takes beside its body, roughly

Item = TypeVar("Item")
_Place = tuple[str, str]


class Shelf(Generic[Item]):
    """Items of known size, each for a time; the one that was not asked for the longest makes room."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._items: OrderedDict[Hashable, tuple[Item, int, float]] = OrderedDict()
        self.bytes = 0

    def get(self, place: Hashable) -> Item | None:
        entry = self._items.get(place)
        if entry is None:
            return None
        item, _, until = entry
        if time.monotonic() >= until:
            self._drop(place)
            return None
        self._items.move_to_end(place)
        return item

    def put(self, place: Hashable, item: Item, size: int, seconds: float) -> None:
        self._drop(place)
        taken = size + _ENTRY_BYTES
        if taken > self._most:
            return
        while self.bytes + taken > self._most:
            self._drop(next(iter(self._items)))
        self._items[place] = (item, taken, time.monotonic() + seconds)
        self.bytes += taken

    def _drop(self, place: Hashable) -> None:
        _, size, _ = self._items.pop(place, (None, 0, 0.0))
        self.bytes -= size


class MemoryAnswerCache:
    """The cache of one process."""

    def __init__(self, seconds: float, *, most_bytes: int = MOST_BYTES) -> None:
        self._seconds = seconds
        self._shelf: Shelf[StoredAnswer] = Shelf(most_bytes)

    async def find(self, tenant: str, key: bytes) -> StoredAnswer | None:
        return self._shelf.get((tenant, key))

    async def keep(self, tenant: str, key: bytes, answer: StoredAnswer) -> None:
        if answer.succeeded and answer.fits:
            self._shelf.put((tenant, key), answer, len(answer.body), self._seconds)

    async def close(self) -> None:
        """Nothing to close."""


class MemoryIdempotency:
    """Idempotency among the requests of one process, until it ends."""

    def __init__(self, seconds: float, *, wait_seconds: float, most_bytes: int = MOST_BYTES) -> None:
        self._seconds = seconds
        self._wait_seconds = wait_seconds
        self._shelf: Shelf[Kept] = Shelf(most_bytes)
        self._running: dict[_Place, MemoryTurn] = {}

    async def begin(self, tenant: str, key: str, fingerprint: bytes) -> StoredAnswer | MemoryTurn:
        try:
            async with asyncio.timeout(self._wait_seconds):
                return await self._begin((tenant, key), fingerprint)
        except TimeoutError:
            raise waited_too_long() from None

    def knows(self, tenant: str, key: str) -> bool:
        """Whether a request with this key runs here or was answered here."""
        return (tenant, key) in self._running or self._shelf.get((tenant, key)) is not None

    async def close(self) -> None:
        """Nothing to close."""

    async def _begin(self, place: _Place, fingerprint: bytes) -> StoredAnswer | MemoryTurn:
        while True:
            if (kept := self._shelf.get(place)) is not None:
                return kept.given_again(fingerprint)
            running = self._running.get(place)
            if running is None:
                turn = self._running[place] = MemoryTurn(self, place, fingerprint)
                return turn
            require_same(running.fingerprint, fingerprint)
            await running.over.wait()

    def _end(self, turn: MemoryTurn, kept: Kept | None) -> None:
        if turn.over.is_set():
            return
        if kept is not None:
            self._shelf.put(turn.place, kept, len(kept.answer.body) if kept.answer else 0, self._seconds)
        del self._running[turn.place]
        turn.over.set()


class MemoryTurn:
    """over: set once there is an answer, or none to wait for."""

    def __init__(self, store: MemoryIdempotency, place: _Place, fingerprint: bytes) -> None:
        self._store = store
        self.place = place
        self.fingerprint = fingerprint
        self.over = asyncio.Event()

    async def keep(self, answer: StoredAnswer) -> None:
        kept = Kept(self.fingerprint, answer if answer.fits else None)
        self._store._end(self, kept if answer.succeeded else None)

    async def give_up(self) -> None:
        self._store._end(self, None)
