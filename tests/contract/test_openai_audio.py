"""OpenAI's Python client speaks and listens: every format, every kind of time, and streams."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import av
import openai
import pytest
from contract_gateway import ContractGateway
from files_to_send import RECORDING
from small_engines import SENTENCES

TEXT = " ".join(SENTENCES)
SRT = "1\n00:00:00,000 --> 00:00:01,000\nOne small step.\n\n2\n00:00:01,000 --> 00:00:02,000\nAnd a giant leap.\n"
VTT = "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nOne small step.\n\n00:00:01.000 --> 00:00:02.000\nAnd a giant leap.\n"
SPOKEN = "one two three"
SPOKEN_SECONDS = 0.3  # a tenth of a second for each word
FORMATS = {"wav": "audio/wav", "mp3": "audio/mpeg", "opus": "audio/ogg", "aac": "audio/aac", "flac": "audio/flac"}
FILE = ("speech.wav", RECORDING, "audio/wav")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:test_openai")


def seconds_of(data: bytes) -> float:
    with av.open(io.BytesIO(data)) as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


@pytest.mark.parametrize("kind", FORMATS)
def test_speech_in_every_format(client: openai.OpenAI, kind: Any) -> None:
    answer = client.audio.speech.create(model="tts-1", voice="nova", input=SPOKEN, response_format=kind)
    assert answer.response.headers["content-type"] == FORMATS[kind]
    assert seconds_of(answer.read()) == pytest.approx(SPOKEN_SECONDS, abs=0.1)


def test_pcm_is_24_kilohertz(client: openai.OpenAI) -> None:
    answer = client.audio.speech.create(model="tts-1", voice="nova", input=SPOKEN, response_format="pcm")
    assert answer.response.headers["content-type"] == "audio/pcm"
    assert len(answer.read()) / 2 / 24_000 == pytest.approx(SPOKEN_SECONDS, abs=0.02)


def test_mp3_is_what_comes_without_a_format(client: openai.OpenAI) -> None:
    answer = client.audio.speech.create(
        model="gpt-4o-mini-tts", voice={"id": "tone"}, input=SPOKEN, instructions="gently", speed=1.5
    )
    assert answer.response.headers["content-type"] == "audio/mpeg"


def test_null_is_a_field_left_out(client: openai.OpenAI) -> None:
    nulls: Any = {"speed": None, "instructions": None, "stream_format": None, "response_format": None}
    assert client.audio.speech.create(model="tts-1", voice="alloy", input=SPOKEN, **nulls).read()


def test_speech_comes_in_chunks_while_it_is_spoken(client: openai.OpenAI) -> None:
    with client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="alloy", input=SPOKEN, response_format="wav"
    ) as answer:
        assert "content-length" not in answer.headers
        data = b"".join(answer.iter_bytes(512))
    assert seconds_of(data) == pytest.approx(SPOKEN_SECONDS, abs=0.02)


def test_speech_as_events(client: openai.OpenAI) -> None:
    with client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="alloy", input=SPOKEN, response_format="pcm", stream_format="sse"
    ) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = [json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line.startswith("data: ")]
    *deltas, done = events
    assert {delta["type"] for delta in deltas} == {"speech.audio.delta"}
    heard = b"".join(base64.b64decode(delta["audio"]) for delta in deltas)
    assert len(heard) / 2 / 24_000 == pytest.approx(SPOKEN_SECONDS, abs=0.02)
    assert done["type"] == "speech.audio.done"
    assert set(done["usage"]) >= {"input_tokens", "output_tokens", "total_tokens"}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"input": ""}, "input"),
        ({"input": "x" * 50_001}, "input"),
        ({"speed": 4.1}, "speed"),
        ({"response_format": "midi"}, "response_format"),
        ({"stream_format": "tape"}, "stream_format"),
        ({"extra_body": {"speeed": 1}}, "speeed"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_speech_refuses_and_names_the_field(client: openai.OpenAI, fields: dict[str, Any], named: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.speech.create(**{"model": "tts-1", "voice": "alloy", "input": SPOKEN, **fields})
    assert caught.value.param == named


def test_a_transcript_is_json_at_first(client: openai.OpenAI) -> None:
    heard = client.audio.transcriptions.create(model="whisper-1", file=FILE)
    assert heard.text == TEXT
    assert heard.usage
    assert heard.usage.type == "duration"
    assert heard.usage.seconds == len(SENTENCES)


@pytest.mark.parametrize("task", ["transcriptions", "translations"])
@pytest.mark.parametrize(("kind", "written"), [("text", f"{TEXT}\n"), ("srt", SRT), ("vtt", VTT)])
def test_transcripts_as_text(client: openai.OpenAI, task: str, kind: str, written: str) -> None:
    assert getattr(client.audio, task).create(model="whisper-1", file=FILE, response_format=kind) == written


@pytest.mark.parametrize(
    ("granularities", "segments", "words"),
    [(None, 2, 0), (["segment"], 2, 0), (["word"], 0, 7), (["word", "segment"], 2, 7)],
    ids=str,
)
def test_verbose_transcripts_have_the_times_asked_for(
    client: openai.OpenAI, granularities: Any, segments: int, words: int
) -> None:
    more = {} if granularities is None else {"timestamp_granularities": granularities}
    heard = client.audio.transcriptions.create(model="whisper-1", file=FILE, response_format="verbose_json", **more)
    assert (heard.text, heard.language, float(heard.duration)) == (TEXT, "en", 2.0)
    assert (len(heard.segments or []), len(heard.words or [])) == (segments, words)
    for timed in [*(heard.segments or []), *(heard.words or [])]:
        assert 0 <= timed.start < timed.end <= 2


def test_translations_say_what_they_are(client: openai.OpenAI) -> None:
    plain = client.audio.translations.create(model="whisper-1", file=FILE, prompt="names", temperature=0.2)
    assert plain.text == TEXT
    verbose = client.audio.translations.create(model="whisper-1", file=FILE, response_format="verbose_json")
    assert verbose.model_dump()["task"] == "translate"
    assert len(verbose.segments or []) == 2


def test_a_transcript_in_pieces(client: openai.OpenAI) -> None:
    events = list(client.audio.transcriptions.create(model="gpt-4o-transcribe", file=FILE, stream=True))
    assert [event.type for event in events] == [*["transcript.text.delta"] * 2, "transcript.text.done"]
    assert "".join(event.delta for event in events if event.type == "transcript.text.delta") == TEXT
    assert events[-1].text == TEXT  # type: ignore[union-attr]
    assert events[-1].usage.total_tokens == 8  # type: ignore[union-attr]


async def test_the_asynchronous_client_listens_too(contract: ContractGateway) -> None:
    async with contract.async_client() as client:
        stream = await client.audio.transcriptions.create(model="whisper-1", file=FILE, stream=True)
        assert [event.type async for event in stream][-1] == "transcript.text.done"


def test_what_has_no_meaning_here_is_ignored(client: openai.OpenAI) -> None:
    heard = client.audio.transcriptions.create(
        model="whisper-1",
        file=FILE,
        language="en",
        prompt="names",
        temperature=0.3,
        include=["logprobs"],
        chunking_strategy="auto",
    )
    assert heard.text == TEXT


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"file": b"not a recording"}, "file"),
        ({"file": b""}, "file"),
        ({"temperature": 1.5}, "temperature"),
        ({"language": "e"}, "language"),
        ({"response_format": "docx"}, "response_format"),
        ({"response_format": "diarized_json"}, "response_format"),
        ({"timestamp_granularities": ["word"]}, "timestamp_granularities"),
        ({"timestamp_granularities": ["letter"], "response_format": "verbose_json"}, "timestamp_granularities"),
        ({"keywords": ["step"]}, "keywords"),
        ({"extra_body": {"languag": "en"}}, "languag"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_transcriptions_refuse_and_name_the_field(client: openai.OpenAI, fields: dict[str, Any], named: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.transcriptions.create(**{"model": "whisper-1", "file": FILE, **fields})
    assert str(caught.value.param).partition(".")[0] == named
