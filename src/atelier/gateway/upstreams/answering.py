"""One request to the upstreams of a service: the first that answers well, and what its answer brings."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Mapping
from time import monotonic
from types import TracebackType

import aiohttp
import structlog

from atelier.errors import AtelierError, Unavailable, UpstreamFailed
from atelier.gateway.upstreams.bodies import UNDERSTOOD, Written, written, written_for
from atelier.gateway.upstreams.client import Client
from atelier.gateway.upstreams.connection import Response
from atelier.gateway.upstreams.deadlines import Deadlines
from atelier.gateway.upstreams.pool import AWAY_SECONDS, Pool
from atelier.gateway.upstreams.refusals import MOST_REPEATS, Failure, Verdict, refused, too_slow, unanswered
from atelier.gateway.upstreams.upstream import Served, Times, Upstream
from atelier.wire.exchange import PRIVATE, REVISION_HEADER, Outgoing

PAUSE_SECONDS = 0.02
"""The longest pause before the first repeat, twice that before the second: drawn at random."""

_REVISION = REVISION_HEADER.encode()
_BROKEN = (aiohttp.ClientError, ConnectionError)

log = structlog.get_logger()


class Answer:
    """An upstream's answer with a good status. model: what the upstream was asked for, where its rule says so.

    Reading raises UpstreamFailed where the upstream breaks off, TooSlow where the request's time is up.
    """

    __slots__ = ("_answering", "_response", "fields", "foreign", "model", "status")

    def __init__(self, answering: Answering, response: Response, upstream: Upstream) -> None:
        self._answering = answering
        self._response = response
        self.status = response.status
        self.fields = response.fields
        self.foreign = upstream.foreign
        self.model = upstream.model

    @property
    def headers(self) -> dict[str, str]:
        return {str(name, "latin-1"): str(value, "latin-1") for name, value in self.fields.items()}

    def here(self) -> bytes | None:
        """All of it, where it has come already."""
        return self._response.here()

    async def read(self) -> bytes:
        try:
            return await self._response.read()
        except (*_BROKEN, TimeoutError) as problem:
            raise self._answering.broken(problem) from None

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """As they come."""
        try:
            while chunk := await self._response.read_piece():
                yield chunk
        except (*_BROKEN, TimeoutError) as problem:
            raise self._answering.broken(problem) from None

    def expire(self) -> None:
        """Whoever reads it gets a TimeoutError."""
        self._response.fail(TimeoutError())

    def close(self) -> None:
        """Hang up, where the answer was not heard to its end; else the connection is in the pool again already."""
        self._response.close()

    def __enter__(self) -> Answer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._answering.end(problem)


class Answering:
    """Attempts until an upstream answers. For one use.

    Raises Overloaded, Unavailable, UpstreamFailed, TooSlow, or what the upstream says of the request.
    """

    __slots__ = (
        "_answer",
        "_broken",
        "_client",
        "_deadlines",
        "_headers",
        "_late",
        "_outgoing",
        "_pool",
        "_repeats",
        "_served",
        "_task",
        "_times",
        "_trial",
        "_tried",
        "_upstream",
        "_written",
        "ends",
    )

    def __init__(
        self,
        client: Client,
        pool: Pool,
        times: Times,
        deadlines: Deadlines,
        *,
        outgoing: Outgoing,
        headers: Mapping[str, str],
        served: Served,
    ) -> None:
        self._client = client
        self._pool = pool
        self._times = times
        self._deadlines = deadlines
        self._outgoing = outgoing
        self._headers = headers
        self._served = served
        self._repeats = MOST_REPEATS
        self._tried: list[Upstream] = []
        self._written: Written | None = None
        self._broken = False
        self._late = False
        self._task = asyncio.current_task()

    async def begin(self) -> Answer:
        """`with` it: it is hung up at the end."""
        now = monotonic()
        self.ends = now + total_seconds(self._times)
        self._pool.budget.count(now)
        upstream = self._choose(now)
        self._deadlines.add(self)
        try:
            while True:
                outcome = await self._attempt(upstream)
                if isinstance(outcome, Answer):
                    self._answer = outcome
                    return outcome
                found = await self._next(upstream, outcome)
                if found is None:
                    error = outcome.error
                    del outcome
                    try:
                        raise error
                    finally:  # it knows this frame: if the frame knew it, only the garbage collector would find them
                        del error
                upstream = found
        except asyncio.CancelledError:
            self._deadlines.remove(self)
            if self._is_late():
                raise too_slow(self._pool.service, self._times) from None
            raise
        except BaseException:
            self._deadlines.remove(self)
            raise

    def end(self, problem: BaseException | None) -> None:
        """Of the answer; problem: what ended the reading of it."""
        self._deadlines.remove(self)
        self._answer.close()
        del self._answer  # the two know each other: without this only the garbage collector would find them
        if self._broken:
            self._end(self._upstream, "bad")
        elif problem is None or (isinstance(problem, AtelierError) and problem.status < 500):
            self._end(self._upstream, "good")
        elif isinstance(problem, AtelierError) and not isinstance(problem, Unavailable):
            self._end(self._upstream, "doubtful")
        else:
            self._end(self._upstream, None)

    def expire(self) -> None:
        """Its time is up: whoever waits for the upstream, or reads its answer, gets a TimeoutError."""
        self._late = True
        if hasattr(self, "_answer"):
            self._answer.expire()
        elif self._task is not None:
            self._task.cancel()

    def _is_late(self) -> bool:
        """Whether it was `expire` alone that cancelled it; asked once, for that takes the cancellation back."""
        return self._late and self._task is not None and not self._task.uncancel()

    def broken(self, problem: Exception) -> AtelierError:
        """The error for an answer that broke off; it counts against the upstream."""
        self._broken = True
        service = self._pool.service
        if isinstance(problem, TimeoutError):
            return too_slow(service, self._times)
        log.warning("upstream broke off", service=service, upstream=self._upstream.url, problem=type(problem).__name__)
        return UpstreamFailed(f"{service} broke off its answer; try again", retry_after=AWAY_SECONDS)

    def _choose(self, now: float) -> Upstream:
        outgoing = self._outgoing
        return self._pool.choose(now, self._tried, ours_only=outgoing.path not in UNDERSTOOD, needs=outgoing.needs)

    async def _attempt(self, upstream: Upstream) -> Answer | Failure:
        self._upstream = upstream
        self._served.label = upstream.label
        upstream.in_flight += 1
        self._trial = upstream.circuit.begin()
        try:
            outcome = await self._ask(upstream)
        except BaseException:
            self._end(upstream, "bad" if self._late else None)
            raise
        if isinstance(outcome, Failure):
            self._end(upstream, outcome.verdict)
        elif self._trial:  # that it answers is enough: a long answer must not keep the others away
            upstream.circuit.succeeded(monotonic(), trial=True)
            self._trial = False
        return outcome

    async def _ask(self, upstream: Upstream) -> Answer | Failure:
        begin = asyncio.timeout(self._times.first_byte) if self._times.first_byte is not None else None
        try:
            if begin is None:
                response = await self._posted(upstream)
            else:
                async with begin:
                    response = await self._posted(upstream)
        except (*_BROKEN, TimeoutError) as problem:
            failure = unanswered(upstream, problem, self._times, begin_is_late=begin is not None and begin.expired())
            if failure is None:
                raise
            return failure
        served = self._served
        served.upstream, served.fallback = upstream.url, served.fallback or upstream.tier > self._pool.lowest
        if response.status < 300:
            served.revision = None if upstream.foreign else response.field(_REVISION)
            return Answer(self, response, upstream)
        try:
            return await refused(upstream, response, monotonic())
        finally:
            response.close()

    def _posted(self, upstream: Upstream) -> Awaitable[Response]:
        outgoing, anew = self._outgoing, upstream.foreign or upstream.model is not None
        if anew or outgoing.raw is None:
            return self._written_and_posted(upstream, anew)
        target = upstream.target(outgoing.path)
        return self._client.post(target, self._headers, outgoing.raw, outgoing.content_type)

    async def _written_and_posted(self, upstream: Upstream, anew: bool) -> Response:
        outgoing, headers = self._outgoing, self._headers
        if anew:
            body = await written_for(upstream, outgoing)
        else:
            body = self._written = self._written or await written(outgoing)
        if upstream.foreign:
            headers = {name: value for name, value in headers.items() if not name.startswith(PRIVATE)}
        return await self._client.post(upstream.target(outgoing.path), headers, body.data, body.content_type)

    async def _next(self, upstream: Upstream, failure: Failure) -> Upstream | None:
        """The upstream for another attempt; None where there is to be none."""
        self._tried.append(upstream)
        self._repeats = min(self._repeats, failure.repeats)
        now = monotonic()
        if not self._repeats or now >= self.ends:
            return None
        found = self._another(upstream, failure, now)
        if found is None or not (failure.free or self._pool.budget.take(now)):
            return None
        await asyncio.sleep(PAUSE_SECONDS * (MOST_REPEATS + 1 - self._repeats) * random.random())  # noqa: S311
        self._repeats -= 1
        self._pool.retries += 1
        now = monotonic()
        return found if found.can_take(now) else self._another(upstream, failure, now)

    def _another(self, upstream: Upstream, failure: Failure, now: float) -> Upstream | None:
        try:
            return self._choose(now)
        except Unavailable:  # of the same, for its connection may only have been an old one
            return upstream if failure.same and upstream.can_take(now) else None

    def _end(self, upstream: Upstream, verdict: Verdict | None) -> None:
        upstream.in_flight -= 1
        circuit, trial = upstream.circuit, self._trial
        if verdict is None:
            circuit.left(trial=trial)
        elif verdict == "good":
            circuit.succeeded(monotonic(), trial=trial)
        elif circuit.failed(monotonic(), trial=trial, in_a_row=verdict == "bad"):
            log.warning("upstream left alone for a while", service=upstream.service, upstream=upstream.url)


def total_seconds(times: Times) -> float:
    """A worker says itself that a request's time is up: a little later it is hung up on."""
    return times.request + min(5.0, times.request / 10)
