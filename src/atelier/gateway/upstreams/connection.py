"""One connection to an upstream: a request goes out, its answer comes back, and then the next one may.

The answer is read by httptools, as the server reads its requests. aiohttp's own parser, streams and pool do for any
client what here is wanted of one, and took 8 % of all instructions of a request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import httptools

MOST_UNREAD_BYTES = 262_144
"""More than that, and no more is read from the server until somebody takes it."""

MOST_HEAD_BYTES = 65_536
"""Where no answer has begun by then, none will."""

_LARGE_BYTES = 65_536
_SWITCHING = 101
"""Of protocols, which nobody asked for: nothing that could be read follows."""


class Response:
    """An answer whose head is there. fields: its header by names in small letters; of several the last.

    Reading raises aiohttp.ClientError or ConnectionError where the connection breaks off.
    """

    __slots__ = ("_connection", "_pieces", "_problem", "_reader", "_size", "ended", "fields", "status")

    def __init__(self, connection: Connection, status: int, fields: Mapping[bytes, bytes]) -> None:
        self._connection = connection
        self.status = status
        self.fields = fields
        self._pieces: list[bytes] = []
        self._size = 0
        self.ended = False
        self._problem: Exception | None = None
        self._reader: asyncio.Future[None] | None = None

    def field(self, name: bytes) -> str | None:
        value = self.fields.get(name)
        return None if value is None else str(value, "latin-1")

    def here(self) -> bytes | None:
        """All of it, where it has come already."""
        if not self.ended or self._problem is not None:
            return None
        pieces, self._pieces = self._pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def read(self, most: int | None = None) -> bytes:
        """All of it, or a little more than `most` bytes."""
        pieces, size = [], 0
        while piece := await self.read_piece():
            pieces.append(piece)
            size += len(piece)
            if most is not None and size > most:
                break
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def read_piece(self) -> bytes:
        """What has come since the last; nothing at the end."""
        while not self._pieces or self._problem is not None:
            if self._problem is not None:
                raise self._problem
            if self.ended:
                return b""
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        piece = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces, self._size = [], 0
        if not self.ended:  # else the connection may be another's, who has stopped the reading
            self._connection.go_on()
        return piece

    def close(self) -> None:
        """Hang up, unless the answer was heard to its end: then the connection may serve another already."""
        if not self.ended:
            self._connection.hang_up()

    def fail(self, problem: Exception) -> None:
        """Whoever reads it gets that."""
        self._problem = problem
        self._wake()

    def feed(self, piece: bytes) -> bool:
        """Whether there is room for more."""
        self._pieces.append(piece)
        self._size += len(piece)
        self._wake()
        return self._size <= MOST_UNREAD_BYTES

    def end(self) -> None:
        self.ended = True
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


class Connection(asyncio.Protocol):
    """On a connection that aiohttp has made. done: called where it may serve another request.

    since: when it last became free, by the clock that never goes back.
    """

    def __init__(self, made: aiohttp.connector.Connection, done: Callable[[Connection], None]) -> None:
        maker, transport = made.protocol, made.transport
        if maker is None or transport is None or maker.should_close:  # left, or told something before it was asked
            made.close()
            raise aiohttp.ServerDisconnectedError
        self._made = made
        self._maker = maker
        self._transport: Any = transport
        self._done = done
        self._loop = asyncio.get_running_loop()
        self._parser: Any = httptools.HttpResponseParser(self)
        self._asked: asyncio.Future[Response] | None = None  # while a request is under way
        self._response: Response | None = None
        self._headers: dict[bytes, bytes] = {}
        self._head_bytes = 0
        self._is_paused = self._is_over = self._keeps = False
        self.since = 0.0
        transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        return not self._transport.is_closing()

    def ask(self, head: bytes, body: bytes) -> asyncio.Future[Response]:
        """Send a request. The response is there with its head; ConnectionError or aiohttp.ClientError where none is.

        Nobody waits until it is sent: all of it is in memory, and a server may answer before it has heard it all.
        """
        asked = self._asked = self._loop.create_future()
        self._head_bytes = 0
        if len(body) > _LARGE_BYTES:
            self._transport.write(head)  # apart: to be joined to the head, the body would be copied
            self._transport.write(body)
        else:
            self._transport.write(head + body)
        return asked

    def leave(self, asked: asyncio.Future[Response]) -> None:
        """Hang up, unless the answer has come whole already: then the connection may serve another."""
        if self._asked is asked:
            self.hang_up()

    def hang_up(self) -> None:
        """At once: to close in order would keep what is unsent for as long as the server reads nothing."""
        if self._transport.get_write_buffer_size() > 0:
            self._transport.abort()
        self._made.close()

    def go_on(self) -> None:
        """Read what the server sends."""
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()

    # What asyncio calls:

    def data_received(self, data: bytes) -> None:
        if self._asked is None:  # another request would take it for its answer
            self.hang_up()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            if self._response is not None:
                self._response.end()
            self.hang_up()
        except httptools.HttpParserError as problem:
            if not self._is_over:
                self._fail(aiohttp.ClientPayloadError(f"not an HTTP answer: {problem}"))
            self.hang_up()
        else:
            if self._is_over:
                self._become_free()
            elif self._response is None:
                self._head_bytes += len(data)
                if self._head_bytes > MOST_HEAD_BYTES:
                    self._fail(aiohttp.ClientPayloadError("not an HTTP answer: its head does not end"))
                    self.hang_up()

    def connection_lost(self, exc: Exception | None) -> None:
        response = self._response
        if response is not None and exc is None and _ends_with_connection(response.fields):
            response.end()  # as it was to
        else:
            known = isinstance(exc, ConnectionError)
            self._fail(exc if known and exc is not None else aiohttp.ServerDisconnectedError())
        self._maker.connection_lost(exc)  # who closes the connector waits for it
        self._made.close()
        self._asked = self._response = self._parser = None  # which know it: only the garbage collector would find them

    # What the parser calls:

    def on_message_begin(self) -> None:
        self._headers = {}
        if self._is_over:  # a second answer to one request
            self._keeps = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._response is None:  # else a trailer, which nobody wants
            self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self._is_over or (status < 200 and status != _SWITCHING):  # one on the way, such as 100
            return
        self._response = Response(self, status, self._headers)
        if self._asked is not None and not self._asked.done():
            self._asked.set_result(self._response)

    def on_body(self, piece: bytes) -> None:
        if self._response is None or self._is_over:
            return
        if not self._response.feed(piece) and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self._response is None or self._is_over:
            return
        self._is_over = True
        self._keeps = self._parser.should_keep_alive()
        self._response.end()

    def _become_free(self) -> None:
        """But another request would wait behind what is unsent, or be taken for its end."""
        self._asked = self._response = None
        self._is_over = False
        if self._keeps and self.is_open and self._transport.get_write_buffer_size() == 0:
            self.go_on()
            self._done(self)
        else:
            self.hang_up()

    def _fail(self, problem: Exception) -> None:
        if self._response is not None:
            if not self._response.ended:
                self._response.fail(problem)
        elif self._asked is not None and not self._asked.done():
            self._asked.set_exception(problem)


def _ends_with_connection(fields: Mapping[bytes, bytes]) -> bool:
    """Whether nothing in the answer tells its end (RFC 9112, 6.3): a coding that is not chunked does not."""
    return b"content-length" not in fields and b"chunked" not in fields.get(b"transfer-encoding", b"").lower()
