"""THE list: one row per service. What differs between services stands here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from atelier.contracts.base import Contract, Result, Usage
from atelier.contracts.image_to_text import ImageToTextRequest, ImageToTextResult
from atelier.contracts.images import ImageRequest, ImageSettings, ImagesResult, ImageToImageRequest, TextToImageRequest
from atelier.contracts.speech_to_text import TranscriptionRequest, TranscriptionResult
from atelier.contracts.text_to_speech import SpeechRequest, SpeechResult

LIKELY_SIDE = 1024
"""Pixels of a picture whose size the model chooses, for the estimate."""
LIKELY_STEPS = 30
"""Likewise of the steps that it is made in."""

SLOWEST_CHARACTERS_PER_SECOND = 8
LIKELY_BYTES_PER_SECOND = 4_000
"""Of a recording at 32 kbit/s, what speech is often compressed to."""


@dataclass(frozen=True)
class Service:
    """One service.

    port: where its worker listens. process: services with the same name share a worker process and its weights
    when `atelier serve` runs them. unit: what it is metered in. measure: that unit counted, from what really
    happened. tasks: the kinds of work it does, each by one model. deterministic: whether a request has the same answer
    whenever it is asked, so that the answer may be kept.
    """

    name: str
    port: int
    process: str
    request: type[Contract]
    result: type[Result]
    unit: str
    measure: Callable[[Contract, Result], Usage]
    estimate: Callable[[Contract], Usage]
    deterministic: Callable[[Contract], bool]
    tasks: tuple[str, ...]
    sure: bool = True
    requests_per_hour: int = 100


def _measure_images(_: Contract, result: Result) -> Usage:
    assert isinstance(result, ImagesResult)
    pixels = sum(image.width * image.height for image in result.images)
    return result.usage.model_copy(update={"units": len(result.images), "megapixels": pixels / 1e6})


def _measure_speech(request: Contract, result: Result) -> Usage:
    assert isinstance(request, SpeechRequest)
    assert isinstance(result, SpeechResult)
    characters = len(request.text)
    seconds = result.duration or _estimate_speech(request).audio_seconds  # another server may not tell
    return result.usage.model_copy(update={"units": characters, "characters": characters, "audio_seconds": seconds})


def _measure_transcription(request: Contract, result: Result) -> Usage:
    assert isinstance(result, TranscriptionResult)
    seconds = result.duration or _estimate_transcription(request).audio_seconds  # another server may not tell
    return result.usage.model_copy(update={"units": seconds, "audio_seconds": seconds})


def _measure_reading(_: Contract, result: Result) -> Usage:
    assert isinstance(result, ImageToTextResult)
    return result.usage.model_copy(update={"units": 1})


def _estimate_images(request: Contract) -> Usage:
    assert isinstance(request, ImageSettings)
    width, height = request.dimensions or (LIKELY_SIDE, LIKELY_SIDE)
    pixels, steps = request.n * width * height, request.n * (request.num_inference_steps or LIKELY_STEPS)
    return Usage(units=request.n, megapixels=pixels / 1e6, steps=steps)


def _estimate_speech(request: Contract) -> Usage:
    assert isinstance(request, SpeechRequest)
    characters = len(request.text)
    seconds = characters / SLOWEST_CHARACTERS_PER_SECOND
    return Usage(units=characters, characters=characters, audio_seconds=seconds)


def _estimate_transcription(request: Contract) -> Usage:
    assert isinstance(request, TranscriptionRequest)
    seconds = len(request.audio) / LIKELY_BYTES_PER_SECOND
    return Usage(units=seconds, audio_seconds=seconds)


def _estimate_reading(request: Contract) -> Usage:
    assert isinstance(request, ImageToTextRequest)
    return Usage(units=1, tokens=request.max_tokens)


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
            tasks=("speech-to-text",),
            sure=False,  # how long a recording is, only decoding it tells
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
