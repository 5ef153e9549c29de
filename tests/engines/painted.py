"""Requests for pictures, served by an engine and by diffusers' own pipelines, and how far the two are apart."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from random_sdxl import NATIVE_SIDE

from atelier.contracts.engine import Engine, PicturesMade, Run
from atelier.contracts.images import ImageRequest, ImageToImageRequest, TextToImageRequest

TOLERANCE = 2
"""Grey levels of 255 by which a pixel may differ from the reference's, or from itself in other company."""

Pixels = NDArray[np.uint8]


def text_request(prompt: str = "a red fox", **fields: Any) -> TextToImageRequest:
    return TextToImageRequest(prompt=prompt, **{"seed": 7, "num_inference_steps": 6, **fields})


def picture_request(prompt: str = "a red fox", **fields: Any) -> ImageToImageRequest:
    usual = {"seed": 7, "num_inference_steps": 6, "image": png(drawing())}
    return ImageToImageRequest(prompt=prompt, **{**usual, **fields})


def drawing(width: int = NATIVE_SIDE, height: int = NATIVE_SIDE) -> Image.Image:
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    rings = 127 + 127 * np.sin(np.hypot(across - 100, down - 150) / 9)
    return Image.fromarray(np.stack([across, down, rings], axis=-1).astype(np.uint8))


def png(picture: Image.Image) -> bytes:
    sink = io.BytesIO()
    picture.save(sink, "PNG")
    return sink.getvalue()


def step_all(engine: Engine, runs: Sequence[Run]) -> None:
    """As the worker's scheduler does it: every group of equal keys goes one step."""
    groups: dict[Hashable, list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.key].append(run)
    for group in groups.values():
        engine.step(group)


def paint(engine: Engine, *requests: ImageRequest, apart: int = 0) -> list[PicturesMade]:
    """Serve the requests together; each arrives `apart` steps after the one before."""
    runs: list[Run] = []
    waiting, passes = list(requests), 0
    while waiting or not all(run.done for run in runs):
        while waiting and passes >= apart * len(runs):
            runs.append(engine.start(waiting.pop(0)))
        step_all(engine, [run for run in runs if not run.done])
        assert not any(run.error for run in runs)
        passes += 1
    for run in runs:
        engine.close(run)
    return [made(run) for run in runs]


def made(run: Run) -> PicturesMade:
    end = run.outputs[-1]
    assert isinstance(end, PicturesMade)
    return end


def pixels_of(end: PicturesMade) -> list[Pixels]:
    return [picture.pixels for picture in end.pictures]


def difference(a: Pixels, b: Pixels) -> int:
    assert a.shape == b.shape
    return int(np.abs(a.astype(int) - b.astype(int)).max())


def expected(pipeline: Any, request: ImageRequest, **more: Any) -> list[Pixels]:
    """What diffusers itself makes of the request. more: arguments of the call, before those that follow from it."""
    assert isinstance(request, TextToImageRequest | ImageToImageRequest)
    assert request.seed is not None
    if isinstance(request, ImageToImageRequest):
        more = {"image": Image.open(io.BytesIO(request.image)), "strength": request.strength, **more}
    elif request.dimensions:
        more = {"width": request.dimensions[0], "height": request.dimensions[1], **more}
    usual = {
        "negative_prompt": request.negative_prompt or None,
        "num_inference_steps": request.num_inference_steps,
        "guidance_scale": 7.5 if request.guidance_scale is None else request.guidance_scale,
        "num_images_per_prompt": request.n,
        "generator": [torch.Generator().manual_seed(request.seed + place) for place in range(request.n)],
    }
    images = pipeline(prompt=request.prompt, **{**usual, **more}).images
    return [np.asarray(image) for image in images]


def assert_same(ours: list[Pixels], theirs: list[Pixels]) -> None:
    assert len(ours) == len(theirs)
    assert max(difference(a, b) for a, b in zip(ours, theirs, strict=True)) <= TOLERANCE
