"""Previews of diffusers' own calls: what a step took the picture for, decoded as the call decodes its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKLFlux2, AutoencoderKLQwenImage, DiffusionPipeline
from numpy.typing import NDArray
from torch.nn.functional import avg_pool2d, pixel_shuffle

from atelier.engines.diffusion.pixels import is_quick

TOLD = ("latents", "noise_pred", "height", "width")
"""What a call tells after each step: variables of its own, by their names there."""


def telling(pipeline: DiffusionPipeline) -> dict[str, Any]:
    """Arguments of its call, which tells `TOLD` from then on. Its class lets a call tell the first of these only."""
    pipeline._callback_tensor_inputs = [*pipeline._callback_tensor_inputs, *TOLD]
    return {"callback_on_step_end_tensor_inputs": list(TOLD)}


def preview(pipeline: DiffusionPipeline, told: Mapping[str, Any]) -> NDArray[np.uint8]:
    """The picture (height, width, 3) without the noise that the last step still saw in it: after the last of all steps
    none is left, and it is what the call returns.

    At half the width and height where the VAE takes its time: a quarter of the work of the end of a picture.
    """
    left = pipeline.scheduler.sigmas[pipeline.scheduler.step_index].item()
    side = 2 * pipeline.vae_scale_factor  # of the square of pixels that a token stands for
    seen = told["latents"].float() - left * told["noise_pred"].float()
    latents = _latents(pipeline.vae, seen, told["height"] // side, told["width"] // side)
    if not is_quick(pipeline.vae):
        latents = avg_pool2d(latents, 2)
    decoded = _decoded(pipeline.vae, latents.to(pipeline.vae.dtype))
    return np.asarray(pipeline.image_processor.postprocess(decoded, output_type="pil")[0].convert("RGB"))


def _latents(vae: torch.nn.Module, seen: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """What the VAE decodes (1, channels, height, width), of what the family's call works on: the same on another scale,
    and for FLUX.2 and Qwen one token a row, of `rows` times `columns` squares of two by two latents."""
    if isinstance(vae, AutoencoderKLFlux2):
        squares = seen.transpose(1, 2).unflatten(2, (rows, columns))
        deviation = (vae.bn.running_var + vae.config.batch_norm_eps).sqrt()
        return pixel_shuffle(squares * deviation.view(1, -1, 1, 1) + vae.bn.running_mean.view(1, -1, 1, 1), 2)
    if isinstance(vae, AutoencoderKLQwenImage):
        latents = pixel_shuffle(seen.transpose(1, 2).unflatten(2, (rows, columns)), 2)
        mean, deviation = (
            torch.tensor(values, device=latents.device).view(1, -1, 1, 1)
            for values in (vae.config.latents_mean, vae.config.latents_std)
        )
        return latents * deviation + mean
    return seen / vae.config.scaling_factor + vae.config.shift_factor


def _decoded(vae: torch.nn.Module, latents: torch.Tensor) -> torch.Tensor:
    """Pixels (1, 3, height, width) from -1 to 1."""
    is_film = isinstance(vae, AutoencoderKLQwenImage)  # of one frame
    decoded: torch.Tensor = vae.decode(latents.unsqueeze(2) if is_film else latents, return_dict=False)[0]
    return decoded[:, :, 0] if is_film else decoded
