"""Answers leave our server as uvicorn itself would send them, whatever is asked and however they are made."""

from __future__ import annotations

import asyncio
import re
import select
import socket
import time
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from atelier.corked import MOST_HEAD_BYTES, MOST_HELD_BYTES, Answer
from atelier.wire.body import ARRIVED
from atelier.wire.serving import LEAVING
from servers import Server, until

PATHS = [
    "/plain",
    "/empty",
    "/nothing",
    "/large",
    "/pieces",
    "/counted",
    "/single",
    "/closing",
    "/whole",
    "/short",
    "/long",
]


async def plain(request: Request) -> Response:
    return PlainTextResponse(f"{len(await request.body())} bytes from {request.url.scheme}", headers={"x-told": "ä"})


async def empty(_: Request) -> Response:
    return Response()


async def nothing(_: Request) -> Response:
    return Response(status_code=204)


async def large(_: Request) -> Response:
    return Response(bytes(MOST_HELD_BYTES + 1))


async def pieces(_: Request) -> Response:
    return StreamingResponse(iter([b"one ", b"two"]))


async def counted(_: Request) -> Response:
    return StreamingResponse(iter([b"one ", b"two"]), headers={"content-length": "7"})


async def single(_: Request) -> Response:
    return StreamingResponse(iter([b"one"]), headers={"content-length": "3"})


async def slow(_: Request) -> Response:
    await asyncio.sleep(1.5)
    return PlainTextResponse("at last")


async def closing(_: Request) -> Response:
    return PlainTextResponse("bye", headers={"connection": "close"})


class Raw:
    """Says what it is given, as no framework would."""

    def __init__(self, length: bytes, body: bytes, name: bytes = b"x-told") -> None:
        headers = [(b"content-length", length), (name, b"7")]
        self._start = {"type": "http.response.start", "status": 200, "headers": headers}
        self._body = {"type": "http.response.body", "body": body}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(self._start)
        await send(self._body)


class Whole(Raw):
    """The same in one call, where the server has it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = self._start
        if not isinstance(send, Answer) or not send.whole(start["status"], start["headers"], self._body["body"]):
            await super().__call__(scope, receive, send)


APP = Starlette(
    routes=[
        *(
            Route(f"/{made.__name__}", made, methods=["GET", "POST"])
            for made in (plain, empty, nothing, large, pieces, counted, single, slow, closing)
        ),
        Route("/whole", Whole(b"2", b"ok"), methods=["GET", "POST"]),
        Route("/short", Raw(b"9", b"short")),
        Route("/long", Raw(b"2", b"too long")),
        Route("/broken", Raw(b"2", b"ok", b"x-a\r\nx-b: 1\r\nx-c")),
    ]
)


@pytest.fixture(scope="module")
def both() -> Iterator[Both]:
    with Server(APP) as ours, Server(APP, protocol=HttpToolsProtocol) as theirs:
        yield Both(ours, theirs)


class Both:
    """Our server, and uvicorn's own."""

    def __init__(self, *urls: str) -> None:
        self.urls = urls

    def say(self, *requests: bytes) -> list[bytes]:
        """All that each says to requests that come in one piece, and to one after which it has to hang up."""
        return [_heard(url, b"".join([*requests, asked("/plain", "connection: close")])) for url in self.urls]


def connected(url: str) -> socket.socket:
    host, _, port = url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=60)


def _heard(url: str, sent: bytes) -> bytes:
    with connected(url) as connection:
        connection.sendall(sent)
        heard = b"".join(iter(lambda: connection.recv(65536), b""))
    return re.sub(rb"date: [^\r]+", b"date: now", heard)


def asked(path: str, *lines: str, method: str = "GET", version: str = "1.1", body: bytes = b"") -> bytes:
    head = [f"{method} {path} HTTP/{version}", "host: here", *lines, *([f"content-length: {len(body)}"] * bool(body))]
    return "".join(f"{line}\r\n" for line in [*head, ""]).encode() + body


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("method", "version", "lines"),
    [
        ("GET", "1.1", ()),
        ("HEAD", "1.1", ()),
        ("GET", "1.0", ()),
        ("GET", "1.1", ("connection: close",)),
        ("GET", "1.1", ("x-forwarded-proto: https", "x-forwarded-for: 192.0.2.1")),
    ],
)
def test_what_leaves_is_what_uvicorn_says(
    both: Both, path: str, method: str, version: str, lines: tuple[str, ...]
) -> None:
    ours, theirs = both.say(asked(path, *lines, method=method, version=version))
    assert ours == theirs
    assert ours.startswith(b"HTTP/1.1 20")


