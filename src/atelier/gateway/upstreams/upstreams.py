"""The upstreams of every service behind one pooled client, and typed calls to them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from pydantic import ValidationError

from atelier.catalog import SERVICES
from atelier.contracts.base import Contract, Event, Result
from atelier.contracts.image_to_text import ImageToTextRequest
from atelier.errors import UpstreamFailed
from atelier.gateway.upstreams.answering import Answer, Answering, total_seconds
from atelier.gateway.upstreams.client import Client
from atelier.gateway.upstreams.deadlines import Deadlines
from atelier.gateway.upstreams.names import LookUp, Names, addresses
from atelier.gateway.upstreams.pool import AWAY_SECONDS, Pool
from atelier.gateway.upstreams.probing import EVERY_SECONDS, Probing
from atelier.gateway.upstreams.upstream import Served, Times, Upstream
from atelier.rules import UpstreamRule
from atelier.settings import Settings, SettingsProblem
from atelier.tracing import tracer
from atelier.wire.aside import aside
from atelier.wire.exchange import COMMERCIAL_HEADER, NO_PLAN, PLAN_HEADER, SECONDS_HEADER, TENANT_HEADER, Outgoing
from atelier.wire.legs import Leg, chat_leg, legs, merged
from atelier.wire.metering import METERED_FIELD, Metered, PassedOn, told
from atelier.wire.serving import final_result


def create_upstreams(settings: Settings) -> Upstreams:
    """Raises SettingsProblem for a key whose variable is not set."""
    pools = {service: [_upstream(service, rule) for rule in settings.upstream_rules(service)] for service in SERVICES}
    times = Times(settings.connect_seconds, settings.first_byte_seconds, settings.request_seconds)
    return Upstreams(pools, times)


def _upstream(service: str, rule: UpstreamRule) -> Upstream:
    return Upstream(
        service,
        rule.url,
        tier=rule.tier,
        weight=rule.weight,
        key=_key(service, rule),
        model=rule.model,
        most=rule.most_in_flight,
        name=rule.name,
        dns=rule.dns,
    )


def _key(service: str, rule: UpstreamRule) -> str | None:
    if rule.key_variable is None:
        return rule.key.get_secret_value() if rule.key else None
    key = os.environ.get(rule.key_variable)
    if not key:
        raise SettingsProblem(f"{rule.key_variable}: is not set, and an upstream of {service} takes its key from it")
    return key


@dataclass(slots=True)  # not frozen: every request makes one, and freezing trebles the time
class Relayed:
    """A worker's whole answer, and what to meter."""

    response: PassedOn
    metered: Metered


