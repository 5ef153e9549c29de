"""Servers that are not ours: what they are sent, how their answers are measured, and what is not shown of them."""

from __future__ import annotations

import asyncio
import io
import json
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from atelier.catalog import SERVICES
from atelier.contracts.base import Contract, Event
from atelier.contracts.image_to_text import ImageToTextRequest
from atelier.contracts.images import ImagesResult, ImageToImageRequest, TextToImageRequest
from atelier.contracts.speech_to_text import TranscriptionRequest, TranscriptionResult
from atelier.contracts.text_to_speech import AudioChunk, SpeechRequest, SpeechResult
from atelier.errors import AtelierError, InvalidRequest, Overloaded, Unavailable, UpstreamFailed
from atelier.gateway.upstreams import Served, Upstream, Upstreams, create_upstreams
from atelier.rules import UpstreamRule
from atelier.settings import Settings, SettingsProblem
from atelier.wire.exchange import Outgoing
from misbehaving import PATH, PICTURE, PNG, SERVICE, Manners, Server, becomes, refuses, says, servers, upstreams_of

KEY = "sk-of-the-operator"
RICH = TextToImageRequest(
    prompt="a cat", negative_prompt="dog", num_inference_steps=9, guidance_scale=3, seed=7, style="cartoon", n=2
)


@asynccontextmanager
async def foreign(
    manners: Manners, service: str = SERVICE, model: str | None = "their-model"
) -> AsyncIterator[tuple[Server, Upstreams]]:
    async with servers(Server(manners, health=None)) as [server]:
        rule = Upstream(service, server.url, key=KEY, model=model)
        async with upstreams_of(rule, service=service) as upstreams:
            await becomes(lambda: rule.foreign)  # the first probe may have come too late, on a machine at work
            yield server, upstreams


async def events_of(upstreams: Upstreams, request: Contract, service: str = SERVICE) -> list[Event]:
    calls = upstreams.call(service, request, tenant="acme", request_id="1", served=Served())
    return [event async for event in calls]


def wav(seconds: float) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(16_000)
        recording.writeframes(b"\0\0" * int(seconds * 16_000))
    return file.getvalue()


async def test_only_what_it_understands_is_sent_with_its_own_key_and_model() -> None:
    async with foreign(says(200)) as (server, upstreams):
        [result] = await events_of(upstreams, RICH)
        [heard] = server.requests
        assert heard.json() == {"prompt": "a cat", "n": 2, "response_format": "b64_json", "model": "their-model"}
        assert heard.headers["authorization"] == f"Bearer {KEY}"
        assert not [name for name in heard.headers if name.startswith("x-atelier-")]
        assert isinstance(result, ImagesResult)
        assert result.model == "their-model"


async def test_a_body_that_is_written_already_is_written_anew() -> None:
    raw = json.dumps({"prompt": "x", "seed": 7, "model": "ours", "response_format": "url"}).encode()
    async with foreign(says(200)) as (server, upstreams):
        with await upstreams.answered(SERVICE, Outgoing(PATH, raw=raw), {"x-atelier-tenant": "a"}, Served()) as answer:
            assert await answer.read() == PICTURE
        assert server.requests[0].json() == {"prompt": "x", "model": "their-model", "response_format": "b64_json"}


async def test_a_worker_of_ours_behind_a_key_is_sent_everything() -> None:
    async with servers(Server()) as [server]:
        async with upstreams_of(Upstream(SERVICE, server.url, key=KEY, model="named")) as upstreams:
            await events_of(upstreams, RICH)
        [heard] = server.requests
        assert (heard.json()["seed"], heard.json()["model"]) == (7, "named")
        assert (heard.headers["authorization"], heard.headers["x-atelier-tenant"]) == (f"Bearer {KEY}", "acme")


async def test_pictures_go_with_their_kind_and_come_back_with_their_size() -> None:
    request = ImageToImageRequest(image=PNG, prompt="x", strength=0.2)
    async with foreign(says(200), "image-to-image") as (server, upstreams):
        [result] = await events_of(upstreams, request, "image-to-image")
        body = server.requests[0].body
        assert b'filename="image.png"\r\ncontent-type: image/png' in body
        assert b"strength" not in body
        assert isinstance(result, ImagesResult)
        usage = SERVICES["image-to-image"].measure(request, result)
        assert usage.units == 1
        assert usage.megapixels == pytest.approx(1e-6)


async def test_a_spoken_recording_is_measured_from_its_header() -> None:
    request = SpeechRequest(text="hello", language="en")
    async with foreign(says(200, wav(1.5), "audio/wav"), "text-to-speech") as (server, upstreams):
        [result] = await events_of(upstreams, request, "text-to-speech")
        asked = server.requests[0].json()
        assert (asked["input"], asked["voice"], asked["model"]) == ("hello", "alloy", "their-model")
        assert not asked.keys() & {"language", "stream", "stream_format"}
        assert isinstance(result, SpeechResult)
        assert (result.duration, result.sample_rate, result.warnings) == (1.5, 16_000, [])


