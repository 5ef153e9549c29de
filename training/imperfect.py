"""Pictures of the small world as the captioner sees them in training: blurred, bent, off-colour, noisy, a few clean."""

from __future__ import annotations

import io
import random
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - what everybody calls it

from world import BACKGROUNDS, COLOURS, POSITIONS, SHAPES, SIDE, SIZES, Scene, draw

_CLEAN = 0.2  # share of the pictures that stay as they were drawn
_SHADE, _FAR_SHADE = 6, 30  # how far a colour lies off its own, of 255, in clean and in other pictures

Colour = tuple[int, int, int]


class Outlines:
    """Where shapes lie in pictures that `draw` drew, `each` of every shape, size and position."""

    def __init__(self, each: int) -> None:
        chance = random.Random(0)
        self._each = each
        self._kinds = {kind: place for place, kind in enumerate(product(SHAPES, SIZES, POSITIONS))}
        self._masks = torch.stack([_mask(*kind, chance) for kind in self._kinds for _ in range(each)])

    def of(self, scenes: Sequence[Scene], chance: random.Random) -> Tensor:
        """One for each scene, (n, 1, SIDE, SIDE), from 0 to 1."""
        kinds = [self._kinds[scene.shape, scene.size, scene.position] for scene in scenes]
        places = torch.tensor([kind * self._each + chance.randrange(self._each) for kind in kinds])
        return self._masks[places, None].float() / 255


def imperfect(scenes: Sequence[Scene], outlines: Outlines, side: int, seed: int) -> Tensor:
    """Pictures of `scenes`, (n, 3, side, side), whole numbers from 0 to 255; equal seeds draw the same ones."""
    chance, dice = random.Random(seed), torch.Generator().manual_seed(seed)
    clean = torch.rand(len(scenes), 1, 1, 1, generator=dice) < _CLEAN
    masks = outlines.of(scenes, chance)
    masks = torch.where(clean, masks, _softened(_bent(masks, dice), dice))
    masks = F.interpolate(masks, (side, side), mode="bicubic", antialias=True)  # as the captioner scales pictures
    further = (_FAR_SHADE - _SHADE) * torch.rand(len(scenes), generator=dice)
    reach = _SHADE + torch.where(clean.flatten(), 0, further)
    shapes = _shades([scene.colour for scene in scenes], COLOURS, reach, dice)
    grounds = _shades([scene.background for scene in scenes], BACKGROUNDS, reach, dice)
    pictures = grounds + masks * (shapes - grounds)
    pictures = torch.where(clean, pictures, _noisy(pictures, dice)).clamp(0, 255).round()
    for place in range(len(scenes)):
        if not clean[place] and chance.random() < 0.25:
            pictures[place] = _through_jpeg(pictures[place], chance.randint(20, 80))
    return pictures


def _mask(shape: str, size: str, position: str, chance: random.Random) -> Tensor:
    """From a white shape on black: its grey is how much of a pixel it covers."""
    grey = np.asarray(draw(Scene(shape, "white", "black", size, position), chance).convert("L"), dtype=np.float32)
    low, high = grey[0, 0], grey.max()
    return torch.from_numpy(np.round((grey - low) / (high - low) * 255).clip(0, 255).astype(np.uint8))


