"""text-to-speech: words in, a recording out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from atelier.contracts.base import (
    MOST_SPEECH_CHARACTERS,
    Contract,
    Language,
    ModelName,
    Partial,
    Result,
    Text,
)

AudioFormat = Literal["wav", "mp3", "opus", "aac", "flac", "pcm"]

MEDIA_TYPES: dict[AudioFormat, str] = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "pcm": "audio/pcm",
}
"""pcm is 24 kHz, mono, signed 16 bit, little endian, without a header: what OpenAI's API sends."""


OPENAI_VOICES = frozenset(
    ("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse")
)
"""OpenAI's voice names, which every engine has a voice for."""

MOST_REFERENCE_BYTES = 2_000_000
"""Of a reference as the gateway sends it to a worker: half a minute of plain samples, and room to spare."""


class SpeechSettings(Contract):
    """`speed`: 1 is the voice's own.

    `language`: an IETF tag; none: the voice's own. `voice`: a name of the engine's, or an alias of the catalog.
    """

    text: Annotated[Text, Field(min_length=1, max_length=MOST_SPEECH_CHARACTERS)]
    language: Language | None = None
    voice: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    speed: Annotated[float, Field(ge=0.25, le=4.0)] = 1.0
    response_format: AudioFormat = "wav"
    model: ModelName | None = None


class SpeechRequest(SpeechSettings):
    """`stream`: send parts as they are spoken instead of one whole file.

    `reference`: a recording of the voice to speak with, of 6 to 30 seconds; `voice` is then only what the answer calls
    it. No face takes one: the gateway puts the tenant's own there, and sends it to workers of ours alone.
    """

    stream: bool = False
    reference: bytes | None = Field(default=None, repr=False)


class AudioChunk(Partial):
    """Encoded bytes that continue the ones before."""

    data: bytes = Field(repr=False)


class SpeechResult(Result):
    """`data` is the whole file, or empty where it was streamed. `duration`: seconds, counted from the samples."""

    data: bytes = Field(repr=False)
    media_type: str
    duration: float
    sample_rate: int
    voice: str
    language: str
    artifact: str | None = None
