"""Streams under an idempotency key: kept when they were whole, and the key free again however else they end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message

from atelier.catalog import SERVICES
from atelier.contracts.base import Event
from atelier.contracts.text_to_speech import AudioChunk, SpeechRequest, SpeechResult
from atelier.errors import Cancelled, UpstreamFailed
from atelier.gateway.answers import Idempotency, create_idempotency
from atelier.gateway.auth import Caller
from atelier.gateway.faces.repeats import once
from atelier.gateway.limits import create_limits
from atelier.gateway.pipeline import Exchange, Pipeline
from atelier.gateway.tenants import TenantFacts
from atelier.gateway.usage import UsageRecord
from atelier.settings import Settings
from atelier.wire import speech
from atelier.wire.body import Body
from atelier.wire.call import Call
from atelier.wire.routes import ROUTES
from atelier.wire.serving import respond_in_pieces

SPEECH = next(route for route in ROUTES if route.shape is speech.SHAPE)
REQUEST = SpeechRequest(text="one two", stream=True)
DONE = SpeechResult(model="m", data=b"", media_type="audio/wav", duration=1, sample_rate=1, voice="v", language="en")


async def spoken(*, broken: bool) -> AsyncGenerator[Event, None]:
    yield AudioChunk(data=b"RIFF")
    if broken:
        raise UpstreamFailed("the service broke off")
    yield DONE


class Client:
    """Sends the same request with the same key; `stays`: how many messages it takes before it hangs up."""

    def __init__(self, idempotency: Idempotency) -> None:
        self._idempotency = idempotency
        self.ran = 0

    async def ask(self, *, events: bool = True, broken: bool = False, stays: int = 100) -> bytes:
        headers = [(b"idempotency-key", b"order-1")]
        scope = {
            "type": "http",
            "path": SPEECH.path,
            "headers": headers,
            "state": {"request_id": "1"},
            "asgi": {"spec_version": "2.4"},
        }
        taken: list[Message] = []

        async def send(message: Message) -> None:
            if len(taken) >= stays:
                raise OSError("the client has gone")
            taken.append(message)

        async def receive() -> Message:
            raise AssertionError("nobody asks for more")

        request = Request(scope, receive, send)

        async def run() -> Response:
            self.ran += 1
            call = Call(REQUEST, stream=True, options={"sse": events})
            return await respond_in_pieces(request, SPEECH.shape, call, spoken(broken=broken), str)

        response = await once(self._idempotency, request, "acme", Body({}), run)
        await response(scope, receive, send)
        return b"".join(message.get("body", b"") for message in taken)


@pytest.fixture
def client() -> Client:
    return Client(create_idempotency(Settings(request_seconds=1)))


@pytest.mark.parametrize("events", [True, False])
async def test_a_whole_stream_is_kept(client: Client, events: bool) -> None:
    first = await client.ask(events=events)
    assert await client.ask(events=events) == first
    assert client.ran == 1


@pytest.mark.parametrize("events", [True, False])
async def test_one_that_failed_on_its_way_is_run_again(client: Client, events: bool) -> None:
    """As events it ends with the error, and looks whole to whoever only counts pieces."""
    told = await client.ask(events=events, broken=True)
    assert (b"event: error" in told) == events
    assert b"event: error" not in await client.ask(events=events)
    assert client.ran == 2


@pytest.mark.parametrize("stays", [0, 1, 2])
async def test_one_that_its_client_left_is_run_again(client: Client, stays: int) -> None:
    """Before its head, before its first piece, and after it."""
    with pytest.raises(ClientDisconnect):
        await client.ask(stays=stays)
    await client.ask()
    assert client.ran == 2


# Charged for: the answer is there for the repeat, though its client left before the end


class Books:
    """Stands in for the ledger. free: settling waits for it."""

    def __init__(self) -> None:
        self.rows: list[UsageRecord] = []
        self.entered, self.free = asyncio.Event(), asyncio.Event()

    async def settle(self, record: UsageRecord) -> None:
        self.entered.set()
        await self.free.wait()
        record.settled = True
        self.rows.append(record)


class Speaks:
    """Stands in for the upstreams."""

    def call(self, *_: Any, **__: Any) -> AsyncGenerator[Event, None]:
        return spoken(broken=False)


class Scene:
    """Speech as events, through the pipeline, for clients on a server that tells by `receive` when they have gone."""

    def __init__(self, home: Path) -> None:
        self.books = Books()
        self.left = asyncio.Event()
        self._pipeline = Pipeline(create_limits(Settings(home=home)), Speaks(), None, self.books, {})  # type: ignore[arg-type]
        self._idempotency = create_idempotency(Settings(home=home))
        self._asked = 0

    async def ask(self, taken: Callable[[bytes], bool] = lambda _: True) -> bytes:
        """taken: whether the client takes a piece; it leaves amid the first that it does not."""
        self._asked += 1
        body = b""

        async def send(message: Message) -> None:
            nonlocal body
            body += message.get("body", b"")
            if not taken(message.get("body", b"")):
                self.left.set()
                await asyncio.Event().wait()

        async def receive() -> Message:
            await self.left.wait()
            return {"type": "http.disconnect"}

        scope = {
            "type": "http", "path": SPEECH.path, "headers": [(b"idempotency-key", b"order-1")],
            "state": {"request_id": f"r{self._asked}"}, "asgi": {"spec_version": "2.3"},
        }  # fmt: skip
        request = Request(scope, receive, send)

        async def run() -> Response:
            exchange = await self._exchange(f"r{self._asked}")
            call = Call(REQUEST, stream=True, options={"sse": True})
            events = self._pipeline.events(exchange)
            return await respond_in_pieces(
                request, SPEECH.shape, call, events, str, settled=lambda: exchange.metered is not None
            )

        response = await once(self._idempotency, request, "acme", Body({}), run)
        await response(scope, receive, send)
        self.left.clear()
        return body

    async def _exchange(self, request_id: str) -> Exchange:
        caller, service = Caller("acme"), SERVICES["text-to-speech"]
        place = await self._pipeline.admit(request_id, caller, TenantFacts(), service, REQUEST)
        return Exchange(request_id, caller, service, "speak", REQUEST, place)


async def test_a_client_that_leaves_amid_the_last_piece_finds_its_answer_kept(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.books.free.set()
    await scene.ask(taken=lambda piece: b"speech.audio.done" not in piece)
    again = await scene.ask()
    assert b"speech.audio.delta" in again
    assert b"speech.audio.done" in again
    assert [row.id for row in scene.books.rows] == ["r1"]


async def test_a_client_that_leaves_while_its_row_is_written_finds_its_answer_kept(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    asking = asyncio.create_task(scene.ask())
    await scene.books.entered.wait()
    scene.left.set()
    for _ in range(5):
        await asyncio.sleep(0)
    scene.books.free.set()
    await asking
    assert b"speech.audio.done" in await scene.ask()
    assert [(row.id, row.status) for row in scene.books.rows] == [("r1", "succeeded")]


async def test_a_client_that_leaves_before_it_is_charged_for_all_of_it_has_it_run_again(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.books.free.set()
    await scene.ask(taken=lambda piece: b"speech.audio.delta" not in piece)
    assert b"speech.audio.done" in await scene.ask()
    assert [(row.id, row.status) for row in scene.books.rows] == [("r1", "cancelled"), ("r2", "succeeded")]


async def test_who_leaves_while_another_makes_the_answer_waits_no_longer(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    first = asyncio.create_task(scene.ask())
    await scene.books.entered.wait()
    second = asyncio.create_task(scene.ask())
    done, _ = await asyncio.wait([second], timeout=0.1)
    assert not done
    scene.left.set()
    try:
        with pytest.raises(Cancelled):
            await asyncio.wait_for(second, 60)
    finally:
        scene.books.free.set()
        await first
