"""Limits counted in Redis, for all gateways together: one script, one round trip, exact under concurrency."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from atelier.gateway.limits.applying import Applying, Limit, millionths
from atelier.gateway.limits.place import Ask
from atelier.gateway.limits.trips import Operation, Reply, Trips


class CountersInRedis:
    """The counters of limits.lua, and this gateway's leases, renewed while it lives.

    clock: seconds since 1970; None is Redis's own. `take` and `look` raise Away while Redis is away.
    """

    def __init__(
        self, url: str, *, prefix: str, lease_seconds: float, clock: Callable[[], float] | None = None
    ) -> None:
        self._trips = Trips(url, prefix, lease_seconds, clock, back=self._renewal)
        self._lease_seconds = lease_seconds
        self._leases: dict[str, str] = {}
        self._renewing: asyncio.Task[None] | None = None

    @property
    def away(self) -> bool:
        return self._trips.away

    async def start(self) -> None:
        await self._trips.start()
        self._renewing = asyncio.create_task(self._renew(), name="renew-leases")

    async def stop(self) -> None:
        """Give this gateway's leases back, and send what is on its way."""
        if self._renewing is not None:
            self._renewing.cancel()
            with suppress(asyncio.CancelledError):
                await self._renewing
        for request_id, key in self._leases.items():
            self._trips.tell(("A", 0, request_id, 1, "l", key, 0, 0))
        self._leases.clear()
        await self._trips.stop()

    async def take(self, ask: Ask, applying: Applying) -> Reply:
        def undo(reply: Reply) -> None:
            # Who asked has gone before the answer came.
            if reply[0]:
                self._remember(ask.id, applying)
                self.adjust(ask.id, reply[1], _everything(applying, reply))

        asked = self._trips.ask(_operation("T", ask, applying), undo)
        try:
            reply = await asked
        except asyncio.CancelledError:
            if asked.done() and not asked.cancelled() and asked.exception() is None:
                undo(asked.result())
            raise
        if reply[0]:
            self._remember(ask.id, applying)
        return reply

    async def look(self, ask: Ask, applying: Applying) -> Reply:
        return await self._trips.ask(_operation("L", ask, applying), lambda _: None)

    def adjust(self, request_id: str, at: int, changes: Sequence[tuple[Limit, int]]) -> None:
        operation: list[str | int] = ["A", at, request_id, len(changes)]
        for limit, amount in changes:
            operation += (limit.kind, limit.key, limit.size, limit.most if limit.kind == "r" else amount)
            if limit.kind == "l":
                self._leases.pop(request_id, None)
        self._trips.tell(operation)

    def _remember(self, request_id: str, applying: Applying) -> None:
        if applying.lease is not None:
            self._leases[request_id] = applying.lease

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._lease_seconds / 3)
            renewal = self._renewal()
            if renewal is not None and not self._trips.away:
                self._trips.tell(renewal)

    def _renewal(self) -> Operation | None:
        """Of all leases that this gateway holds."""
        if not self._leases:
            return None
        return ("R", len(self._leases), *(word for name, key in self._leases.items() for word in (key, name)))


def _operation(letter: str, ask: Ask, applying: Applying) -> list[str | int]:
    units, cost = millionths(ask.units), millionths(ask.cost)
    return [letter, ask.id, ask.guessed, units, cost, *applying.words]


def _everything(applying: Applying, reply: Reply) -> list[tuple[Limit, int]]:
    return [(limit, -took) for limit, took in zip(applying.limits, reply[4::3], strict=True)]
