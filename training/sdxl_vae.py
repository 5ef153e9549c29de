"""The miniature's AutoencoderKL: pictures of 64 x 64 pixels to latents of 4 x 16 x 16 and back."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, max_pool2d

from loop import Plan, train
from world import Scene, draw, training_scenes

PICTURE_SIDE = 64
"""Width and height of what the miniature draws, in pixels: half of what the world is drawn in."""

_BATCH = 8
_DIVERGENCE = 3e-4  # weight of the pull towards a normal distribution, for each number of the latents
_CONTRAST = 2.0  # of the thumbnail in the latents
_MOST_OFF = 0.15  # of a latent's standard deviation
_EMPHASIS = 3.0  # how much more a pixel of the shape counts than one of the plain background
_FREE_COLOURS = 0.15  # share of pictures whose colours are not the world's, so that other pictures pass through too


def build_vae() -> AutoencoderKL:
    """SDXL's autoencoder in small: four times down instead of eight, four channels as there."""
    return AutoencoderKL(
        sample_size=PICTURE_SIDE,
        block_out_channels=(16, 32, 48),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        layers_per_block=1,
        norm_num_groups=4,
        latent_channels=4,
        mid_block_add_attention=False,  # nothing in this world is far enough away to be worth it
        scaling_factor=1.0,  # set from the latents once it is trained
        force_upcast=True,
    )


def train_vae(folder: Path, steps: int, seed: int = 0) -> AutoencoderKL:
    """An autoencoder whose `scaling_factor` brings its latents to a variance of 1.

    Three of the four channels of its latents are held to be the picture in small: what is smooth and local is easy
    for a UNet to learn. The fourth is for what that leaves out.
    """
    torch.manual_seed(seed)
    vae, scenes = build_vae(), training_scenes()

    def loss_of(step: int) -> Tensor:
        chance = random.Random(f"vae {seed} {step}")
        torch.manual_seed(chance.getrandbits(32))
        pictures = torch.stack([_recoloured(picture_of(chance.choice(scenes), chance), chance) for _ in range(_BATCH)])
        with torch.autocast("cpu", torch.bfloat16):
            posterior = vae.encode(pictures).latent_dist
            made = vae.decode(posterior.sample()).sample.float()
        thumbnails = (posterior.mean[:, :3].float() - _CONTRAST * avg_pool2d(pictures, 4)).abs().mean()
        return _apart(made, pictures) + thumbnails + _DIVERGENCE * posterior.kl().mean() / posterior.mean[0].numel()

    trained = train(vae, loss_of, Plan(folder / "vae", steps, rate=2e-3, decay=0.0, average=0.995))
    assert isinstance(trained, AutoencoderKL)
    trained.register_to_config(scaling_factor=_scaling_factor(trained, seed))
    return trained


def train_decoder(folder: Path, steps: int, vae: AutoencoderKL, seed: int = 0) -> AutoencoderKL:
    """The same autoencoder with a better decoder, which forgives latents that are a little off, as a UNet's are."""
    scenes = training_scenes()
    vae.encoder.requires_grad_(False)
    vae.quant_conv.requires_grad_(False)

    def loss_of(step: int) -> Tensor:
        chance = random.Random(f"decoder {seed} {step}")
        torch.manual_seed(chance.getrandbits(32))
        pictures = torch.stack([_recoloured(picture_of(chance.choice(scenes), chance), chance) for _ in range(_BATCH)])
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                latents = vae.encode(pictures).latent_dist.mean
            off = torch.rand(_BATCH, 1, 1, 1) * _MOST_OFF / vae.config.scaling_factor
            made = vae.decode(latents + off * torch.randn_like(latents)).sample.float()
        return _apart(made, pictures)

    trained = train(vae, loss_of, Plan(folder / "decoder", steps, rate=1.5e-3, decay=0.0, average=0.998))
    assert isinstance(trained, AutoencoderKL)
    return trained


def picture_of(scene: Scene, chance: random.Random) -> Tensor:
    """A picture of `scene`, (3, 64, 64), -1 to 1."""
    return as_tensor(draw(scene, chance).resize((PICTURE_SIDE, PICTURE_SIDE), Image.Resampling.BOX))


def as_tensor(picture: Image.Image) -> Tensor:
    """(3, height, width), -1 to 1."""
    return torch.from_numpy(np.array(picture, dtype=np.float32)).permute(2, 0, 1) / 127.5 - 1


@torch.no_grad()
def encoded(vae: nn.Module, pictures: Tensor) -> Tensor:
    """The likeliest latents (n, 4, 16, 16) of pictures (n, 3, 64, 64), not scaled yet."""
    return torch.cat([vae.encode(part).latent_dist.mean for part in pictures.split(50)])


def _recoloured(pixels: Tensor, chance: random.Random) -> Tensor:
    """The picture, or now and then in colours of its own."""
    if chance.random() >= _FREE_COLOURS:
        return pixels
    mixed = pixels[torch.randperm(3)] * torch.empty(3, 1, 1).uniform_(0.5, 1.0)
    return mixed if chance.random() < 0.5 else -mixed


def _apart(made: Tensor, pictures: Tensor) -> Tensor:
    difference = (made - pictures).abs()
    return (_emphasis(pictures) * (difference + 2 * difference**2)).mean()


def _emphasis(pictures: Tensor) -> Tensor:
    """(n, 1, height, width): how much each pixel counts. The shape and the pixels beside it count for more."""
    background = pictures[:, :, :1, :1]
    shape = ((pictures - background).abs().amax(dim=1, keepdim=True) > 0.1).float()
    return 1 + _EMPHASIS * max_pool2d(shape, 5, stride=1, padding=2)


@torch.no_grad()
def _scaling_factor(vae: nn.Module, seed: int) -> float:
    chance = random.Random(f"scale {seed}")
    pictures = torch.stack([picture_of(scene, chance) for scene in chance.sample(training_scenes(), 128)])
    return round(1 / float(encoded(vae, pictures).std()), 5)
