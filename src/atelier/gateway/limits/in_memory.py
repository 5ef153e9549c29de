"""Limits counted in this process: of a gateway alone, or of one whose Redis is away."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import time

from atelier.gateway.limits.applying import MILLION, Applying, Limit, millionths
from atelier.gateway.limits.place import Ask

EXACT = 1000
"""So many requests in a window are remembered one by one; of more, those of each thousandth of the window together."""

SWEEP_FROM = 1000
"""With fewer counts than this nobody looks for forgotten ones."""

DAY = 86400


@dataclass(slots=True)
class _Window:
    """Requests of a sliding window: [time of the last, how many] for each entry, the oldest first."""

    size: int
    count: int = 0
    entries: deque[list[int]] = field(default_factory=deque)

    def left(self, limit: Limit, now: int) -> tuple[int, int]:
        while self.entries and self.entries[0][0] < now - self.size:
            self.count -= self.entries.popleft()[1]
        return limit.most - self.count, self.entries[0][0] + self.size - now if self.entries else 0

    def add(self, limit: Limit, _: str, amount: int, now: int) -> None:
        self.count += amount
        grain = self.size // EXACT
        if limit.most > EXACT and self.entries and self.entries[-1][0] // grain == now // grain:
            self.entries[-1] = [now, self.entries[-1][1] + amount]
        else:
            self.entries.append([now, amount])

    def correct(self, limit: Limit, _: str, __: int, at: int) -> None:
        grain = self.size // EXACT if limit.most > EXACT else 1
        for entry in reversed(self.entries):
            if entry[0] // grain == at // grain:
                entry[1] -= 1
                self.count -= 1
                if entry[1] == 0:
                    self.entries.remove(entry)
                return

    def forgotten(self, now: int) -> bool:
        return not self.entries or self.entries[-1][0] < now - self.size


@dataclass(slots=True)
class _Counter:
    """Units or money in one calendar day or month."""

    begins: int = 0
    ends: int = 0
    count: int = 0

    def left(self, limit: Limit, now: int) -> tuple[int, int]:
        if not self.begins <= now < self.ends:
            self.begins, self.ends = _period(now, limit.size)
            self.count = 0
        return limit.most - self.count, self.ends - now

    def add(self, _: Limit, __: str, amount: int, ___: int) -> None:
        self.count += amount

    def correct(self, _: Limit, __: str, amount: int, at: int) -> None:
        # What was taken in a month that is over is no longer counted anywhere.
        if self.begins <= at < self.ends:
            self.count += amount

    def forgotten(self, now: int) -> bool:
        return now >= self.ends


@dataclass(slots=True)
class _Leases:
    """Requests that are under way. They end with their process, so they need no end of their own."""

    open: set[str] = field(default_factory=set)

    def left(self, limit: Limit, _: int) -> tuple[int, int]:
        return limit.most - len(self.open), 0

    def add(self, _: Limit, request_id: str, __: int, ___: int) -> None:
        self.open.add(request_id)

    def correct(self, _: Limit, request_id: str, __: int, ___: int) -> None:
        self.open.discard(request_id)

    def forgotten(self, _: int) -> bool:
        return not self.open


_Count = _Window | _Counter | _Leases


class CountersInMemory:
    """Nothing is awaited between look and take, so a place is taken once. clock: seconds since 1970."""

    def __init__(self, clock: Callable[[], float] = time) -> None:
        self._clock = clock
        self._counts: dict[str, _Count] = {}
        self._sweep_at = SWEEP_FROM

    async def take(self, ask: Ask, applying: Applying) -> list[int]:
        return self._admit(ask, applying, taking=True)

    async def look(self, ask: Ask, applying: Applying) -> list[int]:
        return self._admit(ask, applying, taking=False)

    def adjust(self, request_id: str, at: int, changes: Sequence[tuple[Limit, int]]) -> None:
        for limit, amount in changes:
            count = self._counts.get(limit.key)
            if count is not None:
                count.correct(limit, request_id, amount, at)

    def _admit(self, ask: Ask, applying: Applying, *, taking: bool) -> list[int]:
        now = int(self._clock() * MILLION)
        if len(self._counts) >= self._sweep_at:
            self._sweep(now)
        amounts = {"r": 1, "l": 1, "u": millionths(ask.units), "c": millionths(ask.cost)}
        reply = [1, now]
        for limit in applying.limits:
            left, resets = self._count(limit).left(limit, now)
            took = _fitting(amounts[limit.kind], left, guessed=limit.kind in ask.guessed)
            if took < 0:
                reply[0] = 0
            reply += (left, resets, took)
        if taking and reply[0]:
            self._take(ask.id, applying, reply, now)
        return reply

    def _take(self, request_id: str, applying: Applying, reply: list[int], now: int) -> None:
        for index, limit in enumerate(applying.limits):
            count, took = self._counts[limit.key], reply[4 + index * 3]
            count.add(limit, request_id, took, now)
            reply[2 + index * 3], reply[3 + index * 3] = count.left(limit, now)

    def _count(self, limit: Limit) -> _Count:
        count = self._counts.get(limit.key)
        if count is None:
            count = self._counts[limit.key] = _new_count(limit)
        return count

    def _sweep(self, now: int) -> None:
        """Forget what says nothing any more, so that tenants who are gone take no memory."""
        self._counts = {key: count for key, count in self._counts.items() if not count.forgotten(now)}
        self._sweep_at = max(SWEEP_FROM, 2 * len(self._counts))


def _new_count(limit: Limit) -> _Count:
    if limit.kind == "r":
        return _Window(limit.size)
    return _Leases() if limit.kind == "l" else _Counter()


def _fitting(amount: int, left: int, *, guessed: bool) -> int:
    """What is taken of what is left: the amount; the rest, where nobody knows the amount yet; -1 where it cannot be."""
    if amount <= 0:
        return 0
    if amount <= left:
        return amount
    return left if guessed and left > 0 else -1


def _period(now: int, size: int) -> tuple[int, int]:
    """Begin and end of the calendar day or month (UTC) that a time lies in, all in microseconds."""
    if size == DAY:
        begins = now // MILLION // DAY * DAY
        return begins * MILLION, (begins + DAY) * MILLION
    first = datetime.fromtimestamp(now // MILLION, UTC).replace(day=1, hour=0, minute=0, second=0)
    after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return int(first.timestamp()) * MILLION, int(after.timestamp()) * MILLION
