"""Small engines of the kinds that stepping.py lacks, and a painter that can be slow and remembers what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from atelier.contracts.base import Contract, Usage
from atelier.contracts.engine import EngineInfo, ModelSource, Run
from atelier.contracts.image_to_text import ImageToTextRequest, ImageToTextResult, OcrLine, TextDelta
from atelier.contracts.images import ImageRequest
from atelier.contracts.speech_to_text import (
    Segment,
    TranscribedSegment,
    TranscriptionRequest,
    TranscriptionResult,
    Word,
)
from atelier.errors import UnreadableMedia
from atelier.worker.residency import ModelPlan
from stepping import PaintEngine, speak_plan

SLOWLY = "as slowly as you can"
"""The prompt of a picture whose steps take a twentieth of a second each."""

BREAK = "Will you break half way?"
"""The question that fails once a part of its answer has been given out."""

SENTENCES = ("One small step.", "And a giant leap.")
CAPTION = ("a small square ", "on a white page")
PAGE = "INVOICE 118"


class Painter(PaintEngine):
    """Paints squares, and remembers every request."""

    newest: ClassVar[Painter]

    def __init__(self, source: ModelSource) -> None:
        super().__init__(source)
        self.asked: list[ImageRequest] = []
        self._never = threading.Event()
        Painter.newest = self

    def start(self, request: Contract) -> Run:
        assert isinstance(request, ImageRequest)
        self.asked.append(request)
        return super().start(request)

    def step(self, runs: Sequence[Run]) -> None:
        if any(getattr(run, "request").prompt == SLOWLY for run in runs):  # noqa: B009
            self._never.wait(0.05)
        super().step(runs)


@dataclass
class HearRun(Run):
    request: TranscriptionRequest = field(default=None)  # type: ignore[assignment]
    segments: list[Segment] = field(default_factory=list)


class Hearer:
    """Hears the same two sentences, of a second each, in whatever begins as a wav file does."""

    def __init__(self, source: ModelSource) -> None:
        self.source = source

    def load(self) -> None: ...

    def unload(self) -> None: ...

    def info(self) -> EngineInfo:
        return EngineInfo(self.source.model, languages=["en"])

    def cost(self, request: Contract) -> float:
        return 0.25

    def start(self, request: Contract) -> Run:
        assert isinstance(request, TranscriptionRequest)
        if not request.audio.startswith(b"RIFF"):
            raise UnreadableMedia("file: not a recording that can be read", field="file")
        return HearRun(key="hear", request=request)

    def step(self, runs: Sequence[Run]) -> None:
        for run in runs:
            assert isinstance(run, HearRun)
            self._hear(run)

    def _hear(self, run: HearRun) -> None:
        number = len(run.segments)
        timed = [
            Word(word=word, start=number + place / 4, end=number + (place + 1) / 4)
            for place, word in enumerate(SENTENCES[number].split())
        ]
        words = timed if run.request.words else None
        text = f" {SENTENCES[number]}"
        segment = Segment(id=number, start=number, end=number + 1, text=text, words=words)
        run.segments.append(segment)
        run.outputs.append(TranscribedSegment(segment=segment))
        if len(run.segments) == len(SENTENCES):
            run.outputs.append(self._result(run))
            run.done = True

    def _result(self, run: HearRun) -> TranscriptionResult:
        return TranscriptionResult(
            model=self.source.model,
            text=" ".join(SENTENCES),
            language=run.request.language or "en",
            duration=float(len(SENTENCES)),
            segments=run.segments,
            task=run.request.task,
            usage=Usage(tokens=8),
        )

    def close(self, run: Run) -> None: ...


@dataclass
class LookRun(Run):
    request: ImageToTextRequest = field(default=None)  # type: ignore[assignment]
    begun: bool = False


class Looker:
    """Sees the same square on every page, and the same words."""

    def __init__(self, source: ModelSource) -> None:
        self.source = source

    def load(self) -> None: ...

    def unload(self) -> None: ...

    def info(self) -> EngineInfo:
        return EngineInfo(self.source.model)

    def cost(self, request: Contract) -> float:
        return 0.25

    def start(self, request: Contract) -> Run:
        assert isinstance(request, ImageToTextRequest)
        if not request.image.startswith(b"\x89PNG"):
            raise UnreadableMedia("image: not a picture that can be read", field="image")
        return LookRun(key="look", request=request)

    def step(self, runs: Sequence[Run]) -> None:
        for run in runs:
            assert isinstance(run, LookRun)
            if run.request.question == BREAK and run.begun:
                raise RuntimeError("the glasses are broken, at /secret/path")
            if run.request.question == BREAK:
                run.outputs.append(TextDelta(text=CAPTION[0]))
                run.begun = True
                continue
            run.outputs += self._ocr() if run.request.task == "ocr" else self._caption(run.request)
            run.done = True

    def _caption(self, request: ImageToTextRequest) -> list[TextDelta | ImageToTextResult]:
        said = [f"{request.question} ", *CAPTION] if request.question else list(CAPTION)
        deltas = [TextDelta(text=text) for text in said] if request.stream else []
        words = sum(len(text.split()) for text in said)
        tokens = min(words, request.max_tokens)
        return [
            *deltas,
            ImageToTextResult(
                model=self.source.model,
                caption="".join(said),
                finish="stop" if tokens == words else "length",
                prompt_tokens=3,
                completion_tokens=tokens,
                usage=Usage(tokens=3 + tokens),
            ),
        ]

    def _ocr(self) -> list[ImageToTextResult]:
        line = OcrLine(text=PAGE, box=[(0, 0), (9, 0), (9, 9), (0, 9)], confidence=0.9)
        return [ImageToTextResult(model=self.source.model, ocr_text=PAGE, ocr_lines=[line])]

    def close(self, run: Run) -> None: ...


def plans() -> list[ModelPlan]:
    """A model for every task that there is."""
    images = ("text-to-image", "image-to-image")
    return [
        ModelPlan(ModelSource("paint", note="squares"), "small_engines:Painter", "none", images, images),
        speak_plan(),
        ModelPlan(ModelSource("ears"), "small_engines:Hearer", "none", ("speech-to-text",), ("speech-to-text",)),
        ModelPlan(ModelSource("eyes"), "small_engines:Looker", "none", ("image-to-text",), ("caption", "ocr")),
    ]
