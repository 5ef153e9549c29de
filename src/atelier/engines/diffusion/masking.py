"""Painting inside a mask: what is outside of it is led along in the latents, and put back exactly in the pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn.functional import max_pool2d

from atelier.engines.diffusion.schedule import Schedule

FEATHER = 4
"""Pixels over which what was painted fades in, counted inwards from the mask's edge."""


@dataclass(frozen=True)
class Surroundings:
    """The pixels that a mask leaves as they are.

    picture: as it was given, at the size of the answer. share: of what was painted in each of its pixels, 0 to 255; 0
    is outside the mask.
    """

    picture: Image.Image
    share: Image.Image

    def composited(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What was painted, on the picture: its pixels outside the mask are kept exactly."""
        painted = Image.fromarray(pixels)
        if painted.size != self.picture.size:
            painted = painted.resize(self.picture.size, Image.Resampling.BICUBIC)
        return np.asarray(Image.composite(painted, self.picture, self.share))


@dataclass(frozen=True)
class Kept(Surroundings):
    """What one run leaves as it is, in its latents too, for n images of height x width.

    latents: of the picture, without noise, (n, channels, height / 8, width / 8). painted: (1, 1, height / 8,
    width / 8), true where the mask touches.
    """

    latents: torch.Tensor
    painted: torch.Tensor

    def blended(self, latents: torch.Tensor, schedule: Schedule) -> torch.Tensor:
        """After a step: the picture's own latents outside the mask, as noisy as `latents` now are."""
        return torch.where(self.painted, latents, schedule.add_noise_again(self.latents))


def latent_mask(mask: Image.Image, size: tuple[int, int], scale: int, device: torch.device) -> torch.Tensor:
    """(1, 1, height / scale, width / scale) of a mask that is worked on at `size`: true where a latent's square of
    pixels has any to be painted, so that thin lines count."""
    return max_pool2d(_plane(_resized(mask, size)), scale).bool().to(device)


def feathered(mask: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The mask at `size`, fading from 255 inside to 0 outside within `FEATHER` pixels. Narrower masks fade less."""
    inside = _plane(_resized(mask, size))
    rounds: list[torch.Tensor] = []
    while len(rounds) < FEATHER and inside.any():
        rounds.append(inside)
        inside = 1 - max_pool2d(1 - inside, 3, stride=1, padding=1)  # one pixel off all around, not at the borders
    share = torch.stack(rounds).mean(0)[0, 0] * 255
    return Image.fromarray(share.round().to(torch.uint8).numpy())


def _resized(mask: Image.Image, size: tuple[int, int]) -> Image.Image:
    """At another size a pixel is to be painted where any part of it was: a small mask does not vanish."""
    return mask if mask.size == size else mask.resize(size, Image.Resampling.BOX)


def _plane(mask: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.asarray(mask) > 0).float()[None, None]
