"""What SDXL is published as: half precision files, the VAE that is safe in it, SDXL-Lightning over its base."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import (
    AutoencoderKL,
    EulerDiscreteScheduler,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from painted import TOLERANCE, assert_same, difference, expected, paint, picture_request, pixels_of, text_request
from random_sdxl import build_random_sdxl, build_random_vae
from safetensors.torch import load_file, save_file
from single_file import write_single_file

from atelier.contracts.engine import ModelSource
from atelier.contracts.images import ImageRequest, TextToImageRequest
from atelier.contracts.sampling import Sampling
from atelier.engines.diffusion import DiffusionEngine
from atelier.errors import ModelMissing

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_random_sdxl(tmp_path_factory.mktemp("models") / "stable-diffusion-xl-base-1.0")


@pytest.fixture(scope="module")
def half(base: Path) -> Path:
    """The same in half precision files alone, which is what a download fetches."""
    folder = base.with_name("half")
    StableDiffusionXLPipeline.from_pretrained(base, dtype=torch.float16).save_pretrained(folder, variant="fp16")
    return folder


@pytest.fixture(scope="module")
def safe_vae(base: Path) -> Path:
    """Laid out as madebyollin/sdxl-vae-fp16-fix: one part alone, which says that it need not be upcast."""
    return build_random_vae(base.with_name("sdxl-vae-fp16-fix"), seed=5, force_upcast=False)


@pytest.fixture(scope="module")
def lightning(base: Path) -> Path:
    """Laid out as ByteDance/SDXL-Lightning: UNets in half precision by themselves, one for each number of steps."""
    folder = base.with_name("SDXL-Lightning")
    folder.mkdir()
    for seed, name in enumerate(("4step_unet", "8step_unet", "1step_unet_x0"), start=1):
        other = build_random_sdxl(base.with_name(f"distilled-{seed}"), seed=seed)
        unet = UNet2DConditionModel.from_pretrained(other / "unet", dtype=torch.float16)
        save_file(unet.state_dict(), folder / f"sdxl_lightning_{name}.safetensors")
    return folder


@pytest.fixture(scope="module")
def fast(base: Path, lightning: Path) -> DiffusionEngine:
    return loaded(lightning, base=base)


@pytest.fixture(scope="module")
def file(base: Path) -> Path:
    """Of a model that differs from its base in every weight."""
    tuned = build_random_sdxl(base.with_name("tuned"), seed=9)
    return write_single_file(tuned, base.with_name("tuned-xl.safetensors"))


@pytest.fixture(scope="module")
def configurations(base: Path) -> Path:
    """What is needed of its base: all but the weights."""
    folder = base.with_name("configurations")
    shutil.copytree(base, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    return folder


def loaded(folder: Path, **more: Any) -> DiffusionEngine:
    engine = DiffusionEngine(ModelSource(model="test/sdxl", folder=folder, device="cpu", **more))
    engine.load()
    return engine


def published(folder: Path, **parts: Any) -> StableDiffusionXLPipeline:
    """As diffusers loads it."""
    pipeline = StableDiffusionXLPipeline.from_pretrained(folder, use_safetensors=True, **parts)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def repainting(pipeline: StableDiffusionXLPipeline) -> StableDiffusionXLImg2ImgPipeline:
    made = StableDiffusionXLImg2ImgPipeline(**pipeline.components, add_watermarker=False)
    made.set_progress_bar_config(disable=True)
    return made


def both(pipeline: StableDiffusionXLPipeline) -> list[tuple[ImageRequest, Any]]:
    """A request from words and one from a picture, each with what diffusers serves it by."""
    return [
        (text_request(num_inference_steps=2), pipeline),
        (picture_request(num_inference_steps=3), repainting(pipeline)),
    ]


def lightning_pipeline(base: Path, file: Path, **scheduler: str) -> StableDiffusionXLPipeline:
    """As the model's card says that it is loaded."""
    unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(base / "unet"))
    unet.load_state_dict(load_file(file))
    pipeline = published(base, unet=unet)
    config = pipeline.scheduler.config
    pipeline.scheduler = EulerDiscreteScheduler.from_config(config, timestep_spacing="trailing", **scheduler)
    return pipeline


class TestHalfPrecisionFiles:
    def test_are_what_diffusers_reads(self, half: Path) -> None:
        assert all(".fp16." in file.name for file in half.rglob("*.safetensors"))
        reference = published(half, variant="fp16", dtype=torch.float32)
        engine = loaded(half)
        for request, pipeline in (
            (text_request(num_inference_steps=2), reference),
            (picture_request(num_inference_steps=3), repainting(reference)),
        ):
            assert_same(pixels_of(paint(engine, request)[0]), expected(pipeline, request))

    def test_a_full_file_goes_before_a_half_one(self, base: Path, half: Path, tmp_path: Path) -> None:
        folder = Path(shutil.copytree(base, tmp_path / "both"))
        shutil.copytree(half, folder, dirs_exist_ok=True)
        request = text_request(num_inference_steps=2)
        assert_same(pixels_of(paint(loaded(folder), request)[0]), expected(published(base), request))


