"""Streams under an idempotency key: kept when they were whole, and the key free again however else they end."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message

from atelier.contracts.base import Event
from atelier.contracts.text_to_speech import AudioChunk, SpeechRequest, SpeechResult
from atelier.errors import UpstreamFailed
from atelier.gateway.answers import Idempotency, create_idempotency
from atelier.gateway.faces.repeats import once
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
            return await respond_in_pieces(request, SPEECH, call, spoken(broken=broken))

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
