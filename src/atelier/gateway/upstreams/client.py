"""POST requests over aiohttp's pooled connections.

aiohttp's own connections, writer and parser, without its `ClientSession`: cookies, redirects, proxies, traces and a
timer for each request are not wanted here, and take longer than all else that the gateway does for a request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawResponseMessage
from aiohttp.http_writer import StreamWriter
from multidict import CIMultiDict
from yarl import URL

KEEP_ALIVE_SECONDS = 4
"""Shorter than any server's own: a request must not go into a connection that is just being closed."""

_LARGE_BYTES = 65_536
_SWITCHING = 101
"""Of protocols, which nobody asked for: nothing that could be read follows."""


class Target:
    """Where requests go: an address, and the headers that all of them carry. Made once, within the event loop."""

    __slots__ = ("connecting", "headers", "line")

    def __init__(self, url: URL, headers: Mapping[str, str]) -> None:
        self.connecting = aiohttp.ClientRequest("POST", url, loop=asyncio.get_running_loop())
        self.headers = {"host": self.connecting.headers["host"], **headers}
        self.line = f"POST {url.raw_path_qs} HTTP/1.1"


class Response:
    """An answer whose head is there. status, headers, raw_headers: as they came.

    Reading raises aiohttp.ClientError or ConnectionError where the connection breaks off.
    """

    __slots__ = ("_connection", "content", "headers", "raw_headers", "status")

    def __init__(
        self,
        connection: Connection,
        message: RawResponseMessage,
        content: aiohttp.StreamReader,
    ) -> None:
        self._connection = connection
        self.status = message.code
        self.headers = message.headers
        self.raw_headers = message.raw_headers
        self.content = content
        content.on_eof(partial(_end, connection))

    async def read(self) -> bytes:
        content = self.content
        # A short answer has come with its head: to ask for it piece by piece would take longer than to pass it on.
        return content.read_nowait() if content.is_eof() else await content.read()

    def close(self) -> None:
        """Hang up, unless the answer was heard to its end: then the connection is in the pool again already."""
        _hang_up(self._connection)


class Client:
    """`close` at the end. connect_seconds: how long a connection may take."""

    def __init__(self, connect_seconds: float) -> None:
        self._connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS)
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds)
        self._loop = asyncio.get_running_loop()

    async def close(self) -> None:
        await self._connector.close()

    async def post(self, target: Target, headers: Mapping[str, str], body: bytes) -> Response:
        """The answer, once its head is there. Redirects are not followed, and nothing is decompressed.

        Raises aiohttp.ClientError, ConnectionError, or TimeoutError where no connection came about in time.
        """
        connection, protocol = await self._connect(target)
        try:
            protocol.set_response_params(read_until_eof=True, auto_decompress=False)
            await _write(StreamWriter(protocol, self._loop), target, headers, body)
            while True:
                message, content = await protocol.read()
                if message.code >= 200 or message.code == _SWITCHING:  # else one on the way, such as 100
                    return Response(connection, message, content)
        except HttpProcessingError as problem:
            _hang_up(connection)
            raise aiohttp.ClientPayloadError(f"not an HTTP answer: {problem.message}") from None
        except BaseException:
            _hang_up(connection)
            raise

    async def _connect(self, target: Target) -> tuple[Connection, ResponseHandler]:
        """A connection of the pool, or a new one. One that brought something unasked for is no answer's."""
        while True:
            connection = await self._connector.connect(target.connecting, [], self._timeout)
            protocol = connection.protocol
            assert protocol is not None
            if not protocol.should_close:
                return connection, protocol
            connection.close()


def _unsent(connection: Connection) -> bool:
    """Whether a part of the request is still on its way: the server answered, or was left, before it heard it all."""
    return connection.transport is not None and connection.transport.get_write_buffer_size() > 0


def _end(connection: Connection) -> None:
    """Back into the pool; but another request would wait behind what is unsent, or be taken for its end."""
    if _unsent(connection):
        _hang_up(connection)
    else:
        connection.release()


def _hang_up(connection: Connection) -> None:
    """At once: to close in order would keep what is unsent for as long as the server reads nothing."""
    if _unsent(connection) and connection.protocol is not None:
        connection.protocol.abort()
    connection.close()


async def _write(writer: StreamWriter, target: Target, headers: Mapping[str, str], body: bytes) -> None:
    """Without waiting until it is sent: all of it is in memory, and a server may answer before it has heard it all."""
    head = CIMultiDict({**target.headers, **headers, "content-length": str(len(body))})
    await writer.write_headers(target.line, head)
    if len(body) > _LARGE_BYTES:
        writer.send_headers()  # apart: to be joined to the head, the body would be copied
    await writer.write(body, drain=False)
