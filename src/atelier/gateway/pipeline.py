"""The one way that every request goes: admit → serve → store → settle."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import anyio
import structlog
from starlette.responses import Response

from atelier.catalog import Estimate, Service
from atelier.contracts.base import Contract, Event, Partial, Result
from atelier.contracts.images import ImagesResult
from atelier.contracts.text_to_speech import AudioChunk, SpeechResult
from atelier.errors import AtelierError, Internal, TooSlow, Unavailable
from atelier.gateway.artifacts import Artifacts
from atelier.gateway.auth import Caller
from atelier.gateway.limits import Ask, Limits, Pace, Place
from atelier.gateway.tenants import TenantFacts
from atelier.gateway.upstreams import Served, Upstreams
from atelier.gateway.usage import Ledger, UsageRecord
from atelier.rules import FREE, Price
from atelier.wire.exchange import NO_PLAN
from atelier.wire.metering import Metered
from atelier.wire.serving import final_result
from atelier.wire.signatures import with_length

Word = Callable[[Result], Response]
"""Puts a result into the words of the face that was asked."""

log = structlog.get_logger()


@dataclass(slots=True)
class Exchange:
    """One admitted request of one caller.

    place: its place in the limits. keep: store the files of its result, for keep_days (None: for good). commercial:
    no model whose licence forbids that may serve it. served: who served it. metered: what its answer was made of, once
    it is settled. plan: the class of its tenant, as metrics tell it. raw: its JSON, where it may be passed on as it
    came.
    """

    id: str
    caller: Caller
    service: Service
    request_type: str
    request: Contract
    place: Place
    keep: bool = False
    keep_days: float | None = None
    commercial: bool = False
    plan: str = NO_PLAN
    raw: bytes | None = None
    served: Served = field(default_factory=Served)
    metered: Metered | None = None


class Pipeline:
    """Everything between a parsed request and its answer. prices: by service; none costs nothing."""

    def __init__(
        self,
        limits: Limits,
        upstreams: Upstreams,
        artifacts: Artifacts,
        ledger: Ledger,
        prices: Mapping[str, Price],
    ) -> None:
        self._limits = limits
        self._upstreams = upstreams
        self._artifacts = artifacts
        self._ledger = ledger
        self._prices = prices
        self._pace = Pace()
        self._open: dict[str, tuple[str, str]] = {}  # service and plan, by id
        self._idle = asyncio.Event()
        self._idle.set()

    def admit(
        self, request_id: str, caller: Caller, facts: TenantFacts, service: Service, request: Contract
    ) -> Awaitable[Place]:
        """A place in every limit, and what the request may take reserved. Raises RateLimited, Unavailable."""
        expected = service.estimate(request)
        price = self._price(service)
        if price.compute_second:
            expected.compute_ms = self._pace.most_ms(service, _model(request), expected)
        return self._limits.admit(_ask(request_id, caller.tenant, facts, service.name, expected=expected, price=price))

    async def check(self, request_id: str, caller: Caller, facts: TenantFacts, service: Service) -> None:
        """Raises what `admit` would of the smallest request, and takes nothing: before a file is fetched for it."""
        price = self._price(service)
        await self._limits.check(
            _ask(request_id, caller.tenant, facts, service.name, expected=Estimate(units=1), price=price)
        )

    async def admit_unmetered(self, request_id: str, caller: Caller, facts: TenantFacts, service: Service) -> Place:
        """A place for work that is asked of a service beside what it is metered in. Raises what `admit` does."""
        none = Estimate(units=0)
        return await self._limits.admit(_ask(request_id, caller.tenant, facts, service.name, expected=none, price=FREE))

    def _price(self, service: Service) -> Price:
        return self._prices.get(service.name, FREE)

    def running(self) -> Counter[tuple[str, str]]:
        """How many requests are not settled yet, by service and plan."""
        return Counter(self._open.values())

    async def drained(self, seconds: float) -> None:
        """Until every request has been settled, or the time is up: what shutting down waits for."""
        with anyio.move_on_after(seconds):
            await self._idle.wait()

    async def whole(self, exchange: Exchange, word: Word) -> Response:
        """The answer in one piece. Like `events`, it leaves one usage record behind, however it ends."""
        record = self._begin(exchange)
        try:
            return await self._worded(exchange, record, await final_result(self._called(exchange)), word)
        except Exception as problem:
            self._fail(record, problem)
            raise
        finally:
            await self._end(exchange, record)

    async def relayed(self, exchange: Exchange, word: Word) -> Response:
        """The answer of a worker of ours as the worker worded it: it is metered by its header, and not read.

        word: for the result of a server that sends no such header.
        """
        record = self._begin(exchange)
        try:
            answer = await self._upstreams.relayed(
                exchange.service.name,
                exchange.request,
                tenant=exchange.caller.tenant,
                request_id=exchange.id,
                served=exchange.served,
                commercial=exchange.commercial,
                plan=exchange.plan,
                raw=exchange.raw,
            )
            if isinstance(answer, Result):
                return await self._worded(exchange, record, answer, word)
            await self._succeed(exchange, record, answer.metered)
            return answer.response
        except Exception as problem:
            self._fail(record, problem)
            raise
        finally:
            await self._end(exchange, record)

    async def given_again(self, exchange: Exchange, metered: Metered) -> None:
        """Meter an answer that was made before, for another request."""
        record = self._begin(exchange)
        record.cached = True
        try:
            await self._succeed(exchange, record, metered)
        finally:
            await self._end(exchange, record)

    async def events(self, exchange: Exchange) -> AsyncGenerator[Event, None]:
        """Partial events, then the Result, which is settled before it is given out.

        However it ends (done, failed, cancelled, or left by the client), one usage record is written.
        Raises whatever the upstream raises.
        """
        record = self._begin(exchange)
        spoken: list[bytes] = []
        try:
            async with aclosing(self._called(exchange)) as events:
                async for event in events:
                    if exchange.keep and isinstance(event, AudioChunk):
                        spoken.append(event.data)
                    if isinstance(event, Result):
                        result = await self._kept(exchange, _with_recording(event, spoken))
                        with anyio.CancelScope(shield=True):  # who leaves now is charged, so the answer is made whole
                            await self._succeed(exchange, record, Metered(model=result.model, usage=result.usage))
                        yield result
                        return
                    if isinstance(event, Partial):
                        record.delivered = event.delivered
                    yield event
        except Exception as problem:
            self._fail(record, problem)
            raise
        finally:
            await self._end(exchange, record)

    def _called(self, exchange: Exchange) -> AsyncGenerator[Event, None]:
        return self._upstreams.call(
            exchange.service.name,
            exchange.request,
            tenant=exchange.caller.tenant,
            request_id=exchange.id,
            served=exchange.served,
            commercial=exchange.commercial,
            plan=exchange.plan,
        )

    def _begin(self, exchange: Exchange) -> UsageRecord:
        self._open[exchange.id] = exchange.service.name, exchange.plan
        self._idle.clear()
        return UsageRecord(
            exchange.id,
            exchange.caller,
            exchange.service,
            exchange.request_type,
            price=self._price(exchange.service),
        )

    @staticmethod
    def _fail(record: UsageRecord, problem: Exception) -> None:
        record.status, record.error = "failed", problem.code if isinstance(problem, AtelierError) else Internal.code

    async def _worded(self, exchange: Exchange, record: UsageRecord, result: Result, word: Word) -> Response:
        """The answer, worded before it is settled: one that cannot be worded costs nothing."""
        result = await self._kept(exchange, result)
        response = word(result)
        await self._succeed(exchange, record, Metered(model=result.model, usage=result.usage))
        return response

    async def _kept(self, exchange: Exchange, result: Result) -> Result:
        """With its files stored, if they are to be linked, and with what it came to."""
        if exchange.keep:
            result = await self._stored(exchange, result)
        return result.model_copy(update={"usage": exchange.service.measure(exchange.request, result)})

    async def _succeed(self, exchange: Exchange, record: UsageRecord, metered: Metered) -> None:
        record.delivered, record.model, record.status = metered.usage, metered.model, "succeeded"
        if record.price.compute_second and not record.cached:
            self._pace.note(exchange.service, _model(exchange.request), metered.usage)
        try:
            await self._settle(exchange, record)
        except asyncio.CancelledError:
            if not record.settled:
                raise
            # The client went while the row was written: it is charged, so that the answer is worth keeping.
            task = asyncio.current_task()
            assert task is not None
            task.uncancel()
            self._close(exchange, record)
        exchange.metered = metered

    async def _end(self, exchange: Exchange, record: UsageRecord) -> None:
        """Settled in any case; shielded: a client that has gone must not keep the record from being written."""
        try:
            if not record.settled:
                with anyio.CancelScope(shield=True):
                    await self._settle(exchange, record)
        except Unavailable:  # the answer, if one is still owed, says so already; the log keeps what the table lacks
            log.error("usage record not written", **{name: str(value) for name, value in record.row().items()})
        finally:
            self._close(exchange, record)
            self._open.pop(exchange.id, None)
            if not self._open:
                self._idle.set()

    async def _settle(self, exchange: Exchange, record: UsageRecord) -> None:
        """The record is written, and the limits are told what really happened."""
        if exchange.served.upstream is not None:
            record.name_upstream(exchange.served.upstream, exchange.served.fallback)
        await self._ledger.settle(record)
        self._close(exchange, record)

    def _close(self, exchange: Exchange, record: UsageRecord) -> None:
        """The place in the limits; closed a second time it stays as it is."""
        if record.status == "failed" and record.error != TooSlow.code:
            self._limits.refund(exchange.place)
        else:  # a request that ran out of time failed too, but a device was busy with it for all of it
            self._limits.settle(exchange.place, units=record.counted.units, cost=record.cost)

    async def _stored(self, exchange: Exchange, result: Result) -> Result:
        if isinstance(result, ImagesResult):
            images = [
                image.model_copy(update={"artifact": await self._put(exchange, image.data, image.media_type)})
                for image in result.images
            ]
            return result.model_copy(update={"images": images})
        if isinstance(result, SpeechResult):
            return result.model_copy(update={"artifact": await self._put(exchange, result.data, result.media_type)})
        return result

    async def _put(self, exchange: Exchange, data: bytes, media_type: str) -> str:
        return await self._artifacts.put(
            exchange.caller.tenant, exchange.id, data, media_type, keep_days=exchange.keep_days
        )


def _ask(request_id: str, tenant: str, facts: TenantFacts, service: str, *, expected: Estimate, price: Price) -> Ask:
    guessed = "u" if "units" in expected.guesses else ""
    cost = 0.0
    if price is not FREE:
        cost = price.of(expected)
        guessed += "c" if price.asks_for(expected.guesses) else ""
    return Ask(request_id, tenant, service, expected.units, cost, guessed, facts.plan, facts.limits)


def _with_recording(result: Result, spoken: Sequence[bytes]) -> Result:
    """A recording that was given out in parts, whole: to be stored."""
    if not isinstance(result, SpeechResult) or not spoken:
        return result
    return result.model_copy(update={"data": with_length(b"".join(spoken))})


def _model(request: Contract) -> str | None:
    name: str | None = getattr(request, "model", None)
    return name
