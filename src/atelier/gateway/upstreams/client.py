"""POST requests over aiohttp's pooled connections.

aiohttp's own connections, writer and parser, without its `ClientSession`: cookies, redirects, proxies, traces and a
timer for each request are not wanted here, and take longer than all else that the gateway does for a request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_writer import StreamWriter
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

KEEP_ALIVE_SECONDS = 4
"""Shorter than any server's own: a request must not go into a connection that is just being closed."""

_LARGE_BYTES = 65_536


class Target:
    """Where requests go: an address, and the headers that all of them carry. Made once, within the event loop."""

    __slots__ = ("connecting", "headers", "line")

    def __init__(self, url: URL, headers: Mapping[str, str]) -> None:
        self.connecting = aiohttp.ClientRequest("POST", url, loop=asyncio.get_running_loop())
        self.headers = {"host": self.connecting.headers["host"], **headers}
        self.line = f"POST {url.raw_path_qs} HTTP/1.1"


class Response:
    """An answer whose head is there. status and headers: as they came.

    Reading raises aiohttp.ClientError or ConnectionError where the connection breaks off.
    """

    __slots__ = ("_connection", "content", "headers", "status")

    def __init__(
        self,
        connection: aiohttp.connector.Connection,
        status: int,
        headers: CIMultiDictProxy[str],
        content: aiohttp.StreamReader,
    ) -> None:
        self._connection = connection
        self.status = status
        self.headers = headers
        self.content = content
        content.on_eof(connection.release)

    async def read(self) -> bytes:
        return await self.content.read()

    def close(self) -> None:
        """Hang up, unless the answer was heard to its end: then the connection is in the pool again already."""
        self._connection.close()


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
        connection = await self._connector.connect(target.connecting, [], self._timeout)
        try:
            protocol = connection.protocol
            assert protocol is not None
            protocol.set_response_params(read_until_eof=True, auto_decompress=False)
            await _write(StreamWriter(protocol, self._loop), target, headers, body)
            while True:
                message, content = await protocol.read()
                if message.code >= 200:  # else one on the way, such as 100: the real one follows
                    return Response(connection, message.code, message.headers, content)
        except HttpProcessingError as problem:
            connection.close()
            raise aiohttp.ClientPayloadError(f"not an HTTP answer: {problem.message}") from None
        except BaseException:
            connection.close()
            raise


async def _write(writer: StreamWriter, target: Target, headers: Mapping[str, str], body: bytes) -> None:
    """Without waiting until it is sent: all of it is in memory, and a server may answer before it has heard it all."""
    head = CIMultiDict(target.headers)
    head.update(headers)
    head["content-length"] = str(len(body))
    await writer.write_headers(target.line, head)
    if len(body) > _LARGE_BYTES:
        writer.send_headers()  # apart: to be joined to the head, the body would be copied
    await writer.write(body, drain=False)
