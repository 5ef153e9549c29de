"""Draws with the miniature SDXL through the engine that serves it, as many pictures at once as the engine likes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from pathlib import Path

from PIL import Image

from atelier.contracts.engine import ModelSource, PicturesMade, Run
from atelier.contracts.images import ImageRequest, TextToImageRequest
from atelier.engines.diffusion import DiffusionEngine
from world import Scene, sentence

MODEL = Path(__file__).resolve().parent.parent / "src/atelier/models/mini/sdxl"
STEPS = 20
_TOGETHER = 8


def open_engine(folder: Path = MODEL, *, one_size: bool = True) -> DiffusionEngine:
    engine = DiffusionEngine(ModelSource("atelier-mini-sdxl", folder, device="cpu", one_size=one_size))
    engine.load()
    return engine


def drawn(
    engine: DiffusionEngine, scenes: Sequence[Scene], *, guidance_scale: float = 7.5, steps: int = STEPS
) -> list[Image.Image]:
    """One picture of each scene's sentence, seeded by its place."""
    requests = [
        TextToImageRequest(prompt=sentence(scene), seed=seed, num_inference_steps=steps, guidance_scale=guidance_scale)
        for seed, scene in enumerate(scenes)
    ]
    return pictures(engine, requests)


def pictures(engine: DiffusionEngine, requests: Sequence[ImageRequest]) -> list[Image.Image]:
    """The first picture of each request."""
    made: list[Image.Image] = []
    for first in range(0, len(requests), _TOGETHER):
        runs = [engine.start(request) for request in requests[first : first + _TOGETHER]]
        while waiting := [run for run in runs if not run.done]:
            for group in _alike(waiting).values():
                engine.step(group)
        made += [_picture(run) for run in runs]
        for run in runs:
            engine.close(run)
    return made


def _alike(runs: Sequence[Run]) -> dict[Hashable, list[Run]]:
    groups: dict[Hashable, list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.key].append(run)
    return groups


def _picture(run: Run) -> Image.Image:
    result = run.outputs[-1]
    assert isinstance(result, PicturesMade)
    return Image.fromarray(result.pictures[0].pixels)
