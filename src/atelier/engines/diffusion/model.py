"""From a folder of weights to a model on a device, or to a sentence that says why not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from diffusers import StableDiffusionXLPipeline
from diffusers.utils import logging as diffusers_logging
from safetensors import SafetensorError
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from atelier.contracts.engine import ModelSource
from atelier.engines.diffusion.pixels import Pixels
from atelier.engines.diffusion.prompts import PromptEncoder
from atelier.errors import ModelMissing


@dataclass(frozen=True)
class Model:
    """A loaded pipeline and its parts. native_side: the width and height in pixels that it was trained for.

    one_size: it draws at these only.
    """

    pipeline: StableDiffusionXLPipeline
    prompts: PromptEncoder
    pixels: Pixels
    native_side: int
    device: torch.device
    precision: torch.dtype
    one_size: bool = False


def load_model(source: ModelSource, device: torch.device) -> Model:
    """The model of `source` on `device`, ready to run. Raises ModelMissing in words."""
    folder = _folder(source)
    _check_present(source, device)
    _quieten()
    precision = choose_precision(device)
    pipeline = _pipeline(source, folder, precision)
    _place(pipeline, device, precision)
    return Model(
        pipeline,
        PromptEncoder(pipeline),
        Pixels(pipeline),
        _native_side(pipeline),
        device,
        precision,
        source.one_size,
    )


def choose_device(name: str) -> torch.device:
    """The device of that name; `auto` is the first CUDA GPU, or the CPU where there is none."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def choose_precision(device: torch.device) -> torch.dtype:
    """Half precision on a GPU, which is how the large models are published; full on a CPU."""
    return torch.float16 if device.type == "cuda" else torch.float32


def _pipeline(source: ModelSource, folder: Path, precision: torch.dtype) -> StableDiffusionXLPipeline:
    try:
        pipeline = StableDiffusionXLPipeline.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=precision,
            variant=_variant(folder / "unet") or _variant(folder / "vae"),
            text_encoder=_text_encoder(CLIPTextModel, folder / "text_encoder", precision),
            text_encoder_2=_text_encoder(CLIPTextModelWithProjection, folder / "text_encoder_2", precision),
            add_watermarker=False,
        )
        _check_whole(pipeline)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, SafetensorError) as problem:
        raise _damaged(source) from problem
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
        variant=_variant(folder),
        output_loading_info=True,
    )
    if report["missing_keys"]:
        raise ValueError(f"no weights for {sorted(report['missing_keys'])}")
    return encoder


def _check_whole(pipeline: StableDiffusionXLPipeline) -> None:
    """diffusers leaves an empty tensor in the place of a missing weight."""
    for part in (pipeline.unet, pipeline.vae):
        missing = [name for name, weight in part.named_parameters() if weight.is_meta]
        if missing:
            raise ValueError(f"no weights for {missing}")


def _folder(source: ModelSource) -> Path:
    if source.folder is None or not (source.folder / "model_index.json").is_file():
        raise ModelMissing(f"{source.model} is not installed; download it, then restart this service")
    return source.folder


def _damaged(source: ModelSource) -> ModelMissing:
    return ModelMissing(
        f"{source.model} could not be loaded: its files are damaged, incomplete or of another kind of model; "
        "download it again"
    )


def _check_present(source: ModelSource, device: torch.device) -> None:
    if device.type != "cuda":
        return
    if not torch.cuda.is_available() or (device.index or 0) >= torch.cuda.device_count():
        raise ModelMissing(f"{source.model} is set to run on {device}, which this machine lacks; use auto or cpu")


def _quieten() -> None:
    """No progress bars in a server's log, and no prompts: diffusers logs the end of one that it cuts."""
    for library in (diffusers_logging, transformers.utils.logging):
        library.set_verbosity_error()
        library.disable_progress_bar()


def _variant(part: Path) -> str | None:
    """`fp16` where this part of a model is there in half precision only; a plain file goes before."""
    names = [path.name for path in part.glob("*.safetensors")]
    return "fp16" if names and all(".fp16" in name for name in names) else None


def _place(pipeline: StableDiffusionXLPipeline, device: torch.device, precision: torch.dtype) -> None:
    pipeline.to(device)
    if precision != torch.float32 and pipeline.vae.config.force_upcast:
        pipeline.vae.to(torch.float32)  # it overflows in half precision; once here instead of for every picture
    if device.type == "cuda":
        pipeline.unet.to(memory_format=torch.channels_last)  # the layout that half precision convolutions want


def _native_side(pipeline: StableDiffusionXLPipeline) -> int:
    return int(pipeline.default_sample_size * pipeline.vae_scale_factor)
