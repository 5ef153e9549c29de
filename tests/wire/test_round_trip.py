"""What the gateway sends to an upstream is what the upstream reads: every request survives the wire."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping

import pytest
from starlette.requests import Request

from atelier.contracts.base import Contract, Event
from atelier.contracts.image_to_text import ImageToTextRequest, ImageToTextResult, TextDelta
from atelier.contracts.images import ImageToImageRequest, TextToImageRequest
from atelier.contracts.speech_to_text import Segment, TranscribedSegment, TranscriptionRequest
from atelier.contracts.text_to_speech import SpeechRequest
from atelier.errors import error_classes
from atelier.gateway.upstreams.bodies import written
from atelier.wire import chat, speech, transcription
from atelier.wire.body import Body, read_body
from atelier.wire.call import Call
from atelier.wire.exchange import ErrorAnswer, Outgoing, error_from
from atelier.wire.legs import legs
from atelier.wire.media import load_data_uri
from atelier.wire.routes import ROUTES

REQUESTS: list[Contract] = [
    TextToImageRequest(prompt="a cat"),
    TextToImageRequest(
        prompt="a cat",
        negative_prompt="dog",
        style="cartoon",
        size="512x768",
        n=3,
        num_inference_steps=12,
        guidance_scale=3.5,
        seed=7,
        model="some/model",
        output_format="webp",
        output_compression=40,
        loras=["ink:0.5", "tiles"],
        partial_images=5,
        stream=True,
    ),
    ImageToImageRequest(image=b"\x89PNG\0", prompt="a dog", strength=0.35, n=2, seed=1, loras=["ink"]),
    ImageToImageRequest(image=b"\x89PNG\0", prompt="a dog", stream=True, partial_images=2),
    ImageToImageRequest(image=b"\x89PNG\0", strength=0.9),
    ImageToImageRequest(image=b"\x89PNG\0", mask=b"\x89PNG\1", prompt="a dog"),
    ImageToImageRequest(image=b"\x89PNG\0", mask=b"\x89PNG\1", strength=0.7, n=2, stream=True),
    SpeechRequest(text="Hello.", response_format="opus"),
    SpeechRequest(text="Hallo.", language="de", voice="nova", speed=1.5, model="m", stream=True),
    SpeechRequest(text="Hallo,\nda.", voice="mine", speed=1.5, reference=b"RIFF", response_format="pcm"),
    SpeechRequest(text="Hallo.", voice="mine", reference=b"RIFF", stream=True),
    TranscriptionRequest(audio=b"RIFF"),
    TranscriptionRequest(
        audio=b"RIFF", language="en", words=True, prompt="names", hotwords="Ada", temperature=0.5, model="m"
    ),
    TranscriptionRequest(audio=b"RIFF", words=True, stream=True),
    TranscriptionRequest(audio=b"RIFF", task="translate"),
    ImageToTextRequest(image=b"\x89PNG", question="What is it?", detail="high", max_tokens=9, temperature=0.5),
    ImageToTextRequest(image=b"\x89PNG", stream=True),
    ImageToTextRequest(image=b"\x89PNG", task="ocr", model="m"),
    ImageToTextRequest(image=b"\x89PNG", task="ocr", language="de+zh-Hant"),
]


async def received(outgoing: Outgoing) -> Request:
    """The request as a server sees it, from the very bytes that the client would send."""
    body = await written(outgoing)
    headers = {"content-type": body.content_type}

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body.data, "more_body": False}

    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": outgoing.path, "headers": encoded}, receive)


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: type(r).__name__)
async def test_requests_survive_the_wire(request_: Contract) -> None:
    [leg] = legs(request_)
    row = next(row for row in ROUTES if row.path == leg.outgoing.path)
    read = row.read_inside or row.read  # as a worker does
    call = await read(await read_body(await received(leg.outgoing), most_file_bytes=10**6), load_data_uri)
    assert call.request == request_


def test_errors_survive_the_wire() -> None:
    for code, cls in error_classes().items():
        answer = ErrorAnswer.model_validate({"error": {"message": "m", "code": code, "param": "p"}})
        error = error_from(answer, status=cls.status, retry_after=3)
        assert (type(error), error.message, error.field, error.retry_after) == (cls, "m", "p", 3)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "invalid_request"),
        (413, "too_large"),
        (401, "upstream_failed"),
        (429, "overloaded"),
        (500, "upstream_failed"),
    ],
)
def test_another_servers_refusals_are_told_apart(status: int, code: str) -> None:
    """Its complaint about the request is the caller's business; about its own keys and limits it is not."""
    answer = ErrorAnswer.model_validate({"error": {"message": "m", "code": "weird_code"}})
    assert error_from(answer, status=status).code == code


@pytest.mark.parametrize("with_usage", [True, False])
async def test_a_streamed_caption_keeps_its_warnings(with_usage: bool) -> None:
    request = ImageToTextRequest(image=b"\x89PNG", stream=True)
    made = ImageToTextResult(model="m", caption="a circle", finish="content_filter", warnings=["one", "two"])

    async def events() -> AsyncGenerator[Event, None]:
        yield TextDelta(text="a circle", model="m")
        yield made

    class Incoming:
        headers: Mapping[str, str] = {}

        async def read(self) -> bytes:
            return b"".join([piece async for piece in self.chunks()])

        def chunks(self) -> AsyncIterator[bytes]:
            return chat.stream(events(), Call(request, stream=True, options={"usage": with_usage}), str)

    *_, last = [event async for event in chat.receive(Incoming(), request)]
    assert isinstance(last, ImageToTextResult)
    assert (last.caption, last.finish, last.warnings) == ("a circle", "content_filter", ["one", "two"])


async def test_what_is_heard_bit_by_bit_is_the_whole_in_any_language() -> None:
    """Joined, as a client would; a language that has no spaces gets none."""

    async def events(said: list[str]) -> AsyncGenerator[Event, None]:
        for number, text in enumerate(said):
            yield TranscribedSegment(segment=Segment(id=number, start=number, end=number + 1, text=text))

    call = Call(TranscriptionRequest(audio=b"RIFF", stream=True), stream=True)
    for said, whole in (
        (["こんにちは。", "元気ですか。"], "こんにちは。元気ですか。"),
        ([" One.", " Two."], "One. Two."),
    ):
        pieces = b"".join([piece async for piece in transcription.stream(events(said), call, str)])
        heard = [json.loads(line[6:]) for line in pieces.decode().splitlines() if line.startswith("data: {")]
        assert "".join(event["delta"] for event in heard) == whole


def test_what_is_too_long_to_be_a_voice_is_not_looked_for() -> None:
    """To have a body's fifty megabytes in small letters would hold every other request up for half a second."""
    assert speech.voice_asked(Body({"voice": "x" * 100})) == "x" * 100
    assert speech.voice_asked(Body({"voice": "x" * 101})) is None
    assert speech.voice_asked(Body({"voice": {"id": "x" * 101}})) is None
