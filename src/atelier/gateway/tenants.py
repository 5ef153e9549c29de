"""What the request path knows of a tenant: its plan, its own limits, and whether it is suspended."""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from atelier.errors import Forbidden, Unavailable
from atelier.gateway.auth import Caller
from atelier.rules import EVERY, LimitRule
from atelier.state.database import Database
from atelier.state.limits import read_standing
from atelier.state.tenants import suspended_tenants
from atelier.telemetry import of_no_request
from atelier.wire.exchange import NO_PLAN, OTHER_PLAN

FRESH_SECONDS = 5.0
"""For so long what was read is not asked again: so late a gateway may notice a change."""

SERVED_SECONDS = 2 * FRESH_SECONDS
"""For so long what is no longer fresh serves while it is read again in the background; what is older is waited for."""

STALE_SECONDS = 3600.0
"""For so long it serves while the database is away."""

WAIT_SECONDS = 2.0
"""For the database, before the request goes on with what is known."""

MOST_TENANTS = 10_000

_LABEL = re.compile(r"[ -~]{1,60}")


@dataclass(frozen=True, slots=True)
class TenantFacts:
    """plan: none is the limits that every tenant has. limits: the tenant's own, which count instead of its plan's.

    commercial: no model whose licence forbids commercial use serves it. loras: all that it may use of these; none is
    what its plan says. lora_plan: a plan that it no longer counts as having, and whose list of LoRAs goes on counting.
    unread: it was never read, so that nobody knows which list of LoRAs counts.
    """

    plan: str | None = None
    suspended: bool = False
    limits: tuple[LimitRule, ...] = ()
    commercial: bool = False
    loras: Collection[str] | None = None
    lora_plan: str | None = None
    unread: bool = False


PLAIN = TenantFacts()
"""Of a tenant that nothing is known of: it is new."""

UNREAD = TenantFacts(unread=True)
"""Of one that the database, which is away or slow, was not there to tell of."""


@dataclass(slots=True)
class _Known:
    """read_at, asked_at: seconds of the clock; asked and not read is a database that is away."""

    facts: TenantFacts
    read_at: float
    asked_at: float


class Tenants:
    """Remembers the facts of tenants. `start` before the first question, `stop` at the end.

    read: the facts of one tenant. suspended: those of every tenant that is suspended, for the start. Both may raise
    Unavailable.
    """

    def __init__(
        self,
        read: Callable[[str], Awaitable[TenantFacts]],
        suspended: Callable[[], Awaitable[dict[str, TenantFacts]]],
        *,
        most: int = MOST_TENANTS,
        wait_seconds: float = WAIT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._suspended = suspended
        self._most = most
        self._wait_seconds = wait_seconds
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._reading: dict[str, asyncio.Task[TenantFacts]] = {}

    async def start(self) -> None:
        """Read who is suspended, so that it holds for their first request even if the database goes away meanwhile."""
        try:
            found = await self._suspended()
        except Unavailable:
            return
        now = self._clock()
        for tenant, facts in found.items():
            self._remember(tenant, _Known(facts, now, now))

    async def stop(self) -> None:
        reading = list(self._reading.values())
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)

    def known(self, tenant: str) -> TenantFacts | None:
        """What is remembered and still fresh, without waiting."""
        entry = self._known.get(tenant)
        if entry is None or self._clock() - entry.asked_at >= FRESH_SECONDS:
            return None
        self._known.move_to_end(tenant)
        return entry.facts

    async def facts(self, tenant: str) -> TenantFacts:
        """What is remembered, or read now; questions for one tenant at the same time share one query."""
        found = self.known(tenant)
        if found is not None:
            return found
        entry, reading = self._known.get(tenant), self._begin(tenant)
        if entry is not None and self._clock() - entry.read_at < SERVED_SECONDS:
            return entry.facts
        await asyncio.wait([reading], timeout=self._wait_seconds)
        if reading.done() and not reading.cancelled():
            return reading.result()
        return self._without_reading(tenant)

    def forget(self, tenant: str) -> None:
        """Its facts have just been changed here: the next request reads them."""
        self._known.pop(tenant, None)
        self._reading.pop(tenant, None)  # it may have begun before the change: who waits for it is the last to have it

    def _begin(self, tenant: str) -> asyncio.Task[TenantFacts]:
        reading = self._reading.get(tenant)
        if reading is None:
            reading = self._reading[tenant] = asyncio.create_task(self._read_again(tenant), context=of_no_request())
            reading.add_done_callback(lambda task: self._ended(tenant, task))
        return reading

    def _ended(self, tenant: str, task: asyncio.Task[TenantFacts]) -> None:
        if self._reading.get(tenant) is task:
            del self._reading[tenant]

    async def _read_again(self, tenant: str) -> TenantFacts:
        try:
            facts = await self._read(tenant)
        except Unavailable:
            return self._without_reading(tenant)
        if self._reading.get(tenant) is asyncio.current_task():
            now = self._clock()
            self._remember(tenant, _Known(facts, now, now))
        return facts

    def _without_reading(self, tenant: str) -> TenantFacts:
        """What is known, as if it were fresh: a database that is away is not asked by each request."""
        now = self._clock()
        entry = self._known.get(tenant)
        if entry is None:
            self._remember(tenant, _Known(UNREAD, now - STALE_SECONDS, now))
            return UNREAD
        if now - entry.read_at >= STALE_SECONDS:
            # No outage opens a closed account, or gives a model or a LoRA to those who are not to have it.
            last = entry.facts
            entry.facts = TenantFacts(
                suspended=last.suspended,
                commercial=last.commercial,
                loras=last.loras,
                lora_plan=last.plan or last.lora_plan,
                unread=last.unread,
            )
        entry.asked_at = now
        return entry.facts

    def _remember(self, tenant: str, entry: _Known) -> None:
        self._known[tenant] = entry
        self._known.move_to_end(tenant)
        while len(self._known) > self._most:
            self._known.popitem(last=False)


