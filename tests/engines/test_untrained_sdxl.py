"""The stand-in is a real Stable Diffusion XL: its layout, its determinism, and that everything asked of it shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from numpy.typing import NDArray
from safetensors.torch import load_file

from atelier.engines.untrained_sdxl import NATIVE_SIDE, build

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("models") / "untrained-sdxl"
    build(place)
    return place


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


def test_is_small(folder: Path) -> None:
    assert 2e6 < sum(weight.numel() for weight in _weights(folder).values()) < 3e6
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 13e6


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
    build(tmp_path / "again")
    build(tmp_path / "other", seed=1)
    assert _same(_weights(folder), _weights(tmp_path / "again"))
    assert not _same(_weights(folder), _weights(tmp_path / "other"))


def test_building_leaves_torchs_own_randomness_alone(tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    build(tmp_path / "model")
    assert torch.equal(torch.rand(3), expected)


def test_replaces_what_is_there_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "model"
    place.mkdir(parents=True)
    (place / "half-written").write_text("x")
    build(place)
    assert not (place / "half-written").exists()
    assert [path.name for path in place.parent.iterdir()] == ["model"]


def test_other_users_can_read_it(folder: Path) -> None:
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in folder.rglob("*") if path.is_file())


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
