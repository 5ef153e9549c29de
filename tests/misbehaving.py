"""Upstreams that misbehave on purpose: raw servers on loopback whose manners can be changed while they run."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from atelier.gateway.upstreams import Times, Upstream, Upstreams

SERVICE = "text-to-image"
PATH = "/v1/images/generations"
REPORT = json.dumps({"status": "healthy", "services": [SERVICE], "models": []}).encode()
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
PICTURE = json.dumps({"created": 1, "data": [{"b64_json": base64.b64encode(PNG).decode()}]}).encode()

Manners = Callable[["Server", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def becomes(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for a condition without holding up the servers, which share the test's event loop."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  any condition
            await asyncio.sleep(0.002)


def says(status: int, body: bytes = PICTURE, kind: str = "application/json", **headers: str) -> Manners:
    """A whole answer."""

    async def manners(_: Server, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told = {"content-type": kind, "content-length": str(len(body))}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        writer.write(f"HTTP/1.1 {status} So\r\n{lines}\r\n".encode() + body)

    return manners


def refuses(status: int, code: str | None = None, **headers: str) -> Manners:
    return says(status, json.dumps({"error": {"message": "no", "code": code}}).encode(), **headers)


async def silent(server: Server, reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Hears everything, says nothing, and notices when the other side hangs up."""
    with suppress(ConnectionError):  # so it looks where it hangs up before it has read what was sent
        await reader.read()
    server.left += 1


async def breaks_off(_: Server, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def breaks_off_amid(_: Server, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 So\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{")
    await writer.drain()
    writer.close()


async def streams(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The begin of an answer without an end."""
    writer.write(b"HTTP/1.1 200 So\r\ncontent-type: text/event-stream\r\n\r\ndata: {}\n\n")
    await silent(server, reader, writer)


@dataclass
class Heard:
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Server:
    """manners: how it answers a POST. health: what it says at /health; None: not one of ours. mute: nothing there.

    left: how many clients hung up on it. connections: how many were made, probes included.
    """

    manners: Manners = field(default_factory=lambda: says(200))
    health: bytes | None = REPORT
    mute: bool = False
    requests: list[Heard] = field(default_factory=list)
    left: int = 0
    connections: int = 0
    port: int = 0
    host: str = "127.0.0.1"
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """As if its process had died."""
        if self._server:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.connections += 1
        try:
            while not writer.is_closing():
                await self._answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        method, path, _ = first.split(" ")
        if method == "GET" and self.mute:
            await silent(self, reader, writer)
        elif method == "GET":
            told = says(404, b"{}") if self.health is None else says(200, self.health)
            await told(self, reader, writer)
        else:
            self.requests.append(Heard(path, headers, body))
            await self.manners(self, reader, writer)


@asynccontextmanager
async def upstreams_of(
    *upstreams: Upstream | Server, times: Times | None = None, every: float = 0.05, service: str = SERVICE
) -> AsyncIterator[Upstreams]:
    """Started, and probed once. A Server stands for an upstream of the lowest tier."""
    pool = [found if isinstance(found, Upstream) else Upstream(service, found.url) for found in upstreams]
    opened = Upstreams({service: pool}, times or Times(connect=1, request=5), every=every)
    await opened.start()
    try:
        await becomes(lambda: all(upstream.status != "starting" for upstream in pool))
        yield opened
    finally:
        await opened.stop()


@asynccontextmanager
async def servers(*made: Server) -> AsyncIterator[Sequence[Server]]:
    for server in made:
        await server.start()
    try:
        yield made
    finally:
        for server in made:
            await server.stop()
