"""From a request to a run that is ready for its first step."""

from __future__ import annotations

import secrets

import torch
from PIL import Image

from atelier.contracts import styles
from atelier.contracts.images import (
    LARGEST_SIDE,
    MOST_SEED,
    SIDE_STEP,
    SMALLEST_SIDE,
    ImageRequest,
    ImageToImageRequest,
    TextToImageRequest,
)
from atelier.contracts.sampling import Sampled
from atelier.engines.diffusion.masking import Kept, feathered, latent_mask
from atelier.engines.diffusion.model import Model
from atelier.engines.diffusion.painting import Conditioning, Work
from atelier.engines.diffusion.pixels import fitted, natural_size
from atelier.engines.diffusion.prompts import Encoded, cut_warning
from atelier.engines.diffusion.schedule import Schedule
from atelier.errors import InvalidRequest
from atelier.media.image import read_image, read_mask


def begin(model: Model, request: ImageRequest) -> tuple[Work, list[str]]:
    """The work of `request` before its first step, and warnings for the caller. The model has taken its adapters.

    Raises InvalidRequest for a style that there is not or a mask that does not fit, UnreadableMedia for a picture
    that is none.
    """
    assert isinstance(request, TextToImageRequest | ImageToImageRequest)
    prompt, loras = styled(request), request.adapters
    given = read_image(request.image) if isinstance(request, ImageToImageRequest) else None
    width, height = size = _size(model, request, given)
    positive = model.prompts.encode(prompt, loras)
    sampled = model.sampling.of(request)
    is_guided = sampled.guidance_scale > 1
    negative = model.prompts.encode_negative(request.negative_prompt, loras) if is_guided else None
    sizes = torch.tensor([[height, width, 0, 0, height, width]], device=model.device, dtype=model.precision)
    seeds = seeds_of(request)
    schedule = _schedule(model, request, sampled.steps, seeds)
    latents, kept = _beginnings(model, request, schedule, given, size)
    work = Work(
        latents=latents,
        schedule=schedule,
        positive=_repeated(positive, sizes, request.n),
        negative=_repeated(negative, sizes, request.n) if negative else None,
        guidance_scale=sampled.guidance_scale,
        seeds=seeds,
        preview_steps=preview_steps(request.partial_images, len(schedule)),
        tokens=positive.tokens + (negative.tokens if negative else 0),
        revised_prompt=prompt if request.style else None,
        enlarged_to=request.dimensions if request.dimensions != size else None,
        kept=kept,
        loras=loras,
    )
    return work, _warnings(model, sampled, positive, negative, work)


def working_size(model: Model, request: ImageRequest) -> tuple[int, int]:
    """(width, height) in pixels at which the model works on `request`: what is asked for, or the only one it can."""
    native = (model.native_side, model.native_side)
    return native if model.one_size else request.dimensions or native


def preview_steps(wanted: int, steps: int) -> list[int]:
    """After which of `steps` to show a preview: evenly spaced, and never after the last, which ends in the picture."""
    count = min(wanted, steps - 1)
    return [steps * place // (count + 1) for place in range(1, count + 1)]


def styled(request: TextToImageRequest | ImageToImageRequest) -> str:
    if request.style is None:
        return request.prompt
    try:
        return styles.apply(request.style, request.prompt)
    except ValueError as problem:
        raise InvalidRequest(f"style: {problem}", field="style") from None


def _size(model: Model, request: ImageRequest, given: Image.Image | None) -> tuple[int, int]:
    """(width, height) in pixels to work at: for a picture `auto` keeps its own, up to the native area."""
    if given is None or model.one_size or request.dimensions:
        return working_size(model, request)
    return natural_size(
        given.size, most_pixels=model.native_side**2, smallest=SMALLEST_SIDE, largest=LARGEST_SIDE, multiple=SIDE_STEP
    )


def seeds_of(request: ImageRequest) -> list[int]:
    """One for each image. Past the largest seed they go on from 0, so that every one can be asked for again."""
    first = secrets.randbelow(MOST_SEED + 1) if request.seed is None else request.seed
    return [(first + place) % (MOST_SEED + 1) for place in range(request.n)]


def _schedule(model: Model, request: ImageRequest, steps: int, seeds: list[int]) -> Schedule:
    # The CPU's generator gives the same noise on every kind of device.
    generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
    strength = request.strength if isinstance(request, ImageToImageRequest) else 1.0
    try:
        return Schedule(model.pipeline.scheduler, steps, generators, device=model.device, strength=strength)
    except ValueError as problem:  # some samplers were distilled for a certain number of steps
        raise InvalidRequest(
            f"num_inference_steps: the sampler of this model cannot take {steps} steps; ask for fewer",
            field="num_inference_steps",
        ) from problem


def _beginnings(
    model: Model, request: ImageRequest, schedule: Schedule, given: Image.Image | None, size: tuple[int, int]
) -> tuple[torch.Tensor, Kept | None]:
    """The latents before the first step, and what a mask keeps of the picture."""
    if given is None:
        width, height = (side // model.pixels.scale for side in size)
        channels = model.pipeline.unet.config.in_channels
        return schedule.noise((channels, height, width), model.device, model.precision), None
    latents = model.pixels.encode(fitted(given, size), schedule.generators, model.precision)
    kept = _kept(model, request, given, size, latents)
    return schedule.add_noise(latents) if len(schedule) else latents, kept


def _kept(
    model: Model, request: ImageRequest, given: Image.Image, size: tuple[int, int], latents: torch.Tensor
) -> Kept | None:
    if not isinstance(request, ImageToImageRequest) or request.mask is None:
        return None
    mask = read_mask(request.mask, size=given.size)
    shown = request.dimensions or size
    return Kept(
        latents=latents,
        painted=latent_mask(mask, size, model.pixels.scale, model.device),
        picture=fitted(given, shown),
        share=feathered(mask, shown),
    )


def _repeated(encoded: Encoded, sizes: torch.Tensor, n: int) -> Conditioning:
    return Conditioning(encoded.text.expand(n, -1, -1), encoded.pooled.expand(n, -1), sizes.expand(n, -1))


def _warnings(model: Model, sampled: Sampled, positive: Encoded, negative: Encoded | None, work: Work) -> list[str]:
    warnings = list(sampled.warnings)
    warnings += [
        cut_warning(name, encoded, model.prompts.most_tokens)
        for name, encoded in (("prompt", positive), ("negative_prompt", negative))
        if encoded is not None and encoded.unread
    ]
    if work.enlarged_to is not None:
        warnings.append(
            "size: this model draws {0}x{0} pixels only; they were enlarged to {1}x{2}".format(
                model.native_side, *work.enlarged_to
            )
        )
    if len(work.schedule) == 0:
        warnings.append(
            "strength: so low that no step was left, and the picture was not changed; "
            "raise strength or num_inference_steps"
        )
    return warnings