def permit(caller: Caller, facts: TenantFacts, service: str) -> None:
    """Raises Forbidden for a suspended tenant, and for credentials that are not for the service."""
    refuse_suspended(facts)
    if not caller.may(service):
        raise Forbidden(f"These credentials are not for {service}; use some that are, or ask your operator")


@dataclass(frozen=True, slots=True)
class LoraRules:
    """Which LoRAs one tenant may use.

    listed: all of them, of its own or of its plan; none: as `table` says, whose `*` stands for every name that is not
    in it, and for every tenant. unread: nobody knows which of these counts, so it may use none for now.
    """

    tenant: str
    listed: Collection[str] | None
    table: Mapping[str, Sequence[str]]
    unread: bool = False

    def allow(self, name: str) -> bool:
        if self.unread:
            return False
        if self.listed is not None:
            return name in self.listed or EVERY in self.listed
        tenants = self.table.get(name, self.table.get(EVERY, ()))
        return self.tenant in tenants or EVERY in tenants

    def permit(self, loras: Iterable[str]) -> None:
        """As a request names them. Raises Forbidden, which says nothing of whether there is one of that name, and
        Unavailable while that is not known."""
        if self.unread:
            raise Unavailable(
                "loras: which of them you may use cannot be looked up at the moment; leave them out, or try again in a "
                "few seconds",
                field="loras",
                retry_after=FRESH_SECONDS,
            )
        for lora in loras:
            name = lora.partition(":")[0]
            if not self.allow(name):
                raise Forbidden(
                    f"loras: {name} is not among those that you may use, which GET /v1/models lists; leave it out, or "
                    "ask your operator",
                    field="loras",
                )


def plan_class(plan: str | None, plans: Container[str]) -> str:
    """A tenant's class in metrics: its plan's name, where it is one of `plans` and good for a label."""
    if plan is None:
        return NO_PLAN
    return plan if plan in plans and _LABEL.fullmatch(plan) else OTHER_PLAN


def refuse_suspended(facts: TenantFacts) -> None:
    """Raises Forbidden."""
    if facts.suspended:
        raise Forbidden("This account is suspended; ask its operator")


def create_tenants(database: Database) -> Tenants:
    """As the database has them."""

    async def read(tenant: str) -> TenantFacts:
        async with database.connect() as connection:
            return TenantFacts(*await read_standing(connection, tenant))

    async def suspended() -> dict[str, TenantFacts]:
        async with database.connect() as connection:
            found = await suspended_tenants(connection, limit=MOST_TENANTS)
        return {tenant: TenantFacts(plan=plan, suspended=True) for tenant, plan in found.items()}

    return Tenants(read, suspended)
