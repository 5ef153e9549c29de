"""POST requests over pooled connections.

aiohttp makes the connections: names, several addresses, TLS, time-outs. Its `ClientSession` is not used: cookies,
redirects, proxies, traces and a timer for each request are not wanted here, and take longer than all else that the
gateway does for a request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import monotonic

import aiohttp
from yarl import URL

from atelier.gateway.upstreams.connection import Connection, Response

KEEP_ALIVE_SECONDS = 4
"""Shorter than any server's own: a request must not go into a connection that is just being closed."""


class Target:
    """Where requests go: an address, and the headers that all of them carry. Made once, within the event loop."""

    __slots__ = ("connecting", "head", "origin")

    def __init__(self, url: URL, headers: Mapping[str, str]) -> None:
        self.connecting = aiohttp.ClientRequest("POST", url, loop=asyncio.get_running_loop())
        self.origin = str(url.origin())
        told = {"host": self.connecting.headers["host"], **headers}
        self.head = f"POST {url.raw_path_qs} HTTP/1.1\r\n{_lines(told)}"


class Client:
    """`close` at the end. connect_seconds: how long a connection may take."""

    def __init__(self, connect_seconds: float) -> None:
        self._connector = aiohttp.TCPConnector(limit=0)
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds)
        self._loop = asyncio.get_running_loop()
        self._free: dict[str, list[Connection]] = {}  # by origin; the one that became free last is the last
        self._tidying: asyncio.TimerHandle | None = None

    async def close(self) -> None:
        if self._tidying is not None:
            self._tidying.cancel()
        self._free.clear()
        await self._connector.close()  # with all that it has made

    async def post(
        self, target: Target, headers: Mapping[str, str], body: bytes, content_type: str = "application/json"
    ) -> Response:
        """The answer, once its head is there. Redirects are not followed, and nothing is decompressed.

        Raises aiohttp.ClientError, ConnectionError, or TimeoutError where no connection came about in time, and
        ValueError for a header that would end its line.
        """
        told = {**headers, "content-type": content_type, "content-length": str(len(body))}
        head = f"{target.head}\r\n{_lines(told)}\r\n\r\n".encode()
        connection = self._pooled(target.origin) or await self._connected(target)
        asked = connection.ask(head, body)
        try:
            return await asked
        except BaseException:
            connection.leave(asked)
            raise

    def _pooled(self, origin: str) -> Connection | None:
        free = self._free.get(origin)
        while free:
            connection = free.pop()
            if connection.is_open:
                if monotonic() - connection.since < KEEP_ALIVE_SECONDS:
                    return connection
                connection.hang_up()
        return None

    async def _connected(self, target: Target) -> Connection:
        made = await self._connector.connect(target.connecting, [], self._timeout)
        free = self._free.setdefault(target.origin, [])

        def done(connection: Connection) -> None:
            connection.since = monotonic()
            free.append(connection)
            if self._tidying is None:
                self._tidying = self._loop.call_later(KEEP_ALIVE_SECONDS, self._tidy)

        return Connection(made, done)

    def _tidy(self) -> None:
        """Close what nobody has needed for a while."""
        self._tidying = None
        oldest = monotonic() - KEEP_ALIVE_SECONDS
        for free in self._free.values():
            for connection in [one for one in free if one.since < oldest or not one.is_open]:
                free.remove(connection)
                connection.hang_up()
        if any(self._free.values()):
            self._tidying = self._loop.call_later(KEEP_ALIVE_SECONDS, self._tidy)


def _lines(headers: Mapping[str, str]) -> str:
    if not "".join(headers.values()).isprintable():
        raise ValueError("a header must not hold control characters")
    return "\r\n".join(map(": ".join, headers.items()))
