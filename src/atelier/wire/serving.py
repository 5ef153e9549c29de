"""How an answer leaves the server: whole or streamed, and stopped when the client goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from atelier.contracts.base import Event, Result
from atelier.errors import AtelierError, Cancelled, UpstreamFailed, openai_envelope
from atelier.wire import sse
from atelier.wire.call import Call, Route

T = TypeVar("T")

LOOK_AFTER_SECONDS = 0.02
"""When it is first looked whether a client is still there."""


async def respond_in_pieces(
    request: Request, route: Route, call: Call, events: AsyncGenerator[Event, None]
) -> Response:
    """The answer to one call, as its events come. What fails before the first is raised: it gets its own status."""
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
    watch = _ClientWatch(request.receive)
    try:
        return await work
    except asyncio.CancelledError:
        if watch.gone and watch.task.uncancel() == 0:
            raise Cancelled("the client closed the connection") from None
        raise
    finally:
        watch.stop()


class _ClientWatch:
    """Cancels the task that made it when the client hangs up.

    It begins to look after a moment only: most short requests are done by then, and to look takes a task of its own.
    """

    __slots__ = ("_receive", "_timer", "_watcher", "gone", "task")

    def __init__(self, receive: Receive) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.task: asyncio.Task[Any] = task
        self.gone = False
        self._receive = receive
        self._watcher: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(LOOK_AFTER_SECONDS, self._begin)

    def stop(self) -> None:
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()

    def _begin(self) -> None:
        self._watcher = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            continue
        self.gone = True
        self.task.cancel()


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

    def pass_through(self, look: Callable[[AsyncGenerator[bytes, None]], AsyncGenerator[bytes, None]]) -> None:
        """Before it is sent: let the pieces go through another generator, which sees them by."""
        self._pieces = self.body_iterator = look(self._pieces)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except AtelierError as problem:
            # To return before the end is how a server is told to break the connection off; the log says why.
            scope.setdefault("state", {})["error"] = problem.code
        finally:
            await self._pieces.aclose()
