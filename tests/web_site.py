"""A web server that misbehaves on demand, look-ups from a table, and a guarded fetch to send at them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from atelier.errors import AtelierError
from atelier.gateway.fetch import GuardedFetch

LOOPBACK = "127.0.0.1/32"
PICTURE = b"\x89PNG, as far as a download is concerned"
UNREACHABLE = "image_url: could not be fetched; give the address of a file on a public web server"


def answer(body: bytes = PICTURE, *headers: str, status: str = "200 OK", kind: str | None = "image/png") -> bytes:
    typed = [f"Content-Type: {kind}"] if kind is not None else []
    sized = (
        [] if any(h.startswith(("Transfer", "Content-Length")) for h in headers) else [f"Content-Length: {len(body)}"]
    )
    return "\r\n".join([f"HTTP/1.1 {status}", *typed, *sized, *headers, "", ""]).encode() + body


def moved(location: str, *headers: str, status: str = "302 Found") -> bytes:
    return answer(b"", f"Location: {location}", *headers, status=status)


@dataclass
class Visitor:
    """What one connection brought, and the way to answer it piece by piece."""

    path: str
    headers: dict[str, str]
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()


@dataclass
class Site:
    """A server that counts connections, not requests: a refused address must not even be knocked at."""

    port: int = 0
    pages: dict[str, bytes | Callable[[Visitor], Awaitable[None]]] = field(default_factory=dict)
    visitors: list[Visitor] = field(default_factory=list)
    connections: int = 0

    def url(self, path: str = "/picture.png", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            visitor = Visitor(head[0].split(" ")[1], headers, writer)
            self.visitors.append(visitor)
            page = self.pages.get(visitor.path, answer())
            await (visitor.send(page) if isinstance(page, bytes) else page(visitor))
        except (OSError, asyncio.IncompleteReadError):
            pass  # the guest left
        finally:
            writer.close()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """One site on every address of this machine, so that whichever way a guard is passed, it is seen."""
    if socket.has_dualstack_ipv6():
        listening = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    else:
        listening = socket.create_server(("0.0.0.0", 0))
    here = Site(port=listening.getsockname()[1])
    server = await asyncio.start_server(here.meet, sock=listening)
    try:
        yield here
    finally:
        server.close()  # and not waited for: some pages never end


class Names(AbstractResolver):
    """Look-ups from a table: for each name its answers, one after the other; the last one stays."""

    def __init__(self, answers: dict[str, list[list[str]]] | None = None) -> None:
        self.answers = answers or {}
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        self.asked.append(host)
        left = self.answers.get(host.rstrip("."))
        if left is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        found = left.pop(0) if len(left) > 1 else left[0]
        return [
            ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)
            for address in found
        ]

    async def close(self) -> None:
        raise AssertionError("a resolver that was passed in is its owner's to close")


class Silent(AbstractResolver):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        await asyncio.Event().wait()
        return []

    async def close(self) -> None:
        pass


def open_fetch(
    *,
    most_bytes: int = 1000,
    timeout_seconds: float = 10.0,
    most_redirects: int = 3,
    allow: Sequence[str] = (LOOPBACK,),
    resolver: AbstractResolver | None = None,
) -> GuardedFetch:
    return GuardedFetch(
        most_bytes=most_bytes,
        timeout_seconds=timeout_seconds,
        most_redirects=most_redirects,
        allow=allow,
        resolver=resolver,
    )


async def refusal(fetch: GuardedFetch, url: str) -> AtelierError:
    with pytest.raises(AtelierError) as caught:
        await fetch.fetch(url, field="image_url")
    assert caught.value.field == "image_url"
    assert caught.value.message.startswith("image_url: ")
    return caught.value


def refused_by_us(problem: AtelierError) -> bool:
    """And not by a network that happens to lead nowhere."""
    return problem.message == UNREACHABLE and "not permitted" in str(problem.__cause__)
