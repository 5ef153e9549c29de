"""The random Stable Diffusion XL is a real one, and all that is asked of it shows: else tests with it prove nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from numpy.typing import NDArray
from random_sdxl import NATIVE_SIDE, build_random_sdxl
from safetensors.torch import load_file

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_random_sdxl(tmp_path_factory.mktemp("models") / "random-sdxl")


@pytest.fixture(scope="module")
def pipeline(folder: Path) -> StableDiffusionXLPipeline:
    loaded = StableDiffusionXLPipeline.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    loaded.set_progress_bar_config(disable=True)
    return loaded


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    files = sorted(folder.rglob("*.safetensors"))
    return {f"{file.parent.name}/{name}": weight for file in files for name, weight in load_file(file).items()}


def _same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def _picture(
    pipeline: StableDiffusionXLPipeline,
    prompt: str = "a red fox",
    *,
    seed: int = 1,
    guidance: float = 7.5,
    negative: str | None = None,
) -> NDArray[np.float64]:
    made = pipeline(
        prompt,
        negative_prompt=negative,
        num_inference_steps=6,
        guidance_scale=guidance,
        generator=[torch.Generator().manual_seed(seed)],
        output_type="np",
    )
    return np.asarray(made.images[0], dtype=np.float64) * 255


def test_has_the_published_layout(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {
        "model_index.json",
        "scheduler",
        "text_encoder",
        "text_encoder_2",
        "tokenizer",
        "tokenizer_2",
        "unet",
        "vae",
    }


def test_is_conditioned_as_sdxl_is(pipeline: StableDiffusionXLPipeline) -> None:
    assert pipeline.unet.config.addition_embed_type == "text_time"
    assert pipeline.vae_scale_factor == 8
    assert pipeline.default_sample_size * pipeline.vae_scale_factor == NATIVE_SIDE
    assert type(pipeline.scheduler).__name__ == "EulerDiscreteScheduler"


def test_tokenizers_spell_any_text(pipeline: StableDiffusionXLPipeline) -> None:
    tokens = pipeline.tokenizer("Füchse ☃ 4").input_ids
    assert pipeline.tokenizer.decode(tokens, skip_special_tokens=True).strip() == "füchse ☃ 4"
    assert pipeline.tokenizer_2("a", padding="max_length").input_ids[-1] == pipeline.tokenizer("!").input_ids[1] - 256


def test_the_seed_decides_the_weights(folder: Path, tmp_path: Path) -> None:
    build_random_sdxl(tmp_path / "again")
    build_random_sdxl(tmp_path / "other", seed=1)
    assert _same(_weights(folder), _weights(tmp_path / "again"))
    assert not _same(_weights(folder), _weights(tmp_path / "other"))


def test_every_setting_shows_in_the_picture(pipeline: StableDiffusionXLPipeline) -> None:
    picture = _picture(pipeline)
    assert picture.std() > 20, "flat"
    others = {
        "seed": _picture(pipeline, seed=2),
        "prompt": _picture(pipeline, "a blue whale at night"),
        "guidance": _picture(pipeline, guidance=4.0),
        "negative prompt": _picture(pipeline, negative="ugly"),
    }
    differences = {name: np.abs(picture - other).max() for name, other in others.items()}
    assert all(difference > 20 for difference in differences.values()), differences