async def test_a_tenants_own_voice_is_never_sent_to_it() -> None:
    request = SpeechRequest(text="hello", voice="mine", reference=wav(7))
    async with foreign(says(200, wav(1.5), "audio/wav"), "text-to-speech") as (server, upstreams):
        assert upstreams.lacks("text-to-speech", "clones")
        with pytest.raises(Unavailable):
            await events_of(upstreams, request, "text-to-speech")
        assert server.requests == []


async def test_a_recording_without_a_known_length_is_said_to_be_so() -> None:
    async with foreign(says(200, b"ID3 and so on", "audio/mpeg"), "text-to-speech") as (_, upstreams):
        request = SpeechRequest(text="hello", response_format="mp3")
        [result] = await events_of(upstreams, request, "text-to-speech")
        assert isinstance(result, SpeechResult)
        assert (result.duration, len(result.warnings)) == (0, 1)


async def test_a_streamed_recording_comes_in_pieces_and_is_metered_from_the_first() -> None:
    request = SpeechRequest(text="hello", response_format="pcm", stream=True)
    async with foreign(says(200, b"\0" * 48_000, "audio/pcm"), "text-to-speech") as (_, upstreams):
        *pieces, result = await events_of(upstreams, request, "text-to-speech")
        assert all(isinstance(piece, AudioChunk) and piece.delivered.characters == 5 for piece in pieces)
        assert b"".join(piece.data for piece in pieces if isinstance(piece, AudioChunk)) == b"\0" * 48_000
        assert isinstance(result, SpeechResult)
        assert (result.duration, result.model) == (1.0, "their-model")


@pytest.mark.parametrize(
    ("answer", "audio", "seconds"),
    [
        ({"text": "hi", "usage": {"type": "duration", "seconds": 3}}, b"RIFF", 3),
        ({"text": "hi"}, wav(2), 2),
        ({"text": "hi", "duration": 4.5, "task": "transcription", "language": "english"}, b"RIFF", 4.5),
        ({"text": "hi"}, b"ID3", 0),
    ],
)
async def test_what_was_heard_is_measured(answer: dict[str, object], audio: bytes, seconds: float) -> None:
    request = TranscriptionRequest(audio=audio, words=True)
    async with foreign(says(200, json.dumps(answer).encode()), "speech-to-text", "gpt-4o-transcribe") as (
        server,
        upstreams,
    ):
        [result] = await events_of(upstreams, request, "speech-to-text")
        assert isinstance(result, TranscriptionResult)
        assert result.duration == seconds
        assert bool(result.warnings) == (seconds == 0)
        assert b"verbose_json" not in server.requests[0].body, "this model tells no times, and refuses to be asked"


@pytest.mark.parametrize(
    ("manners", "error"),
    [
        (refuses(401, "unauthenticated"), UpstreamFailed),
        (refuses(403, "forbidden"), UpstreamFailed),
        (refuses(404, "not_found"), UpstreamFailed),
        (refuses(400, "bad"), InvalidRequest),
        (refuses(429, "rate_limited", retry_after="9"), Overloaded),
        (refuses(500, "internal_error"), UpstreamFailed),
    ],
)
async def test_its_troubles_are_not_the_callers(manners: Manners, error: type[AtelierError]) -> None:
    """Its codes may be spelt as ours are: another Atelier's, say."""
    async with foreign(manners) as (_, upstreams):
        with pytest.raises(error) as problem:
            await events_of(upstreams, RICH)
        assert KEY not in problem.value.message


async def test_it_is_not_asked_for_what_only_ours_can() -> None:
    request = ImageToTextRequest(image=PNG, task="ocr")
    async with foreign(says(200), "image-to-text") as (server, upstreams):
        with pytest.raises(Unavailable):
            await events_of(upstreams, request, "image-to-text")
        assert not server.requests


async def test_an_answer_without_sense_is_said_to_be_so() -> None:
    async with foreign(says(200, b"<html>")) as (_, upstreams):
        with pytest.raises(UpstreamFailed):
            await events_of(upstreams, RICH)


async def test_probes_go_without_the_key() -> None:
    heads: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 401 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    rule = Upstream(SERVICE, url, key=KEY)
    async with server, upstreams_of(rule):
        assert (rule.status, rule.foreign) == ("healthy", True)
        assert heads
        assert all(b"authorization" not in head.lower() for head in heads)


def test_rules_become_upstreams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THEIR_KEY", "from the environment")
    rules = [
        UpstreamRule(url="http://a:1", tier=1, weight=2, key_variable="THEIR_KEY", model="m", most_in_flight=3),
        UpstreamRule(url="http://b:1", key=SecretStr("k")),
    ]
    settings = Settings(upstreams={SERVICE: rules})
    low, high = create_upstreams(settings).pools[SERVICE]
    assert (low.url, low.key, low.tier) == ("http://b:1", "k", 0)
    assert (high.weight, high.key, high.model, high.most) == (2, "from the environment", "m", 3)
    assert "from the environment" not in repr(high)
    monkeypatch.delenv("THEIR_KEY")
    with pytest.raises(SettingsProblem, match="THEIR_KEY: is not set"):
        create_upstreams(settings)
