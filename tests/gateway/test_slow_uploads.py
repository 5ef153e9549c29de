"""Clients that send slowly hold nobody up: what counts is who is served, not whose body is still on its way."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from atelier.errors import AtelierError
from atelier.gateway.auth import make_token
from atelier.gateway.front import Direct, Front
from atelier.gateway.metrics import Metrics
from atelier.gateway.request_log import RequestLog
from atelier.wire.body import read_body
from running_gateway import SECRET, opened
from servers import running, until

SPEECH = "/v1/audio/speech"
BODY = b'{"input": "one", "response_format": "pcm"}'


class Upload:
    """A connection on which a body comes piece by piece."""

    def __init__(self, url: str, path: str, headers: dict[str, str], length: int = len(BODY)) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=20)
        told = {"host": host, "content-type": "application/json", "content-length": str(length), **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        self.send(f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode())

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def status(self) -> int:
        """Of the answer, which is waited for."""
        return int(self._socket.recv(12).split()[1])

    def close(self) -> None:
        self._socket.close()


class Inside:
    """A front by itself, whose endpoint reads the body and is held while the gate is closed."""

    def __init__(self, *, most: int, patient_seconds: float = 60.0) -> None:
        self.gate = threading.Event()
        self.served = 0
        self.front = Front(
            {"/x": Direct("x", self._serve)},
            PlainTextResponse("rest"),
            log=RequestLog(Metrics()),
            most_in_flight=most,
            most_body_bytes=1000,
            refuse=_refuse,
            patient_seconds=patient_seconds,
        )

    async def _serve(self, request: Request) -> Response:
        await read_body(request, most_file_bytes=1000)
        self.served += 1
        await asyncio.to_thread(self.gate.wait)
        return PlainTextResponse("served")

    def empty(self) -> bool:
        return self.front.in_flight == self.front.arriving == len(self.front.uploads) == 0


def _refuse(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, AtelierError)
    return JSONResponse({"code": problem.code}, status_code=problem.status)


@contextmanager
def uploads(
    count: int, url: str, path: str = "/x", *, sent: bytes = BODY[:1], **headers: str
) -> Iterator[list[Upload]]:
    """So many requests, each with the begin of its body."""
    with ExitStack() as stack:
        begun = [Upload(url, path, headers) for _ in range(count)]
        for upload in begun:
            stack.callback(upload.close)
            upload.send(sent)
        yield begun


def test_slow_uploads_leave_the_places_to_others(tmp_path: Path) -> None:
    token = make_token(SECRET, "acme", seconds=600, roles=["admin"])
    with opened(tmp_path, most_in_flight=2) as gateway, ExitStack() as stack:
        slow = {"authorization": f"Bearer {token}"}
        begun = []
        for number, sent in enumerate((BODY[:1], BODY[:1], b"", b""), 1):
            begun += stack.enter_context(uploads(1, gateway.url, SPEECH, sent=sent, **slow))
            told = f"atelier_requests_arriving {number}.0"
            until(lambda told=told: told in httpx2.get(f"{gateway.url}/metrics", headers=slow).text)  # type: ignore[misc]
        for _ in range(3):
            assert gateway.post(SPEECH, content=BODY).status_code == 200
        begun[0].send(BODY[1:])
        assert begun[0].status() == 200


def test_a_body_that_comes_to_a_full_gateway_is_refused() -> None:
    inside = Inside(most=1)
    with running(inside.front) as url, uploads(1, url) as [slow]:
        until(lambda: len(inside.front.uploads) == 1)
        with uploads(1, url, sent=BODY) as [quick]:
            until(lambda: inside.served == 1)
            slow.send(BODY[1:])
            assert slow.status() == 503
            inside.gate.set()
            assert quick.status() == 200
        until(inside.empty)


def test_bodies_in_pieces_are_bounded_by_themselves() -> None:
    inside = Inside(most=2)
    inside.gate.set()
    with running(inside.front) as url, uploads(2, url) as begun:
        until(lambda: len(inside.front.uploads) == 2)
        with uploads(1, url) as [third], uploads(1, url, sent=BODY) as [whole]:
            assert third.status() == 503
            assert whole.status() == 200
        for upload in begun:
            upload.send(BODY[1:])
            assert upload.status() == 200
        until(inside.empty)


def test_an_upload_that_takes_long_gives_way_to_a_new_one() -> None:
    inside = Inside(most=1, patient_seconds=0.0)
    inside.gate.set()
    with running(inside.front) as url, uploads(1, url) as [slow]:
        until(lambda: len(inside.front.uploads) == 1)
        with uploads(1, url) as [new]:
            assert slow.status() == 503
            new.send(BODY[1:])
            assert new.status() == 200
        until(inside.empty)


def test_a_client_that_goes_amid_its_upload_leaves_nothing_behind() -> None:
    inside = Inside(most=1)
    with running(inside.front) as url:
        with uploads(1, url):
            until(lambda: len(inside.front.uploads) == 1)
        until(inside.empty)
    assert inside.served == 0
