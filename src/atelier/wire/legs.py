"""How a typed request is put to upstreams: one call, or two whose answers are merged."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from atelier.contracts.base import Contract, Event, Result, Usage
from atelier.contracts.image_to_text import ImageToTextRequest, ImageToTextResult
from atelier.contracts.images import ImageToImageRequest, TextToImageRequest
from atelier.contracts.speech_to_text import TranscriptionRequest
from atelier.contracts.text_to_speech import SpeechRequest
from atelier.errors import InvalidRequest
from atelier.wire import chat, images, ocr, speech, transcription
from atelier.wire.exchange import Incoming, Outgoing


@dataclass(slots=True)  # not frozen: every request makes one, and freezing trebles the time
class Leg:
    """One call to one upstream. model: which was asked for, if any."""

    outgoing: Outgoing
    receive: Callable[[Incoming], AsyncGenerator[Event, None]]
    model: str | None


_MODULES: dict[type[Contract], Any] = {
    TextToImageRequest: images,
    ImageToImageRequest: images,
    SpeechRequest: speech,
    TranscriptionRequest: transcription,
}
_READING = {"caption": chat, "ocr": ocr}


def legs(request: Contract) -> list[Leg]:
    """The calls that `request` takes. Raises InvalidRequest where one model name cannot do two tasks."""
    if not isinstance(request, ImageToTextRequest):
        return [_leg(_MODULES[type(request)], request)]
    if request.task != "both":
        return [_leg(_READING[request.task], request)]
    if request.model is not None:
        raise InvalidRequest("model: task=both takes two models; leave it out, or ask for one task", field="model")
    parts = [request.model_copy(update={"task": task, "stream": False}) for task in _READING]
    return [_leg(_READING[part.task], part) for part in parts]


def chat_leg(request: ImageToTextRequest, raw: bytes) -> Leg:
    """The call that passes a chat's JSON on as it came, to workers of ours."""
    outgoing = Outgoing(chat.PATH, raw=raw, otherwise=lambda: chat.send(request))
    return Leg(outgoing, lambda incoming: chat.receive(incoming, request), request.model)


def _leg(module: Any, request: Contract) -> Leg:
    model: str | None = getattr(request, "model", None)
    return Leg(module.send(request), lambda incoming: module.receive(incoming, request), model)


def merged(results: Sequence[Result]) -> Result:
    """One result of a caption and an OCR result of the same picture."""
    caption, read = results
    assert isinstance(caption, ImageToTextResult)
    assert isinstance(read, ImageToTextResult)
    return caption.model_copy(
        update={
            "model": f"{caption.model} + {read.model}",
            "ocr_text": read.ocr_text,
            "ocr_lines": read.ocr_lines,
            "rotation": read.rotation,
            "pages": read.pages,
            "warnings": [*caption.warnings, *read.warnings],
            "usage": Usage(tokens=caption.usage.tokens, compute_ms=caption.usage.compute_ms + read.usage.compute_ms),
        }
    )
