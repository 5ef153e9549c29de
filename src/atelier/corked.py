"""uvicorn's HTTP protocol, with what one turn of the event loop writes sent in one go, and a word when a client leaves.

uvicorn writes the head of an answer and its body apart; each write is a call of the operating system and a packet, and
takes longer than all that the gateway itself does for a small answer. Each line of a head it looks at by itself; small
answers in one piece, which most are, are written here, and an app that has one whole can say so in one call. That a
client has left it tells only those who wait for the next message, which takes a task for each request. And the app
begins when all has been read that came at once, which most requests are: it need not wait for what is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Sequence
from functools import partial
from typing import Any

from starlette.types import Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from atelier.wire.body import ARRIVED
from atelier.wire.serving import LEAVING, Leaving

MOST_HELD_BYTES = 65_536
"""More is written at once: what is held back must not grow while a long answer is made without a pause."""

MOST_HEAD_BYTES = 65_536
"""The request's line and header fields; a little more comes through where it comes in one piece."""

HEAD_SECONDS = 30.0
"""How long they may be on their way."""

STALLED_SECONDS = 120.0
"""Who takes nothing of an answer for so long is hung up on: its place is held meanwhile, here and at an upstream."""

_CONTROLS = bytes({*range(32), 127} - {ord("\t")})
_FORWARDED = frozenset({b"x-forwarded-for", b"x-forwarded-proto"})
_OF_CONNECTIONS = frozenset({b"connection", b"transfer-encoding"})


class CorkedProtocol(HttpToolsProtocol):
    """For `uvicorn.Config(http=…)`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._leaving = Leaving()
        self._is_reading = False
        self._begun: tuple[RequestResponseCycle, Any] | None = None  # a request whose app waits for what is being read
        self.access_log = False  # there is a log of our own
        self._in_head = False
        self._head_bytes = 0
        super().connection_made(_Corked(transport, self.loop))  # type: ignore[arg-type]
        self._head_is_late: asyncio.TimerHandle | None = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"][LEAVING] = self._leaving
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._head_is_late is not None:
            self._head_is_late.cancel()
            self._head_is_late = None
        super().on_headers_complete()

    def _give_up(self) -> None:
        self._head_is_late = None
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if not is_answering:  # the answer to an earlier request would be lost
            self.transport.close()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if not self.pipeline:  # the last piece of a large body stops the reading, and with it the word of a leaving
            self.flow.resume_reading()

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self.send_400_response(f"The head of a request may have {MOST_HEAD_BYTES} bytes.")
                return
        self._is_reading = True
        try:
            super().data_received(data)
        finally:
            self._is_reading = False
        if self._begun is not None:
            (cycle, app), self._begun = self._begun, None
            self._start(cycle, app)
        if self._in_head and self._head_is_late is None:
            self._head_is_late = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self._is_reading:
            self._begun = cycle, app
        else:
            self._start(cycle, app)

    def _start(self, cycle: RequestResponseCycle, app: Any) -> None:
        scope = cycle.scope
        if isinstance(app, ProxyHeadersMiddleware) and _FORWARDED.isdisjoint(dict(scope["headers"])):
            app = app.app  # which has nothing to find
        if not cycle.more_body:
            scope["state"][ARRIVED] = True
        super()._start_asgi_task(cycle, partial(_run, app, Answer(cycle, self.tasks)))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._head_is_late is not None:
            self._head_is_late.cancel()
        super().connection_lost(exc)
        self._leaving.tell()


def _run(app: Any, answer: Answer, scope: Scope, receive: Receive, _: Send) -> Awaitable[None]:
    running: Awaitable[None] = app(scope, receive, answer)
    return running


class Answer:
    """ASGI's `send` for one cycle. tasks: of all requests that are served."""

    __slots__ = ("_begin", "_cycle", "_tasks")

    def __init__(self, cycle: RequestResponseCycle, tasks: Collection[object]) -> None:
        self._cycle = cycle
        self._tasks = tasks
        self._begin: Message | None = None  # while it is not known whether the body comes in one piece

    async def __call__(self, message: Message) -> None:
        begin, self._begin = self._begin, None
        if begin is not None:
            body = message.get("body", b"")
            if not message.get("more_body") and self.whole(begin["status"], begin["headers"], body):
                return
            await self._by_uvicorn(begin)
        elif message["type"] == "http.response.start" and b"content-length" in dict(message.get("headers", ())):
            self._begin = message
            return
        await self._by_uvicorn(message)

    async def _by_uvicorn(self, message: Message) -> None:
        stalled: asyncio.TimerHandle | None = None
        if self._cycle.flow.write_paused:
            stalled = asyncio.get_running_loop().call_later(STALLED_SECONDS, self._cycle.transport.abort)
        try:
            await RequestResponseCycle.send(self._cycle, message)  # type: ignore[arg-type]
        finally:
            if stalled is not None:
                stalled.cancel()

    def whole(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
        """Send all of it, in place of the two messages. False, and nothing sent, where it is not an answer like most:
        small, in one piece, on a connection that stays."""
        cycle = self._cycle
        fields = dict(headers)
        if (
            len(body) > MOST_HELD_BYTES
            or fields.get(b"content-length") != b"%d" % len(body)
            or not _OF_CONNECTIONS.isdisjoint(fields)
            or not cycle.keep_alive
            or cycle.response_started
            or cycle.disconnected
            or cycle.flow.write_paused
            or cycle.scope["method"] == "HEAD"
        ):
            return False
        told = [*cycle.default_headers, *headers]
        head = b"\r\n".join(map(b": ".join, told))
        if len(head.translate(None, _CONTROLS)) != len(head) - 2 * len(told) + 2:
            return False  # uvicorn says what is wrong with it
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.transport.write(b"%b%b\r\n\r\n%b" % (STATUS_LINE[status], head, body))
        if len(self._tasks) == 1:  # nobody else is served who might write, too
            cycle.transport.flush()  # type: ignore[attr-defined]
        cycle.message_event.set()
        cycle.on_response()
        return True


class _Corked:
    """A transport that gathers what is written until the event loop's next turn."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []
        self._bytes = 0

    def write(self, data: bytes) -> None:
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(data)
        self._bytes += len(data)
        if self._bytes > MOST_HELD_BYTES:
            self.flush()

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def flush(self) -> None:
        if self._held:
            data = self._held[0] if len(self._held) == 1 else b"".join(self._held)
            self._held, self._bytes = [], 0
            if not self._transport.is_closing():  # else nobody is there to read it
                self._transport.write(data)
