"""What the request path knows of a tenant's own voices: remembered for a few seconds, as its facts are."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from atelier.errors import Unavailable
from atelier.gateway.tenants import FRESH_SECONDS, STALE_SECONDS, WAIT_SECONDS
from atelier.state.database import RETRY_SECONDS
from atelier.state.records import Voice
from atelier.telemetry import of_no_request

MOST_TENANTS = 2_000

MISSED_SECONDS = 0.25
"""So old must be what was read for a name that is not in it to be looked for again: it may just have been made at
another gateway, and who made it wants to hear it."""


@dataclass(slots=True)
class _Known:
    """voices: by id, and by name in small letters; None where they could not be read. Times: seconds of the clock."""

    voices: Mapping[str, Voice] | None
    read_at: float
    asked_at: float


class KnownVoices:
    """`read`: all of a tenant's; it may raise Unavailable. `stop` at the end."""

    def __init__(
        self,
        read: Callable[[str], Awaitable[list[Voice]]],
        *,
        most: int = MOST_TENANTS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._most = most
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._reading: dict[str, asyncio.Task[_Known]] = {}

    async def stop(self) -> None:
        reading = list(self._reading.values())
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)

    async def find(
        self, tenant: str, named: str, *, is_everyones: Callable[[str], bool] = lambda _: False
    ) -> Voice | None:
        """By its id or its name. is_everyones: whether a model has a voice of that name, which need not be looked for
        again. Raises Unavailable where the database is away and nothing is known of the tenant."""
        entry = self._known.get(tenant)
        if entry is None or self._clock() - entry.asked_at >= FRESH_SECONDS:
            entry = await self._asked(tenant)
        found = _found(entry, named)
        away = entry.asked_at != entry.read_at
        if found is None and not away and self._clock() - entry.read_at >= MISSED_SECONDS and not is_everyones(named):
            found = _found(await self._asked(tenant), named)
        return found

    def forget(self, tenant: str) -> None:
        """They have just been changed here."""
        self._known.pop(tenant, None)
        self._reading.pop(tenant, None)  # it may have begun before the change

    async def _asked(self, tenant: str) -> _Known:
        """Questions for one tenant at the same time share one query."""
        reading = self._reading.get(tenant)
        if reading is None:
            reading = self._reading[tenant] = asyncio.create_task(self._read_again(tenant), context=of_no_request())
            reading.add_done_callback(lambda task: self._ended(tenant, task))
        await asyncio.wait([reading], timeout=WAIT_SECONDS)
        return reading.result() if reading.done() and not reading.cancelled() else self._without_reading(tenant)

    def _ended(self, tenant: str, task: asyncio.Task[_Known]) -> None:
        if self._reading.get(tenant) is task:
            del self._reading[tenant]

    async def _read_again(self, tenant: str) -> _Known:
        try:
            found = await self._read(tenant)
        except Unavailable:
            return self._without_reading(tenant)
        now = self._clock()
        by_name = {voice.name.casefold(): voice for voice in found}
        entry = _Known({**by_name, **{voice.id: voice for voice in found}}, now, now)
        if self._reading.get(tenant) is asyncio.current_task():
            self._remember(tenant, entry)
        return entry

    def _without_reading(self, tenant: str) -> _Known:
        """What is known, for a while as if it were fresh: a database that is away is not asked by each request."""
        now, entry = self._clock(), self._known.get(tenant)
        if entry is None or now - entry.read_at >= STALE_SECONDS:
            entry = _Known(None, now - STALE_SECONDS, now)
            self._remember(tenant, entry)
        entry.asked_at = now
        return entry

    def _remember(self, tenant: str, entry: _Known) -> None:
        self._known[tenant] = entry
        self._known.move_to_end(tenant)
        while len(self._known) > self._most:
            self._known.popitem(last=False)


def _found(entry: _Known, named: str) -> Voice | None:
    """Raises Unavailable."""
    if entry.voices is None:
        raise Unavailable(
            "voice: your own voices cannot be looked up at the moment; try again soon", retry_after=RETRY_SECONDS
        )
    return entry.voices.get(named) or entry.voices.get(named.casefold())