def _bent(masks: Tensor, dice: torch.Generator) -> Tensor:
    """Turned by up to 8 degrees, moved, scaled, sheared, and pulled about as if drawn on rubber."""
    many = len(masks)

    def between(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(many, generator=dice)

    turn = torch.deg2rad(between(-8, 8))
    wide, high = between(0.88, 1.12), between(0.88, 1.12)
    moved = torch.stack([between(-0.04, 0.04), between(-0.12, 0.12)], dim=1)  # of half the picture's side
    matrix = torch.stack(
        [wide * turn.cos(), -turn.sin() + between(-0.08, 0.08), turn.sin(), high * turn.cos()], dim=1
    ).view(many, 2, 2)
    grid = F.affine_grid(torch.cat([matrix, torch.zeros(many, 2, 1)], dim=2), list(masks.shape), align_corners=False)
    pull = F.interpolate(torch.randn(many, 2, 8, 8, generator=dice), (32, 32), mode="bicubic")
    pull = F.interpolate(pull * between(0, 0.022).view(many, 1, 1, 1), (SIDE, SIDE), mode="bilinear")
    centre = _centres(masks)  # the matrix works around the shape, not around the picture
    grid = grid - (matrix @ centre[:, :, None]).transpose(1, 2)[:, None] + centre[:, None, None]
    grid = grid + moved[:, None, None] + pull.permute(0, 2, 3, 1)
    return F.grid_sample(masks, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _centres(masks: Tensor) -> Tensor:
    """Of the shapes, (n, 2) as x and y from -1 to 1."""
    line = torch.linspace(-1, 1, SIDE)
    weights = masks[:, 0] / masks[:, 0].sum(dim=(1, 2), keepdim=True)
    return torch.stack([(weights.sum(dim=1) * line).sum(dim=1), (weights.sum(dim=2) * line).sum(dim=1)], dim=1)


def _softened(masks: Tensor, dice: torch.Generator) -> Tensor:
    """Blurred, scaled down and up, or with rounded corners, a fifth of the pictures each way; a fifth is left sharp."""
    order = torch.randperm(len(masks), generator=dice)
    softened = masks.clone()
    for way, group in enumerate(order.chunk(5)):
        amount = float(torch.rand((), generator=dice))
        some = masks[group]
        if way in (0, 3):
            some = _blurred(some, 0.5 + 2.0 * amount)
        if way in (1, 3):
            small = round(36 + 60 * amount)
            some = F.interpolate(some, (small, small), mode="area")
            some = F.interpolate(some, (SIDE, SIDE), mode="bicubic").clamp(0, 1)
        if way == 2:
            level = 0.4 + 0.2 * float(torch.rand((), generator=dice))
            some = ((_blurred(some, 1.0 + 1.5 * amount) - level) * 4 + 0.5).clamp(0, 1)
        softened[group] = some
    return softened


def _blurred(masks: Tensor, sigma: float) -> Tensor:
    reach = round(3 * sigma)
    line = torch.arange(-reach, reach + 1, dtype=torch.float32)
    bell = torch.exp(-(line**2) / (2 * sigma**2))
    bell = bell / bell.sum()
    across = F.conv2d(masks, bell.view(1, 1, 1, -1), padding=(0, reach))
    return F.conv2d(across, bell.view(1, 1, -1, 1), padding=(reach, 0))


def _shades(names: Sequence[str], palette: Mapping[str, Colour], reach: Tensor, dice: torch.Generator) -> Tensor:
    """Colours near their own, (n, 3, 1, 1): paler, stronger, lighter, darker, shifted; never nearer to another's."""
    known = torch.tensor(list(palette.values()), dtype=torch.float32)
    own = torch.tensor([list(palette).index(name) for name in names])
    base, reach = known[own], reach[:, None]
    share = reach / _FAR_SHADE
    strength = 1 + 0.25 * share * (2 * torch.rand(len(names), 1, generator=dice) - 1)
    light = 1 + 0.15 * share * (2 * torch.rand(len(names), 1, generator=dice) - 1)
    grey = base.mean(dim=1, keepdim=True)
    shifted = (grey + (base - grey) * strength) * light + reach * (2 * torch.rand(len(names), 3, generator=dice) - 1)
    shifted = shifted.clamp(0, 255)
    apart = torch.cdist(shifted, known).argmin(dim=1) == own
    return torch.where(apart[:, None], shifted, base)[:, :, None, None]


def _noisy(pictures: Tensor, dice: torch.Generator) -> Tensor:
    """Clouded in 4 to 16 patches a side, and speckled; half the pictures only a little."""
    many = len(pictures)
    amount = torch.rand(many, 1, 1, 1, generator=dice) ** 2
    patches = int(torch.randint(4, 17, (), generator=dice))
    clouds = torch.randn(many, 3, patches, patches, generator=dice)
    clouds = F.interpolate(clouds, pictures.shape[-2:], mode="bilinear")
    speckle = torch.randn(pictures.shape, generator=dice) * torch.rand(many, 1, 1, 1, generator=dice) ** 2
    return pictures + 14 * amount * clouds + 14 * speckle


def _through_jpeg(picture: Tensor, quality: int) -> Tensor:
    sink = io.BytesIO()
    Image.fromarray(picture.byte().permute(1, 2, 0).numpy()).save(sink, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(sink))).permute(2, 0, 1).float()
