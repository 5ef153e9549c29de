"""speech-to-text: a recording in, words and their times out. Times are seconds from the start."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from atelier.contracts.base import Contract, Language, ModelName, Partial, Result, Text


class TranscriptionRequest(Contract):
    """`audio`: a file of any container and codec that FFmpeg reads. `words`: also time every word.

    `language`: none lets the model find out. `prompt`: the text before, whose words and style are likely to come again.
    `hotwords`: names and words that are likely to come. `translate` goes to English.
    """

    audio: bytes = Field(repr=False)
    language: Language | None = None
    task: Literal["transcribe", "translate"] = "transcribe"
    words: bool = False
    prompt: Annotated[Text, Field(max_length=4_000)] = ""
    hotwords: Annotated[Text, Field(max_length=1_000)] = ""
    temperature: Annotated[float, Field(ge=0, le=1)] = 0.0
    model: ModelName | None = None
    stream: bool = False


class Word(Contract):
    word: str
    start: float
    end: float
    probability: float | None = None


class Segment(Contract):
    """The fields of OpenAI's `verbose_json`, which its clients insist on."""

    id: int
    seek: int = 0
    start: float
    end: float
    text: str
    tokens: list[int] = []
    temperature: float = 0.0
    avg_logprob: float = 0.0
    compression_ratio: float = 1.0
    no_speech_prob: float = 0.0
    words: list[Word] | None = None


class TranscribedSegment(Partial):
    segment: Segment


class TranscriptionResult(Result):
    """`duration`: seconds of the recording, silence included."""

    text: str
    language: str
    duration: float
    segments: list[Segment]
    task: Literal["transcribe", "translate"] = "transcribe"
