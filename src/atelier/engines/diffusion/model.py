"""A pipeline on its device, at the precision that this machine runs it best."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from diffusers import StableDiffusionXLPipeline

from atelier.contracts.engine import ModelSource
from atelier.contracts.sampling import Sampling
from atelier.engines.diffusion.adapters import Adapters
from atelier.engines.diffusion.pixels import Pixels
from atelier.engines.diffusion.prompts import PromptEncoder
from atelier.engines.diffusion.weights import load_pipeline
from atelier.media.device import check_present, choose_precision
from atelier.media.quantization import quantize


@dataclass(frozen=True)
class Model:
    """A loaded pipeline and its parts. native_side: the width and height in pixels that it was trained for.

    one_size: it draws at these only.
    """

    pipeline: StableDiffusionXLPipeline
    adapters: Adapters
    prompts: PromptEncoder
    pixels: Pixels
    native_side: int
    device: torch.device
    precision: torch.dtype
    one_size: bool = False
    sampling: Sampling = field(default_factory=Sampling)


def load_model(source: ModelSource, device: torch.device) -> Model:
    """The model of `source` on `device`, ready to run. Raises ModelMissing in words."""
    check_present(source, device)
    precision = choose_precision(device, source.precision)
    pipeline, sampling = load_pipeline(source, precision)
    _place(pipeline, device, precision)
    quantize(source, pipeline.unet, pipeline.text_encoder, pipeline.text_encoder_2)
    adapters = Adapters(pipeline, source.loras)
    return Model(
        pipeline,
        adapters,
        PromptEncoder(pipeline, adapters),
        Pixels(pipeline),
        _native_side(pipeline),
        device,
        precision,
        source.one_size,
        sampling,
    )


def _place(pipeline: StableDiffusionXLPipeline, device: torch.device, precision: torch.dtype) -> None:
    pipeline.to(device)
    if precision != torch.float32 and pipeline.vae.config.force_upcast:
        pipeline.vae.to(torch.float32)  # it overflows in half precision; once here instead of for every picture
    if device.type == "cuda":
        pipeline.unet.to(memory_format=torch.channels_last)  # the layout that half precision convolutions want


def _native_side(pipeline: StableDiffusionXLPipeline) -> int:
    return int(pipeline.default_sample_size * pipeline.vae_scale_factor)
