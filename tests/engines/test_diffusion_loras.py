"""LoRA by request: as diffusers applies it, for the requests that name it and for no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline
from painted import assert_same, difference, expected, paint, picture_request, pixels_of, text_request
from pydantic import ValidationError
from random_lora import write_kohya_lora, write_lora
from random_sdxl import build_random_sdxl
from safetensors.torch import save_file

from atelier.contracts.engine import ModelSource
from atelier.contracts.images import ImageRequest
from atelier.engines.diffusion import DiffusionEngine
from atelier.engines.diffusion.adapters import MOST_KEPT
from atelier.errors import InvalidRequest

torch.set_num_threads(1)

VISIBLE = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_random_sdxl(tmp_path_factory.mktemp("models") / "random-sdxl")


@pytest.fixture(scope="module")
def loras(folder: Path) -> Path:
    place = folder.with_name("loras")
    place.mkdir()
    pipeline = _pipeline(folder)
    write_lora(pipeline, place, "ink", seed=1)
    write_lora(pipeline, place, "dusk.v2", seed=2, words=True)
    write_kohya_lora(pipeline, place, "tiles", seed=3)
    (place / "damaged.safetensors").write_bytes((place / "ink.safetensors").read_bytes()[:-100])
    return place


@pytest.fixture(scope="module")
def engine(folder: Path, loras: Path) -> DiffusionEngine:
    engine = DiffusionEngine(ModelSource(model="test/sdxl", folder=folder, device="cpu", loras=loras))
    engine.load()
    return engine


@pytest.fixture
def reference(folder: Path) -> Iterator[StableDiffusionXLPipeline]:
    return _pipeline(folder)


def _pipeline(folder: Path) -> StableDiffusionXLPipeline:
    pipeline = StableDiffusionXLPipeline.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def adapted(pipeline: StableDiffusionXLPipeline, loras: Path, **strengths: float) -> StableDiffusionXLPipeline:
    """As diffusers' documentation loads them."""
    for name in strengths:
        pipeline.load_lora_weights(str(loras), weight_name=f"{_file(name)}.safetensors", adapter_name=name)
    pipeline.set_adapters(list(strengths), list(strengths.values()))
    return pipeline


def _file(name: str) -> str:
    return "dusk.v2" if name == "dusk" else name


class TestEqualsDiffusers:
    @pytest.mark.parametrize(
        ("asked", "strengths"),
        [
            (["ink"], {"ink": 1.0}),
            (["ink:0.4"], {"ink": 0.4}),
            (["dusk.v2:0.7"], {"dusk": 0.7}),
            (["tiles:-0.5"], {"tiles": -0.5}),
            (["tiles:0.6", "dusk.v2:0.5"], {"dusk": 0.5, "tiles": 0.6}),
        ],
        ids=str,
    )
    def test_from_words(
        self,
        engine: DiffusionEngine,
        reference: StableDiffusionXLPipeline,
        loras: Path,
        asked: list[str],
        strengths: dict[str, float],
    ) -> None:
        request = text_request(loras=asked, num_inference_steps=4, negative_prompt="ugly", n=2)
        ours, plain = paint(engine, request, text_request(num_inference_steps=4, negative_prompt="ugly"))
        assert_same(pixels_of(ours), expected(adapted(reference, loras, **strengths), request))
        assert difference(pixels_of(ours)[0], pixels_of(plain)[0]) > VISIBLE

    def test_from_a_picture(self, engine: DiffusionEngine, reference: StableDiffusionXLPipeline, loras: Path) -> None:
        request = picture_request(loras=["dusk.v2"], num_inference_steps=4)
        adapted(reference, loras, dusk=1.0)
        pipeline: Any = StableDiffusionXLImg2ImgPipeline(**reference.components, add_watermarker=False)
        pipeline.set_progress_bar_config(disable=True)
        assert_same(pixels_of(paint(engine, request)[0]), expected(pipeline, request))


