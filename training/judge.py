"""The judge: says what a picture of the small world shows, by counting and comparing pixels alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from world import BACKGROUNDS, COLOURS, POSITIONS, SHAPES, SIDE, SIZES, Scene, shape_mask

ATTRIBUTES = tuple(field.name for field in fields(Scene))

_BORDER = 4  # pixels along the edges: nothing but background
_CONTRAST = 60.0  # how far a colour lies from the background, at least, to belong to the shape
_LEAST = 60  # pixels of a shape: fewer are specks
_GRID = 32  # shapes are compared on a square of this many pixels
_BORDERLINE = 17.8  # half the longer side of what lies between small and large, in pixels


def look(picture: Image.Image) -> Scene | None:
    """What `picture` (scaled to SIDE x SIDE) shows; None where no shape stands out from the background."""
    pixels = np.asarray(picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.float32)
    background = np.median(pixels[_border()], axis=0)
    apart = np.linalg.norm(pixels - background, axis=2)
    mask = _largest_part(apart > _CONTRAST)
    if mask.sum() < _LEAST:
        return None
    colour = np.median(pixels[_inner(mask)], axis=0)
    # A soft edge lies where the colour is half way to the background's.
    mask = _largest_part(apart > np.linalg.norm(colour - background) / 2)
    rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    return Scene(
        shape=_shape(mask[top:bottom, left:right]),
        colour=_nearest(colour, COLOURS),
        background=_nearest(background, BACKGROUNDS),
        size=SIZES[int(max(bottom - top, right - left) / 2 > _BORDERLINE)],
        position=_position((left + right) / 2),
    )


def score(seen: Scene | None, asked: Scene) -> dict[str, bool]:
    """Which of the five attributes are as they were asked for, by name."""
    return {name: seen is not None and getattr(seen, name) == getattr(asked, name) for name in ATTRIBUTES}


def shares(rows: Iterable[Mapping[str, bool]]) -> dict[str, float]:
    """Of what `score` gave for many pictures: the share right in each attribute, in shape and colour, and in all."""
    counted = [
        {**row, "shape and colour": row["shape"] and row["colour"], "all five": all(row.values())} for row in rows
    ]
    return {name: share(row[name] for row in counted) for name in counted[0]}


def share(hits: Iterable[bool]) -> float:
    """How many of them are true, from 0 to 1."""
    counted = list(hits)
    return round(sum(counted) / len(counted), 4)


def _border() -> NDArray[np.bool_]:
    mask = np.ones((SIDE, SIDE), dtype=np.bool_)
    mask[_BORDER:-_BORDER, _BORDER:-_BORDER] = False
    return mask


def _largest_part(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest set of pixels that hang together by their sides."""
    left, best = mask.copy(), np.zeros_like(mask)
    while left.sum() > best.sum():
        part = np.zeros_like(mask)
        part[tuple(np.argwhere(left)[0])] = True
        while True:
            grown = _grown(part) & left
            if (grown == part).all():
                break
            part = grown
        left &= ~part
        if part.sum() > best.sum():
            best = part
    return best


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """`mask` and the pixels beside it, a few times over where nothing hinders."""
    wide = np.pad(mask, 1)
    grown: NDArray[np.bool_] = wide[1:-1, 1:-1] | wide[:-2, 1:-1] | wide[2:, 1:-1] | wide[1:-1, :-2] | wide[1:-1, 2:]
    return grown


def _inner(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """`mask` without its outermost pixels, whose colour is mixed with the background's; all of it if none is left."""
    inner = ~_grown(~mask)
    return inner if inner.any() else mask


def _shape(mask: NDArray[np.bool_]) -> str:
    """The shape whose outline, stretched to the same box, covers `mask` best (intersection over union)."""
    seen = np.asarray(Image.fromarray(mask).resize((_GRID, _GRID), Image.Resampling.NEAREST), dtype=np.bool_)
    overlap = {shape: (seen & known).sum() / (seen | known).sum() for shape, known in _known_shapes().items()}
    return max(overlap, key=lambda shape: float(overlap[shape]))


@cache
def _known_shapes() -> dict[str, NDArray[np.bool_]]:
    known = {}
    for shape in SHAPES:
        mask = shape_mask(shape, 64.0, 64.0, 50.0, 128)
        box = mask.point(lambda value: 255 * (value > 127)).getbbox()
        known[shape] = np.asarray(mask.crop(box).resize((_GRID, _GRID), Image.Resampling.BOX)) > 127
    return known


def _nearest(colour: NDArray[np.float32], palette: Mapping[str, tuple[int, int, int]]) -> str:
    return min(palette, key=lambda name: float(np.linalg.norm(colour - np.array(palette[name]))))


def _position(centre: float) -> str:
    """Thirds would do, but the places lie 30 pixels apart: the border is half way."""
    return POSITIONS[int(np.digitize(centre, (49.0, 79.0)))]
