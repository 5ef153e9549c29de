"""From files to a whole pipeline: a diffusers folder, a UNet of SDXL-Lightning over one, or all in a single file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from accelerate import init_empty_weights
from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from diffusers.loaders.single_file_utils import SingleFileComponentError
from diffusers.utils import logging as diffusers_logging
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from atelier.contracts.engine import ModelSource
from atelier.contracts.sampling import Sampling
from atelier.errors import ModelMissing

SINGLE_FILE = ".safetensors"
"""How the name of a checkpoint ends that is one file: every weight, and neither configurations nor tokenizers."""

_LIGHTNING = re.compile(r"sdxl_lightning_(\d+)step_unet(_x0)?\.safetensors")
_PREFERRED_STEPS = (4, 8, 2, 1)
"""Of several UNets in one folder: four steps are the best bargain, one is an experiment by its makers' word."""


@dataclass(frozen=True)
class Distilled:
    """A UNet of SDXL-Lightning, which is published by itself: https://huggingface.co/ByteDance/SDXL-Lightning.

    steps: the number that it was distilled for. predicts_sample: it tells the picture instead of the noise.
    """

    file: Path
    steps: int
    predicts_sample: bool


def find_distilled(folder: Path) -> Distilled | None:
    """The UNet of SDXL-Lightning in `folder`, if there is one."""
    names = [(path, _LIGHTNING.fullmatch(path.name)) for path in sorted(folder.glob("*.safetensors"))]
    found = {int(name[1]): Distilled(path, int(name[1]), bool(name[2])) for path, name in names if name}
    return next((found[steps] for steps in _PREFERRED_STEPS if steps in found), None)


def load_pipeline(source: ModelSource, precision: torch.dtype) -> tuple[StableDiffusionXLPipeline, Sampling]:
    """The pipeline of `source` on the CPU, and how it is sampled. Raises ModelMissing in words."""
    quieten()
    if source.folder and source.folder.suffix == SINGLE_FILE:
        return _from_single_file(source, source.folder, precision), source.sampling
    distilled = find_distilled(source.folder) if source.folder else None
    folder = _base(source) if distilled else installed(source.model, source.folder)
    given = {}
    if "vae" in source.parts:
        given["vae"] = _vae(source.model, source.parts["vae"], precision)
    if distilled:
        given["unet"] = _distilled_unet(source.model, folder, distilled, precision)
    pipeline = _pipeline(source.model, folder, precision, given)
    if distilled is None:
        return pipeline, source.sampling
    pipeline.scheduler = _distilled_scheduler(pipeline.scheduler, distilled)
    return pipeline, Sampling(distilled.steps, guidance_scale=0.0, fixed=True)


def installed(model: str, folder: Path | None) -> Path:
    if folder is None or not (folder / "model_index.json").is_file():
        raise ModelMissing(f"{model} is not installed; download it, then restart this service")
    return folder


def _base(source: ModelSource) -> Path:
    if source.base is None or not (source.base / "model_index.json").is_file():
        base = source.base.name if source.base else "the model that it was made from"
        raise ModelMissing(f"{source.model} also needs {base}, which is not installed; download it, then restart")
    return source.base


_NOT_WHAT_THEY_SHOULD_BE = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    RuntimeError,
    SafetensorError,
    SingleFileComponentError,
)


@contextmanager
def in_words(model: str, part: str = "its files") -> Iterator[None]:
    """What the libraries raise for files that are not what they should be, as one sentence."""
    try:
        yield
    except _NOT_WHAT_THEY_SHOULD_BE as problem:
        raise ModelMissing(
            f"{model} could not be loaded: {part} are damaged, incomplete or of another kind of model; "
            "download it again"
        ) from problem


def _pipeline(
    model: str, folder: Path, precision: torch.dtype, given: dict[str, torch.nn.Module]
) -> StableDiffusionXLPipeline:
    with in_words(model):
        pipeline = StableDiffusionXLPipeline.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=precision,
            variant=variant_of(folder / "unet") or variant_of(folder / "vae"),
            text_encoder=_text_encoder(CLIPTextModel, folder / "text_encoder", precision),
            text_encoder_2=_text_encoder(CLIPTextModelWithProjection, folder / "text_encoder_2", precision),
            add_watermarker=False,
            **given,
        )
        check_whole(pipeline.unet, pipeline.vae)
    return pipeline


def _from_single_file(source: ModelSource, file: Path, precision: torch.dtype) -> StableDiffusionXLPipeline:
    """Built as its base is, whose folder has the configurations and the tokenizers."""
    base = _base(source)
    if not file.is_file():
        raise ModelMissing(f"{source.model} is not there any more; put its file back, then restart this service")
    with in_words(source.model, "its weights"):
        pipeline = StableDiffusionXLPipeline.from_single_file(
            str(file), config=str(base), local_files_only=True, dtype=precision, add_watermarker=False
        )
        check_whole(pipeline.unet, pipeline.vae, pipeline.text_encoder, pipeline.text_encoder_2)
    return pipeline


def _text_encoder(
    kind: type[CLIPTextModel | CLIPTextModelWithProjection], folder: Path, precision: torch.dtype
) -> CLIPTextModel | CLIPTextModelWithProjection:
    """Loaded apart from the pipeline, which would take random numbers for a missing weight and only log it."""
    encoder, report = kind.from_pretrained(
        folder,
        local_files_only=True,
        use_safetensors=True,
        dtype=precision,
        variant=variant_of(folder),
        output_loading_info=True,
    )
    if report["missing_keys"]:
        raise ValueError(f"no weights for {sorted(report['missing_keys'])}")
    return encoder


def _vae(model: str, folder: Path, precision: torch.dtype) -> AutoencoderKL:
    """The VAE of another folder, in the place of the model's own."""
    with in_words(model, f"the files of {folder.name}"):
        vae = AutoencoderKL.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=precision, variant=variant_of(folder)
        )
        check_whole(vae)
    return vae


def _distilled_unet(model: str, base: Path, distilled: Distilled, precision: torch.dtype) -> UNet2DConditionModel:
    """Built as the base's UNet is, without its weights: 5 GB that need not be read."""
    with in_words(model):
        with init_empty_weights():
            unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(base / "unet"))
        unet.load_state_dict(load_file(distilled.file), strict=True, assign=True)
        return unet.to(precision).eval()


def _distilled_scheduler(scheduler: EulerDiscreteScheduler, distilled: Distilled) -> EulerDiscreteScheduler:
    more = {"prediction_type": "sample"} if distilled.predicts_sample else {}
    return EulerDiscreteScheduler.from_config(scheduler.config, timestep_spacing="trailing", **more)


def check_whole(*parts: torch.nn.Module) -> None:
    """diffusers leaves an empty tensor in the place of a missing weight."""
    missing = [name for part in parts for name, weight in part.named_parameters() if weight.is_meta]
    if missing:
        raise ValueError(f"no weights for {missing}")


def quieten() -> None:
    """No progress bars in a server's log, and no prompts: diffusers logs the end of one that it cuts."""
    for library in (diffusers_logging, transformers.utils.logging):
        library.set_verbosity_error()
        library.disable_progress_bar()


def variant_of(part: Path) -> str | None:
    """`fp16` where this part of a model is there in half precision only; a plain file goes before."""
    names = [path.name for path in part.glob("*.safetensors")]
    return "fp16" if names and all(".fp16" in name for name in names) else None
