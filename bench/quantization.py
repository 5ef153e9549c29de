"""What int8 saves and costs: weights in memory, processor time, and how far the answers move, on small models.

    python bench/quantization.py

The same request, in turn with plain and with int8 weights: of the miniatures, and of the tests' models of random
weights (tests/engines), which are narrow: a row's scale weighs as much as many of its weights. It needs the extra int8.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from atelier.contracts.engine import ModelSource
from atelier.contracts.image_to_text import ImageToTextRequest
from atelier.contracts.images import TextToImageRequest
from atelier.engines.diffusion import DiffusionEngine, PipelineEngine
from atelier.engines.florence2 import Florence2Engine
from atelier.engines.vision_language import Blip2Engine, VisionLanguageEngine
from atelier.media.image import encode_image
from atelier.media.quantization import weight_bytes
from atelier.models.catalog import catalog

ROUNDS = 5
HOW: tuple[Literal["none", "int8"], ...] = ("none", "int8")
STAND_INS = Path(__file__).resolve().parent.parent / "tests" / "engines"
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
    _stand_ins(seen.model_copy(update={"max_tokens": 24}))


def _stand_ins(seen: ImageToTextRequest) -> None:
    sys.path.insert(0, str(STAND_INS))
    with tempfile.TemporaryDirectory() as scratch:
        for name, module, build in (
            ("florence2", "random_florence2", "build_random_florence2"),
            ("smolvlm", "random_vision_language", "build_random_smolvlm"),
            ("qwen3_vl", "random_vision_language", "build_random_qwen3_vl"),
        ):
            folder = getattr(import_module(module), build)(Path(scratch) / name)
            kind = Florence2Engine if name == "florence2" else VisionLanguageEngine
            writers = {how: _opened(kind, ModelSource(name, folder, device="cpu", quantization=how)) for how in HOW}
            sizes = {how: weight_bytes(engine._model.network) for how, engine in writers.items()}
            _print(f"random {name}", sizes, _ratio(writers, seen), "its answers differ in length")
        for name in ("ZImagePipeline", "Flux2KleinPipeline"):
            folder = import_module("random_pipelines").build_random(name, Path(scratch) / name)
            request = PAINT.model_copy(update={"size": "128x128", "num_inference_steps": 4})
            painters = {
                how: _opened(PipelineEngine, ModelSource(name, folder, device="cpu", quantization=how)) for how in HOW
            }
            pictures = {how: _finished(engine, request).pictures[0].pixels for how, engine in painters.items()}
            moved = np.abs(pictures["none"].astype(int) - pictures["int8"].astype(int)).mean()
            parts = ("transformer", "text_encoder")
            sizes = {
                how: sum(weight_bytes(getattr(engine._loaded[1], part)) for part in parts)
                for how, engine in painters.items()
            }
            _print(f"random {name}", sizes, _ratio(painters, request), f"pixels move by {moved:.1f} of 255 on average")


def _loaded(kind: Any, model: str, quantization: Any) -> Any:
    entry = next(entry for entry in catalog() if entry.id == model)
    source = ModelSource(
        model, entry.place(Path()), device="cpu", one_size=entry.one_size, quantization=quantization
    )  # fmt: skip
    return _opened(kind, source)


def _opened(kind: Any, source: ModelSource) -> Any:
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
