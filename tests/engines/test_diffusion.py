"""The SDXL engine against diffusers' own pipelines, alone and in company, on random weights."""

from __future__ import annotations

import io
import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from diffusers import (
    AutoencoderKL,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLInpaintPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from painted import (
    TOLERANCE,
    Pixels,
    assert_same,
    difference,
    drawing,
    expected,
    made,
    paint,
    picture_request,
    pixels_of,
    png,
    text_request,
)
from PIL import Image
from random_sdxl import NATIVE_SIDE, build_random_sdxl
from safetensors.torch import load_file, save_file

from atelier.contracts import styles
from atelier.contracts.engine import ModelSource, PicturePreview, Run
from atelier.contracts.images import ImageRequest, ImageToImageRequest
from atelier.engines.diffusion import DiffusionEngine
from atelier.engines.diffusion.beginning import preview_steps
from atelier.engines.diffusion.masking import FEATHER, feathered
from atelier.engines.diffusion.painting import Work
from atelier.engines.diffusion.pixels import natural_size
from atelier.errors import InvalidRequest, ModelMissing, UnreadableMedia
from atelier.media.image import read_mask

torch.set_num_threads(1)

VISIBLE = 20


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_random_sdxl(tmp_path_factory.mktemp("models") / "random-sdxl")


@pytest.fixture(scope="session")
def engine(folder: Path) -> DiffusionEngine:
    return _loaded(folder)


@pytest.fixture(scope="session")
def reference(folder: Path) -> StableDiffusionXLPipeline:
    return _reference(folder)


@pytest.fixture
def model_copy(folder: Path, tmp_path: Path) -> Path:
    """A copy of the model that a test may change."""
    return Path(shutil.copytree(folder, tmp_path / "model"))


def _loaded(folder: Path) -> DiffusionEngine:
    engine = DiffusionEngine(ModelSource(model="test/sdxl", folder=folder, device="cpu"))
    engine.load()
    return engine


def _reference(folder: Path) -> StableDiffusionXLPipeline:
    pipeline = StableDiffusionXLPipeline.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _to_picture(pipeline: StableDiffusionXLPipeline) -> StableDiffusionXLImg2ImgPipeline:
    parts = dict(pipeline.components)
    parts["scheduler"] = type(pipeline.scheduler).from_config(pipeline.scheduler.config)
    made = StableDiffusionXLImg2ImgPipeline(**parts, add_watermarker=False)
    made.set_progress_bar_config(disable=True)
    return made


def _inside_a_mask(pipeline: StableDiffusionXLPipeline) -> StableDiffusionXLInpaintPipeline:
    parts = dict(pipeline.components)
    parts["scheduler"] = type(pipeline.scheduler).from_config(pipeline.scheduler.config)
    made = StableDiffusionXLInpaintPipeline(**parts, add_watermarker=False)
    made.set_progress_bar_config(disable=True)
    return made


HOLE = (32, 24, 96, 104)
"""Left, top, right and bottom of the usual mask: on the squares of pixels that a latent stands for."""


def mask(*holes: tuple[int, int, int, int], size: tuple[int, int] = (NATIVE_SIDE, NATIVE_SIDE)) -> Image.Image:
    """Opaque but for its holes, where a picture is to be painted."""
    made = Image.new("RGBA", size, (0, 0, 0, 255))
    for hole in holes or (HOLE,):
        made.paste((0, 0, 0, 0), hole)
    return made


def masked_request(prompt: str = "a red fox", **fields: Any) -> ImageToImageRequest:
    return picture_request(prompt, **{"mask": png(mask()), **fields})


def previews(run: Run) -> list[PicturePreview]:
    return [output for output in run.outputs if isinstance(output, PicturePreview)]


@contextmanager
def unet_calls() -> Iterator[list[int]]:
    """How many images (twice as many with guidance) each call of a UNet was given."""
    calls: list[int] = []

    def count(module: torch.nn.Module, _: Any, output: Any) -> None:
        if isinstance(module, UNet2DConditionModel):
            calls.append(len(output[0]))

    hook = torch.nn.modules.module.register_module_forward_hook(count)
    try:
        yield calls
    finally:
        hook.remove()


class TestEqualsDiffusers:
    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"n": 2},
            {"guidance_scale": 1.0},
            {"guidance_scale": 0.0, "n": 2},
            {"negative_prompt": "ugly, blurred", "guidance_scale": 4.5},
            {"size": "96x160"},
            {"size": "72x88", "n": 2, "negative_prompt": "dull"},
            {"num_inference_steps": 1},
            {"prompt": "x" * 200},
        ],
        ids=str,
    )
    def test_text_to_image(
        self, engine: DiffusionEngine, reference: StableDiffusionXLPipeline, fields: dict[str, Any]
    ) -> None:
        request = text_request(**fields)
        assert_same(pixels_of(paint(engine, request)[0]), expected(reference, request))

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"n": 2, "strength": 0.5},
            {"guidance_scale": 1.0},
            {"negative_prompt": "ugly", "strength": 1.0},
            {"strength": 0.2},
            {"image": png(drawing(64, 120)), "prompt": ""},
        ],
        ids=lambda fields: str({name: value for name, value in fields.items() if name != "image"}),
    )
    def test_image_to_image(
        self, engine: DiffusionEngine, reference: StableDiffusionXLPipeline, fields: dict[str, Any]
    ) -> None:
        request = picture_request(**fields)
        assert_same(pixels_of(paint(engine, request)[0]), expected(_to_picture(reference), request))

    def test_image_to_image_at_another_size(
        self, engine: DiffusionEngine, reference: StableDiffusionXLPipeline
    ) -> None:
        request = picture_request(size="96x64")
        resized = drawing().resize((96, 64), Image.Resampling.LANCZOS)
        assert_same(pixels_of(paint(engine, request)[0]), expected(_to_picture(reference), request, image=resized))

    def test_an_empty_negative_prompt_where_the_model_encodes_it(self, model_copy: Path) -> None:
        index = json.loads((model_copy / "model_index.json").read_text())
        (model_copy / "model_index.json").write_text(json.dumps({**index, "force_zeros_for_empty_prompt": False}))
        request = text_request()
        assert_same(pixels_of(paint(_loaded(model_copy), request)[0]), expected(_reference(model_copy), request))

    def test_a_vae_that_names_its_statistics(self, model_copy: Path) -> None:
        config = json.loads((model_copy / "vae/config.json").read_text())
        config |= {"latents_mean": [0.3, -0.2, 0.1, 0.5], "latents_std": [2.0, 3.0, 4.0, 5.0]}
        (model_copy / "vae/config.json").write_text(json.dumps(config))
        engine, reference = _loaded(model_copy), _reference(model_copy)
        assert_same(pixels_of(paint(engine, text_request())[0]), expected(reference, text_request()))
        ours = pixels_of(paint(engine, picture_request())[0])
        assert_same(ours, expected(_to_picture(reference), picture_request()))

    @pytest.mark.parametrize(
        "name",
        [
            "DDIMScheduler",
            "DPMSolverMultistepScheduler",
            "EulerAncestralDiscreteScheduler",
            "HeunDiscreteScheduler",
            "LCMScheduler",
            "UniPCMultistepScheduler",
        ],
    )
    def test_with_other_schedulers(self, model_copy: Path, name: str) -> None:
        (model_copy / "scheduler/scheduler_config.json").unlink()
        scheduler = getattr(diffusers, name)(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
        scheduler.save_pretrained(model_copy / "scheduler")
        index = json.loads((model_copy / "model_index.json").read_text())
        (model_copy / "model_index.json").write_text(json.dumps({**index, "scheduler": ["diffusers", name]}))
        engine, reference = _loaded(model_copy), _reference(model_copy)
        requests = text_request(n=2), text_request("a whale", seed=3), picture_request(strength=0.7)
        ends = paint(engine, *requests, apart=2)
        assert_same(pixels_of(ends[0]), expected(reference, requests[0]))
        assert_same(pixels_of(ends[1]), expected(reference, requests[1]))
        assert_same(pixels_of(ends[2]), expected(_to_picture(reference), requests[2]))


class TestCompany:
    def test_text_to_image_is_the_same_alone_and_in_company(self, engine: DiffusionEngine) -> None:
        requests = [
            text_request("a red fox", seed=1, guidance_scale=7.5),
            text_request("a blue whale", seed=2, guidance_scale=3.0, n=2, num_inference_steps=9),
            text_request("a tower at dawn", seed=3, negative_prompt="people"),
            text_request("an old map", seed=4, num_inference_steps=4),
            text_request("a harbour", seed=5, size="64x96"),
            text_request("a bowl of lemons", seed=6, size="64x96", guidance_scale=1.0),
        ]
        together = paint(engine, *requests, apart=2)
        for request, end in zip(requests, together, strict=True):
            assert_same(pixels_of(end), pixels_of(paint(engine, request)[0]))

    def test_image_to_image_is_the_same_alone_and_in_company(self, engine: DiffusionEngine) -> None:
        requests: list[ImageRequest] = [
            picture_request("a red fox", seed=1),
            picture_request("a blue whale", seed=2, strength=0.5, n=2),
            text_request("a tower at dawn", seed=3),
            picture_request("an old map", seed=4, strength=1.0, guidance_scale=2.0),
        ]
        together = paint(engine, *requests, apart=1)
        for request, end in zip(requests, together, strict=True):
            assert_same(pixels_of(end), pixels_of(paint(engine, request)[0]))

    def test_seed_and_prompt_show(self, engine: DiffusionEngine) -> None:
        """Else the comparisons above would say nothing."""
        requests = text_request(), text_request(seed=8), text_request("a blue whale"), text_request(guidance_scale=5)
        first, *others = (pixels_of(end)[0] for end in paint(engine, *requests))
        assert min(difference(first, other) for other in others) > VISIBLE

    def test_runs_at_different_steps_share_one_unet_call(self, engine: DiffusionEngine) -> None:
        with unet_calls() as calls:
            runs: list[Run] = []
            for place in range(4):
                runs.append(engine.start(text_request(seed=place)))
                engine.step(runs)
            assert calls == [2, 4, 6, 8]

    def test_one_that_arrives_joins_at_the_next_step(self, engine: DiffusionEngine) -> None:
        first = engine.start(text_request())
        engine.step([first])
        engine.step([first])
        second = engine.start(picture_request(strength=1.0))
        assert second.key == first.key
        engine.step([first, second])
        assert first.progress == pytest.approx(3 / 7)
        assert second.progress == pytest.approx(1 / 7)

    def test_what_cannot_share_a_step_has_another_key(self, engine: DiffusionEngine) -> None:
        requests = text_request(), text_request(size="64x64"), text_request(guidance_scale=1.0)
        assert len({engine.start(request).key for request in requests}) == 3

    def test_closing_one_half_way_leaves_the_others_alone(self, engine: DiffusionEngine) -> None:
        alone = pixels_of(paint(engine, text_request())[0])
        kept, dropped = engine.start(text_request()), engine.start(text_request("a blue whale", seed=9))
        for _ in range(3):
            engine.step([kept, dropped])
        engine.close(dropped)
        assert dropped.work is None
        while not kept.done:
            engine.step([kept])
        assert_same(pixels_of(made(kept)), alone)

    def test_images_are_decoded_one_at_a_time(self, engine: DiffusionEngine) -> None:
        run = engine.start(text_request(n=3, num_inference_steps=1))
        engine.step([run])
        for _ in range(3):
            assert not run.outputs
            engine.step([run])
        assert run.done
        assert run.progress == 1.0
        assert len(made(run).pictures) == 3


class TestWhatIsGivenOut:
    def test_pictures_are_rgb_of_the_size_asked_for(self, engine: DiffusionEngine) -> None:
        (picture,) = paint(engine, text_request(size="96x64"))[0].pictures
        assert picture.pixels.shape == (64, 96, 3)
        assert picture.pixels.dtype == np.uint8

    def test_auto_is_the_native_size(self, engine: DiffusionEngine) -> None:
        assert pixels_of(paint(engine, text_request())[0])[0].shape == (NATIVE_SIDE, NATIVE_SIDE, 3)

    def test_image_i_has_seed_plus_i(self, engine: DiffusionEngine) -> None:
        three = paint(engine, text_request(n=3, seed=40))[0]
        assert [picture.seed for picture in three.pictures] == [40, 41, 42]
        assert_same([three.pictures[2].pixels], pixels_of(paint(engine, text_request(seed=42))[0]))

    def test_seeds_go_round_at_the_largest(self, engine: DiffusionEngine) -> None:
        run = engine.start(text_request(n=2, seed=2**32 - 1))
        assert run.work is not None
        assert list(run.work.seeds) == [2**32 - 1, 0]

    def test_a_drawn_seed_is_named_and_makes_the_same_picture(self, engine: DiffusionEngine) -> None:
        drawn, other = (paint(engine, text_request(seed=None))[0].pictures[0] for _ in range(2))
        assert drawn.seed is not None
        assert drawn.seed != other.seed
        assert_same([drawn.pixels], pixels_of(paint(engine, text_request(seed=drawn.seed))[0]))

    def test_usage_counts_steps_and_prompt_tokens(self, engine: DiffusionEngine) -> None:
        plain, negative, unguided, shorter = paint(
            engine,
            text_request("abc"),
            text_request("abc", negative_prompt="de"),
            text_request("abc", negative_prompt="de", guidance_scale=1.0),
            picture_request("abc", strength=0.5),
        )
        assert (plain.usage.steps, plain.usage.tokens) == (6, 3)
        assert negative.usage.tokens == 5
        assert unguided.usage.tokens == 3
        assert shorter.usage.steps == 3

    def test_progress_rises_to_one(self, engine: DiffusionEngine) -> None:
        run = engine.start(text_request(num_inference_steps=4))
        seen = [run.progress]
        while not run.done:
            engine.step([run])
            seen.append(run.progress)
        assert seen == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]


