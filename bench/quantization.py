"""What int8 saves and costs: weights in memory, processor time, and how far the answers move, on the miniatures.

    python bench/quantization.py

The same request, in turn with plain and with int8 weights. It needs the extra int8.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from atelier.contracts.engine import ModelSource
from atelier.contracts.image_to_text import ImageToTextRequest
from atelier.contracts.images import TextToImageRequest
from atelier.engines.diffusion import DiffusionEngine
from atelier.engines.vision_language import Blip2Engine
from atelier.media.image import encode_image
from atelier.media.quantization import weight_bytes
from atelier.models.catalog import catalog

ROUNDS = 5
PAINT = TextToImageRequest(prompt="a large red circle on a blue background", seed=3, num_inference_steps=20)


def main() -> None:
    torch.set_num_threads(1)
    painters = {kind: _loaded(DiffusionEngine, "atelier-mini-sdxl", kind) for kind in ("none", "int8")}
    pictures = {kind: _finished(engine, PAINT).pictures[0].pixels for kind, engine in painters.items()}
    moved = np.abs(pictures["none"].astype(int) - pictures["int8"].astype(int)).mean()
    parts = ("unet", "text_encoder", "text_encoder_2")
    sizes = {
        kind: sum(weight_bytes(getattr(engine._model.pipeline, part)) for part in parts)
        for kind, engine in painters.items()
    }
    _print("atelier-mini-sdxl", sizes, _ratio(painters, PAINT), f"pixels move by {moved:.1f} of 255 on average")

    seen = ImageToTextRequest(image=encode_image(pictures["none"], "png"))
    captioners = {kind: _loaded(Blip2Engine, "atelier-mini-blip2", kind) for kind in ("none", "int8")}
    said = {kind: _finished(engine, seen).caption for kind, engine in captioners.items()}
    sizes = {kind: weight_bytes(engine._loaded.network) for kind, engine in captioners.items()}
    same = "the caption is the same" if said["none"] == said["int8"] else f"{said['none']!r} became {said['int8']!r}"
    _print("atelier-mini-blip2", sizes, _ratio(captioners, seen), same)


def _loaded(kind: Any, model: str, quantization: Any) -> Any:
    entry = next(entry for entry in catalog() if entry.id == model)
    source = ModelSource(
        model, entry.place(Path()), device="cpu", one_size=entry.one_size, quantization=quantization
    )  # fmt: skip
    engine = kind(source)
    engine.load()
    return engine


def _finished(engine: Any, request: Any) -> Any:
    run, outputs = engine.start(request), []
    while not run.done:
        engine.step([run])
        outputs += run.outputs
        run.outputs = []
    engine.close(run)
    return outputs[-1]


def _ratio(engines: dict[str, Any], request: Any) -> list[float]:
    """Of processor time, int8 to plain, round by round."""
    ratios = []
    for _ in range(ROUNDS):
        spent = {}
        for kind, engine in engines.items():
            begun = time.process_time()
            _finished(engine, request)
            spent[kind] = time.process_time() - begun
        ratios.append(spent["int8"] / spent["none"])
    return ratios


def _print(model: str, sizes: dict[str, int], ratios: list[float], moved: str) -> None:
    print(
        f"{model}: weights {sizes['none'] / 1e6:.1f} -> {sizes['int8'] / 1e6:.1f} MB "
        f"({sizes['int8'] / sizes['none']:.2f}), processor time {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f}) of the plain one's; {moved}"
    )


if __name__ == "__main__":
    main()