class TestAnotherVae:
    def test_takes_the_place_of_its_own(self, base: Path, safe_vae: Path) -> None:
        engine = loaded(base, parts={"vae": safe_vae})
        reference = published(base, vae=AutoencoderKL.from_pretrained(safe_vae))
        for request, pipeline in (
            (text_request(num_inference_steps=2), reference),
            (picture_request(num_inference_steps=3), repainting(reference)),
        ):
            ours = pixels_of(paint(engine, request)[0])
            assert_same(ours, expected(pipeline, request))
            assert difference(ours[0], pixels_of(paint(loaded(base), request)[0])[0]) > 10 * TOLERANCE

    def test_its_own_need_not_be_there(self, base: Path, safe_vae: Path, tmp_path: Path) -> None:
        without = Path(shutil.copytree(base, tmp_path / "without"))
        shutil.rmtree(without / "vae")
        assert (
            pixels_of(paint(loaded(without, parts={"vae": safe_vae}), text_request(num_inference_steps=1))[0])[0].std()
            > TOLERANCE
        )

    def test_that_is_damaged_is_named(self, base: Path, safe_vae: Path, tmp_path: Path) -> None:
        broken = Path(shutil.copytree(safe_vae, tmp_path / "sdxl-vae-fp16-fix"))
        weights = broken / "diffusion_pytorch_model.safetensors"
        tensors = load_file(weights)
        for harm in (weights.read_bytes()[:-1000], None):
            weights.unlink() if harm is None else weights.write_bytes(harm)
            with pytest.raises(ModelMissing, match=r"^test/sdxl could not be loaded: the files of sdxl-vae-fp16-fix"):
                loaded(base, parts={"vae": broken})
        save_file({name: tensors[name] for name in list(tensors)[1:]}, weights, {"format": "pt"})
        with pytest.raises(ModelMissing, match=r"the files of sdxl-vae-fp16-fix are damaged"):
            loaded(base, parts={"vae": broken})


class TestPrecision:
    @pytest.mark.parametrize("precision", ["float16", "bfloat16"])
    def test_is_that_of_the_settings(self, half: Path, safe_vae: Path, precision: str) -> None:
        engine = loaded(half, parts={"vae": safe_vae}, precision=precision)
        dtype = getattr(torch, precision)
        vae = AutoencoderKL.from_pretrained(safe_vae, dtype=dtype)
        reference = published(half, vae=vae, variant="fp16", dtype=dtype)
        request = text_request(num_inference_steps=2)
        assert engine.info().precision == precision
        assert_same(pixels_of(paint(engine, request)[0]), expected(reference, request))

    def test_a_vae_that_overflows_in_half_of_it_is_kept_whole(self, half: Path, safe_vae: Path) -> None:
        own, safe = loaded(half, precision="float16"), loaded(half, parts={"vae": safe_vae}, precision="float16")
        assert [engine._loaded.pipeline.vae.dtype for engine in (own, safe)] == [torch.float32, torch.float16]


class TestLightning:
    def test_is_what_its_card_makes(self, base: Path, lightning: Path, fast: DiffusionEngine) -> None:
        reference = lightning_pipeline(base, lightning / "sdxl_lightning_4step_unet.safetensors")
        call = {"num_inference_steps": 4, "guidance_scale": 0}
        drawn = TextToImageRequest(prompt="a red fox", seed=7, n=2)
        repainted = picture_request(strength=0.75)
        assert_same(pixels_of(paint(fast, drawn)[0]), expected(reference, drawn, **call))
        assert_same(pixels_of(paint(fast, repainted)[0]), expected(repainting(reference), repainted, **call))

    def test_its_one_step_predicts_the_picture(self, base: Path, lightning: Path, tmp_path: Path) -> None:
        file = shutil.copy(lightning / "sdxl_lightning_1step_unet_x0.safetensors", tmp_path)
        reference = lightning_pipeline(base, Path(file), prediction_type="sample")
        request = text_request()
        ours = paint(loaded(tmp_path, base=base), request)[0]
        assert ours.usage.steps == 1
        assert_same(pixels_of(ours), expected(reference, request, num_inference_steps=1, guidance_scale=0))

    def test_takes_its_own_steps_and_says_so(self, fast: DiffusionEngine) -> None:
        run = fast.start(text_request(num_inference_steps=30, guidance_scale=7.5, negative_prompt="ugly"))
        assert [warning.partition(":")[0] for warning in run.warnings] == [
            "num_inference_steps",
            "guidance_scale",
            "negative_prompt",
        ]
        assert "always takes 4" in run.warnings[0]
        assert fast.start(TextToImageRequest(prompt="a red fox")).warnings == []
        assert fast.start(text_request(num_inference_steps=4, guidance_scale=1)).warnings == []
        assert paint(fast, text_request(num_inference_steps=30))[0].usage.steps == 4

    def test_is_the_same_alone_and_in_company(self, fast: DiffusionEngine) -> None:
        requests: list[ImageRequest] = [
            text_request("a red fox", seed=1),
            picture_request("a blue whale", seed=2, n=2, strength=0.5),
            text_request("a tower", seed=3, n=2),
        ]
        for request, end in zip(requests, paint(fast, *requests, apart=1), strict=True):
            assert_same(pixels_of(end), pixels_of(paint(fast, request)[0]))

    def test_the_weights_of_its_base_need_not_be_there(self, base: Path, lightning: Path, tmp_path: Path) -> None:
        without = Path(shutil.copytree(base, tmp_path / "base"))
        (without / "unet/diffusion_pytorch_model.safetensors").unlink()
        assert_same(
            pixels_of(paint(loaded(lightning, base=without), text_request())[0]),
            pixels_of(paint(loaded(lightning, base=base), text_request())[0]),
        )

    def test_without_its_base_it_says_which_it_needs(self, lightning: Path, tmp_path: Path) -> None:
        with pytest.raises(ModelMissing, match=r"^test/sdxl also needs stable-diffusion-xl-base-1.0, which is not"):
            loaded(lightning, base=tmp_path / "stable-diffusion-xl-base-1.0")

    @pytest.mark.parametrize("harm", ["cut", "lost weight", "of another model"])
    def test_weights_that_do_not_fit_are_told_in_words(
        self, base: Path, lightning: Path, tmp_path: Path, harm: str
    ) -> None:
        file = Path(shutil.copy(lightning / "sdxl_lightning_4step_unet.safetensors", tmp_path))
        tensors = load_file(file)
        match harm:
            case "cut":
                file.write_bytes(file.read_bytes()[:-1000])
            case "lost weight":
                save_file({name: tensors[name] for name in sorted(tensors)[1:]}, file)
            case "of another model":
                save_file({f"model.{name}": tensor for name, tensor in tensors.items()}, file)
        with pytest.raises(ModelMissing, match=r"^test/sdxl could not be loaded: its files are damaged"):
            loaded(tmp_path, base=base)


