"""uvicorn's HTTP protocol, with what one turn of the event loop writes sent in one go, and a word when a client leaves.

uvicorn writes the head of an answer and its body apart; each write is a call of the operating system and a packet, and
takes longer than all that the gateway itself does for a small answer. That a client has left it tells only those who
wait for the next message, which takes a task for each request.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from atelier.wire.serving import LEAVING, Leaving

MOST_HELD_BYTES = 65_536
"""More is written at once: what is held back must not grow while a long answer is made without a pause."""


class CorkedProtocol(HttpToolsProtocol):
    """For `uvicorn.Config(http=…)`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._leaving = Leaving()
        super().connection_made(_Corked(transport, self.loop))  # type: ignore[arg-type]

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"][LEAVING] = self._leaving

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if not self.pipeline:  # the last piece of a large body stops the reading, and with it the word of a leaving
            self.flow.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._leaving.tell()


class _Corked:
    """A transport that gathers what is written until the event loop's next turn."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []
        self._bytes = 0

    def write(self, data: bytes) -> None:
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)
        self._bytes += len(data)
        if self._bytes > MOST_HELD_BYTES:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _flush(self) -> None:
        if self._held:
            data = self._held[0] if len(self._held) == 1 else b"".join(self._held)
            self._held, self._bytes = [], 0
            self._transport.write(data)
