"""The engine of diffusers' other pipelines: what it makes is what their own call makes, a step at a time."""

from __future__ import annotations

import io
import shutil
import threading
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, DiffusionPipeline
from painted import TOLERANCE, Pixels, assert_same, difference, drawing, made, paint, pixels_of, png
from PIL import Image
from random_pipelines import build_random
from safetensors.torch import load_file, save_file

from atelier.contracts import styles
from atelier.contracts.engine import ModelSource, PicturePreview, Run
from atelier.contracts.images import ImageRequest, ImageToImageRequest, TextToImageRequest
from atelier.contracts.sampling import Sampling
from atelier.engines.diffusion import PipelineEngine
from atelier.engines.diffusion.asking import Asked
from atelier.engines.diffusion.masking import FEATHER
from atelier.engines.diffusion.previewing import preview, telling
from atelier.engines.diffusion.turns import Turns
from atelier.engines.diffusion.whole import _PicturesAlone, copied
from atelier.errors import InvalidRequest, ModelMissing

torch.set_num_threads(1)

Z_IMAGE, FLUX, QWEN, QWEN_PLUS = (
    "ZImagePipeline",
    "Flux2KleinPipeline",
    "QwenImageEditPipeline",
    "QwenImageEditPlusPipeline",
)
SAMPLING = {
    Z_IMAGE: Sampling(8, 0.0),
    FLUX: Sampling(4, 1.0),
    QWEN: Sampling(50, 4.0),
    QWEN_PLUS: Sampling(50, 4.0),
}
FEW = 3
"""Steps, where their number does not matter."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    home, built = tmp_path_factory.mktemp("models"), {}

    def folder(kind: str) -> Path:
        if kind not in built:
            built[kind] = build_random(kind, home / kind)
        return built[kind]

    return folder


@pytest.fixture(scope="module")
def engines(folders: Callable[[str], Path]) -> Callable[[str], PipelineEngine]:
    ready: dict[str, PipelineEngine] = {}

    def engine(kind: str) -> PipelineEngine:
        if kind not in ready:
            ready[kind] = loaded(folders(kind), sampling=SAMPLING[kind])
        return ready[kind]

    return engine


@pytest.fixture(scope="module")
def references(folders: Callable[[str], Path]) -> Callable[[str, str], DiffusionPipeline]:
    ready: dict[str, DiffusionPipeline] = {}

    def reference(kind: str, served_by: str) -> DiffusionPipeline:
        """As diffusers loads it, and its components in the class that serves such a request."""
        if kind not in ready:
            more = {"processor": _PicturesAlone.from_pretrained(folders(kind) / "processor")} if "Qwen" in kind else {}
            ready[kind] = DiffusionPipeline.from_pretrained(folders(kind), use_safetensors=True, **more)
        parts = dict(ready[kind].components)
        parts["scheduler"] = type(parts["scheduler"]).from_config(parts["scheduler"].config)
        more = {"is_distilled": True} if kind == FLUX else {}
        pipeline = getattr(diffusers, served_by)(**parts, **more)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    return reference


def loaded(folder: Path, **more: Any) -> PipelineEngine:
    engine = PipelineEngine(ModelSource(model="test/pipeline", folder=folder, device="cpu", **more))
    engine.load()
    return engine


def words(prompt: str = "a red fox", **fields: Any) -> TextToImageRequest:
    return TextToImageRequest(prompt=prompt, **{"seed": 7, "size": "64x96", "num_inference_steps": FEW, **fields})


def change(prompt: str = "a red fox", **fields: Any) -> ImageToImageRequest:
    usual = {"seed": 7, "size": "64x64", "num_inference_steps": FEW, "image": png(drawing(64, 64))}
    return ImageToImageRequest(prompt=prompt, **{**usual, **fields})


def theirs(pipeline: DiffusionPipeline, request: ImageRequest, **call: Any) -> list[Pixels]:
    """Every picture by a call of its own, as image i has seed + i."""
    assert isinstance(request, TextToImageRequest | ImageToImageRequest)
    assert request.dimensions is not None
    assert request.seed is not None
    width, height = request.dimensions
    usual = {"num_inference_steps": request.num_inference_steps, "width": width, "height": height, **call}
    return [
        np.asarray(
            pipeline(
                prompt=request.prompt, generator=torch.Generator().manual_seed(request.seed + place), **usual
            ).images[0]
        )
        for place in range(request.n)
    ]


def picture_of(request: ImageToImageRequest) -> Image.Image:
    return Image.open(io.BytesIO(request.image)).convert("RGB")


HOLE = (16, 16, 48, 64)


def mask() -> bytes:
    transparent = Image.new("RGBA", (64, 64), (0, 0, 0, 255))
    transparent.paste((0, 0, 0, 0), HOLE)
    return png(transparent)


def where(margin: int = 0) -> Any:
    left, top, right, bottom = HOLE
    inside = np.zeros((64, 64), dtype=bool)
    inside[top + margin : bottom, left + margin : right - margin] = True  # the hole reaches the lower border
    return inside


class TestEqualsDiffusers:
    @pytest.mark.parametrize("fields", [{}, {"n": 2}, {"guidance_scale": 4.0, "negative_prompt": "ugly"}], ids=str)
    def test_z_image_from_words(self, engines: Any, references: Any, fields: dict[str, Any]) -> None:
        request = words(**fields)
        guided = {"guidance_scale": 4.0, "negative_prompt": "ugly"} if "guidance_scale" in fields else {}
        expected = theirs(references(Z_IMAGE, Z_IMAGE), request, **{"guidance_scale": 0.0, **guided})
        assert_same(pixels_of(paint(engines(Z_IMAGE), request)[0]), expected)

    def test_z_image_from_a_picture(self, engines: Any, references: Any) -> None:
        request = change(strength=0.7)
        reference = references(Z_IMAGE, "ZImageImg2ImgPipeline")
        expected = theirs(reference, request, guidance_scale=0.0, image=picture_of(request), strength=0.7)
        assert_same(pixels_of(paint(engines(Z_IMAGE), request)[0]), expected)

    @pytest.mark.parametrize("fields", [{}, {"n": 2, "num_inference_steps": None}], ids=str)
    def test_flux_from_words(self, engines: Any, references: Any, fields: dict[str, Any]) -> None:
        request = words(**fields)
        steps = request.num_inference_steps or 4
        expected = theirs(references(FLUX, FLUX), request, guidance_scale=1.0, num_inference_steps=steps)
        assert_same(pixels_of(paint(engines(FLUX), request)[0]), expected)

    def test_flux_from_a_picture(self, engines: Any, references: Any) -> None:
        request = change()
        expected = theirs(references(FLUX, FLUX), request, guidance_scale=1.0, image=picture_of(request))
        assert_same(pixels_of(paint(engines(FLUX), request)[0]), expected)

    def test_qwen_from_a_picture(self, engines: Any, references: Any) -> None:
        request = change(num_inference_steps=2)
        call = {"true_cfg_scale": 4.0, "negative_prompt": " ", "image": picture_of(request)}
        ours = paint(engines(QWEN), request)[0]
        assert_same(pixels_of(ours), theirs(references(QWEN, QWEN), request, **call))

    def test_qwens_later_ones_from_a_picture(self, engines: Any, references: Any) -> None:
        request = change(num_inference_steps=2, guidance_scale=1.0)
        call = {"true_cfg_scale": 1.0, "image": picture_of(request)}
        ours = paint(engines(QWEN_PLUS), request)[0]
        assert_same(pixels_of(ours), theirs(references(QWEN_PLUS, QWEN_PLUS), request, **call))
        other = change("an old map", num_inference_steps=2, guidance_scale=1.0, image=png(drawing(64, 64).rotate(90)))
        assert difference(pixels_of(ours)[0], pixels_of(paint(engines(QWEN_PLUS), other)[0])[0]) > 2 * TOLERANCE

    @pytest.mark.parametrize(
        ("kind", "served_by", "call"),
        [
            (Z_IMAGE, "ZImageInpaintPipeline", {"guidance_scale": 0.0}),
            (FLUX, "Flux2KleinInpaintPipeline", {"guidance_scale": 1.0}),
            pytest.param(QWEN, "QwenImageEditInpaintPipeline", {"true_cfg_scale": 1.0}, marks=pytest.mark.slow),
        ],
    )
    def test_inside_a_mask(
        self, engines: Any, references: Any, kind: str, served_by: str, call: dict[str, Any]
    ) -> None:
        guidance = 1.0 if kind == QWEN else None  # it paints at 1024x1024: half the work
        request = change(mask=mask(), strength=0.7, num_inference_steps=2, guidance_scale=guidance)
        marked = Image.fromarray((where() * 255).astype(np.uint8))
        call = {"image": picture_of(request), "mask_image": marked, "strength": 0.7, **call}
        [expected] = theirs(references(kind, served_by), request, **call)
        if expected.shape != (64, 64, 3):  # Qwen's own size: the answer has the picture's
            expected = np.asarray(Image.fromarray(expected).resize((64, 64), Image.Resampling.BICUBIC))
        [ours] = pixels_of(paint(engines(kind), request)[0])
        inner, outer = where(margin=FEATHER), ~where()
        assert difference(ours[inner], expected[inner]) <= TOLERANCE
        assert (ours[outer] == np.asarray(picture_of(request))[outer]).all()

    def test_what_is_asked_for_shows(self, engines: Any) -> None:
        """Else the comparisons above would say nothing."""
        other_picture = {"image": png(drawing(64, 64).rotate(90))}
        for kind, ask, more in (
            (Z_IMAGE, words, {"seed": 8}),
            (Z_IMAGE, partial(change, strength=0.4), other_picture),
            (FLUX, words, {"seed": 8}),
            (FLUX, change, other_picture),
        ):
            requests = (ask(**fields) for fields in ({}, {"prompt": "an old map"}, more))
            first, *others = (pixels_of(end)[0] for end in paint(engines(kind), *requests))
            assert first.std() > TOLERANCE
            assert min(difference(first, other) for other in others) > 2 * TOLERANCE, kind


def previewed(engine: PipelineEngine, request: ImageRequest) -> tuple[list[PicturePreview], Run]:
    run = engine.start(request)
    while not run.done:
        engine.step([run])
    engine.close(run)
    return [output for output in run.outputs if isinstance(output, PicturePreview)], run


def at_the_end(pipeline: DiffusionPipeline, asked: Asked) -> tuple[Pixels, Pixels]:
    """The preview after the last step, and the picture."""
    last: dict[str, Any] = {}

    def after_step(_: DiffusionPipeline, __: int, ___: Any, told: dict[str, Any]) -> dict[str, Any]:
        last.update(told)
        return {}

    call = {**asked.arguments, **telling(pipeline), "generator": torch.Generator().manual_seed(7)}
    picture = pipeline(**call, callback_on_step_end=after_step).images[0]
    with torch.no_grad():  # as within the call
        return preview(pipeline, last), np.asarray(picture)


class TestPreviews:
    @pytest.mark.parametrize(
        ("kind", "request_of"),
        [
            (Z_IMAGE, words),
            (Z_IMAGE, partial(change, strength=0.7)),
            (FLUX, words),
            (FLUX, change),
            (QWEN, change),
            pytest.param(QWEN_PLUS, partial(change, guidance_scale=1.0), marks=pytest.mark.slow),
        ],
    )
    def test_after_the_last_step_it_is_the_picture(
        self, engines: Any, kind: str, request_of: Callable[..., ImageRequest]
    ) -> None:
        """As faithful as that, so that what is shown half way is what the model then made of it."""
        asked = engines(kind).start(request_of(num_inference_steps=2)).asked
        shown, made_of_it = at_the_end(copied(engines(kind)._ready[1], asked.kind), asked)
        assert difference(shown, made_of_it) <= 1

    def test_of_a_large_vae_it_is_half_as_wide_and_high(self, engines: Any) -> None:
        asked = engines(Z_IMAGE).start(words(num_inference_steps=1)).asked
        pipeline = copied(engines(Z_IMAGE)._ready[1], asked.kind)
        wide = {"block_out_channels": (32, 64, 128, 256), "norm_num_groups": 8, "layers_per_block": 2}
        pipeline.register_modules(vae=AutoencoderKL.from_config({**pipeline.vae.config, **wide}))
        shown, made_of_it = at_the_end(pipeline, asked)
        assert (shown.shape, made_of_it.shape) == ((48, 32, 3), (96, 64, 3))

    @pytest.mark.parametrize("kind", [Z_IMAGE, FLUX])
    def test_each_is_the_picture_as_far_as_the_model_sees_it(self, engines: Any, kind: str) -> None:
        """From pure noise the first step sees as much of it as the only step of another call."""
        shown, run = previewed(engines(kind), words(partial_images=2, n=2))
        assert [(one.index, one.step, one.steps, one.picture.seed) for one in shown] == [(0, 1, 3, 7), (1, 2, 3, 7)]
        [alone] = paint(engines(kind), words(num_inference_steps=1))
        assert_same([shown[0].picture.pixels], pixels_of(alone))
        assert_same(pixels_of(made(run)), pixels_of(paint(engines(kind), words(n=2))[0]))
        pictures = [one.picture.pixels for one in shown] + pixels_of(made(run))[:1]
        assert all(difference(a, b) > TOLERANCE for a, b in pairwise(pictures))

    @pytest.mark.parametrize("kind", [Z_IMAGE, FLUX])
    def test_outside_a_mask_they_are_the_picture_that_was_given(self, engines: Any, kind: str) -> None:
        request = change(mask=mask(), num_inference_steps=2, strength=1.0, partial_images=1)
        [shown], _ = previewed(engines(kind), request)
        outer = ~where()
        assert (shown.picture.pixels[outer] == np.asarray(picture_of(request))[outer]).all()
        assert difference(shown.picture.pixels, np.asarray(picture_of(request))) > TOLERANCE


class TestTurns:
    def test_runs_take_turns_and_are_as_alone(self, engines: Any) -> None:
        requests: list[ImageRequest] = [
            words(seed=1),
            words("a whale", seed=2, num_inference_steps=5, n=2),
            change(seed=3, strength=0.6, num_inference_steps=4),
            words(seed=4, guidance_scale=3.0, size="96x64"),
        ]
        engine = engines(Z_IMAGE)
        for request, end in zip(requests, paint(engine, *requests, apart=1), strict=True):
            assert_same(pixels_of(end), pixels_of(paint(engine, request)[0]))

    def test_a_step_is_one_denoising_step(self, engines: Any) -> None:
        engine, calls = engines(Z_IMAGE), []
        hook = engine._ready[1].transformer.register_forward_hook(lambda *_: calls.append(1))
        run = engine.start(words(n=2))
        progress = []
        while not run.done:
            engine.step([run])
            progress.append((len(calls), round(run.progress, 3)))
        hook.remove()
        assert progress == [(1, 0.125), (2, 0.25), (3, 0.375), (4, 0.625), (5, 0.75), (6, 0.875), (6, 1.0)]
        assert made(run).usage.steps == FEW

    def test_one_that_is_left_takes_no_further_step(self, engines: Any) -> None:
        engine, calls = engines(Z_IMAGE), []
        before = threading.active_count()
        alone = pixels_of(paint(engine, words(seed=3))[0])
        left, kept = engine.start(words(num_inference_steps=50)), engine.start(words(seed=3))
        hook = engine._ready[1].transformer.register_forward_hook(lambda *_: calls.append(1))
        engine.step([left])
        engine.step([kept])
        engine.close(left)
        assert len(calls) == 2
        while not kept.done:
            engine.step([kept])
        hook.remove()
        assert_same(pixels_of(made(kept)), alone)
        engine.close(kept)
        engine.close(engine.start(words()))  # one that never began
        assert threading.active_count() == before

    def test_a_fault_is_its_own_runs(self, engines: Any) -> None:
        engine = engines(Z_IMAGE)
        good, bad = engine.start(words()), engine.start(words())
        bad.asked.arguments["width"] = "wide"
        for _ in range(FEW + 1):
            engine.step([run for run in (bad, good) if run.error is None])
        assert good.done
        assert bad.error is not None
        engine.close(bad)

    def test_a_call_goes_on_from_rest_to_rest(self) -> None:
        seen: list[str] = []

        def call(rest: Callable[[], None]) -> str:
            for word in ("one", "two"):
                seen.append(word)
                rest()
            return "made"

        turns = Turns(call)
        assert (turns.go_on(), seen) == (False, ["one"])
        assert (turns.go_on(), seen) == (False, ["one", "two"])
        assert turns.go_on()
        assert turns.made() == "made"
        turns.leave()

    def test_a_call_that_failed_says_so_however_often_it_is_asked(self) -> None:
        def call(rest: Callable[[], None]) -> str:
            rest()
            raise ValueError("broken")

        turns = Turns(call)
        assert not turns.go_on()
        for _ in range(2):
            with pytest.raises(ValueError, match="broken"):
                turns.go_on()
        turns.leave()

    def test_a_call_that_is_left_cleans_up_behind_itself(self) -> None:
        seen: list[str] = []

        def call(rest: Callable[[], None]) -> str:
            try:
                rest()
            except Exception:  # as libraries do; it must not keep the call alive
                seen.append("kept")
            finally:
                seen.append("cleaned")
            return "made"

        turns = Turns(call)
        turns.go_on()
        turns.leave()
        assert seen == ["cleaned"]


class TestWordsToTheCaller:
    @pytest.mark.parametrize(
        ("kind", "asked", "field"),
        [
            (QWEN, words(), "model"),
            (FLUX, change(""), "prompt"),
            (QWEN, change(""), "prompt"),
            (QWEN_PLUS, change(mask=mask()), "mask"),
            (QWEN, change(num_inference_steps=1), "num_inference_steps"),
            (Z_IMAGE, words(size="64x72"), "size"),
            (Z_IMAGE, words(loras=["ink"]), "loras"),
            (Z_IMAGE, words(style="none of ours"), "style"),
            (Z_IMAGE, change(strength=0.2), "strength"),
            (Z_IMAGE, change(image=b"no picture"), "image"),
        ],
        ids=str,
    )
    def test_what_it_cannot_do_is_refused_by_name(
        self, engines: Any, kind: str, asked: ImageRequest, field: str
    ) -> None:
        with pytest.raises(InvalidRequest) as caught:
            engines(kind).start(asked)
        assert caught.value.field == field

    def test_what_has_no_effect_is_said(self, engines: Any) -> None:
        def said(kind: str, **fields: Any) -> list[str]:
            return [warning.partition(":")[0] for warning in engines(kind).start(words(**fields)).warnings]

        assert said(Z_IMAGE) == said(FLUX) == []
        assert said(Z_IMAGE, negative_prompt="ugly") == ["negative_prompt"]
        assert said(Z_IMAGE, negative_prompt="ugly", guidance_scale=3.0) == []
        assert said(FLUX, negative_prompt="ugly", guidance_scale=3.0) == ["guidance_scale", "negative_prompt"]
        assert said(Z_IMAGE, prompt="x" * 480) == []
        assert said(Z_IMAGE, prompt="x" * 600) == ["prompt"]

    def test_a_style_is_added_to_the_prompt_and_shown(self, engines: Any) -> None:
        styled, plain = paint(engines(Z_IMAGE), words(style="Pixel Art"), words(styles.apply("pixel-art", "a red fox")))
        assert styled.revised_prompt == styles.apply("pixel-art", "a red fox")
        assert plain.revised_prompt is None
        assert_same(pixels_of(styled), pixels_of(plain))

    def test_without_a_size_a_picture_keeps_its_own(self, engines: Any) -> None:
        end = paint(engines(Z_IMAGE), change(size="auto", image=png(drawing(100, 70)), num_inference_steps=2))[0]
        assert pixels_of(end)[0].shape == (64, 96, 3)


class TestLoading:
    def test_info_and_unloading(self, folders: Any) -> None:
        engine = loaded(folders(Z_IMAGE), revision="abc", precision="bfloat16")
        assert (engine.info().revision, engine.info().precision, engine.info().device) == ("abc", "bfloat16", "cpu")
        engine.load()
        engine.unload()
        with pytest.raises(ModelMissing, match="not loaded"):
            engine.start(words())

    def test_half_precision_is_as_the_librarys(self, folders: Any) -> None:
        engine = loaded(folders(Z_IMAGE), precision="bfloat16", sampling=SAMPLING[Z_IMAGE])
        pipeline = DiffusionPipeline.from_pretrained(folders(Z_IMAGE), dtype=torch.bfloat16)
        assert_same(pixels_of(paint(engine, words())[0]), theirs(pipeline, words(), guidance_scale=0.0))

    def test_a_kind_that_is_not_served_says_which_are(self, folders: Any, tmp_path: Path) -> None:
        folder = Path(shutil.copytree(folders(Z_IMAGE), tmp_path / "other"))
        index = folder / "model_index.json"
        index.write_text(index.read_text().replace(Z_IMAGE, "PixArtSigmaPipeline"))
        with pytest.raises(ModelMissing, match=r"a kind that cannot be served; those that can: ZImagePipeline, Flux2"):
            loaded(folder)
        with pytest.raises(ModelMissing, match="is not installed"):
            loaded(tmp_path / "nowhere")

    @pytest.mark.parametrize("harm", ["cut", "lost file", "a pickle", "lost weight"])
    @pytest.mark.parametrize("part", ["transformer", "vae", "text_encoder"])
    def test_broken_weights_are_told_in_words(self, folders: Any, tmp_path: Path, part: str, harm: str) -> None:
        folder = Path(shutil.copytree(folders(Z_IMAGE), tmp_path / "broken"))
        (weights,) = (folder / part).glob("*.safetensors")
        tensors = load_file(weights)
        match harm:
            case "cut":
                weights.write_bytes(weights.read_bytes()[:-1000])
            case "lost file":
                weights.unlink()
            case "a pickle":
                torch.save(
                    tensors,
                    weights.with_name(("pytorch" if part == "text_encoder" else "diffusion_pytorch") + "_model.bin"),
                )
                weights.unlink()
            case "lost weight":
                lost = max(tensors)
                save_file({name: tensor for name, tensor in tensors.items() if name != lost}, weights, {"format": "pt"})
        with pytest.raises(ModelMissing, match=r"^test/pipeline could not be loaded: its files are damaged") as caught:
            loaded(folder)
        assert str(tmp_path) not in caught.value.message
