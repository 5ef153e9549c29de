"""text-to-image and image-to-image: pictures from words, and from a picture and words."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from atelier.contracts.base import Contract, ModelName, Partial, Prompt, Result, Text

SMALLEST_SIDE, LARGEST_SIDE, SIDE_STEP = 64, 2048, 8
MOST_SEED = 2**32 - 1


def _fitting(size: str) -> str:
    if size == "auto":
        return size
    width, _, height = size.partition("x")
    if not (width.isascii() and width.isdigit() and height.isascii() and height.isdigit() and len(size) <= 11):
        raise ValueError("write WIDTHxHEIGHT in pixels, such as 512x512, or auto")
    for side in (int(width), int(height)):
        if side % SIDE_STEP or not SMALLEST_SIDE <= side <= LARGEST_SIDE:
            raise ValueError(
                f"width and height must be multiples of {SIDE_STEP} from {SMALLEST_SIDE} to {LARGEST_SIDE}, not {size}"
            )
    return size


Size = Annotated[str, StringConstraints(max_length=20, to_lower=True), AfterValidator(_fitting)]


LORA_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
"""What a LoRA can be called, as a pattern: no comma, no colon."""

_LORA = rf"^{LORA_NAME}(:-?[0-9]{{1,2}}(\.[0-9]{{1,4}})?)?$"
_MOST_STRENGTH = 2.0

Loras = tuple[tuple[str, float], ...]
"""Names, each with its strength: 1 is as it was trained, negative leads away from it. Sorted, without those of 0."""


def _within_strength(lora: str) -> str:
    if abs(float(lora.partition(":")[2] or 1)) > _MOST_STRENGTH:
        raise ValueError(f"a strength is from -{_MOST_STRENGTH:g} to {_MOST_STRENGTH:g}, not as in {lora}")
    return lora


def _each_once(loras: list[str]) -> list[str]:
    names = [lora.partition(":")[0] for lora in loras]
    if len(set(names)) < len(names):
        raise ValueError("each may be named once")
    return loras


Lora = Annotated[str, StringConstraints(pattern=_LORA), AfterValidator(_within_strength)]


class ImageSettings(Contract):
    """The fields that both image services share.

    size: `WIDTHxHEIGHT` in pixels, multiples of 8 from 64 to 2048; `auto` or none: what the model was trained
    for. seed: none draws one, which the answer names. Image i of n uses seed + i. num_inference_steps and
    guidance_scale: none is what suits the model, 30 and 7.5 for most. A guidance_scale of 1 and less switches
    classifier-free guidance off. output_compression: the quality of jpeg and webp, 0 to 100. loras: `name` or
    `name:strength` of what the service has beside its model; strengths from -2 to 2, 1 where none is given.
    embed_metadata: write into the files which model made them, with which seed and settings; never the words.
    """

    negative_prompt: Annotated[Text, Field(max_length=4_000)] = ""
    style: Annotated[str, Field(max_length=40)] | None = None
    size: Size = "auto"
    n: Annotated[int, Field(ge=1, le=8)] = 1
    num_inference_steps: Annotated[int, Field(ge=1, le=150)] | None = None
    guidance_scale: Annotated[float, Field(ge=0, le=30)] | None = None
    seed: Annotated[int, Field(ge=0, le=MOST_SEED)] | None = None
    model: ModelName | None = None
    output_format: Literal["png", "jpeg", "webp"] = "png"
    output_compression: Annotated[int, Field(ge=0, le=100)] = 95
    loras: Annotated[list[Lora], Field(max_length=4), AfterValidator(_each_once)] = []
    embed_metadata: bool = True

    @property
    def adapters(self) -> Loras:
        """What `loras` asks for."""
        parts = (lora.partition(":") for lora in self.loras)
        return tuple(sorted((name, strength) for name, _, given in parts if (strength := float(given or 1))))

    @property
    def dimensions(self) -> tuple[int, int] | None:
        """(width, height) in pixels; None: the model's own."""
        if self.size == "auto":
            return None
        width, height = self.size.split("x")
        return int(width), int(height)


class ImageRequest(ImageSettings):
    """`partial_images`: how many previews to send while it is made; only a stream carries them."""

    partial_images: Annotated[int, Field(ge=0, le=150)] = 0
    stream: bool = False


class TextToImageRequest(ImageRequest):
    prompt: Prompt


STRENGTH, STRENGTH_INSIDE_A_MASK = 0.8, 1.0
"""What applies where a request names none: who marks a place wants something else there."""


def _usual_strength(fields: dict[str, object]) -> float:
    return STRENGTH if fields.get("mask") is None else STRENGTH_INSIDE_A_MASK


class ImageToImageRequest(ImageRequest):
    """`image`: an encoded picture (PNG, JPEG, WebP, …). `strength`: 0 keeps it, 1 ignores it.

    mask: an encoded picture of the same width and height; only where it is fully transparent the picture is painted.
    """

    image: bytes = Field(repr=False)
    mask: bytes | None = Field(default=None, repr=False)
    prompt: Annotated[Text, Field(max_length=4_000)] = ""
    strength: Annotated[float, Field(ge=0, le=1, default_factory=_usual_strength)]


class Image(Contract):
    """One encoded picture. `artifact` is its id once the gateway has stored it."""

    data: bytes = Field(repr=False)
    media_type: str = "image/png"
    seed: int | None = None
    width: int
    height: int
    artifact: str | None = None


class PartialImage(Partial):
    """A preview after `step` of `steps`; `index` counts previews from 0."""

    image: Image
    index: int
    step: int
    steps: int


class ImagesResult(Result):
    images: list[Image]
    revised_prompt: str | None = None
