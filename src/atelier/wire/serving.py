"""How an answer leaves the server: whole or streamed, and stopped when the client goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from atelier.contracts.base import Event, Result
from atelier.errors import AtelierError, Cancelled, UpstreamFailed, openai_envelope
from atelier.wire import sse
from atelier.wire.call import Call, Link, Shape

T = TypeVar("T")

LEAVING = "leaving"
"""Where a request's state holds the Leaving of its connection."""

LOOK_AFTER_SECONDS = 0.02
"""When it is first looked whether a client is still there."""


def _never() -> bool:
    return False


async def respond_in_pieces(
    request: Request,
    shape: Shape,
    call: Call,
    events: AsyncGenerator[Event, None],
    link: Link,
    *,
    settled: Callable[[], bool] = _never,
) -> Response:
    """The answer to one call, as its events come. What fails before the first is raised: it gets its own status.

    settled: whether it is paid for, and so is worded to its end for those that watch it, whoever has gone.
    """
    pieces = shape.stream(events, call, link)
    first = await until_disconnect(request, anext(pieces, b""))
    media_type = shape.stream_type(call)
    if media_type != sse.MEDIA_TYPE:
        return ClosingStream(_from(first, pieces), media_type=media_type, settled=settled)
    troubles: list[AtelierError] = []
    told = _telling(_from(first, pieces), troubles)
    return ClosingStream(told, media_type=media_type, troubles=troubles, settled=settled)


async def final_result(events: AsyncGenerator[Event, None]) -> Result:
    """The Result that ends the events."""
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Result):
                return event
    raise UpstreamFailed("the service ended without an answer")


class Leaving:
    """Of a connection whose server tells at once that its client has hung up: our own does (corked.py).

    gone: it has. watch: whom to tell, while somebody wants to know.
    """

    __slots__ = ("gone", "watch")

    def __init__(self) -> None:
        self.gone = False
        self.watch: Callable[[], None] | None = None

    def tell(self) -> None:
        self.gone = True
        if self.watch is not None:
            self.watch()


async def until_disconnect(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The outcome of `work`; when the client hangs up first, it is cancelled and Cancelled is raised."""
    leaving: Leaving | None = request.scope.get("state", {}).get(LEAVING)
    if leaving is not None and leaving.gone:
        work.close()  # unbegun: what does not wait could not be cancelled any more, and a later step would be instead
        raise _left()
    watch = _ClientLookout(request.receive) if leaving is None else _ClientWatch(leaving)
    try:
        return await work
    except asyncio.CancelledError:
        if watch.gone and watch.task.uncancel() == 0:
            raise _left() from None
        raise
    finally:
        watch.stop()


def _left() -> Cancelled:
    return Cancelled("the client closed the connection")


class _ClientWatch:
    """Cancels the task that made it when the server tells that the client has hung up."""

    __slots__ = ("_leaving", "gone", "task")

    def __init__(self, leaving: Leaving) -> None:
        self.task = _this_task()
        self.gone = False
        self._leaving = leaving
        leaving.watch = self._left

    def stop(self) -> None:
        self._leaving.watch = None

    def _left(self) -> None:
        self.gone = True
        self.task.cancel()


class _ClientLookout:
    """The same where the server tells only who asks it.

    It begins to look after a moment only: most short requests are done by then, and to look takes a task of its own.
    """

    __slots__ = ("_receive", "_timer", "_watcher", "gone", "task")

    def __init__(self, receive: Receive) -> None:
        self.task = _this_task()
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


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


async def _from(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(rest):
        yield first
        async for piece in rest:
            yield piece


async def _telling(events: AsyncGenerator[bytes, None], troubles: list[AtelierError]) -> AsyncGenerator[bytes, None]:
    """An error in an event stream is told as an event; elsewhere the connection breaks off."""
    async with aclosing(events):
        try:
            async for event in events:
                yield event
        except AtelierError as problem:
            troubles.append(problem)
            yield sse.encode(openai_envelope(problem), name="error")


class ClosingStream(StreamingResponse):
    """A stream whose source is closed at once when the client goes, wherever it was waiting.

    troubles: gets the error that the stream itself tells as its last event. settled: as `respond_in_pieces` has it.
    """

    def __init__(
        self,
        pieces: AsyncGenerator[bytes, None],
        *,
        media_type: str,
        troubles: Sequence[AtelierError] = (),
        settled: Callable[[], bool] = _never,
    ) -> None:
        # Proxies such as nginx would otherwise collect the events before they pass them on.
        super().__init__(
            pieces, media_type=media_type, headers={"cache-control": "no-store", "x-accel-buffering": "no"}
        )
        self._pieces = pieces
        self._troubles = troubles
        self._settled = settled
        self._whole = False
        self._watchers: list[tuple[Callable[[bytes], None], Callable[[bool], Awaitable[None]]]] = []

    def watch(self, seen: Callable[[bytes], None], ended: Callable[[bool], Awaitable[None]]) -> None:
        """Before it is sent: `seen` gets each piece as it goes, `ended` hears in any case whether it got all of them.

        Of a stream that is settled it gets all, though the client may have left before the last.
        """
        if not self._watchers:
            self._pieces = self.body_iterator = self._seen(self._pieces)
        self._watchers.append((seen, ended))

    async def _seen(self, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        async with aclosing(pieces):
            try:
                async for piece in pieces:
                    self._show(piece)
                    yield piece
            except GeneratorExit:
                if not self._settled():
                    raise
                async for piece in pieces:
                    self._show(piece)
            self._whole = not self._troubles

    def _show(self, piece: bytes) -> None:
        for seen, _ in self._watchers:
            seen(piece)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except AtelierError as problem:
            # To return before the end is how a server is told to break the connection off; the log says why.
            scope.setdefault("state", {})["error"] = problem.code
        finally:
            try:
                await self._pieces.aclose()
            finally:
                for _, ended in self._watchers:  # also where the client went before the first piece
                    await ended(self._whole)
