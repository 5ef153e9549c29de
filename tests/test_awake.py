"""A gateway's event loop looks again for what a lone request waits for, and sleeps where that would be a waste."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

import anyio.to_thread
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from atelier import awake, run
from atelier.awake import WakefulProtocol
from atelier.corked import CorkedProtocol
from servers import Server, until

FOR_EVER = 3600.0


class Looking(WakefulProtocol):
    """Counts how often the loop of the server looked again."""

    looks = 0

    def _look_again(self) -> None:
        Looking.looks += 1
        super()._look_again()


def looks_again() -> bool:
    before = Looking.looks
    time.sleep(0.1)
    return Looking.looks > before + 20


def sleeps() -> bool:
    before = Looking.looks
    time.sleep(0.1)
    return Looking.looks == before


class Held:
    """An app that answers when it is let go. there: requests that it has begun. clients: who asked them."""

    def __init__(self) -> None:
        self.there = 0
        self.clients: list[HTTPConnection] = []
        self.go = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.there += 1
            await anyio.to_thread.run_sync(self.go.wait)
            await PlainTextResponse("done")(scope, receive, send)

    def ask(self, url: str) -> None:
        client = HTTPConnection(url.removeprefix("http://"))
        client.request("GET", "/")
        self.clients.append(client)
        until(lambda: self.there == len(self.clients))


@pytest.fixture
def held() -> Held:
    return Held()


@contextmanager
def asked(app: Held) -> Iterator[str]:
    """The address of a server that serves one request, until its end."""
    Looking.looks = 0
    with Server(app, protocol=Looking) as url:
        app.ask(url)
        try:
            yield url
        finally:
            app.go.set()


def test_it_stays_awake_for_a_lone_request(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awake, "SERVING_SECONDS", FOR_EVER)
    with asked(held) as url:
        until(looks_again)
        held.ask(url)
        until(sleeps)


def test_it_sleeps_where_an_answer_takes_long(held: Held) -> None:
    with asked(held):
        until(sleeps)
        assert Looking.looks > 0


def test_it_stays_awake_for_the_next_request(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awake, "AFTER_SECONDS", FOR_EVER)
    with asked(held):
        until(sleeps)
        held.go.set()
        until(looks_again)


def test_it_sleeps_when_there_is_no_next_one(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awake, "SERVING_SECONDS", FOR_EVER)
    with asked(held):
        until(looks_again)
        held.go.set()
        until(sleeps)


@pytest.mark.parametrize(("cores", "protocol"), [(1, CorkedProtocol), (2, WakefulProtocol)])
def test_it_leaves_the_only_core_to_others(
    cores: int, protocol: type[CorkedProtocol], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "usable_cores", lambda: cores)
    assert run._gateway_protocol() is protocol
