"""THE list: one row per service. What differs between services stands here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from atelier.contracts.base import Contract, Result, Usage
from atelier.contracts.image_to_text import ImageToTextRequest, ImageToTextResult
from atelier.contracts.images import ImageRequest, ImagesResult, ImageToImageRequest, TextToImageRequest
from atelier.contracts.speech_to_text import TranscriptionRequest, TranscriptionResult
from atelier.contracts.text_to_speech import SpeechRequest, SpeechResult
from atelier.wire.signatures import longest_wav

MOST_PIXELS_CHOSEN = 1536 * 1024
"""Of a picture whose size the model chooses: the most that one is known to choose."""

MOST_STEPS_CHOSEN = 50
"""Likewise of the steps that it is made in."""

LIKELY_CHARACTERS_PER_SECOND = 8
MOST_SECONDS_PER_SIGN, MOST_SECONDS_PER_FOREIGN_SIGN = 0.75, 3.0
"""Of speech at its usual speed. Plain words pass at 12 to 18 characters a second; but `3737` takes 0.6 s for each
digit, and a letter that is foreign to a voice is spelled out: `Cyrillic small letter izhitsa`. Foreign may be all that
is not ASCII."""

SPEECH_PAUSE = 1.0
"""Seconds around the shortest text."""

LIKELY_BYTES_PER_SECOND = 4_000
LEAST_BYTES_PER_SECOND = 750
"""Of a recording: 32 kbit/s, what speech is often compressed to, and 6 kbit/s, the least that it usually is."""

TOKENS_PER_CHARACTER = 4
TOKENS_PER_PICTURE = 6_500
TOKENS_PER_PICTURE_READ = 2_000
TOKENS_PER_AUDIO_SECOND = 30
"""The most that models are known to count, ours (far less) and others."""


class Amounts(Protocol):
    """What was used, or may be: contracts.base.Usage says what the names mean."""

    @property
    def units(self) -> float: ...
    @property
    def megapixels(self) -> float: ...
    @property
    def steps(self) -> int: ...
    @property
    def audio_seconds(self) -> float: ...
    @property
    def characters(self) -> int: ...
    @property
    def tokens(self) -> int: ...
    @property
    def compute_ms(self) -> float: ...


@dataclass(slots=True)
class Estimate:
    """The most that a request may take, before any work: what is reserved for it. The amounts are those of Usage.

    guesses: which of them the work alone can tell, so that it may still take more. compute_ms is left to whoever has
    seen the service's devices work. (A plain class: every request makes one.)
    """

    units: float
    guesses: frozenset[str] = frozenset()
    megapixels: float = 0.0
    steps: int = 0
    audio_seconds: float = 0.0
    characters: int = 0
    tokens: int = 0
    compute_ms: float = 0.0


_UP_TO_THE_MODEL = frozenset({"tokens", "compute_ms"})
_UP_TO_THE_VOICE = _UP_TO_THE_MODEL | {"audio_seconds"}
_UP_TO_THE_RECORDING = _UP_TO_THE_MODEL | {"audio_seconds", "units"}


@dataclass(frozen=True)
class Service:
    """One service.

    port: where its worker listens. process: services with the same name share a worker process and its weights
    when `atelier serve` runs them. unit: what it is metered in. measure: that unit counted, from what really
    happened. estimate: the most that a request may take. work: what a device's time grows with. slowest_ms: of that
    time for each piece of work, by a full-size model on a processor: what is reckoned with until some has been seen.
    tasks: the kinds of work it does, each by one model. deterministic: whether a request has the same answer whenever
    it is asked, so that the answer may be kept.
    """

    name: str
    port: int
    process: str
    request: type[Contract]
    result: type[Result]
    unit: str
    measure: Callable[[Contract, Result], Usage]
    estimate: Callable[[Contract], Estimate]
    work: Callable[[Amounts], float]
    slowest_ms: float
    deterministic: Callable[[Contract], bool]
    tasks: tuple[str, ...]
    requests_per_hour: int = 100


def _measure_images(_: Contract, result: Result) -> Usage:
    assert isinstance(result, ImagesResult)
    pixels = sum(image.width * image.height for image in result.images)
    return result.usage.model_copy(update={"units": len(result.images), "megapixels": pixels / 1e6})


def _measure_speech(request: Contract, result: Result) -> Usage:
    assert isinstance(request, SpeechRequest)
    assert isinstance(result, SpeechResult)
    characters = len(request.text)
    likely = characters / LIKELY_CHARACTERS_PER_SECOND / request.speed
    seconds = result.duration or likely  # another server may not tell
    return result.usage.model_copy(update={"units": characters, "characters": characters, "audio_seconds": seconds})


def _measure_transcription(request: Contract, result: Result) -> Usage:
    assert isinstance(request, TranscriptionRequest)
    assert isinstance(result, TranscriptionResult)
    seconds = result.duration or len(request.audio) / LIKELY_BYTES_PER_SECOND  # another server may not tell
    return result.usage.model_copy(update={"units": seconds, "audio_seconds": seconds})


def _measure_reading(_: Contract, result: Result) -> Usage:
    assert isinstance(result, ImageToTextResult)
    return result.usage.model_copy(update={"units": result.pages})


def _estimate_images(request: Contract) -> Estimate:
    assert isinstance(request, ImageRequest)
    width, height = request.dimensions or (MOST_PIXELS_CHOSEN, 1)
    prompts = len(request.negative_prompt)
    if isinstance(request, TextToImageRequest | ImageToImageRequest):
        prompts += len(request.prompt)
    return Estimate(
        units=request.n,
        guesses=_UP_TO_THE_MODEL,
        megapixels=request.n * width * height / 1e6,
        steps=request.num_inference_steps or MOST_STEPS_CHOSEN,
        tokens=request.n * TOKENS_PER_PICTURE + TOKENS_PER_CHARACTER * prompts,
    )


def _estimate_speech(request: Contract) -> Estimate:
    assert isinstance(request, SpeechRequest)
    characters = len(request.text)
    foreign = 0 if request.text.isascii() else characters - len(request.text.encode("ascii", "ignore"))
    slowest = MOST_SECONDS_PER_SIGN * (characters - foreign) + MOST_SECONDS_PER_FOREIGN_SIGN * foreign
    seconds = (SPEECH_PAUSE + slowest) / request.speed
    return Estimate(
        units=characters,
        guesses=_UP_TO_THE_VOICE,
        characters=characters,
        audio_seconds=seconds,
        tokens=TOKENS_PER_CHARACTER * characters + round(TOKENS_PER_AUDIO_SECOND * seconds),
    )


def _estimate_transcription(request: Contract) -> Estimate:
    assert isinstance(request, TranscriptionRequest)
    told = longest_wav(request.audio)
    seconds = len(request.audio) / LEAST_BYTES_PER_SECOND if told is None else told
    return Estimate(
        units=seconds,
        guesses=_UP_TO_THE_RECORDING if told is None else _UP_TO_THE_MODEL,
        audio_seconds=seconds,
        tokens=TOKENS_PER_CHARACTER * len(request.prompt) + round(TOKENS_PER_AUDIO_SECOND * seconds),
    )


def _estimate_reading(request: Contract) -> Estimate:
    assert isinstance(request, ImageToTextRequest)
    if request.task == "ocr":
        return Estimate(1, _UP_TO_THE_MODEL)
    asked = TOKENS_PER_CHARACTER * len(request.question) if request.question else 0
    return Estimate(1, _UP_TO_THE_MODEL, tokens=TOKENS_PER_PICTURE_READ + asked + request.max_tokens)


def _painted(used: Amounts) -> float:
    return used.megapixels * used.steps


def _sounded(used: Amounts) -> float:
    return used.audio_seconds


def _read(used: Amounts) -> float:
    """A picture takes as long as the first words about it."""
    return used.units + used.tokens / 64


def _seeded(request: Contract) -> bool:
    assert isinstance(request, ImageRequest)
    return request.seed is not None


def _always(_: Contract) -> bool:
    return True


def _without_chance(request: Contract) -> bool:
    assert isinstance(request, TranscriptionRequest)
    return request.temperature == 0


def _read_without_chance(request: Contract) -> bool:
    assert isinstance(request, ImageToTextRequest)
    return request.task == "ocr" or request.temperature == 0


SERVICES: dict[str, Service] = {
    service.name: service
    for service in (
        Service(
            name="text-to-image",
            port=7860,
            process="images",
            request=TextToImageRequest,
            result=ImagesResult,
            unit="images",
            measure=_measure_images,
            estimate=_estimate_images,
            work=_painted,
            slowest_ms=60_000,  # a megapixel through one step
            tasks=("text-to-image",),
            deterministic=_seeded,
        ),
        Service(
            name="text-to-speech",
            port=7861,
            process="text-to-speech",
            request=SpeechRequest,
            result=SpeechResult,
            unit="characters",
            measure=_measure_speech,
            estimate=_estimate_speech,
            work=_sounded,
            slowest_ms=2_000,  # a second spoken
            tasks=("text-to-speech",),
            deterministic=_always,
        ),
        Service(
            name="speech-to-text",
            port=7862,
            process="speech-to-text",
            request=TranscriptionRequest,
            result=TranscriptionResult,
            unit="audio_seconds",
            measure=_measure_transcription,
            estimate=_estimate_transcription,
            work=_sounded,
            slowest_ms=3_000,  # a second heard
            tasks=("speech-to-text",),
            deterministic=_without_chance,
        ),
        Service(
            name="image-to-image",
            port=7863,
            process="images",
            request=ImageToImageRequest,
            result=ImagesResult,
            unit="images",
            measure=_measure_images,
            estimate=_estimate_images,
            work=_painted,
            slowest_ms=60_000,  # a megapixel through one step
            tasks=("image-to-image",),
            deterministic=_seeded,
        ),
        Service(
            name="image-to-text",
            port=7864,
            process="image-to-text",
            request=ImageToTextRequest,
            result=ImageToTextResult,
            unit="images",
            measure=_measure_reading,
            estimate=_estimate_reading,
            work=_read,
            slowest_ms=20_000,  # a picture, or 64 tokens
            tasks=("caption", "ocr"),
            deterministic=_read_without_chance,
        ),
    )
}

GATEWAY_PORT = 8000


def processes() -> dict[str, list[Service]]:
    """The worker processes of one machine, each with the services it hosts."""
    grouped: dict[str, list[Service]] = {}
    for service in SERVICES.values():
        grouped.setdefault(service.process, []).append(service)
    return grouped