class TestPreviews:
    @pytest.mark.parametrize(
        ("wanted", "steps", "at"),
        [
            (0, 6, []),
            (1, 6, [3]),
            (2, 6, [2, 4]),
            (3, 30, [7, 15, 22]),
            (5, 6, [1, 2, 3, 4, 5]),
            (6, 6, [1, 2, 3, 4, 5]),
            (150, 3, [1, 2]),
            (3, 1, []),
            (3, 0, []),
        ],
    )
    def test_are_evenly_spaced_and_never_the_last_step(self, wanted: int, steps: int, at: list[int]) -> None:
        assert preview_steps(wanted, steps) == at

    @pytest.mark.parametrize("request_", [text_request(partial_images=2), picture_request(partial_images=2)])
    def test_come_at_their_steps(self, engine: DiffusionEngine, request_: ImageRequest) -> None:
        run = engine.start(request_)
        while not run.done:
            engine.step([run])
        shown = previews(run)
        steps = made(run).usage.steps
        assert [(p.index, p.step, p.steps) for p in shown] == [
            (index, step, steps) for index, step in enumerate(preview_steps(2, steps))
        ]
        assert shown[0].picture.seed == 7

    def test_show_the_picture_that_the_model_sees_in_the_noise(
        self, engine: DiffusionEngine, reference: StableDiffusionXLPipeline
    ) -> None:
        run = engine.start(text_request(partial_images=1))
        while not run.done:
            engine.step([run])
        (shown,) = previews(run)
        latents: list[torch.Tensor] = []

        def keep(_: Any, __: int, ___: Any, values: dict[str, Any]) -> dict[str, Any]:
            latents.append(values["latents"])
            return values

        expected(reference, text_request(), callback_on_step_end=keep)
        sigmas = reference.scheduler.sigmas
        slope = (latents[2] - latents[1]) / (sigmas[3] - sigmas[2])  # of the third step of six
        guess = latents[1] - sigmas[2] * slope
        with torch.no_grad():
            decoded = reference.vae.decode(guess / reference.vae.config.scaling_factor).sample
        theirs = np.asarray(reference.image_processor.postprocess(decoded)[0])
        assert shown.step == 3
        assert difference(shown.picture.pixels, theirs) <= TOLERANCE

    def test_leave_the_picture_as_it_is(self, engine: DiffusionEngine) -> None:
        plain, shown = paint(engine, text_request(), text_request(partial_images=150))
        assert_same(pixels_of(plain), pixels_of(shown))

    def test_of_a_large_vae_are_a_sketch_of_half_the_size(self, model_copy: Path) -> None:
        torch.manual_seed(0)
        large = AutoencoderKL(
            block_out_channels=(32, 64, 128, 256),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            norm_num_groups=8,
        )
        assert sum(weight.numel() for weight in large.parameters()) > 5e6
        large.save_pretrained(model_copy / "vae")
        engine = _loaded(model_copy)
        runs = [engine.start(text_request(size="96x64", partial_images=1, seed=seed)) for seed in (1, 2)]
        assert runs[0].key == runs[1].key
        for _ in range(6):
            engine.step(runs)
        sketch = previews(runs[0])[0].picture.pixels
        assert sketch.shape == (32, 48, 3)
        assert sketch.std() > 5
        assert runs[0].key != runs[1].key, "a large VAE decodes one picture at a time"


