"""Speech in OpenAI's shape: POST /v1/audio/speech, as bytes or as server-sent events.

https://platform.openai.com/docs/api-reference/audio/createSpeech. Fields of ours: `language`, and `stream`:
false waits for the whole recording, whose header then has its true length. From the gateway alone a worker takes a form
with the part `reference` too: the recording of a tenant's own voice.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BaseModel, Field
from starlette.responses import Response

from atelier.contracts.base import MOST_SPEECH_CHARACTERS, Contract, Event, Language, ModelName, Result, Text, Usage
from atelier.contracts.text_to_speech import (
    MEDIA_TYPES,
    MOST_REFERENCE_BYTES,
    AudioChunk,
    AudioFormat,
    SpeechRequest,
    SpeechResult,
)
from atelier.errors import TooLarge, UpstreamFailed
from atelier.wire import sse
from atelier.wire.answers import Answer, UsageAnswer
from atelier.wire.body import Body, JsonFields, validated
from atelier.wire.call import Call, Link, Shape
from atelier.wire.exchange import Incoming, Outgoing, server_events
from atelier.wire.media import Load, read_base64
from atelier.wire.signatures import recording_length

SERVICE = "text-to-speech"

REFERENCE = "reference"
"""The part of a form that holds a recording of the voice to speak with."""

REFERENCES_PATH = "/v1/audio/references"
"""Where a worker looks at such a recording, before a tenant may have it as a voice."""

MOST_VOICE_CHARACTERS = 100
"""No voice has a longer name: what is longer need not be looked for."""

CLONES = "clones"
"""What a model says of itself that speaks with the voice of a recording."""


class _Voice(BaseModel):
    id: str


class SpeechFields(JsonFields):
    """The body of POST /v1/audio/speech. `instructions` is accepted and changes nothing."""

    input: Annotated[Text, Field(min_length=1, max_length=MOST_SPEECH_CHARACTERS)]
    model: ModelName | None = None
    voice: str | _Voice | None = None
    response_format: AudioFormat = "mp3"
    speed: Annotated[float, Field(ge=0.25, le=4.0)] = 1.0
    instructions: str | None = None
    stream_format: Literal["audio", "sse"] = "audio"
    language: Language | None = None
    stream: bool = True


async def read(body: Body, _: Load) -> Call:
    fields = validated(SpeechFields, body.beside())
    sse_wanted = fields.stream_format == "sse"
    asked = fields.model_dump(exclude={"input", "instructions", "stream_format", "voice"}) | {
        "text": fields.input,
        "voice": fields.voice.id if isinstance(fields.voice, _Voice) else fields.voice,
        "stream": fields.stream or sse_wanted,
    }
    request = validated(SpeechRequest, asked, called={"text": "input"})
    return Call(request, stream=request.stream, options={"sse": sse_wanted})


async def read_inside(body: Body, load: Load) -> Call:
    """What a worker takes: a reference too. Raises TooLarge for one that the gateway would not send."""
    reference = body.file(REFERENCE)
    files = {name: found for name, found in body.files.items() if name != REFERENCE}
    call = await read(replace(body, files=files), load)
    if reference is None:
        return call
    if len(reference) > MOST_REFERENCE_BYTES:
        raise TooLarge(f"{REFERENCE}: has over {MOST_REFERENCE_BYTES / 1e6:.0f} MB", field=REFERENCE)
    return replace(call, request=call.request.model_copy(update={"reference": reference}))


def voice_asked(body: Body) -> str | None:
    """The voice that a body asks for, which may be no voice at all; None where it asks for none."""
    found = body.fields.get("voice")
    named = found.get("id") if isinstance(found, dict) else found
    return named if isinstance(named, str) and len(named) <= MOST_VOICE_CHARACTERS else None


class SpeechEvent(Answer):
    """`speech.audio.delta` with a part of the file, or `speech.audio.done` with what it came to."""

    type: str
    audio: str | None = None
    usage: UsageAnswer | None = None
    model: str | None = None
    duration: float | None = None
    sample_rate: int | None = None
    voice: str | None = None
    language: str | None = None
    warnings: list[str] | None = None


def answer(result: Result, _: Call, __: Link) -> Response:
    assert isinstance(result, SpeechResult)
    headers = {
        "x-audio-duration": f"{result.duration:.3f}",
        "x-model": result.model,
        "x-voice": result.voice,
        "x-language": result.language,
        "x-sample-rate": str(result.sample_rate),
        "x-compute-ms": f"{result.usage.compute_ms:.1f}",
        "x-warnings": json.dumps(result.warnings),  # ASCII, as a header must be
    }
    return Response(result.data, media_type=result.media_type, headers=headers)


async def stream(events: AsyncGenerator[Event, None], call: Call, _: Link) -> AsyncGenerator[bytes, None]:
    async with aclosing(events):
        async for event in events:
            if isinstance(event, AudioChunk):
                yield _delta(event) if call.options["sse"] else event.data
            elif isinstance(event, SpeechResult) and call.options["sse"]:
                yield _done(event)


def _delta(chunk: AudioChunk) -> bytes:
    usage = UsageAnswer(characters=chunk.delivered.characters)
    event = SpeechEvent(
        type="speech.audio.delta",
        audio=base64.b64encode(chunk.data).decode(),
        usage=usage,
        duration=chunk.delivered.audio_seconds,
    )
    return sse.encode(event.model_dump(exclude_none=True), name=event.type)


def _done(result: SpeechResult) -> bytes:
    event = SpeechEvent(
        type="speech.audio.done",
        usage=UsageAnswer.of(result.usage),
        model=result.model,
        duration=result.duration,
        sample_rate=result.sample_rate,
        voice=result.voice,
        language=result.language,
        warnings=result.warnings,
    )
    return sse.encode(event.model_dump(exclude_none=True), name=event.type)


def stream_type(call: Call) -> str:
    assert isinstance(call.request, SpeechRequest)
    return sse.MEDIA_TYPE if call.options["sse"] else MEDIA_TYPES[call.request.response_format]


SHAPE = Shape(answer, stream, stream_type, relays=lambda _: True)


# The other direction: asking an upstream.


def send(request: Contract) -> Outgoing:
    assert isinstance(request, SpeechRequest)
    fields = request.model_dump(exclude={"text", "stream", "reference"}, exclude_none=True)
    own = request.reference
    return Outgoing(
        "/v1/audio/speech",
        fields
        | {"input": request.text, "stream": request.stream}
        | ({"stream_format": "sse"} if request.stream else {}),
        files={} if own is None else {REFERENCE: own},
        needs=None if own is None else CLONES,
    )


async def receive(incoming: Incoming, request: Contract) -> AsyncGenerator[Event, None]:
    assert isinstance(request, SpeechRequest)
    if not request.stream:
        yield _read_whole(await incoming.read(), incoming, request)
        return
    if not incoming.headers.get("content-type", "").startswith(sse.MEDIA_TYPE):
        async for chunk_or_end in _bare(incoming, request):
            yield chunk_or_end
        return
    async for message in server_events(incoming):
        event = SpeechEvent.parse(message.data)
        if event.type == "speech.audio.delta" and event.audio is not None:
            yield _read_delta(event)
        elif event.type == "speech.audio.done":
            yield _read_done(event, request)
            return
    raise UpstreamFailed("the speech service ended its answer early")


async def _bare(incoming: Incoming, request: SpeechRequest) -> AsyncGenerator[Event, None]:
    """A recording without events, as other servers stream it: they are paid for the whole text at once."""
    characters = len(request.text)
    delivered = Usage(units=characters, characters=characters)
    head, length = b"", 0
    async for chunk in incoming.chunks():
        head, length = head or chunk, length + len(chunk)
        yield AudioChunk(data=chunk, delivered=delivered)
    yield _read_whole(b"", incoming, request, begin=head, length=length)


def _read_delta(event: SpeechEvent) -> AudioChunk:
    characters = (event.usage and event.usage.characters) or 0
    delivered = Usage(units=characters, characters=characters, audio_seconds=event.duration or 0.0)
    return AudioChunk(data=read_base64(event.audio or "", "audio"), delivered=delivered)


def _read_done(event: SpeechEvent, request: SpeechRequest) -> SpeechResult:
    return SpeechResult(
        model=event.model or "",
        data=b"",
        media_type=MEDIA_TYPES[request.response_format],
        duration=event.duration or 0.0,
        sample_rate=event.sample_rate or 0,
        voice=event.voice or "",
        language=event.language or "",
        usage=(event.usage or UsageAnswer()).measured(),
        warnings=event.warnings or [],
    )


def _read_whole(
    data: bytes, incoming: Incoming, request: SpeechRequest, *, begin: bytes = b"", length: int = 0
) -> SpeechResult:
    """begin, length: the first bytes of a recording that was given out in parts, and how many there were in all."""
    headers = incoming.headers
    if "x-audio-duration" not in headers:
        return _measured(data, request, begin or data, length or len(data))
    return SpeechResult(
        model=headers.get("x-model", ""),
        data=data,
        media_type=MEDIA_TYPES[request.response_format],
        duration=float(headers["x-audio-duration"]),
        sample_rate=int(headers.get("x-sample-rate", 0)),
        voice=headers.get("x-voice", ""),
        language=headers.get("x-language", ""),
        usage=UsageAnswer(compute_ms=float(headers.get("x-compute-ms", 0))).measured(),
        warnings=json.loads(headers.get("x-warnings", "[]")),
    )


def _measured(data: bytes, request: SpeechRequest, begin: bytes, length: int) -> SpeechResult:
    """What a server that is not ours has spoken: it tells nothing but the recording."""
    seconds, rate = recording_length(begin, length, pcm=request.response_format == "pcm") or (0.0, 0)
    return SpeechResult(
        model="",
        data=data,
        media_type=MEDIA_TYPES[request.response_format],
        duration=seconds,
        sample_rate=rate,
        voice=request.voice or "",
        language=request.language or "",
        warnings=[]
        if seconds
        else ["the length of the recording is not known: the server that spoke it does not tell"],
    )
