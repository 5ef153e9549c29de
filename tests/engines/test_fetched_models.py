"""What the catalog fetches is what the engines read: small models in the published layouts, by way of a hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline
from painted import assert_same, expected, paint, picture_request, pixels_of, text_request
from random_blip2 import build_random_blip2
from random_sdxl import build_random_sdxl
from tiny_whisper import build_tiny_whisper
from transformers import Blip2ForConditionalGeneration

from atelier.models.catalog import plans
from atelier.settings import Settings
from atelier.worker.residency import Resident
from command import CliHere
from hub_server import Hub, running_hub

pytestmark = pytest.mark.usefixtures("one_thread")

SDXL = "stabilityai/stable-diffusion-xl-base-1.0"
VEGA = "segmind/Segmind-Vega"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as running:
        yield running


@pytest.fixture
def fetched(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str, str], Resident]:
    """Downloads a model as people do, and loads it as a worker does."""
    home = tmp_path / "home"
    cli = CliHere(monkeypatch, capsys, {"ATELIER_HOME": str(home), "HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_test"})

    def fetch(service: str, model: str) -> Resident:
        cli.said("models", "download", model, "--accept-licence", model)
        [plan, *_] = plans(Settings(home=home, models={service: model}, device="cpu"), [service])
        resident = Resident(plan)
        resident.load()
        assert resident.state == "ready", resident.problem
        assert resident.info is not None
        assert resident.info.revision == hub.repositories[hub_name(model)].newest
        return resident

    return fetch


def hub_name(model: str) -> str:
    return {"openai/whisper-large-v3": "Systran/faster-whisper-large-v3"}.get(model, model)


def files_of(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_stable_diffusion_xl_in_half_precision_with_the_other_vae(
    hub: Hub, tmp_path: Path, fetched: Callable[[str, str], Resident]
) -> None:
    """The repository has every part in both precisions; of the VAE, the second repository's is taken."""
    folder = build_random_sdxl(tmp_path / "base")
    pipeline = StableDiffusionXLPipeline.from_pretrained(folder, local_files_only=True, dtype=torch.float16)
    pipeline.save_pretrained(folder, variant="fp16")
    other = AutoencoderKL.from_pretrained(build_random_sdxl(tmp_path / "other", seed=1), subfolder="vae")
    other.register_to_config(force_upcast=False)
    other.save_pretrained(tmp_path / "vae")
    hub.add(SDXL, files_of(folder))
    hub.add("madebyollin/sdxl-vae-fp16-fix", files_of(tmp_path / "vae"))
    resident = fetched("text-to-image", SDXL)
    assert resident.plan.source.folder is not None
    there = files_of(resident.plan.source.folder)
    weights = {name for name in there if name.endswith(".safetensors")}
    assert weights == {
        "text_encoder/model.fp16.safetensors",
        "text_encoder_2/model.fp16.safetensors",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
    }
    assert (
        there["vae/diffusion_pytorch_model.safetensors"]
        == files_of(tmp_path / "vae")["diffusion_pytorch_model.safetensors"]
    )


def test_a_small_stable_diffusion_xl_paints_as_diffusers_does(
    hub: Hub, tmp_path: Path, fetched: Callable[[str, str], Resident]
) -> None:
    """The repository has every part in both precisions, and all of it in one file besides."""
    folder = build_random_sdxl(tmp_path / "small", is_small=True)
    whole = StableDiffusionXLPipeline.from_pretrained(folder, local_files_only=True, dtype=torch.float16)
    whole.save_pretrained(folder, variant="fp16")
    hub.add(VEGA, files_of(folder) | {"segmind-vega.safetensors": b"all of it"})
    resident = fetched("image-to-image", VEGA)
    there = resident.plan.source.folder
    assert there is not None
    assert len(list(there.rglob("*.safetensors"))) == len(list(there.rglob("*.fp16.safetensors"))) == 4
    reference = StableDiffusionXLPipeline.from_pretrained(
        folder, local_files_only=True, variant="fp16", dtype=torch.float32, add_watermarker=False
    )
    again = StableDiffusionXLImg2ImgPipeline(**reference.components, add_watermarker=False)
    for pipeline, request in (
        (reference, text_request(n=2, negative_prompt="blurred")),
        (again, picture_request(strength=0.7)),
    ):
        pipeline.set_progress_bar_config(disable=True)
        [made] = paint(resident.engine, request)
        assert_same(pixels_of(made), expected(pipeline, request))


def test_blip2_in_shards(hub: Hub, tmp_path: Path, fetched: Callable[[str, str], Resident]) -> None:
    folder = build_random_blip2(tmp_path / "blip2")
    model = Blip2ForConditionalGeneration.from_pretrained(folder, local_files_only=True)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="200KB")
    assert len(list(folder.glob("model-*-of-*.safetensors"))) > 1
    (folder / "pytorch_model-00001-of-00002.bin").write_bytes(b"pickle")
    hub.add("Salesforce/blip2-opt-2.7b", files_of(folder))
    resident = fetched("image-to-text", "Salesforce/blip2-opt-2.7b")
    assert resident.plan.source.folder is not None
    assert not list(resident.plan.source.folder.glob("*.bin"))


def test_whisper_as_ctranslate2_has_it(hub: Hub, tmp_path: Path, fetched: Callable[[str, str], Resident]) -> None:
    hub.add("Systran/faster-whisper-large-v3", files_of(build_tiny_whisper(tmp_path / "whisper")))
    fetched("speech-to-text", "openai/whisper-large-v3")