class TestWordsToTheCaller:
    def test_a_long_prompt_is_cut_with_a_warning(self, engine: DiffusionEngine) -> None:
        run = engine.start(text_request("a" * 75 + "bcd", negative_prompt="x" * 75 + "y" * 100))
        assert run.warnings == [
            "prompt: cut after 77 tokens; the model did not read “bcd”; shorten it",
            f"negative_prompt: cut after 77 tokens; the model did not read “{'y' * 60}…”; shorten it",
        ]

    def test_a_prompt_that_fits_has_none(self, engine: DiffusionEngine) -> None:
        assert engine.start(text_request("a" * 75)).warnings == []
        assert engine.start(text_request(negative_prompt="x" * 200, guidance_scale=1.0)).warnings == []

    @pytest.mark.parametrize("library", ["diffusers", "transformers"])
    def test_a_cut_prompt_does_not_reach_the_log(
        self, engine: DiffusionEngine, library: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        logger = logging.getLogger(library)  # it does not pass on what it logs
        logger.addHandler(caplog.handler)
        engine.start(text_request(f"secret of {library} " * 100))
        logger.removeHandler(caplog.handler)
        assert caplog.text == ""

    def test_a_style_is_added_to_the_prompt_and_shown(self, engine: DiffusionEngine) -> None:
        run = engine.start(text_request("a fox", style="Pixel Art"))
        while not run.done:
            engine.step([run])
        words = styles.apply("pixel-art", "a fox")
        assert made(run).revised_prompt == words
        assert words.startswith("a fox, pixel art")
        assert_same(pixels_of(made(run)), pixels_of(paint(engine, text_request(words))[0]))

    def test_without_a_style_the_prompt_is_not_revised(self, engine: DiffusionEngine) -> None:
        assert paint(engine, text_request())[0].revised_prompt is None

    def test_an_unknown_style_names_the_known(self, engine: DiffusionEngine) -> None:
        with pytest.raises(InvalidRequest, match=r"^style: 'cubist' is not a style; choose one of .*anime") as caught:
            engine.start(text_request(style="cubist"))
        assert caught.value.field == "style"

    def test_a_picture_that_is_none(self, engine: DiffusionEngine) -> None:
        with pytest.raises(UnreadableMedia):
            engine.start(picture_request(image=b"not a picture"))

    def test_more_steps_than_a_distilled_sampler_has(self, model_copy: Path) -> None:
        diffusers.LCMScheduler().save_pretrained(model_copy / "scheduler")
        index = json.loads((model_copy / "model_index.json").read_text())
        index["scheduler"] = ["diffusers", "LCMScheduler"]
        (model_copy / "model_index.json").write_text(json.dumps(index))
        with pytest.raises(InvalidRequest, match=r"^num_inference_steps: .*cannot take 60 steps"):
            _loaded(model_copy).start(text_request(num_inference_steps=60))


class TestStrength:
    def test_more_of_it_changes_more(self, engine: DiffusionEngine) -> None:
        changes = [
            np.abs(pixels_of(paint(engine, picture_request(strength=strength))[0])[0].astype(int) - kept).mean()
            for kept in [pixels_of(paint(engine, picture_request(strength=0.0))[0])[0].astype(int)]
            for strength in (0.2, 0.5, 1.0)
        ]
        assert changes == sorted(changes)
        assert changes[0] > 0.5

    @pytest.mark.parametrize("strength", [0.0, 0.16])
    def test_too_little_gives_the_picture_back_with_a_warning(self, engine: DiffusionEngine, strength: float) -> None:
        with unet_calls() as calls:
            run = engine.start(picture_request(strength=strength, n=2, partial_images=3))
            while not run.done:
                engine.step([run])
        assert calls == []
        assert run.warnings[0].startswith("strength: ")
        assert len(made(run).pictures) == 2
        assert made(run).usage.steps == 0
        assert run.progress == 1.0

    def test_the_picture_given_back_is_what_the_vae_makes_of_it(
        self, engine: DiffusionEngine, reference: StableDiffusionXLPipeline
    ) -> None:
        ours = pixels_of(paint(engine, picture_request(strength=0.0))[0])[0]
        with torch.no_grad():
            encoded = reference.vae.encode(reference.image_processor.preprocess(drawing())).latent_dist
            decoded = reference.vae.decode(encoded.sample(torch.Generator().manual_seed(7))).sample
        theirs = np.asarray(reference.image_processor.postprocess(decoded)[0])
        assert difference(ours, theirs) <= TOLERANCE


class TestMask:
    @pytest.mark.parametrize(
        "fields",
        [
            {"strength": 0.8},
            {"strength": 0.5, "guidance_scale": 1.0},
            {"strength": 0.2, "negative_prompt": "ugly"},
            {"strength": 0.9, "num_inference_steps": 10},
        ],
        ids=str,
    )
    def test_paints_what_diffusers_paints(
        self, engine: DiffusionEngine, reference: StableDiffusionXLPipeline, fields: dict[str, Any]
    ) -> None:
        """Compared deep inside the mask, and before the picture's own pixels are put back also outside of it."""
        request = masked_request(**fields)
        (theirs,) = expected(_inside_a_mask(reference), request, mask_image=Image.fromarray(_inside(HOLE)))
        inner = _inside(HOLE, margin=FEATHER) > 0
        (ours,) = pixels_of(paint(engine, request)[0])
        assert difference(ours[inner], theirs[inner]) <= TOLERANCE
        assert difference(_uncomposited(engine, request), theirs) <= TOLERANCE

    @pytest.mark.parametrize(
        "name", ["DDIMScheduler", "DPMSolverMultistepScheduler", "HeunDiscreteScheduler", "UniPCMultistepScheduler"]
    )
    def test_with_other_schedulers(self, model_copy: Path, name: str) -> None:
        scheduler = getattr(diffusers, name)(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
        scheduler.save_pretrained(model_copy / "scheduler")
        index = json.loads((model_copy / "model_index.json").read_text())
        (model_copy / "model_index.json").write_text(json.dumps({**index, "scheduler": ["diffusers", name]}))
        request = masked_request(strength=0.8)
        reference = _inside_a_mask(_reference(model_copy))
        (theirs,) = expected(reference, request, mask_image=Image.fromarray(_inside(HOLE)))
        assert difference(_uncomposited(_loaded(model_copy), request), theirs) <= TOLERANCE

    def test_keeps_every_pixel_outside(self, engine: DiffusionEngine) -> None:
        hole = (33, 27, 61, 90)  # not on the squares of the latents
        end = paint(engine, masked_request(mask=png(mask(hole)), n=2))[0]
        source, inside = np.asarray(drawing()), _inside(hole) > 0
        for picture in pixels_of(end):
            assert (picture[~inside] == source[~inside]).all()
            assert np.abs(picture[inside].astype(int) - source[inside]).mean() > VISIBLE

    def test_fades_in_from_its_edge(self) -> None:
        share = np.asarray(feathered(_holes(mask((0, 40, 128, 80))), (128, 128)))
        assert share[38:46, 64].tolist() == [0, 0, 64, 128, 191, 255, 255, 255]
        assert share[60, 0] == share[60, 127] == 255, "a picture's border is no edge of the mask"

    def test_a_narrow_one_is_painted_whole(self, engine: DiffusionEngine) -> None:
        hole = (40, 51, 100, 52)
        (picture,) = pixels_of(paint(engine, masked_request(mask=png(mask(hole))))[0])
        changed = np.abs(picture.astype(int) - np.asarray(drawing())).max(axis=-1)
        assert (changed[51, 40:100] > 0).mean() > 0.9
        assert changed[50].max() == changed[52].max() == 0

    def test_is_the_same_alone_and_in_company(self, engine: DiffusionEngine) -> None:
        requests: list[ImageRequest] = [
            masked_request("a red fox", seed=1),
            picture_request("a blue whale", seed=2, strength=0.5, n=2),
            masked_request("a tower", seed=3, mask=png(mask((0, 0, 64, 128))), strength=0.6, n=2),
            text_request("an old map", seed=4),
        ]
        with unet_calls() as calls:
            together = paint(engine, *requests, apart=1)
        assert max(calls) == 12, "masked and unmasked runs share the UNet's calls"
        for request, end in zip(requests, together, strict=True):
            assert_same(pixels_of(end), pixels_of(paint(engine, request)[0]))

    def test_image_i_has_seed_plus_i(self, engine: DiffusionEngine) -> None:
        two = paint(engine, masked_request(n=2, seed=40))[0]
        assert_same([two.pictures[1].pixels], pixels_of(paint(engine, masked_request(seed=41))[0]))

    def test_strength_is_full_unless_it_is_given(self, engine: DiffusionEngine) -> None:
        assert masked_request().strength == 1.0
        assert picture_request().strength == 0.8
        assert masked_request(strength=0.3).strength == 0.3
        assert paint(engine, masked_request())[0].usage.steps == 6

    def test_at_another_size_the_picture_and_the_mask_are_resized(self, engine: DiffusionEngine) -> None:
        (picture,) = pixels_of(paint(engine, masked_request(size="64x64"))[0])
        source = np.asarray(drawing().resize((64, 64), Image.Resampling.LANCZOS))
        inside = _inside((16, 12, 48, 52), size=(64, 64)) > 0
        assert (picture[~inside] == source[~inside]).all()
        assert np.abs(picture[inside].astype(int) - source[inside]).mean() > VISIBLE

    def test_a_model_of_one_size_keeps_the_pixels_of_the_size_asked_for(self, folder: Path) -> None:
        engine = DiffusionEngine(ModelSource(model="test/sdxl", folder=folder, device="cpu", one_size=True))
        engine.load()
        wide, hole = drawing(256, 192), (64, 48, 192, 144)
        request = masked_request(image=png(wide), mask=png(mask(hole, size=wide.size)), size="256x192")
        (picture,) = pixels_of(paint(engine, request)[0])
        inside = _inside(hole, size=wide.size) > 0
        assert (picture[~inside] == np.asarray(wide)[~inside]).all()
        assert np.abs(picture[inside].astype(int) - np.asarray(wide)[inside]).mean() > VISIBLE

    def test_previews_show_the_picture_around_it(self, engine: DiffusionEngine) -> None:
        run = engine.start(masked_request(partial_images=1))
        while not run.done:
            engine.step([run])
        outside = _inside(HOLE) == 0
        shown = previews(run)[0].picture.pixels
        assert (shown[outside] == np.asarray(drawing())[outside]).all()
        assert difference(shown, pixels_of(made(run))[0]) > VISIBLE

    def test_with_no_step_left_nothing_moves(self, engine: DiffusionEngine) -> None:
        (picture,) = pixels_of(paint(engine, masked_request(strength=0.0))[0])
        outside = _inside(HOLE) == 0
        assert (picture[outside] == np.asarray(drawing())[outside]).all()

    @pytest.mark.parametrize(
        ("sent", "words"),
        [
            (png(mask(size=(64, 128))), r"^mask: is 64x128 pixels and the picture 128x128; "),
            (png(drawing()), r"^mask: has no transparency; "),
            (png(Image.new("RGBA", (NATIVE_SIDE, NATIVE_SIDE), (0, 0, 0, 1))), r"^mask: no pixel is fully transparent"),
            (b"not a picture", r"^mask: not a picture"),
            (png(mask())[:60], r"^mask: the picture is damaged"),
        ],
        ids=["another size", "no transparency", "nothing to paint", "no picture", "cut short"],
    )
    def test_one_that_does_not_fit_is_named(self, engine: DiffusionEngine, sent: bytes, words: str) -> None:
        with pytest.raises(InvalidRequest, match=words) as caught:
            engine.start(masked_request(mask=sent))
        assert caught.value.field == "mask"

    def test_a_palette_with_a_transparent_colour_is_one(self, engine: DiffusionEngine) -> None:
        palette = mask().getchannel("A").convert("P")
        sink = io.BytesIO()
        palette.save(sink, "PNG", transparency=0)
        plain, indexed = paint(engine, masked_request(), masked_request(mask=sink.getvalue()))
        assert_same(pixels_of(plain), pixels_of(indexed))


def _inside(
    hole: tuple[int, int, int, int], margin: int = 0, size: tuple[int, int] = (NATIVE_SIDE, NATIVE_SIDE)
) -> Pixels:
    """255 inside the hole, at least `margin` pixels from its edge, and 0 elsewhere."""
    left, top, right, bottom = hole
    plane = np.zeros((size[1], size[0]), dtype=np.uint8)
    plane[top + margin : bottom - margin, left + margin : right - margin] = 255
    return plane


def _holes(transparent: Image.Image) -> Image.Image:
    return read_mask(png(transparent), size=transparent.size)


def _uncomposited(engine: DiffusionEngine, request: ImageToImageRequest) -> Pixels:
    """What the model painted, before the picture's own pixels are put back."""
    run = engine.start(request)
    assert isinstance(run.work, Work)
    while not run.work.schedule.done:
        engine.step([run])
    run.work.kept = None
    engine.step([run])
    return pixels_of(made(run))[0]


class TestNaturalSize:
    @pytest.mark.parametrize(
        ("size", "repainted"),
        [
            ((1024, 1024), (1024, 1024)),
            ((800, 600), (800, 600)),
            ((803, 607), (800, 600)),
            ((2048, 2048), (1024, 1024)),
            ((4000, 3000), (1176, 880)),
            ((20, 30), (64, 64)),
            ((40_000, 10), (2048, 64)),
        ],
    )
    def test_keeps_proportions_within_the_native_area(self, size: tuple[int, int], repainted: tuple[int, int]) -> None:
        found = natural_size(size, most_pixels=1024**2, smallest=64, largest=2048, multiple=8)
        assert found == repainted

    def test_is_what_auto_means_for_a_picture(self, engine: DiffusionEngine) -> None:
        end = paint(engine, picture_request(image=png(drawing(300, 150))))[0]
        assert pixels_of(end)[0].shape == (88, 176, 3)


class TestCost:
    def test_eight_native_images_fill_the_engine(self, engine: DiffusionEngine) -> None:
        assert sum(engine.cost(text_request()) for _ in range(8)) == 1.0
        assert engine.cost(text_request(n=8)) == 1.0
        assert engine.cost(picture_request(image=b"not looked at")) == 1 / 8

    def test_grows_with_the_pixels(self, engine: DiffusionEngine) -> None:
        assert engine.cost(text_request(size="256x256")) == 0.5
        assert engine.cost(text_request(size="64x128")) == 1 / 16


class TestLoading:
    def test_twice_is_once(self, folder: Path) -> None:
        engine = _loaded(folder)
        run = engine.start(text_request())
        engine.load()
        engine.step([run])
        assert run.progress > 0

    def test_unloaded_it_says_so_and_can_be_loaded_again(self, folder: Path) -> None:
        engine = _loaded(folder)
        before = pixels_of(paint(engine, text_request())[0])
        engine.unload()
        with pytest.raises(ModelMissing, match="not loaded"):
            engine.start(text_request())
        engine.load()
        assert_same(pixels_of(paint(engine, text_request())[0]), before)

    def test_info(self, folder: Path) -> None:
        source = ModelSource(model="test/sdxl", folder=folder, revision="abc", device="cpu", note="a random one")
        info = DiffusionEngine(source).info()
        assert (info.model, info.revision, info.note) == ("test/sdxl", "abc", "a random one")
        assert (info.device, info.precision) == ("cpu", "float32")

    def test_half_precision_files_alone_are_found(self, reference: StableDiffusionXLPipeline, tmp_path: Path) -> None:
        half = StableDiffusionXLPipeline(
            **{
                name: part.half() if isinstance(part, torch.nn.Module) else part
                for name, part in _parts_copied(reference, tmp_path).items()
            }
        )
        half.save_pretrained(tmp_path / "half", variant="fp16")
        assert next(iter((tmp_path / "half/unet").glob("*.safetensors"))).name.endswith(".fp16.safetensors")
        (picture,) = pixels_of(paint(_loaded(tmp_path / "half"), text_request())[0])
        assert picture.std() > VISIBLE

    def test_no_folder(self, tmp_path: Path) -> None:
        for place in (None, tmp_path, tmp_path / "missing"):
            with pytest.raises(ModelMissing, match="test/sdxl is not installed; download it"):
                DiffusionEngine(ModelSource(model="test/sdxl", folder=place)).load()

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
    def test_a_gpu_that_is_not_there(self, folder: Path) -> None:
        with pytest.raises(ModelMissing, match="cuda:1, which this machine lacks"):
            DiffusionEngine(ModelSource(model="test/sdxl", folder=folder, device="cuda:1")).load()

    @pytest.mark.parametrize(
        "harm", ["cut", "empty", "lost file", "a pickle", "lost weight", "wrong shape", "bad config", "lost part"]
    )
    def test_broken_weights_are_told_in_words(self, model_copy: Path, harm: str) -> None:
        for part in ("unet", "vae", "text_encoder", "text_encoder_2"):
            broken = Path(shutil.copytree(model_copy, model_copy.with_name(f"{harm}-{part}")))
            _harm(broken / part, harm)
            with pytest.raises(ModelMissing) as caught:
                DiffusionEngine(ModelSource(model="test/sdxl", folder=broken, device="cpu")).load()
            assert caught.value.message.startswith("test/sdxl could not be loaded: its files are damaged")
            assert str(broken) not in caught.value.message


def _parts_copied(pipeline: StableDiffusionXLPipeline, place: Path) -> dict[str, Any]:
    pipeline.save_pretrained(place / "whole")
    return dict(_reference(place / "whole").components)


_PICKLES = {False: "diffusion_pytorch_model.bin", True: "pytorch_model.bin"}


def _harm(part: Path, harm: str) -> None:
    (weights,) = part.glob("*.safetensors")
    tensors = load_file(weights)
    name = max(tensors)
    match harm:
        case "cut":
            weights.write_bytes(weights.read_bytes()[:-1000])
        case "empty":
            weights.write_bytes(b"")
        case "lost file":
            weights.unlink()
        case "a pickle":  # what it would run is nobody's to choose
            torch.save(tensors, weights.with_name(_PICKLES[part.name.startswith("text")]))
            weights.unlink()
        case "lost weight":
            save_file({key: tensor for key, tensor in tensors.items() if key != name}, weights, {"format": "pt"})
        case "wrong shape":
            save_file({**tensors, name: torch.zeros(3, 1, 2)}, weights, {"format": "pt"})
        case "bad config":
            (part / "config.json").write_text("{not json")
        case "lost part":
            shutil.rmtree(part)
