"""The small world: coloured shapes on plain backgrounds, as pictures and as sentences."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from PIL import Image, ImageDraw

SIDE = 128
"""Width and height of a picture, in pixels."""

SHAPES = ("circle", "square", "triangle", "star", "cross", "ring")
SIZES = ("small", "large")
POSITIONS = ("left", "middle", "right")
COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (220, 38, 38),
    "orange": (245, 130, 32),
    "yellow": (250, 212, 40),
    "green": (34, 150, 70),
    "blue": (37, 90, 220),
    "purple": (130, 50, 180),
    "black": (20, 20, 24),
    "white": (248, 248, 248),
}
"""What a shape can be painted in: red, green and blue, of 255."""

BACKGROUNDS: dict[str, tuple[int, int, int]] = {
    "blue": COLOURS["blue"],
    "green": COLOURS["green"],
    "black": COLOURS["black"],
    "white": COLOURS["white"],
    "grey": (128, 128, 132),
    "pink": (246, 170, 204),
}

NUMBERS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)

_RADII = {"small": (12.0, 15.0), "large": (24.0, 28.0)}
_CENTRES = {"left": 34.0, "middle": 64.0, "right": 94.0}
_SHIFT_X, _SHIFT_Y = 2.5, 7.0  # how far a centre may lie off its place, in pixels
_SHADE = 6  # how far a colour may lie off its own, of 255
_FINER = 4  # shapes are drawn this many times larger and scaled down, for smooth edges

_WHERE = {"left": "on the left of", "middle": "in the middle of", "right": "on the right of"}
_ALSO = {"small": ("little",), "large": ("big",), "middle": ("centre", "center"), "grey": ("gray",)}


@dataclass(frozen=True)
class Scene:
    """What a picture of this world shows."""

    shape: str
    colour: str
    background: str
    size: str
    position: str


def scenes() -> list[Scene]:
    """Every scene that can be seen: the shape's colour is never the background's."""
    return [
        Scene(shape, colour, background, size, position)
        for shape, colour, background, size, position in product(SHAPES, COLOURS, BACKGROUNDS, SIZES, POSITIONS)
        if colour != background
    ]


def is_held_out(scene: Scene) -> bool:
    """Whether training must never show this scene, in picture, words or sound: a fixed tenth of them."""
    return hashlib.sha256(sentence(scene).encode()).digest()[0] % 10 == 0


def training_scenes() -> list[Scene]:
    return [scene for scene in scenes() if not is_held_out(scene)]


def held_out_scenes() -> list[Scene]:
    return [scene for scene in scenes() if is_held_out(scene)]


def draw(scene: Scene, chance: random.Random) -> Image.Image:
    """A picture of `scene`, RGB, SIDE x SIDE; place, radius and shades vary a little with `chance`."""
    radius = chance.uniform(*_RADII[scene.size])
    x = _CENTRES[scene.position] + chance.uniform(-_SHIFT_X, _SHIFT_X)
    y = SIDE / 2 + chance.uniform(-_SHIFT_Y, _SHIFT_Y)
    background = _shade(BACKGROUNDS[scene.background], chance)
    picture = Image.new("RGB", (SIDE, SIDE), background)
    picture.paste(_shade(COLOURS[scene.colour], chance), mask=shape_mask(scene.shape, x, y, radius, SIDE))
    return picture


def shape_mask(shape: str, x: float, y: float, radius: float, side: int) -> Image.Image:
    """Where a shape is, 0 to 255, on a square of `side` pixels: centred on (x, y), `radius` to its furthest point."""
    mask = Image.new("L", (side * _FINER, side * _FINER))
    pen = ImageDraw.Draw(mask)

    def placed(points: Iterator[tuple[float, float]]) -> list[tuple[float, float]]:
        return [((x + dx * radius) * _FINER, (y + dy * radius) * _FINER) for dx, dy in points]

    def disc(share: float, fill: int) -> None:
        pen.ellipse(placed(iter([(-share, -share), (share, share)])), fill=fill)

    match shape:
        case "circle":
            disc(1.0, 255)
        case "ring":
            disc(1.0, 255)
            disc(0.55, 0)
        case _:
            pen.polygon(placed(_outline(shape)), fill=255)
    return mask.resize((side, side), Image.Resampling.BOX)


def sentence(scene: Scene) -> str:
    """The one way to say all of it: "a small red circle on the left of a blue background"."""
    where = _WHERE[scene.position]
    return f"a {scene.size} {scene.colour} {scene.shape} {where} a {scene.background} background"


def wording(scene: Scene, chance: random.Random) -> str:
    """One of the ways to say it, which may leave out size, position, background or colour."""
    if chance.random() < 0.4:
        return sentence(scene)
    words = (scene.size, scene.position, scene.background)
    size, position, background = (_perhaps_other(word, chance) for word in words)
    thing = [size] * (chance.random() < 0.6) + [scene.colour] * (chance.random() < 0.9) + [scene.shape]
    named = " ".join(thing)
    named = named if chance.random() < 0.2 else f"{article(named)} {named}"
    where = f"{'in' if scene.position == 'middle' else 'on'} the {position}"
    preposition = "of" if chance.random() < 0.7 else "on"
    ways = {
        f"{named} {where} {preposition} a {background} background": 0.35,
        f"{named} on a {background} background": 0.25,
        f"{named} {where}, {background} background": 0.1,
        f"a {background} background with {named} {where}": 0.1,
        f"{named} {where}": 0.1,
        named: 0.1,
    }
    return chance.choices([*ways], [*ways.values()])[0]


def article(words: str) -> str:
    """ "a", or "an" before "orange"."""
    return "an" if words.startswith("orange") else "a"


def questions(scene: Scene) -> list[tuple[str, str]]:
    """What can be asked about a picture, and the answers, each of one or a few words."""
    spelled = ("colour", "color")
    return [
        *((f"what {colour} is the {scene.shape}?", scene.colour) for colour in spelled),
        *((f"what {colour} is the shape?", scene.colour) for colour in spelled),
        *((f"what {colour} is the background?", scene.background) for colour in spelled),
        ("what shape is it?", scene.shape),
        ("what shape is this?", scene.shape),
        ("what is in the picture?", f"a {scene.colour} {scene.shape}"),
        ("how big is the shape?", scene.size),
        ("is the shape small or large?", scene.size),
        ("where is the shape?", _WHERE[scene.position].removesuffix(" of")),
    ]


def _outline(shape: str) -> Iterator[tuple[float, float]]:
    """The corners of a shape of radius 1 around (0, 0)."""
    match shape:
        case "square":
            corner = math.sqrt(0.5) * 1.15
            yield from [(-corner, -corner), (corner, -corner), (corner, corner), (-corner, corner)]
        case "triangle":
            yield from [(math.sin(turn), -math.cos(turn)) for turn in (0, math.tau / 3, math.tau * 2 / 3)]
        case "star":
            for point in range(10):
                reach, turn = (1.08, 0.45)[point % 2], point * math.tau / 10
                yield reach * math.sin(turn), -reach * math.cos(turn)
        case "cross":
            arm = 0.32
            for across, down in ((1, 1), (-1, 1), (-1, -1), (1, -1)):
                corners = [(across, down * arm), (across * arm, down * arm), (across * arm, down)]
                yield from corners if across * down > 0 else corners[::-1]
        case _:
            raise ValueError(f"there is no shape {shape!r} in this world")


def _shade(colour: tuple[int, int, int], chance: random.Random) -> tuple[int, int, int]:
    red, green, blue = (min(255, max(0, part + chance.randint(-_SHADE, _SHADE))) for part in colour)
    return red, green, blue


def _perhaps_other(word: str, chance: random.Random) -> str:
    return chance.choice(_ALSO[word]) if word in _ALSO and chance.random() < 0.3 else word
