"""int8: the weights take a byte each, the engines say so, and what they make is nearly the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from looking import answers, asking, four_pictures
from random_florence2 import build_random_florence2
from random_pipelines import build_random
from random_vision_language import build_random_qwen3_vl, build_random_smolvlm

from atelier.contracts.engine import ModelSource
from atelier.contracts.image_to_text import ImageToTextRequest
from atelier.contracts.images import TextToImageRequest
from atelier.engines.diffusion import DiffusionEngine, PipelineEngine
from atelier.engines.florence2 import Florence2Engine
from atelier.engines.vision_language import Blip2Engine, VisionLanguageEngine
from atelier.errors import InvalidRequest
from atelier.media.image import encode_image
from atelier.media.quantization import quantize, weight_bytes
from atelier.models.catalog import catalog

pytest.importorskip("torchao", reason="pip install 'atelier[int8]'")


def mini(name: str, quantization: Any) -> ModelSource:
    entry = next(entry for entry in catalog() if entry.id == name)
    folder = entry.place(Path("unused"))
    return ModelSource(entry.id, folder, device="cpu", one_size=entry.one_size, quantization=quantization)


def finished(engine: Any, request: Any) -> Any:
    run = engine.start(request)
    outputs = []
    while not run.done:
        engine.step([run])
        outputs += run.outputs
        run.outputs = []
    engine.close(run)
    return outputs[-1]


def painted(quantization: str) -> tuple[np.ndarray[Any, Any], DiffusionEngine]:
    engine = DiffusionEngine(mini("atelier-mini-sdxl", quantization))
    engine.load()
    request = TextToImageRequest(prompt="a large red circle on a blue background", seed=3, num_inference_steps=12)
    return finished(engine, request).pictures[0].pixels.astype(int), engine


def test_weights_take_a_byte_each_and_rows_keep_their_scale() -> None:
    layers = torch.nn.Sequential(torch.nn.Linear(512, 256, bias=False), torch.nn.Linear(256, 128, bias=False))
    asked, before = torch.randn(4, 512), weight_bytes(layers)
    expected = layers(asked)
    quantize(replace(mini("atelier-mini-sdxl", "none")), layers)
    assert weight_bytes(layers) == before, "nobody asked for it"
    quantize(mini("atelier-mini-sdxl", "int8"), layers)
    assert weight_bytes(layers) < 0.27 * before
    assert (layers(asked) - expected).abs().max() < 0.02 * expected.abs().max()


def test_pictures_are_nearly_the_same() -> None:
    plain, _ = painted("none")
    small, engine = painted("int8")
    assert engine.info().precision == "int8"
    assert 0 < np.abs(plain - small).mean() < 4, "of 255"


def test_a_lora_is_refused_over_int8() -> None:
    _, engine = painted("int8")
    with pytest.raises(InvalidRequest, match="loras: this model is held in int8"):
        engine.start(TextToImageRequest(prompt="x", loras=["soft"]))


def test_captions_are_the_same() -> None:
    pixels, _ = painted("none")
    request = ImageToTextRequest(image=encode_image(pixels.astype(np.uint8), "png"))
    said: list[str] = []
    for quantization in ("none", "int8"):
        engine = Blip2Engine(mini("atelier-mini-blip2", quantization))
        engine.load()
        said.append(finished(engine, request).caption)
    assert said[0] == said[1]
    assert "circle" in said[0]


@pytest.mark.parametrize(
    ("kind", "build"),
    [
        (Florence2Engine, build_random_florence2),
        (VisionLanguageEngine, build_random_smolvlm),
        (VisionLanguageEngine, build_random_qwen3_vl),
    ],
)
def test_models_that_write_are_held_in_it(kind: Any, build: Callable[[Path], Path], tmp_path: Path) -> None:
    folder = build(tmp_path / "model")
    picture, taken = four_pictures()[2], []
    for quantization in ("none", "int8"):
        engine = kind(ModelSource("tiny", folder, device="cpu", quantization=quantization))
        engine.load()
        taken.append(sum(weight_bytes(layer) for layer in layers_of(engine._model.network)))
        together = answers(engine, asking(picture), asking(picture, question="why?", max_tokens=5))
        assert [one.caption for one in together] == [
            answers(engine, request)[0].caption
            for request in (asking(picture), asking(picture, question="why?", max_tokens=5))
        ]
    assert engine.info().precision == "int8"
    assert taken[1] < 0.5 * taken[0], "rows of 32 weights or more and their scale"


@pytest.mark.parametrize("kind", ["ZImagePipeline", "Flux2KleinPipeline"])
def test_other_picture_models_are_held_in_it(kind: str, tmp_path: Path) -> None:
    folder, taken, pixels = build_random(kind, tmp_path / "model"), [], []
    request = TextToImageRequest(prompt="a red fox", seed=3, num_inference_steps=3, size="64x64")
    for quantization in ("none", "int8"):
        engine = PipelineEngine(ModelSource("tiny", folder, device="cpu", quantization=quantization))
        engine.load()
        pipeline = engine._loaded[1]
        taken.append(sum(weight_bytes(layer) for layer in layers_of(pipeline.transformer)))
        pixels.append(finished(engine, request).pictures[0].pixels.astype(int))
    assert engine.info().precision == "int8"
    assert taken[1] < 0.6 * taken[0], "rows of 16 weights or more and their scale"
    assert 0 < np.abs(pixels[0] - pixels[1]).mean() < 8, "of 255"


def layers_of(network: torch.nn.Module) -> list[torch.nn.Linear]:
    return [module for module in network.modules() if isinstance(module, torch.nn.Linear)]