class TestSampling:
    def test_what_a_request_leaves_out_is_the_models_own(self, base: Path) -> None:
        engine = loaded(base, sampling=Sampling(steps=5, guidance_scale=3.0))
        left_out = TextToImageRequest(prompt="a red fox", seed=7)
        ours = paint(engine, left_out)[0]
        assert ours.usage.steps == 5
        assert_same(pixels_of(ours), expected(published(base), left_out, num_inference_steps=5, guidance_scale=3.0))

    def test_what_it_names_is_its_own(self, base: Path) -> None:
        engine = loaded(base, sampling=Sampling(steps=5, guidance_scale=3.0))
        request = TextToImageRequest(prompt="a red fox", seed=7, num_inference_steps=3, guidance_scale=7.5)
        assert_same(pixels_of(paint(engine, request)[0]), expected(published(base), request))


class TestSingleFile:
    def test_is_the_model_that_it_was_written_from(self, base: Path, file: Path, configurations: Path) -> None:
        engine = loaded(file, base=configurations)
        for request, pipeline in both(published(base.with_name("tuned"))):
            assert_same(pixels_of(paint(engine, request)[0]), expected(pipeline, request))

    def test_is_what_diffusers_reads(self, file: Path, configurations: Path) -> None:
        config = str(configurations)
        theirs = StableDiffusionXLPipeline.from_single_file(str(file), config=config, local_files_only=True)
        engine = loaded(file, base=configurations)
        for request, pipeline in both(theirs):
            assert_same(pixels_of(paint(engine, request)[0]), expected(pipeline, request))

    def test_without_its_base_it_says_which_it_needs(self, file: Path, tmp_path: Path) -> None:
        with pytest.raises(ModelMissing, match=r"^test/sdxl also needs stable-diffusion-xl-base-1.0, which is not"):
            loaded(file, base=tmp_path / "stable-diffusion-xl-base-1.0")

    @pytest.mark.parametrize(
        "part", ["model.diff", "first_stage", "conditioner.embedders.0", "conditioner.embedders.1"]
    )
    @pytest.mark.parametrize("harm", ["cut", "lost weight", "wrong shape", "lost part"])
    def test_weights_that_do_not_fit_are_told_in_words(
        self, file: Path, configurations: Path, tmp_path: Path, part: str, harm: str
    ) -> None:
        harmed = Path(shutil.copy(file, tmp_path))
        tensors = load_file(file)
        name = max(name for name in tensors if name.startswith(part) and tensors[name].ndim)
        match harm:
            case "cut":
                harmed.write_bytes(file.read_bytes()[:-1000])
            case "lost weight":
                save_file({key: tensor for key, tensor in tensors.items() if key != name}, harmed)
            case "wrong shape":
                save_file({**tensors, name: torch.zeros(3, 1, 2)}, harmed)
            case "lost part":
                save_file({key: tensor for key, tensor in tensors.items() if not key.startswith(part)}, harmed)
        with pytest.raises(ModelMissing, match=r"^test/sdxl could not be loaded: its weights are damaged") as caught:
            loaded(harmed, base=configurations)
        assert str(tmp_path) not in caught.value.message
