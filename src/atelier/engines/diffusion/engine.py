"""The SDXL engine: a step is one denoising step, and runs at different steps share one call of the UNet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from atelier.contracts.base import Contract
from atelier.contracts.engine import EngineInfo, ModelSource, Picture, PicturePreview, Run
from atelier.contracts.images import ImageRequest
from atelier.engines.diffusion.beginning import begin, working_size
from atelier.engines.diffusion.model import Model, load_model
from atelier.engines.diffusion.painting import Company, Painting, Work
from atelier.engines.diffusion.pixels import spread
from atelier.errors import InvalidRequest, ModelMissing
from atelier.media.device import choose_device, choose_precision, give_back
from atelier.media.quantization import in_words

MOST_IMAGES = 8
"""Images of native size that are worked on together: past eight a device hardly gets more done."""

_WEIGHT_BYTES, _IMAGE_BYTES = 8 * 2**30, 2 * 2**30
"""What a full SDXL takes of a GPU's memory in half precision, and each guided image of 1024x1024 on top of it."""


class DiffusionEngine:
    """Text to image and image to image on one copy of the weights of a Stable Diffusion XL."""

    def __init__(self, source: ModelSource) -> None:
        self._source = source
        self._device = choose_device(source.device)
        self._model: Model | None = None
        self._companies: defaultdict[Hashable, Company] = defaultdict(Company)

    def load(self) -> None:
        """Raises ModelMissing: no such folder, files that cannot be used, or no such device."""
        if self._model is None:
            self._model = load_model(self._source, self._device)

    def unload(self) -> None:
        self._model = None
        self._companies.clear()
        give_back(self._device)

    def info(self) -> EngineInfo:
        return EngineInfo(
            model=self._source.model,
            revision=self._source.revision,
            device=str(self._device),
            precision=in_words(self._source, choose_precision(self._device, self._source.precision)),
            note=self._source.note,
            loras=self._model.adapters.names() if self._model else (),
        )

    def cost(self, request: Contract) -> float:
        """By pixels: `MOST_IMAGES` of native size make 1; fewer do where a GPU's memory holds fewer."""
        assert isinstance(request, ImageRequest)
        native_pixels = self._loaded.native_side**2
        width, height = working_size(self._loaded, request)
        return request.n * width * height / (native_pixels * _images_at_once(self._device, native_pixels))

    def start(self, request: Contract) -> Painting:
        """Encode prompts and picture, draw the noise.

        Where `strength` leaves no step to take, the picture comes back as the VAE renders it, with a warning. Raises
        InvalidRequest for a style or a LoRA that there is not or a mask that does not fit, UnreadableMedia for a
        picture that is none.
        """
        assert isinstance(request, ImageRequest)
        adapters = self._loaded.adapters
        if request.adapters and self._source.quantization != "none":
            raise InvalidRequest("loras: this model is held in int8, over which none can be laid", field="loras")
        adapters.take(request.adapters)
        try:
            with torch.inference_mode():
                work, warnings = begin(self._loaded, request)
        except BaseException:
            adapters.give_back(request.adapters)
            raise
        return Painting(key=self._key(work), work=work, warnings=warnings)

    def step(self, runs: Sequence[Run]) -> None:
        """One denoising step for every image of `runs` in one call of the UNet; or, once a run has no more of these,
        one image of each run decoded in one call of the VAE."""
        paintings = [run for run in runs if isinstance(run, Painting)]
        with torch.inference_mode():
            if paintings[0].open_work.schedule.done:
                self._decode(paintings)
            else:
                self._denoise(paintings)

    def close(self, run: Run) -> None:
        assert isinstance(run, Painting)
        if run.work and self._model:
            self._model.adapters.give_back(run.work.loras)
        run.work = None
        self._companies.clear()

    @property
    def _loaded(self) -> Model:
        if self._model is None:
            raise ModelMissing(f"{self._source.model} is not loaded")
        return self._model

    def _key(self, work: Work) -> tuple[object, ...]:
        size = tuple(work.latents.shape[-2:])
        if not work.schedule.done:
            return ("denoise", size, work.is_guided, work.loras)
        # A large VAE takes one picture at a time: its memory grows with the batch, its speed does not.
        return ("decode", size) if self._loaded.pixels.is_quick else ("decode", size, id(work))

    def _denoise(self, runs: list[Painting]) -> None:
        works = [run.open_work for run in runs]
        for run, work, prediction in zip(runs, works, self._predictions(runs, works), strict=True):
            work.latents, guess = work.schedule.advance(prediction, work.latents)
            if work.kept:
                work.latents = work.kept.blended(work.latents, work.schedule)
            if work.schedule.taken in work.preview_steps:
                run.outputs.append(self._preview(work, guess))
            run.progress, run.key = work.progress, self._key(work)

    def _predictions(self, runs: list[Painting], works: list[Work]) -> list[torch.Tensor]:
        """The noise that the UNet sees in the latents of each run, guided by the run's own scale."""
        copies = 2 if works[0].is_guided else 1
        self._loaded.adapters.apply(works[0].loras)
        conditioning = self._companies[runs[0].key].conditioning(runs)
        noise = self._loaded.pipeline.unet(
            torch.cat([work.schedule.scaled(work.latents) for work in works] * copies),
            torch.cat([work.schedule.times for work in works] * copies),
            encoder_hidden_states=conditioning.text,
            added_cond_kwargs={"text_embeds": conditioning.pooled, "time_ids": conditioning.sizes},
            return_dict=False,
        )[0]
        parts = noise.split([len(work.seeds) for work in works] * copies)
        if copies == 1:
            return list(parts)
        without, prompted = parts[: len(works)], parts[len(works) :]
        return [a + work.guidance_scale * (b - a) for work, a, b in zip(works, without, prompted, strict=True)]

    def _preview(self, work: Work, guess: torch.Tensor) -> PicturePreview:
        pixels = self._loaded.pixels.preview(guess[:1])
        return PicturePreview(
            Picture(work.kept.composited(pixels) if work.kept else pixels, work.seeds[0]),
            index=work.preview_steps.index(work.schedule.taken),
            step=work.schedule.taken,
            steps=len(work.schedule),
        )

    def _decode(self, runs: list[Painting]) -> None:
        works = [run.open_work for run in runs]
        latents = torch.cat([work.latents[len(work.pictures), None] for work in works])
        for run, work, pixels in zip(runs, works, self._loaded.pixels.decode(latents), strict=True):
            work.pictures.append(Picture(_finished(work, pixels), work.seeds[len(work.pictures)]))
            run.progress = work.progress
            if work.is_finished:
                run.outputs.append(work.result())
                run.done = True


def _finished(work: Work, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A decoded picture (height, width, 3) as the caller gets it."""
    if work.kept:
        return work.kept.composited(pixels)
    return spread(pixels, work.enlarged_to) if work.enlarged_to else pixels


def _images_at_once(device: torch.device, native_pixels: int) -> float:
    """How many images of native size go together: `MOST_IMAGES`, or what a GPU's memory has room for."""
    if device.type != "cuda":
        return MOST_IMAGES
    room: float = torch.cuda.get_device_properties(device).total_memory - _WEIGHT_BYTES
    return min(MOST_IMAGES, max(1.0, room / (_IMAGE_BYTES * native_pixels / 2**20)))
