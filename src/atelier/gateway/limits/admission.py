"""May this tenant do this now: a place in every limit that applies, taken at once before the work, settled after it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from time import time
from typing import Literal, Protocol

from atelier.catalog import SERVICES
from atelier.errors import Unavailable
from atelier.gateway.limits.answers import refusal
from atelier.gateway.limits.applying import MOST_REMEMBERED, Applying, Limit, Rules, millionths
from atelier.gateway.limits.in_memory import CountersInMemory
from atelier.gateway.limits.place import Ask, Counters, LimitState, Place, standing
from atelier.gateway.limits.trips import Away
from atelier.rules import LimitRule
from atelier.settings import Settings

AWAY_RETRY_SECONDS = 1.0
"""What a caller is told while Redis is away: it is looked for several times a second."""


class SharedCounters(Counters, Protocol):
    """Counters outside this process, which may be away."""

    @property
    def away(self) -> bool: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Limits:
    """The limits of one gateway.

    shared: counters that all gateways have together; None for a gateway alone. gateways: how many share the limits
    while those are away, each with its share; None refuses every request for that time.
    """

    def __init__(
        self,
        rules: Rules,
        *,
        shared: SharedCounters | None = None,
        gateways: int | None = None,
        clock: Callable[[], float] = time,
    ) -> None:
        self._rules = rules
        self._shared = shared
        self._gateways = gateways
        self._here = CountersInMemory(clock)
        self._share = lru_cache(MOST_REMEMBERED)(Applying.shared_by)

    async def start(self) -> None:
        if self._shared is not None:
            await self._shared.start()

    async def stop(self) -> None:
        """Send what is on its way, and give the places of concurrent requests back."""
        if self._shared is not None:
            await self._shared.stop()

    @property
    def counted(self) -> Literal["healthy", "local", "away"]:
        """While the shared counters are away: `local` where a gateway holds its share, `away` where nobody passes."""
        if self._shared is None or not self._shared.away:
            return "healthy"
        return "away" if self._gateways is None else "local"

    async def admit(self, ask: Ask) -> Place:
        """A place in every limit, or in none.

        Raises RateLimited, which says which limit and when to come back; Unavailable while the shared counters are
        away and nobody may pass without them.
        """
        applying = self._rules.of(ask.tenant, ask.service, ask.plan, ask.own)
        counters: Counters = self._here
        if self._shared is None:
            reply = await self._here.take(ask, applying)
        else:
            try:
                reply = await self._shared.take(ask, applying)
                counters = self._shared
            except Away:
                applying = self._share_of(applying)
                reply = await self._here.take(ask, applying)
        if not reply[0]:
            raise refusal(applying, reply)
        return Place(ask.id, applying, reply, counters)

    async def check(self, ask: Ask) -> None:
        """Whether it would be admitted now; nothing is taken. Raises as `admit` does."""
        applying, reply = await self._look(ask)
        if not reply[0]:
            raise refusal(applying, reply)

    def settle(self, place: Place, *, units: float, cost: float) -> None:
        """What really happened: units and money are corrected to it, and the place of a concurrent request is free.

        Nothing is awaited; a second call, or one after `refund`, does nothing.
        """
        if not place.applying.corrected:
            place.closed = True
            return
        really = {"u": millionths(units), "c": millionths(cost)}
        changes = [
            (limit, really.get(limit.kind, 0) - took)
            for limit, took in place.taken()
            if limit.kind == "l" or (limit.kind in really and really[limit.kind] != took)
        ]
        _close(place, changes)

    def refund(self, place: Place) -> None:
        """Nothing was done: everything is given back. A second call, or one after `settle`, does nothing."""
        _close(place, [(limit, -took) for limit, took in place.taken()])

    async def states(self, tenant: str, plan: str | None = None, own: tuple[LimitRule, ...] = ()) -> list[LimitState]:
        """How every limit of the tenant stands; looking takes nothing. Raises Unavailable as `admit` does."""
        found: dict[tuple[str, str], LimitState] = {}
        for service in SERVICES:
            ask = Ask("", tenant, service, units=0, plan=plan, own=own)
            applying, reply = await self._look(ask)
            states = standing(applying, reply)
            found.update({(limit.key, limit.name): s for limit, s in zip(applying.limits, states, strict=True)})
        return list(found.values())

    async def _look(self, ask: Ask) -> tuple[Applying, list[int]]:
        applying = self._rules.of(ask.tenant, ask.service, ask.plan, ask.own)
        if self._shared is None:
            return applying, await self._here.look(ask, applying)
        try:
            return applying, await self._shared.look(ask, applying)
        except Away:
            applying = self._share_of(applying)
            return applying, await self._here.look(ask, applying)

    def _share_of(self, applying: Applying) -> Applying:
        if self._gateways is None:
            raise Unavailable(
                "Requests cannot be counted at the moment; try again soon", retry_after=AWAY_RETRY_SECONDS
            ) from None
        return self._share(applying, self._gateways)


def _close(place: Place, changes: list[tuple[Limit, int]]) -> None:
    if not place.closed:
        place.closed = True
        if changes:
            place.counters.adjust(place.id, place.at, changes)


def create_limits(settings: Settings, *, clock: Callable[[], float] | None = None) -> Limits:
    """The limits that the settings ask for: in Redis where it has an address, else in this process.

    clock: seconds since 1970; None is Redis's own clock, or this machine's. Raises SettingsProblem where Redis's driver
    is missing or its address cannot be one.
    """
    rules = Rules(settings.limits, settings.plans)
    if settings.redis_url is None:
        return Limits(rules, clock=clock or time)
    from atelier.gateway.limits.in_redis import CountersInRedis

    shared = CountersInRedis(
        settings.redis_url.get_secret_value(),
        prefix=settings.redis_prefix,
        lease_seconds=settings.lease_seconds,
        clock=clock,
    )
    gateways = max(settings.gateways, settings.gateway_processes) if settings.redis_away == "local" else None
    return Limits(rules, shared=shared, gateways=gateways, clock=clock or time)
