"""Pictures and latents: into the model's space by the VAE, back out of it, and the quick look at a run half way."""

from __future__ import annotations

import numpy as np
import torch
from diffusers import StableDiffusionXLPipeline
from numpy.typing import NDArray
from PIL import Image

_SMALL_VAE = 5_000_000
"""Parameters up to which a VAE is quick enough to decode previews, and whole batches, between two steps."""

# The four channels of SDXL's latents as red, green and blue from 0 to 255: a published linear fit,
# https://huggingface.co/blog/TimothyAlexisVass/explaining-the-sdxl-latent-space
_TO_RGB = ((60.0, -60.0, 25.0, -70.0), (60.0, -5.0, 15.0, -50.0), (60.0, 10.0, -5.0, -35.0))
_TO_RGB_BIAS = (150.0, 140.0, 130.0)
_SKETCH_SCALE = 4


class Pixels:
    """The VAE of one pipeline, and what is around it."""

    def __init__(self, pipeline: StableDiffusionXLPipeline) -> None:
        self._vae = pipeline.vae
        self._processor = pipeline.image_processor
        self._device = pipeline.device
        self._mean, self._std = _latent_statistics(pipeline.vae)
        self.scale: int = pipeline.vae_scale_factor
        self.is_quick = is_quick(self._vae)

    def encode(self, picture: Image.Image, generators: list[torch.Generator], dtype: torch.dtype) -> torch.Tensor:
        """Latents (n, channels, height / scale, width / scale) of one picture, sampled once per generator."""
        pixels = self._processor.preprocess(picture).to(self._device, self._vae.dtype)
        spread = self._vae.encode(pixels).latent_dist
        latents = torch.cat([spread.sample(generator=generator) for generator in generators])
        return ((latents - self._mean) * (self._vae.config.scaling_factor / self._std)).to(dtype)

    def decode(self, latents: torch.Tensor) -> NDArray[np.uint8]:
        """Pictures (n, height, width, 3), RGB."""
        latents = latents.to(self._vae.dtype) * (self._std / self._vae.config.scaling_factor) + self._mean
        decoded = self._vae.decode(latents, return_dict=False)[0]
        levels = (decoded.float() * 0.5 + 0.5).clamp(0, 1) * 255
        pictures: NDArray[np.uint8] = levels.round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()
        return pictures

    def preview(self, latents: torch.Tensor) -> NDArray[np.uint8]:
        """One picture (height, width, 3) of latents (1, channels, …): decoded, where the VAE is quick.

        Else a linear map of the latents, at half the width and height of the picture to come.
        """
        if self.is_quick:
            picture: NDArray[np.uint8] = self.decode(latents)[0]
            return picture
        return self._sketch(latents[0].float().cpu())

    def _sketch(self, latents: torch.Tensor) -> NDArray[np.uint8]:
        levels = torch.einsum("chw,rc->hwr", latents, torch.tensor(_TO_RGB)) + torch.tensor(_TO_RGB_BIAS)
        small = Image.fromarray(levels.clamp(0, 255).to(torch.uint8).numpy())
        size = (small.width * _SKETCH_SCALE, small.height * _SKETCH_SCALE)
        return np.asarray(small.resize(size, Image.Resampling.BICUBIC))


def _latent_statistics(vae: torch.nn.Module) -> tuple[torch.Tensor | float, torch.Tensor | float]:
    """Mean and deviation of each channel, for the few models whose VAE names them; 0 and 1 for all others."""
    mean, std = getattr(vae.config, "latents_mean", None), getattr(vae.config, "latents_std", None)
    if mean is None or std is None:
        return 0.0, 1.0

    def column(values: list[float]) -> torch.Tensor:
        return torch.tensor(values, device=vae.device, dtype=vae.dtype).view(1, -1, 1, 1)

    return column(mean), column(std)


def is_quick(vae: torch.nn.Module) -> bool:
    """Whether it decodes a picture in next to no time."""
    weights: int = sum(weight.numel() for weight in vae.parameters())
    return weights < _SMALL_VAE


def fitted(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """`picture` at exactly (width, height)."""
    return picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)


def natural_size(
    size: tuple[int, int], *, most_pixels: int, smallest: int, largest: int, multiple: int
) -> tuple[int, int]:
    """(width, height) at which a picture of `size` is repainted where no size was asked for.

    Its own in the same proportions, brought down to `most_pixels` and to multiples of `multiple`, with no side under
    `smallest`: a picture much longer than wide gives up its proportions for that.
    """
    shrink = min(1.0, (most_pixels / (size[0] * size[1])) ** 0.5)
    longest = min(largest, max(smallest, most_pixels // smallest))
    width, height = (min(max(int(side * shrink), smallest), longest) // multiple * multiple for side in size)
    return width, height


def spread(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """A square picture (side, side, 3) enlarged to the shorter side of `size` (width, height), and its edges drawn out
    to the longer one: (height, width, 3)."""
    width, height = size
    side = min(size)
    square = np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC))
    left, top = (width - side) // 2, (height - side) // 2
    return np.pad(square, ((top, height - side - top), (left, width - side - left), (0, 0)), mode="edge")
