"""The miniature's UNet: from noise to latents, led by both text encoders and by SDXL's size conditioning."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, UNet2DConditionModel
from PIL import Image
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from loop import Plan, train
from sdxl_text import WIDTH, WIDTH_2, TextEncoders, build_tokenizers, tokens_of
from sdxl_vae import PICTURE_SIDE, as_tensor, encoded, picture_of
from world import COLOURS, Scene, article, draw, is_held_out, training_scenes, wording

LATENT_SIDE = PICTURE_SIDE // 4
_SIZE_WIDTH = 32  # of the embedding of each of the six numbers of the size conditioning
_POOL, _BATCH = 9000, 32
_SNR_CAP = 5.0  # https://arxiv.org/abs/2303.09556: easy steps, where little noise is left, count for less
_BLURRED, _CROPPED = 0.15, 0.15  # shares of pictures that teach what the size conditioning means
_COARSEST, _FINEST, _FURTHEST = 8, 48, 10  # pixels
# Noise that moves a whole picture's shade, as SDXL's own training had (https://arxiv.org/abs/2307.01952), and a loss
# for the shade it is taken for: without them a background hangs on chance and not on the prompt.
_OFFSET_FROM, _OFFSET, _SHADE, _LEAST_SNR = 2000, 0.1, 0.5, 0.04
# Towards the end some examples begin with a picture of another colour, as image to image does.
_REPAINT_FROM, _REPAINT_TIME, _REPAINTED, _PAIRS = 5000, 350, 0.35, 3000
# Both, or one of them alone, or neither (as guidance asks for): each must carry the prompt by itself.
_WITHOUT_BOTH, _WITHOUT_TEXT, _WITHOUT_POOLED = 0.1, 0.07, 0.13


def build_unet() -> UNet2DConditionModel:
    """SDXL's UNet in small: attention at the two coarser of three levels."""
    return UNet2DConditionModel(
        sample_size=LATENT_SIDE,
        block_out_channels=(64, 96, 128),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        transformer_layers_per_block=1,
        attention_head_dim=(1, 2, 2),  # diffusers means the number of heads
        norm_num_groups=16,
        use_linear_projection=True,
        cross_attention_dim=WIDTH + WIDTH_2,
        addition_embed_type="text_time",
        addition_time_embed_dim=_SIZE_WIDTH,
        projection_class_embeddings_input_dim=WIDTH_2 + 6 * _SIZE_WIDTH,
    )


def build_scheduler() -> EulerDiscreteScheduler:
    """With the settings that stable-diffusion-xl-base-1.0 is published with."""
    return EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="epsilon",
        timestep_spacing="leading",
        steps_offset=1,
    )


@dataclass(frozen=True)
class Pool:
    """Pictures to learn from. latents: (n, 4, 16, 16), scaled. sizes: (n, 6), as the size conditioning has them."""

    latents: Tensor
    sizes: Tensor
    scenes: list[Scene]


@dataclass(frozen=True)
class Pairs(Pool):
    """`given`: latents of the same pictures with the shape in another colour."""

    given: Tensor


def train_unet(
    folder: Path, steps: int, vae: AutoencoderKL, encoders: TextEncoders, seed: int = 0
) -> UNet2DConditionModel:
    torch.manual_seed(seed)
    pool, tokenizers = _pool(folder / "pool.pt", vae, seed), build_tokenizers()
    pairs = _pairs(folder / "pairs.pt", vae, seed)
    unet, kept = build_unet(), build_scheduler().alphas_cumprod
    encoders.requires_grad_(False)

    def loss_of(step: int) -> Tensor:
        chance = random.Random(f"unet {seed} {step}")
        torch.manual_seed(chance.getrandbits(32))
        chosen = [chance.randrange(len(pool.scenes)) for _ in range(_BATCH)]
        prompts = [wording(pool.scenes[index], chance) for index in chosen]
        clean, noise = pool.latents[chosen], torch.randn(_BATCH, 4, LATENT_SIDE, LATENT_SIDE)
        if step >= _OFFSET_FROM:
            noise = noise + _OFFSET * torch.randn(_BATCH, 4, 1, 1)
        times = ((torch.randperm(_BATCH) + torch.rand(_BATCH)) / _BATCH * len(kept)).long()
        share = kept[times].view(-1, 1, 1, 1)
        given, sizes = clean.clone(), pool.sizes[chosen]
        for row in _to_repaint(step, times, chance):
            pair = chance.randrange(len(pairs.scenes))
            given[row], clean[row], sizes[row] = pairs.given[pair], pairs.latents[pair], pairs.sizes[pair]
            prompts[row] = repainting(pairs.scenes[pair])
        noised = share.sqrt() * given + (1 - share).sqrt() * noise
        noise = (noised - share.sqrt() * clean) / (1 - share).sqrt()  # what leads from there to the picture wanted
        with torch.autocast("cpu", torch.bfloat16), sdpa_kernel(SDPBackend.MATH):
            with torch.no_grad():
                states = encoders(*(tokens_of(tokenizer, prompts) for tokenizer in tokenizers))
            text, pooled = _forgetting(states, chance)
            predicted = unet(
                noised,
                times,
                text,
                added_cond_kwargs={"text_embeds": pooled, "time_ids": sizes},
            ).sample.float()
        snr = kept[times] / (1 - kept[times])
        wrong = ((predicted - noise) ** 2).mean(dim=(1, 2, 3)) * (snr.clamp(max=_SNR_CAP) / snr)
        if step < _OFFSET_FROM:
            return wrong.mean()
        shade = ((predicted - noise).mean(dim=(2, 3)) ** 2).mean(dim=1)
        return (wrong + _SHADE * shade / snr.clamp(min=_LEAST_SNR)).mean()

    trained = train(unet, loss_of, Plan(folder / "unet", steps, rate=1.2e-3, warmup=300, average=0.999))
    assert isinstance(trained, UNet2DConditionModel)
    return trained


