"""Small engines for tests of what stands around engines: every one of their steps can be counted and held back."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from atelier.contracts.base import Contract, Usage
from atelier.contracts.engine import (
    EngineInfo,
    ModelSource,
    Picture,
    PicturePreview,
    PicturesMade,
    Run,
    Sound,
    SpeechMade,
)
from atelier.contracts.images import ImageRequest, ImageToImageRequest
from atelier.contracts.text_to_speech import OPENAI_VOICES, SpeechRequest
from atelier.errors import InvalidRequest, UnreadableMedia
from atelier.worker.host import Host
from atelier.worker.residency import ModelPlan

LOADS: Counter[str] = Counter()
"""How often each model was loaded."""


class Gate:
    """Holds an engine before a step, so that a test can look at what is then true."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._open.set()
        self._after = 0

    def hold(self, after: int = 0) -> None:
        """Shut: `after` steps pass in all, the next one waits."""
        self._after = after
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def pass_through(self, taken: int) -> None:
        if taken >= self._after:
            assert self._open.wait(30), "the test left the gate shut"


@dataclass
class PaintRun(Run):
    request: ImageRequest = field(default=None)  # type: ignore[assignment]
    step: int = 0


class PaintEngine:
    """Paints squares in `num_inference_steps` steps. `gate` holds it before a step."""

    newest: ClassVar[PaintEngine]

    def __init__(self, source: ModelSource) -> None:
        self.source = source
        self.gate = Gate()
        self.stepped: list[list[str]] = []  # the prompts of every step's runs
        self.asked: list[ImageRequest] = []
        self.closed: list[str] = []
        PaintEngine.newest = self

    def load(self) -> None:
        LOADS[self.source.model] += 1

    def unload(self) -> None: ...

    def info(self) -> EngineInfo:
        return EngineInfo(self.source.model, note=self.source.note)

    def cost(self, request: Contract) -> float:
        return 0.25

    def start(self, request: Contract) -> Run:
        assert isinstance(request, ImageRequest)
        if isinstance(request, ImageToImageRequest) and not request.image.startswith(b"\x89PNG"):
            raise UnreadableMedia("image: not a picture that can be read", field="image")
        if request.negative_prompt == "unknown to this model":
            raise InvalidRequest("negative_prompt: not known to this model", field="negative_prompt")
        self.asked.append(request)
        return PaintRun(key="paint", request=request)

    def step(self, runs: Sequence[Run]) -> None:
        self.gate.pass_through(len(self.stepped))
        self.stepped.append([run.request.prompt for run in runs if isinstance(run, PaintRun)])
        for run in runs:
            assert isinstance(run, PaintRun)
            self._step(run)

    def _step(self, run: PaintRun) -> None:
        if run.request.prompt == "break the engine":
            raise RuntimeError("the device is on fire, at /secret/path")
        if run.request.prompt == "break this run":
            run.error = InvalidRequest("prompt: this one cannot be painted", field="prompt")
            return
        if run.request.prompt == "end without a result":
            run.done = True
            return
        run.step += 1
        steps = run.request.num_inference_steps or 30
        run.progress = run.step / steps
        if run.step < steps:
            if run.request.partial_images:
                run.outputs.append(PicturePreview(_square(run.step), run.step - 1, run.step, steps))
            return
        run.outputs.append(PicturesMade([_square(255)] * run.request.n, usage=Usage(steps=steps, tokens=7)))
        run.done = True

    def close(self, run: Run) -> None:
        assert isinstance(run, PaintRun)
        self.closed.append(run.request.prompt)
        if run.request.negative_prompt == "and the closing":
            raise RuntimeError("cannot be closed")


def _square(value: int) -> Picture:
    return Picture(np.full((64, 64, 3), value, dtype=np.uint8), seed=value)


@dataclass
class SpeakRun(Run):
    words: list[str] = field(default_factory=list)
    spoken: int = 0
    characters: int = 0
    voice: str = "tone"
    pitch: float = 0.06


class SpeakEngine:
    """Says every word as a tenth of a second of tone; its pitch is that of the reference, where there is one."""

    newest: ClassVar[SpeakEngine]
    most_at_once = 4

    def __init__(self, source: ModelSource) -> None:
        self.source = source
        self.gate = Gate()
        self.steps = 0
        self.closed = 0
        self.asked: list[SpeechRequest] = []
        SpeakEngine.newest = self

    def load(self) -> None:
        LOADS[self.source.model] += 1

    def unload(self) -> None: ...

    def info(self) -> EngineInfo:
        return EngineInfo(self.source.model, voices=["tone"], languages=["en"])

    def cost(self, request: Contract) -> float:
        return 1 / self.most_at_once

    def start(self, request: Contract) -> Run:
        assert isinstance(request, SpeechRequest)
        self.asked.append(request)
        if request.reference is not None:
            pitch = 0.02 + hashlib.sha256(request.reference).digest()[0] / 2000
            return SpeakRun(key="speak", words=request.text.split(), voice=request.voice or "reference", pitch=pitch)
        if request.voice not in {None, "tone", *OPENAI_VOICES}:
            raise InvalidRequest(f"voice: {request.voice} is not known here", field="voice")
        return SpeakRun(key="speak", words=request.text.split())

    def step(self, runs: Sequence[Run]) -> None:
        self.gate.pass_through(self.steps)
        self.steps += 1
        for run in runs:
            assert isinstance(run, SpeakRun)
            word = run.words[run.spoken]
            if word == "break":
                raise RuntimeError("the voice is gone")
            run.spoken += 1
            run.characters += len(word) + (run.spoken < len(run.words))
            tone = (8000 * np.sin(np.arange(2205) * run.pitch)).astype(np.int16)
            run.outputs.append(Sound(tone, 22050, run.characters))
            if run.spoken == len(run.words):
                run.outputs.append(SpeechMade(voice=run.voice, language="en"))
                run.done = True

    def close(self, run: Run) -> None:
        self.closed += 1


def paint_plan() -> ModelPlan:
    services = ("text-to-image", "image-to-image")
    return ModelPlan(ModelSource("paint", note="squares"), "stepping:PaintEngine", "none", services, services)


def speak_plan(model: str = "tones", *, clones: bool = True) -> ModelPlan:
    service = ("text-to-speech",)
    return ModelPlan(ModelSource(model), "stepping:SpeakEngine", "none", service, service, clones=clones)


def seen_to_leave(host: Host) -> bool:
    """The server has noticed that its client is gone, while the engine is still held in its step."""
    running = host.scheduler._running
    return bool(running) and all(job.cancelled for job in running)