def test_a_header_cannot_end_its_line(both: Both) -> None:
    assert both.say(asked("/broken")) == [b"", b""]


def test_requests_in_one_piece_are_answered_in_their_order(both: Both) -> None:
    posts = [asked("/plain", method="POST", body=bytes(size)) for size in (1, 22, 333)]
    ours, theirs = both.say(*posts, asked("/pieces"), asked("/large"))
    assert re.findall(rb"(\d+) bytes from", ours) == [b"1", b"22", b"333", b"0"]
    assert ours == theirs


def test_a_proxy_on_this_machine_is_believed(both: Both) -> None:
    for heard in both.say(asked("/plain", "x-forwarded-proto: https")):
        assert re.findall(rb"bytes from (https?)", heard) == [b"https", b"http"]


def test_who_asks_whether_to_go_on_is_told_to(both: Both) -> None:
    ours, theirs = both.say(asked("/plain", "expect: 100-continue", method="POST", body=b"later"))
    assert ours.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert ours == theirs


class Noting:
    """Says of each request whether its body had arrived before it began, and answers in one call where it can."""

    def __init__(self) -> None:
        self.arrived: list[bool] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.arrived.append(ARRIVED in scope["state"])
        body = await Request(scope, receive).body()
        assert isinstance(send, Answer)
        assert send.whole(200, [(b"content-length", b"%d" % len(body))], body)


def test_it_is_known_whether_a_body_has_arrived() -> None:
    app = Noting()
    with Server(app) as url, connected(url) as connection:
        connection.sendall(asked("/", method="POST", body=b"at once"))
        assert connection.recv(65536).endswith(b"\r\n\r\nat once")
        connection.sendall(asked("/", "content-length: 5", method="POST"))
        until(lambda: len(app.arrived) == 2)
        connection.sendall(b"later")
        assert connection.recv(65536).endswith(b"\r\n\r\nlater")
    assert app.arrived == [True, False]


class Endless:
    """Streams without an end, and knows when it was ended."""

    def __init__(self) -> None:
        self.ended = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not self.ended:
            await send({"type": "http.response.body", "body": bytes(MOST_HELD_BYTES), "more_body": True})
            self.ended = scope["state"][LEAVING].gone


def test_who_takes_nothing_of_an_answer_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atelier.corked.STALLED_SECONDS", 0.2)
    app = Endless()
    with Server(app) as url, connected(url) as connection:
        connection.sendall(asked("/"))
        until(lambda: app.ended)


def test_a_head_has_its_size(both: Both) -> None:
    ours, _ = both.urls
    with connected(ours) as connection:
        connection.sendall(asked("/plain", f"x-large: {'a' * 30_000}"))
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /plain HTTP/1.1\r\nx-endless: ")
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            connection.sendall(b"a" * 1000 * MOST_HEAD_BYTES)
    with connected(ours) as connection:
        connection.sendall(b"GET /plain HTTP/1.1\r\n")
        sent = 0
        while not select.select([connection], [], [], 0.1)[0]:
            connection.sendall(b"x-more: " + b"a" * 8_000 + b"\r\n")
            sent += 1
        assert 8 <= sent < 100, "what is read at once does not count"
        heard = b"".join(iter(lambda: connection.recv(65536), b""))
    assert heard.startswith(b"HTTP/1.1 400")
    assert b"The head of a request may have 65536 bytes." in heard


@pytest.mark.parametrize("begun", [b"", b"GET /pl", b"GET /plain HTTP/1.1\r\nx-a: 1\r\n"])
def test_a_head_has_its_time(monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    monkeypatch.setattr("atelier.corked.HEAD_SECONDS", 1.0)
    with Server(APP) as url:
        with connected(url) as connection:
            connection.sendall(begun)
            assert connection.recv(65536) == b""
        with connected(url) as connection:
            for _ in range(2):
                connection.sendall(asked("/plain"))
                assert connection.recv(65536).startswith(b"HTTP/1.1 200")
                time.sleep(1.2)  # a connection that has served is kept for as long as uvicorn keeps it
            connection.sendall(b"GET /plain HTTP/1.1\r\n")
            assert connection.recv(65536) == b""


def test_a_late_head_costs_nobody_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atelier.corked.HEAD_SECONDS", 0.5)
    with Server(APP) as url, connected(url) as connection:
        connection.sendall(asked("/slow"))
        time.sleep(0.2)
        connection.sendall(b"GET /pl")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
