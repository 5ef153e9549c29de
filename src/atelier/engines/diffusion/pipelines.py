"""The engine of diffusers' other pipelines: each run is the library's own call, which goes on one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from diffusers import DiffusionPipeline
from numpy.typing import NDArray

from atelier.contracts.base import Contract, Usage
from atelier.contracts.engine import EngineInfo, ModelSource, Picture, PicturePreview, PicturesMade, Run
from atelier.contracts.images import ImageRequest
from atelier.engines.diffusion.asking import Asked, ask
from atelier.engines.diffusion.beginning import preview_steps
from atelier.engines.diffusion.families import Family
from atelier.engines.diffusion.previewing import preview, telling
from atelier.engines.diffusion.turns import Turns
from atelier.engines.diffusion.whole import copied, load_whole
from atelier.errors import ModelMissing
from atelier.media.device import choose_device, choose_precision, give_back
from atelier.media.quantization import in_words

TAKING_TURNS = 4
"""Runs that advance in turn: a short one need not wait for the end of a long one, and each keeps its own latents."""


@dataclass(eq=False, kw_only=True)
class Drawing(Run):
    """steps: of one picture, once they are known. taken: of all its pictures, their decoding counted as a step."""

    asked: Asked
    turns: Turns[list[Picture]] | None = None
    steps: int = 0
    taken: int = field(default=0)

    def tick(self, steps: int) -> None:
        self.steps, self.taken = steps, self.taken + 1
        self.progress = self.taken / (len(self.asked.seeds) * (steps + 1))


class PipelineEngine:
    """Z-Image, FLUX.2 klein and Qwen-Image-Edit, from folders as they are published."""

    def __init__(self, source: ModelSource) -> None:
        self._source = source
        self._device = choose_device(source.device)
        self._precision = choose_precision(self._device, source.precision, torch.bfloat16)
        self._loaded: tuple[Family, DiffusionPipeline] | None = None

    def load(self) -> None:
        """Raises ModelMissing: no such folder, files that cannot be used, or no such device."""
        if self._loaded is None:
            self._loaded = load_whole(self._source, self._device, self._precision)

    def unload(self) -> None:
        self._loaded = None
        give_back(self._device)

    def info(self) -> EngineInfo:
        return EngineInfo(
            model=self._source.model,
            revision=self._source.revision,
            device=str(self._device),
            precision=in_words(self._source, self._precision),
            note=self._source.note,
        )

    def cost(self, request: Contract) -> float:
        return 1 / TAKING_TURNS

    def start(self, request: Contract) -> Drawing:
        """Prompts are encoded with the first step: the library does both in its call.

        Raises InvalidRequest for what the model cannot do, UnreadableMedia for a picture that is none.
        """
        assert isinstance(request, ImageRequest)
        family, pipeline = self._ready
        asked = ask(family, pipeline, self._source.sampling, request)
        run = Drawing(key=object(), asked=asked, warnings=list(asked.warnings))
        run.turns = Turns(lambda rest: self._draw(run, rest))
        return run

    def step(self, runs: Sequence[Run]) -> None:
        """One denoising step of each; the last one of a picture is followed by its decoding, as a step of its own."""
        for run in runs:
            assert isinstance(run, Drawing)
            assert run.turns is not None, "a closed run was stepped"
            try:
                run.done = run.turns.go_on()
            except Exception as problem:
                run.error = problem
            if run.done:
                run.outputs.append(self._result(run, run.turns.made()))
                run.progress = 1.0

    def close(self, run: Run) -> None:
        assert isinstance(run, Drawing)
        if run.turns is not None:
            run.turns.leave()
        run.turns = None

    @property
    def _ready(self) -> tuple[Family, DiffusionPipeline]:
        if self._loaded is None:
            raise ModelMissing(f"{self._source.model} is not loaded")
        return self._loaded

    def _draw(self, run: Drawing, rest: Callable[[], None]) -> list[Picture]:
        """Every picture of the run, one after another: image i then is what its seed makes alone."""
        asked, pictures = run.asked, list[Picture]()
        for seed in asked.seeds:
            pipeline = copied(self._ready[1], asked.kind)

            def after_step(at: DiffusionPipeline, step: int, _: torch.Tensor, told: dict[str, Any]) -> dict[str, Any]:
                run.tick(at.num_timesteps)
                if not pictures:
                    self._preview(run, at, step + 1, told)
                rest()
                return {}  # nothing of it is changed

            # The CPU's generator gives the same noise on every kind of device.
            chance = torch.Generator("cpu").manual_seed(seed)
            more = telling(pipeline) if asked.previews and not pictures else {}
            made = pipeline(**asked.arguments, **more, generator=chance, callback_on_step_end=after_step).images[0]
            pictures.append(Picture(_finished(asked, np.asarray(made.convert("RGB"))), seed))
            run.tick(pipeline.num_timesteps)
        return pictures

    def _preview(self, run: Drawing, pipeline: DiffusionPipeline, taken: int, told: dict[str, Any]) -> None:
        """Of the first picture, after `taken` of its steps, where one is due."""
        asked, steps = run.asked, pipeline.num_timesteps
        due = preview_steps(asked.previews, steps)
        if taken in due:
            picture = Picture(_finished(asked, preview(pipeline, told)), asked.seeds[0])
            run.outputs.append(PicturePreview(picture, index=due.index(taken), step=taken, steps=steps))

    def _result(self, run: Drawing, pictures: list[Picture]) -> PicturesMade:
        return PicturesMade(pictures, run.asked.revised_prompt, Usage(steps=run.steps, tokens=run.asked.tokens))


def _finished(asked: Asked, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture (height, width, 3) as the caller gets it."""
    return asked.around.composited(pixels) if asked.around else pixels
