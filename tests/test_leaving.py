"""A client that hangs up ends the work that was begun for it, whichever way the server tells."""

from __future__ import annotations

import asyncio
import threading
from http.client import HTTPConnection
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from atelier.corked import CorkedProtocol
from atelier.errors import Cancelled
from atelier.wire.serving import LEAVING, Leaving, until_disconnect
from servers import Server, until


class Working:
    """An app whose work never ends by itself, and at /late begins when it is told. states: how far it has got."""

    def __init__(self) -> None:
        self.states: list[str] = []
        self.begin = threading.Event()
        self.leaving: Leaving | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/quick":
            answer = await until_disconnect(Request(scope, receive), asyncio.sleep(0, "done"))
            await PlainTextResponse(answer)(scope, receive, send)
            return
        self.states.append("there")
        if scope["path"] == "/body":  # which is there when the loop next looks, all at once
            asyncio.get_running_loop().call_soon(self.begin.wait)
            await Request(scope, receive).body()
        if scope["path"] == "/late":
            self.leaving = scope["state"][LEAVING]
            await asyncio.to_thread(self.begin.wait)
        try:
            await until_disconnect(Request(scope, receive), self._work())
        except Cancelled:
            self.states.append("left")

    async def _work(self) -> Any:
        self.states.append("works")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.states.append("stops")
            raise


@pytest.mark.parametrize("protocol", [CorkedProtocol, HttpToolsProtocol])
def test_work_ends_when_its_client_leaves(protocol: type[HttpToolsProtocol]) -> None:
    app = Working()
    with Server(app, protocol=protocol) as url:
        client = HTTPConnection(url.removeprefix("http://"))
        client.request("GET", "/quick")
        assert client.getresponse().read() == b"done"
        client.request("GET", "/")  # on the same connection
        until(lambda: app.states == ["there", "works"])
        client.close()
        until(lambda: app.states == ["there", "works", "stops", "left"])


def test_a_client_that_left_before_the_work_began_ends_it_too() -> None:
    app = Working()
    with Server(app) as url:
        client = HTTPConnection(url.removeprefix("http://"))
        client.request("GET", "/late")
        until(lambda: app.leaving is not None)
        client.close()
        until(lambda: app.leaving is not None and app.leaving.gone)
        app.begin.set()
        until(lambda: app.states[-1:] == ["left"])


@pytest.mark.parametrize("protocol", [CorkedProtocol, HttpToolsProtocol])
def test_one_that_leaves_after_a_large_body_is_heard(protocol: type[HttpToolsProtocol]) -> None:
    app = Working()
    with Server(app, protocol=protocol) as url:
        client = HTTPConnection(url.removeprefix("http://"))
        client.putrequest("POST", "/body")
        client.putheader("Content-Length", str(HIGH_WATER_LIMIT + 1))
        client.endheaders()
        until(lambda: app.states == ["there"])
        client.send(bytes(HIGH_WATER_LIMIT + 1))
        app.begin.set()
        until(lambda: app.states == ["there", "works"])
        client.close()
        until(lambda: app.states[-1:] == ["left"])


async def test_no_work_is_begun_for_one_that_has_left() -> None:
    leaving, begun = Leaving(), list[str]()
    leaving.tell()

    async def work() -> None:
        begun.append("works")  # and waits for nothing: only a later step could be cancelled

    with pytest.raises(Cancelled):
        await until_disconnect(Request({"type": "http", "state": {LEAVING: leaving}}), work())
    await asyncio.sleep(0)
    assert not begun
