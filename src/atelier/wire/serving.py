"""How an answer leaves the server: whole or streamed, and stopped when the client goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from atelier.contracts.base import Event, Result
from atelier.errors import AtelierError, Cancelled, UpstreamFailed, openai_envelope
from atelier.wire import sse
from atelier.wire.call import Call, Link, Route

T = TypeVar("T")


async def respond(
    request: Request, route: Route, call: Call, events: AsyncGenerator[Event, None], link: Link
) -> Response:
    """The answer to one call. What fails before the first byte is raised, so that it gets its own status."""
    if not call.stream:
        result = await until_disconnect(request, final_result(events))
        return route.shape.answer(result, call, link)
    pieces = route.shape.stream(events, call)
    first = await until_disconnect(request, anext(pieces, b""))
    media_type = route.shape.stream_type(call)
    return ClosingStream(_from(first, pieces, told=media_type == sse.MEDIA_TYPE), media_type=media_type)


async def final_result(events: AsyncGenerator[Event, None]) -> Result:
    """The Result that ends the events."""
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Result):
                return event
    raise UpstreamFailed("the service ended without an answer")


async def until_disconnect(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The outcome of `work`; when the client hangs up first, it is cancelled and Cancelled is raised."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise Cancelled("the client closed the connection")
    finally:
        for pending in (task, gone):
            pending.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue


async def _from(first: bytes, rest: AsyncGenerator[bytes, None], *, told: bool) -> AsyncGenerator[bytes, None]:
    """`first`, then the rest. An error in an event stream is told as an event; elsewhere the connection breaks off."""
    async with aclosing(rest):
        try:
            yield first
            async for piece in rest:
                yield piece
        except AtelierError as problem:
            if not told:
                raise
            yield sse.encode(openai_envelope(problem), name="error")


class ClosingStream(StreamingResponse):
    """A stream whose source is closed at once when the client goes, wherever it was waiting."""

    def __init__(self, pieces: AsyncGenerator[bytes, None], *, media_type: str) -> None:
        # Proxies such as nginx would otherwise collect the events before they pass them on.
        super().__init__(
            pieces, media_type=media_type, headers={"cache-control": "no-store", "x-accel-buffering": "no"}
        )
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except AtelierError as problem:
            # To return before the end is how a server is told to break the connection off; the log says why.
            scope.setdefault("state", {})["error"] = problem.code
        finally:
            await self._pieces.aclose()
