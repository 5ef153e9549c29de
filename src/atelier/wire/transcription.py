"""Transcription in OpenAI's shape: POST /v1/audio/transcriptions and /v1/audio/translations.

https://platform.openai.com/docs/api-reference/audio/createTranscription.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from starlette.responses import PlainTextResponse, Response

from atelier.contracts.base import Contract, Event, Language, ModelName, Result, Text, Usage
from atelier.contracts.speech_to_text import (
    Segment,
    TranscribedSegment,
    TranscriptionRequest,
    TranscriptionResult,
    Word,
)
from atelier.errors import InvalidRequest, UpstreamFailed
from atelier.wire import sse
from atelier.wire.answers import Answer, UsageAnswer
from atelier.wire.body import Body, validated
from atelier.wire.call import Call, Link, Shape
from atelier.wire.exchange import Incoming, Outgoing, server_events
from atelier.wire.media import Load
from atelier.wire.signatures import recording_length

TranscriptFormat = Literal["json", "text", "srt", "verbose_json", "vtt"]


class TranslationFields(Contract):
    """The form of POST /v1/audio/translations, beside its part `file`. `hotwords` are ours: OpenAI has none."""

    model: ModelName | None = None
    prompt: Annotated[Text, Field(max_length=4_000)] = ""
    hotwords: Annotated[Text, Field(max_length=1_000)] = ""
    response_format: TranscriptFormat = "json"
    temperature: Annotated[float, Field(ge=0, le=1)] = 0.0


class TranscriptionFields(TranslationFields):
    """The form of POST /v1/audio/transcriptions, beside its part `file`.

    `include` and `chunking_strategy` change nothing: a recording is always cut where it pauses.
    """

    language: Language | None = None
    timestamp_granularities: Annotated[
        list[Literal["word", "segment"]], BeforeValidator(lambda given: [given] if isinstance(given, str) else given)
    ] = ["segment"]
    stream: bool = False
    include: list[str] = []
    chunking_strategy: Literal["auto"] | None = None


async def read_transcription(body: Body, _: Load) -> Call:
    fields = validated(TranscriptionFields, body.beside("file"))
    words = "word" in fields.timestamp_granularities
    if words and fields.response_format != "verbose_json" and not fields.stream:
        raise InvalidRequest(
            "timestamp_granularities: word times need response_format=verbose_json", field="timestamp_granularities"
        )
    request = TranscriptionRequest(
        audio=_audio(body),
        language=fields.language,
        words=words,
        prompt=fields.prompt,
        hotwords=fields.hotwords,
        temperature=fields.temperature,
        model=fields.model,
        stream=fields.stream,
    )
    options = {"format": fields.response_format, "segments": "segment" in fields.timestamp_granularities}
    return Call(request, stream=fields.stream, options=options)


async def read_translation(body: Body, _: Load) -> Call:
    fields = validated(TranslationFields, body.beside("file"))
    request = TranscriptionRequest(
        audio=_audio(body),
        task="translate",
        prompt=fields.prompt,
        hotwords=fields.hotwords,
        temperature=fields.temperature,
        model=fields.model,
    )
    return Call(request, options={"format": fields.response_format, "segments": True})


def _audio(body: Body) -> bytes:
    audio = body.file("file")
    if audio is None:
        raise InvalidRequest("file: is required; send the recording as a file part of a form", field="file")
    return audio


class TranscriptAnswer(Answer):
    """`json` holds text and usage; `verbose_json` all of it."""

    text: str
    task: str | None = None
    language: str | None = None
    duration: float | None = None
    segments: list[Segment] | None = None
    words: list[Word] | None = None
    model: str | None = None
    usage: UsageAnswer | None = None
    warnings: list[str] | None = None


class TranscriptEvent(TranscriptAnswer):
    """`transcript.text.delta`, `transcript.text.segment` or `transcript.text.done`.

    The done event also carries what `verbose_json` has: language, duration and segments.
    """

    type: str
    text: str = ""
    delta: str | None = None
    id: str | None = None
    speaker: str | None = None
    start: float | None = None
    end: float | None = None
    segment: Segment | None = None


def answer(result: Result, call: Call, _: Link) -> Response:
    assert isinstance(result, TranscriptionResult)
    written = _WRITERS.get(str(call.options["format"]))
    if written:
        return PlainTextResponse(written(result))
    usage = UsageAnswer.of(result.usage)
    usage.type, usage.seconds = "duration", result.duration
    if call.options["format"] == "json":
        return TranscriptAnswer(
            text=result.text, model=result.model, usage=usage, warnings=result.warnings or None
        ).response()
    assert isinstance(call.request, TranscriptionRequest)
    return _verbose(result, usage, words=call.request.words, segments=bool(call.options["segments"])).response()


def _verbose(result: TranscriptionResult, usage: UsageAnswer, *, words: bool, segments: bool) -> TranscriptAnswer:
    bare = [segment.model_copy(update={"words": None}) for segment in result.segments]
    return TranscriptAnswer(
        text=result.text,
        task=result.task,
        language=result.language,
        duration=result.duration,
        segments=bare if segments else None,
        words=[word for segment in result.segments for word in segment.words or []] if words else None,
        model=result.model,
        usage=usage,
        warnings=result.warnings or None,
    )


def _srt(result: TranscriptionResult) -> str:
    blocks = (
        f"{number}\n{_clock(segment.start, ',')} --> {_clock(segment.end, ',')}\n{segment.text.strip()}\n"
        for number, segment in enumerate(result.segments, start=1)
    )
    return "\n".join(blocks)


def _vtt(result: TranscriptionResult) -> str:
    blocks = (
        f"{_clock(segment.start, '.')} --> {_clock(segment.end, '.')}\n{segment.text.strip()}\n"
        for segment in result.segments
    )
    return "\n".join(("WEBVTT\n", *blocks))


def _clock(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{point}{rest % 1000:03}"


_WRITERS: dict[str, Callable[[TranscriptionResult], str]] = {
    "text": lambda result: result.text + "\n",
    "srt": _srt,
    "vtt": _vtt,
}


async def stream(events: AsyncGenerator[Event, None], _: Call, __: Link) -> AsyncGenerator[bytes, None]:
    async with aclosing(events):
        async for event in events:
            if isinstance(event, TranscribedSegment):
                for message in _segment_events(event.segment):
                    yield _sse(message)
            elif isinstance(event, TranscriptionResult):
                yield _sse(_done(event))


def _sse(event: TranscriptEvent) -> bytes:
    return sse.encode(event.model_dump(exclude_none=True), name=event.type)


def _segment_events(segment: Segment) -> Iterable[TranscriptEvent]:
    """Joined, their texts are the whole: a segment begins with a space where its language has spaces."""
    delta = segment.text if segment.id else segment.text.lstrip()
    yield TranscriptEvent(type="transcript.text.delta", delta=delta, segment=segment)


def _done(result: TranscriptionResult) -> TranscriptEvent:
    usage = UsageAnswer.of(result.usage, completion=result.usage.tokens)
    usage.type, usage.seconds = "tokens", result.duration  # in a stream OpenAI's clients know no other type
    answer = _verbose(result, usage, words=False, segments=True)
    answer.segments = result.segments
    return TranscriptEvent(type="transcript.text.done", **answer.model_dump(exclude_none=True))


def stream_type(_: Call) -> str:
    return sse.MEDIA_TYPE


SHAPE = Shape(answer, stream, stream_type)


# The other direction: asking an upstream.


def send(request: Contract) -> Outgoing:
    assert isinstance(request, TranscriptionRequest)
    fields: dict[str, object] = {"response_format": "verbose_json", "temperature": request.temperature}
    if request.model:
        fields["model"] = request.model
    if request.prompt:
        fields["prompt"] = request.prompt
    if request.hotwords:
        fields["hotwords"] = request.hotwords
    if request.task == "translate":
        return Outgoing("/v1/audio/translations", fields, files={"file": request.audio})
    if request.language:
        fields["language"] = request.language
    fields["timestamp_granularities"] = ["segment", "word"] if request.words else ["segment"]
    if request.stream:
        fields["stream"] = True
    return Outgoing("/v1/audio/transcriptions", fields, files={"file": request.audio})


async def receive(incoming: Incoming, request: Contract) -> AsyncGenerator[Event, None]:
    assert isinstance(request, TranscriptionRequest)
    if not request.stream:
        yield _read(TranscriptAnswer.parse(await incoming.read()), request)
        return
    async for message in server_events(incoming):
        event = TranscriptEvent.parse(message.data)
        if event.type == "transcript.text.delta" and event.segment is not None:
            heard = Usage(units=event.segment.end, audio_seconds=event.segment.end)
            yield TranscribedSegment(segment=event.segment, delivered=heard)
        elif event.type == "transcript.text.done":
            yield _read(event, request)
            return
    raise UpstreamFailed("the transcription service ended its answer early")


def _read(answer: TranscriptAnswer, request: TranscriptionRequest) -> TranscriptionResult:
    segments = answer.segments or []
    duration = answer.duration or _duration(answer, segments, request)
    if answer.words:
        segments = [_with_words(segment, answer.words) for segment in segments]
    return TranscriptionResult(
        model=answer.model or "",
        text=answer.text,
        language=answer.language or request.language or "",
        duration=duration,
        segments=segments,
        task=request.task,
        usage=(answer.usage or UsageAnswer()).measured(),
        warnings=(answer.warnings or []) + ([] if duration or not answer.text else [_NO_LENGTH]),
    )


_NO_LENGTH = "the length of the recording is not known: the server that heard it does not tell"


def _duration(answer: TranscriptAnswer, segments: list[Segment], request: TranscriptionRequest) -> float:
    """Seconds, where the answer does not tell them itself: servers that are not ours have other places for it."""
    if answer.usage and answer.usage.seconds:
        return answer.usage.seconds
    measured = recording_length(request.audio, len(request.audio))
    return measured[0] if measured else segments[-1].end if segments else 0.0


def _with_words(segment: Segment, words: list[Word]) -> Segment:
    """`verbose_json` lists words apart from segments; a word belongs where its middle lies."""
    inside = [word for word in words if segment.start <= (word.start + word.end) / 2 <= segment.end]
    return segment.model_copy(update={"words": inside})