class TestCompany:
    def test_each_has_its_own_and_others_none(self, engine: DiffusionEngine) -> None:
        requests: list[ImageRequest] = [
            text_request(seed=1, loras=["ink"]),
            text_request(seed=2),
            text_request(seed=3, loras=["ink:0.5", "dusk.v2"]),
            picture_request(seed=4, loras=["ink"], strength=0.7),
            text_request("a blue whale", seed=5, n=2),
        ]
        together = paint(engine, *requests, apart=1)
        for request, end in zip(requests, together, strict=True):
            assert_same(pixels_of(end), pixels_of(paint(engine, request)[0]))

    def test_equal_ones_share_a_step_in_any_order(self, engine: DiffusionEngine) -> None:
        asked = ["ink:0.5", "tiles"], ["tiles:1.0", "ink:0.50"], ["ink:0.4", "tiles"], ["ink:0", "tiles"], ["tiles"], []
        runs = [engine.start(text_request(loras=loras)) for loras in asked]
        assert runs[0].key == runs[1].key
        assert runs[3].key == runs[4].key
        assert len({run.key for run in runs}) == 4
        for run in runs:
            engine.close(run)

    def test_after_one_was_loaded_a_request_without_is_as_before(self, folder: Path, loras: Path) -> None:
        engine = DiffusionEngine(ModelSource(model="test/sdxl", folder=folder, device="cpu", loras=loras))
        engine.load()
        before = pixels_of(paint(engine, text_request())[0])
        paint(engine, text_request(loras=["dusk.v2"], num_inference_steps=1))
        assert_same(pixels_of(paint(engine, text_request())[0]), before)


class TestKeeping:
    def test_those_long_unused_are_put_away_and_come_back(
        self, folder: Path, tmp_path: Path, reference: StableDiffusionXLPipeline
    ) -> None:
        names = [f"number-{number}" for number in range(MOST_KEPT + 2)]
        for number, name in enumerate(names):
            write_lora(reference, tmp_path, name, seed=number)
        engine = DiffusionEngine(ModelSource(model="test/sdxl", folder=folder, device="cpu", loras=tmp_path))
        engine.load()
        request = text_request(loras=[names[0]], num_inference_steps=2)
        first = pixels_of(paint(engine, request)[0])
        held = engine.start(text_request(loras=[names[1]]))
        for name in names[2:]:
            engine.close(engine.start(text_request(loras=[name])))
        pipeline = engine._loaded.pipeline
        assert len(pipeline.get_list_adapters()["unet"]) == MOST_KEPT
        engine.step([held])  # one that is in use is there all the while
        assert_same(pixels_of(paint(engine, request)[0]), first)


class TestRefusals:
    def test_one_that_is_not_there_is_refused_without_a_word_of_others(self, engine: DiffusionEngine) -> None:
        said = r"^loras: there is no charcoal; GET /v1/models lists what there is$"
        with pytest.raises(InvalidRequest, match=said) as caught:
            engine.start(text_request(loras=["charcoal"]))
        assert caught.value.field == "loras"

    @pytest.mark.parametrize("name", ["damaged", "sd15"])
    def test_one_that_cannot_be_used_harms_no_other(self, engine: DiffusionEngine, loras: Path, name: str) -> None:
        place = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
        layers = {f"{place}.lora_A.weight": torch.zeros(4, 7), f"{place}.lora_B.weight": torch.zeros(9, 4)}
        save_file(layers, loras / "sd15.safetensors")
        before = pixels_of(paint(engine, text_request(loras=["ink"], num_inference_steps=2))[0])
        for _ in range(2):
            with pytest.raises(InvalidRequest, match=rf"^loras: {name} cannot be used") as caught:
                engine.start(text_request(loras=[name]))
            assert str(loras) not in caught.value.message
        (loras / "sd15.safetensors").unlink()
        assert_same(pixels_of(paint(engine, text_request(loras=["ink"], num_inference_steps=2))[0]), before)

    def test_without_a_folder_there_is_none(self, folder: Path) -> None:
        engine = DiffusionEngine(ModelSource(model="test/sdxl", folder=folder, device="cpu"))
        engine.load()
        with pytest.raises(InvalidRequest, match="there is no ink"):
            engine.start(text_request(loras=["ink"]))

    @pytest.mark.parametrize(
        "loras",
        [["../ink"], ["ink:3"], ["ink:-2.5"], ["ink:much"], ["ink", "ink:0.5"], list("abcde"), [""]],
    )
    def test_what_is_malformed_never_gets_there(self, loras: list[str]) -> None:
        with pytest.raises(ValidationError):
            text_request(loras=loras)


def test_info_lists_them(engine: DiffusionEngine) -> None:
    assert {"ink", "dusk.v2", "tiles"} <= set(engine.info().loras)
