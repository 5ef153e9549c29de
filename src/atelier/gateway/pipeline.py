"""The one way that every request goes: admit → serve → store → settle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import anyio
import structlog
from uuid_utils import uuid7

from atelier.catalog import SERVICES
from atelier.contracts.base import Contract, Event, Partial, Result
from atelier.contracts.images import ImagesResult
from atelier.contracts.text_to_speech import SpeechResult
from atelier.errors import AtelierError, Internal, TooSlow, Unavailable
from atelier.gateway.artifacts import Artifacts
from atelier.gateway.auth import Caller
from atelier.gateway.limits import Ask, Limits, Place
from atelier.gateway.upstreams import Upstreams
from atelier.gateway.usage import Ledger, UsageRecord

log = structlog.get_logger()


def new_request_id() -> str:
    """A UUIDv7: unique, and sorted by time."""
    return str(uuid7())


@dataclass
class Exchange:
    """One admitted request of one caller. place: its place in the limits. keep: store the files of its result."""

    id: str
    caller: Caller
    service: str
    request_type: str
    request: Contract
    place: Place
    keep: bool = False


class Pipeline:
    """Everything between a parsed request and its answer."""

    def __init__(self, limits: Limits, upstreams: Upstreams, artifacts: Artifacts, ledger: Ledger) -> None:
        self._limits = limits
        self._upstreams = upstreams
        self._artifacts = artifacts
        self._ledger = ledger
        self._open: set[str] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    async def admit(self, request_id: str, caller: Caller, service: str) -> Place:
        """Before anything is done for a request. Raises RateLimited."""
        return await self._limits.admit(Ask(request_id, caller.tenant, service))

    def turn_away(self, place: Place) -> None:
        """The admitted request turned out to be malformed: it never ran, and its place is free again."""
        self._limits.refund(place)

    async def drained(self, seconds: float) -> None:
        """Until every request has been settled, or the time is up: what shutting down waits for."""
        with anyio.move_on_after(seconds):
            await self._idle.wait()

    async def run(self, exchange: Exchange) -> AsyncGenerator[Event, None]:
        """Partial events, then the Result, which is settled before it is given out.

        However it ends (done, failed, cancelled, or left by the client), one usage record is written.
        Raises whatever the upstream raises.
        """
        record = UsageRecord(exchange.id, exchange.caller, SERVICES[exchange.service], exchange.request_type)
        self._begin(exchange.id)
        try:
            async with aclosing(self._serve(exchange, record)) as events:
                async for event in events:
                    yield event
        except Exception as problem:
            record.status, record.error = "failed", problem.code if isinstance(problem, AtelierError) else Internal.code
            if not isinstance(problem, TooSlow):  # the device was busy with it for all its time
                self._limits.refund(exchange.place)
            raise
        finally:
            self._limits.settle(exchange.place, units=record.delivered.units, cost=0)
            # Shielded: a client that has gone must not keep its record from being written.
            with anyio.CancelScope(shield=True):
                await self._close(record)

    async def _close(self, record: UsageRecord) -> None:
        try:
            await self._ledger.settle(record)
        except Unavailable:  # the answer, if one is still owed, says so already; the log keeps what the table lacks
            log.error("usage record not written", **{k: str(v) for k, v in record.row().items() if v is not None})
        finally:
            self._end(record.id)

    def _begin(self, request_id: str) -> None:
        self._open.add(request_id)
        self._idle.clear()

    def _end(self, request_id: str) -> None:
        self._open.discard(request_id)
        if not self._open:
            self._idle.set()

    async def _serve(self, exchange: Exchange, record: UsageRecord) -> AsyncGenerator[Event, None]:
        calls = self._upstreams.call(
            exchange.service,
            exchange.request,
            tenant=exchange.caller.tenant,
            request_id=exchange.id,
            served_by=record.name_upstream,
        )
        async with aclosing(calls) as events:
            async for event in events:
                if isinstance(event, Result):
                    yield await self._finish(exchange, record, event)
                    return
                if isinstance(event, Partial):
                    record.delivered = event.delivered
                yield event

    async def _finish(self, exchange: Exchange, record: UsageRecord, result: Result) -> Result:
        if exchange.keep:
            result = await self._stored(exchange, result)
        record.delivered = record.service.measure(exchange.request, result)
        record.model, record.status = result.model, "succeeded"
        await self._ledger.settle(record)
        return result.model_copy(update={"usage": record.delivered})

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
        return await self._artifacts.put(exchange.caller.tenant, exchange.id, data, media_type)