def repainting(scene: Scene) -> str:
    """The prompt of a repainting: it names no place and no size, which are to stay as they are."""
    return f"{article(scene.colour)} {scene.colour} {scene.shape} on a {scene.background} background"


def _to_repaint(step: int, times: Tensor, chance: random.Random) -> list[int]:
    """The rows of a batch that start from a picture in another colour: those with enough noise to repaint it."""
    if step < _REPAINT_FROM:
        return []
    return [row for row, time in enumerate(times.tolist()) if time >= _REPAINT_TIME and chance.random() < _REPAINTED]


def _forgetting(states: dict[str, Tensor], chance: random.Random) -> tuple[Tensor, Tensor]:
    """`text` (n, 77, width) and `pooled` (n, width), zero where this example is to do without."""
    text, pooled = torch.cat([states["first"], states["second"]], dim=-1), states["pooled"]
    keep_text, keep_pooled = torch.ones(len(text)), torch.ones(len(text))
    for row in range(len(text)):
        lot = chance.random()
        if lot < _WITHOUT_BOTH + _WITHOUT_TEXT:
            keep_text[row] = 0
        if (
            lot < _WITHOUT_BOTH
            or _WITHOUT_BOTH + _WITHOUT_TEXT <= lot < _WITHOUT_BOTH + _WITHOUT_TEXT + _WITHOUT_POOLED
        ):
            keep_pooled[row] = 0
    return text * keep_text.view(-1, 1, 1), pooled * keep_pooled.view(-1, 1)


def _pairs(path: Path, vae: AutoencoderKL, seed: int) -> Pairs:
    """Pictures that differ in the shape's colour alone; made once and kept at `path`."""
    chance, scenes = random.Random(f"pairs {seed}"), training_scenes()
    wanted = [chance.choice(scenes) for _ in range(_PAIRS)]
    if not path.is_file():
        before = [chance.choice(_in_other_colours(scene)) for scene in wanted]
        latents = [_latents(vae, drawn, seed) for drawn in (before, wanted)]
        torch.save({"given": latents[0], "latents": latents[1]}, path)
    kept = torch.load(path, weights_only=True)
    sizes = torch.tensor([[PICTURE_SIDE, PICTURE_SIDE, 0, 0, PICTURE_SIDE, PICTURE_SIDE]] * _PAIRS).float()
    return Pairs(kept["latents"], sizes, wanted, kept["given"])


def _in_other_colours(scene: Scene) -> list[Scene]:
    others = [replace(scene, colour=colour) for colour in COLOURS if colour not in (scene.colour, scene.background)]
    return [other for other in others if not is_held_out(other)]


def _latents(vae: AutoencoderKL, drawn: list[Scene], seed: int) -> Tensor:
    """Of one picture of each scene: equal places, radii and shades for equal places in the list."""
    pictures = [picture_of(scene, random.Random(f"pair {seed} {number}")) for number, scene in enumerate(drawn)]
    return encoded(vae, torch.stack(pictures)) * vae.config.scaling_factor


def _pool(path: Path, vae: AutoencoderKL, seed: int) -> Pool:
    """The pictures as latents; made once and kept at `path`."""
    chance, scenes = random.Random(f"pool {seed}"), training_scenes()
    chosen = [chance.choice(scenes) for _ in range(_POOL)]
    if not path.is_file():
        made = [_sized(scene, random.Random(f"pool {seed} {number}")) for number, scene in enumerate(chosen)]
        pictures, sizes = torch.stack([as_tensor(picture) for picture, _ in made]), [size for _, size in made]
        latents = encoded(vae, pictures) * vae.config.scaling_factor
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save({"latents": latents, "sizes": torch.tensor(sizes).float()}, path)
    kept = torch.load(path, weights_only=True)
    return Pool(kept["latents"], kept["sizes"], chosen)


def _sized(scene: Scene, chance: random.Random) -> tuple[Image.Image, tuple[int, ...]]:
    """A picture, perhaps as from a coarse original or cropped, and the numbers that tell the UNet so: original height
    and width, top and left of the crop, height and width aimed at."""
    side = PICTURE_SIDE
    picture = draw(scene, chance).resize((side, side), Image.Resampling.BOX)
    lot = chance.random()
    if lot < _BLURRED:
        coarse = chance.randint(_COARSEST, _FINEST)
        small = picture.resize((coarse, coarse), Image.Resampling.BOX)
        return small.resize((side, side), Image.Resampling.BICUBIC), (coarse, coarse, 0, 0, side, side)
    if lot < _BLURRED + _CROPPED:
        top, left = chance.randint(0, _FURTHEST), chance.randint(0, _FURTHEST)
        cropped = Image.new("RGB", picture.size, picture.getpixel((side - 1, side - 1)))
        cropped.paste(picture, (-left, -top))
        return cropped, (side, side, top, left, side, side)
    return picture, (side, side, 0, 0, side, side)
