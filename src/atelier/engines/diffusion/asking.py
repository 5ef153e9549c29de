"""From a request to the arguments of a pipeline's own call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from diffusers import DiffusionPipeline
from PIL import Image

from atelier.contracts.images import LARGEST_SIDE, SMALLEST_SIDE, ImageRequest, ImageToImageRequest, TextToImageRequest
from atelier.contracts.sampling import Sampled, Sampling
from atelier.engines.diffusion.beginning import seeds_of, styled
from atelier.engines.diffusion.families import Family
from atelier.engines.diffusion.masking import Surroundings, feathered
from atelier.engines.diffusion.pixels import fitted, natural_size
from atelier.errors import InvalidRequest
from atelier.media.image import read_image, read_mask

_NATIVE_SIDE = 1024
"""Width and height in pixels of what these families draw where nothing else is asked for."""


@dataclass(frozen=True)
class Asked:
    """kind: the class of the pipeline. arguments: of its call, but for the seed. around: what a mask keeps. previews:
    how many are wanted, of the first picture."""

    kind: str
    arguments: dict[str, Any] = field(repr=False)
    seeds: Sequence[int]
    tokens: int
    revised_prompt: str | None
    around: Surroundings | None = None
    previews: int = 0
    warnings: Sequence[str] = ()


def ask(family: Family, pipeline: DiffusionPipeline, sampling: Sampling, request: ImageRequest) -> Asked:
    """Raises InvalidRequest for what the pipeline cannot do, UnreadableMedia for a picture that is none."""
    assert isinstance(request, TextToImageRequest | ImageToImageRequest)
    if request.loras:
        raise InvalidRequest("loras: this model takes none; leave them out, or choose another model", field="loras")
    sampled, prompt = sampling.of(request), styled(request)
    if sampled.steps < family.fewest_steps:
        raise InvalidRequest(
            f"num_inference_steps: this model takes at least {family.fewest_steps}", field="num_inference_steps"
        )
    multiple = 2 * pipeline.vae_scale_factor
    if isinstance(request, ImageToImageRequest):
        kind, pictures, around = _from_picture(family, request, multiple, sampled)
    else:
        kind, pictures, around = _from_words(family, request, multiple)
    tokens = len(pipeline.tokenizer(prompt).input_ids)
    return Asked(
        kind,
        {"prompt": prompt, "num_inference_steps": sampled.steps, **_guidance(family, request, sampled), **pictures},
        seeds_of(request),
        tokens,
        revised_prompt=prompt if request.style else None,
        around=around,
        previews=request.partial_images,
        warnings=[*sampled.warnings, *_warnings(family, pipeline, request, sampled, prompt)],
    )


def _from_words(
    family: Family, request: TextToImageRequest, multiple: int
) -> tuple[str, dict[str, Any], Surroundings | None]:
    if family.draw is None:
        raise InvalidRequest("model: this one only changes pictures; choose another to draw from words", field="model")
    width, height = _checked(request.dimensions or (_NATIVE_SIDE, _NATIVE_SIDE), multiple)
    return family.draw, {"width": width, "height": height}, None


def _from_picture(
    family: Family, request: ImageToImageRequest, multiple: int, sampled: Sampled
) -> tuple[str, dict[str, Any], Surroundings | None]:
    if family.follows_picture and not request.prompt:
        raise InvalidRequest("prompt: this model changes what the prompt says; say what to change", field="prompt")
    given = read_image(request.image)
    width, height = size = _checked(request.dimensions or _natural(given, multiple), multiple)
    arguments: dict[str, Any] = {"width": width, "height": height}
    if request.mask is None:
        if family.follows_picture:
            return family.repaint, {**arguments, "image": given}, None
        return family.repaint, {**arguments, "image": fitted(given, size), **_strength(request, sampled)}, None
    if family.inside is None:
        raise InvalidRequest("mask: this model changes whole pictures; leave it out, or choose another", field="mask")
    mask = read_mask(request.mask, size=given.size)
    around = Surroundings(picture=fitted(given, size), share=feathered(mask, size))
    arguments |= {"image": around.picture, "mask_image": fitted(mask, size), **_strength(request, sampled)}
    return family.inside, arguments, around


def _checked(size: tuple[int, int], multiple: int) -> tuple[int, int]:
    if any(side % multiple for side in size):
        raise InvalidRequest(f"size: this model draws multiples of {multiple} pixels; choose another", field="size")
    return size


def _natural(given: Image.Image, multiple: int) -> tuple[int, int]:
    return natural_size(
        given.size, most_pixels=_NATIVE_SIDE**2, smallest=SMALLEST_SIDE, largest=LARGEST_SIDE, multiple=multiple
    )


def _strength(request: ImageToImageRequest, sampled: Sampled) -> dict[str, float]:
    if int(sampled.steps * request.strength) < 1:
        raise InvalidRequest(
            "strength: so low that no step is left; raise it, or num_inference_steps", field="strength"
        )
    return {"strength": request.strength}


def _guidance(family: Family, request: ImageRequest, sampled: Sampled) -> dict[str, Any]:
    arguments: dict[str, Any] = {family.guidance: sampled.guidance_scale}
    if family.negative and sampled.guidance_scale > 1:
        arguments["negative_prompt"] = request.negative_prompt or family.no_negative
    return arguments


def _warnings(
    family: Family, pipeline: DiffusionPipeline, request: ImageRequest, sampled: Sampled, prompt: str
) -> list[str]:
    is_guided = sampled.guidance_scale > 1 and not pipeline.config.get("is_distilled", False)
    warnings = []
    if request.guidance_scale is not None and request.guidance_scale > 1 and not is_guided:
        warnings.append("guidance_scale: this model is not guided; leave it out")
    if request.negative_prompt and not (family.negative and is_guided):
        warnings.append("negative_prompt: without guidance this model did not read it; say what to show instead")
    if family.most_tokens and _with_template(pipeline.tokenizer, prompt) > family.most_tokens:
        warnings.append(f"prompt: cut after about {family.most_tokens} tokens; shorten it")
    return warnings


def _with_template(tokenizer: Any, prompt: str) -> int:
    """Tokens of the prompt as the pipelines send it to their language model."""
    said = [{"role": "user", "content": prompt}]
    return len(tokenizer(tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True)).input_ids)