class Upstreams:
    """`start` before the first call, `stop` at the end.

    every: seconds between two probes of an address. look_up: finds the addresses of a name.
    """

    def __init__(
        self,
        pools: Mapping[str, Sequence[Upstream]],
        times: Times,
        *,
        every: float = EVERY_SECONDS,
        look_up: LookUp = addresses,
    ) -> None:
        self._choices = {service: Pool(service, upstreams) for service, upstreams in pools.items()}
        self._times = times
        self._seconds = str(times.request)
        self._deadlines = Deadlines(min(1.0, total_seconds(times) / 20))
        self._probing = Probing(every=every)
        self._names = Names(self._choices.values(), self._probe_all, every=2 * every, look_up=look_up)
        self._client: Client | None = None
        self._answering = _answering()

    @property
    def pools(self) -> dict[str, list[Upstream]]:
        """Who serves each service now, by tier."""
        return {service: pool.upstreams for service, pool in self._choices.items()}

    def _probe_all(self) -> None:
        self._probing.watch(upstream for pool in self._choices.values() for upstream in pool.upstreams)

    def retries(self) -> dict[str, int]:
        """Attempts after one that failed, so far, by service."""
        return {service: pool.retries for service, pool in self._choices.items()}

    async def start(self) -> None:
        self._client = Client(self._times.connect)
        self._deadlines.start()
        self._probing.start()
        self._probe_all()
        self._names.start()

    async def stop(self) -> None:
        await self._names.stop()
        await self._probing.stop()
        await self._deadlines.stop()
        if self._client:
            await self._client.close()

    def answered(
        self, service: str, outgoing: Outgoing, headers: Mapping[str, str], served: Served
    ) -> Awaitable[Answer]:
        """One POST, answered with a good status; `with` it. Errors: see Answering."""
        assert self._client is not None
        pool = self._choices[service]
        return self._answering(
            self._client, pool, self._times, self._deadlines, outgoing=outgoing, headers=headers, served=served
        ).begin()

    def lacks(self, service: str, needed: str) -> bool:
        """Whether nobody who serves it has a model that says `needed` of itself. One who is away may have."""
        pool = self._choices[service].upstreams
        return not any(upstream.may_say(needed) for upstream in pool)

    def speaks_as(self, voice: str) -> bool:
        """Whether a model somewhere has a voice of that name."""
        upstreams = [upstream for pool in self._choices.values() for upstream in pool.upstreams]
        return any(upstream.speaks_as(voice.lower()) for upstream in upstreams)

    async def posted(self, service: str, outgoing: Outgoing, *, tenant: str, request_id: str) -> bytes:
        """What an upstream answers to one POST, whole. Errors: see Answering."""
        headers = self._headers(tenant, request_id, False, NO_PLAN)
        with await self.answered(service, outgoing, headers, Served()) as answer:
            return await answer.read()

    async def call(
        self,
        service: str,
        request: Contract,
        *,
        tenant: str,
        request_id: str,
        served: Served,
        commercial: bool = False,
        plan: str = NO_PLAN,
    ) -> AsyncGenerator[Event, None]:
        """The events of one request, the Result last. Errors: see Answering."""
        headers = self._headers(tenant, request_id, commercial, plan)
        found = await _legs(request)
        if len(found) > 1:
            yield await self._all_of(service, found, headers, served)
            return
        async with aclosing(self._leg(service, found[0], headers, served)) as events:
            async for event in events:
                yield event

    async def _all_of(self, service: str, found: Sequence[Leg], headers: dict[str, str], served: Served) -> Result:
        tasks = [asyncio.create_task(final_result(self._leg(service, leg, headers, served))) for leg in found]
        try:
            return merged(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def relayed(
        self,
        service: str,
        request: Contract,
        *,
        tenant: str,
        request_id: str,
        served: Served,
        commercial: bool = False,
        plan: str = NO_PLAN,
        raw: bytes | None = None,
    ) -> Relayed | Result:
        """A worker's whole answer as it is, unread; the Result of any other server's. Errors: see Answering.

        raw: the JSON of a chat, for a worker that reads the same from it as from the request.
        """
        headers = self._headers(tenant, request_id, commercial, plan)
        if raw is not None and isinstance(request, ImageToTextRequest):
            found = [chat_leg(request, raw)]
        else:
            found = await _legs(request)
        if len(found) > 1:
            return await self._all_of(service, found, headers, served)
        with await self.answered(service, found[0].outgoing, headers, served) as answer:
            metered = None if answer.foreign else told(answer.fields.get(METERED_FIELD))
            if metered is None:
                return await final_result(_events(answer, found[0], service))
            body = answer.here()
            return Relayed(PassedOn(await answer.read() if body is None else body, answer.fields), metered)

    def _headers(self, tenant: str, request_id: str, commercial: bool, plan: str) -> dict[str, str]:
        headers = {
            TENANT_HEADER: _ascii(tenant),
            SECONDS_HEADER: self._seconds,
            PLAN_HEADER: plan,
            "x-request-id": request_id,
        }
        if commercial:
            headers[COMMERCIAL_HEADER] = "yes"
        return headers

    async def _leg(
        self, service: str, leg: Leg, headers: dict[str, str], served: Served
    ) -> AsyncGenerator[Event, None]:
        with await self.answered(service, leg.outgoing, headers, served) as answer:
            async with aclosing(_events(answer, leg, service)) as events:
                async for event in events:
                    yield event


def _answering() -> type[Answering]:
    if tracer() is None:
        return Answering
    from atelier.gateway.traced import TracedAnswering

    return TracedAnswering


def _ascii(name: str) -> str:
    return name if name.isascii() else name.encode("unicode_escape").decode()


async def _legs(request: Contract) -> list[Leg]:
    return await aside(len(getattr(request, "image", b"")), legs, request)


async def _events(answer: Answer, leg: Leg, service: str) -> AsyncGenerator[Event, None]:
    try:
        async with aclosing(leg.receive(answer)) as events:
            async for event in events:
                yield _named(event, answer, leg) if answer.foreign else event
    except (ValueError, ValidationError):
        raise UpstreamFailed(f"{service} sent an answer that makes no sense", retry_after=AWAY_SECONDS) from None


def _named(event: Event, answer: Answer, leg: Leg) -> Event:
    """With the model that was asked for, where a foreign server does not say which it took."""
    if not isinstance(event, Result) or event.model:
        return event
    return event.model_copy(update={"model": answer.model or leg.model or ""})
