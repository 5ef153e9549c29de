"""A small Stable Diffusion XL with random weights: every part of the real thing, different for each seed."""

from __future__ import annotations

from pathlib import Path

import torch
import transformers
from diffusers import AutoencoderKL, StableDiffusionXLPipeline, UNet2DConditionModel
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from sdxl_unet import build_scheduler

NATIVE_SIDE = 128
"""Width and height of its pictures, in pixels."""

_LATENT_SIDE = NATIVE_SIDE // 8
_PROMPT_TOKENS = 77
_TEXT_WIDTH, _TEXT_WIDTH_2 = 64, 96
_SIZE_WIDTH = 16  # of the embedding of each of the six numbers of SDXL's size conditioning

_START, _END = "<|startoftext|>", "<|endoftext|>"
# CLIP's alphabet: every byte as a sign of its own, inside a word and at the end of one.
_BYTES = sorted(ByteLevel.alphabet())
_VOCABULARY = {token: place for place, token in enumerate([*_BYTES, *(byte + "</w>" for byte in _BYTES), _START, _END])}

# With plain initial weights the prompt counts for little. These gains make it show, and bring the noise that is
# predicted to the variance of real noise.
_PROMPT_GAIN = 6.0
_NOISE_GAIN = 2.5


def build_random_sdxl(folder: Path, seed: int = 0, *, is_small: bool = False) -> Path:
    """Write one to `folder`, in the published layout; equal seeds give equal weights. is_small: its UNet is laid out as
    Segmind-Vega's, with few layers of attention and none in the middle.

    2.9 million parameters, 12 MB. Its pictures are coloured noise, yet they depend on prompt, seed, size, steps and
    guidance as those of a trained model do.
    """
    transformers.utils.logging.disable_progress_bar()
    _pipeline(seed, is_small).save_pretrained(folder, safe_serialization=True)
    return folder


def build_random_vae(folder: Path, seed: int, *, force_upcast: bool) -> Path:
    """Write its VAE alone, as such are published to take the place of a model's own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _vae(force_upcast).save_pretrained(folder, safe_serialization=True)
    return folder


def _pipeline(seed: int, is_small: bool) -> StableDiffusionXLPipeline:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return StableDiffusionXLPipeline(
            unet=_unet(is_small),
            vae=_vae(),
            text_encoder=CLIPTextModel(_text_config(_TEXT_WIDTH)),
            text_encoder_2=CLIPTextModelWithProjection(_text_config(_TEXT_WIDTH_2)),
            tokenizer=_tokenizer(padding=_END),
            tokenizer_2=_tokenizer(padding="!"),
            scheduler=build_scheduler(),
            add_watermarker=False,
        )


def _unet(is_small: bool) -> UNet2DConditionModel:
    unet = UNet2DConditionModel(
        sample_size=_LATENT_SIDE,
        block_out_channels=(32, 48, 64),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=2,
        transformer_layers_per_block=(1, 1, 2) if is_small else (1, 1, 1),
        mid_block_type="UNetMidBlock2D" if is_small else "UNetMidBlock2DCrossAttn",
        attention_head_dim=(2, 3, 4),  # diffusers means the number of heads
        norm_num_groups=16,
        use_linear_projection=True,
        cross_attention_dim=_TEXT_WIDTH + _TEXT_WIDTH_2,
        addition_embed_type="text_time",
        addition_time_embed_dim=_SIZE_WIDTH,
        projection_class_embeddings_input_dim=_TEXT_WIDTH_2 + 6 * _SIZE_WIDTH,
    )
    with torch.no_grad():
        unet.conv_out.weight.mul_(_NOISE_GAIN)
        for name, weight in unet.named_parameters():
            if name.endswith("attn2.to_out.0.weight"):
                weight.mul_(_PROMPT_GAIN)
    return unet


def _vae(force_upcast: bool = True) -> AutoencoderKL:
    return AutoencoderKL(
        sample_size=NATIVE_SIDE,
        block_out_channels=(8, 16, 32, 32),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        norm_num_groups=8,
        latent_channels=4,
        scaling_factor=0.13025,
        force_upcast=force_upcast,
    )


def _text_config(width: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=len(_VOCABULARY),
        hidden_size=width,
        intermediate_size=4 * width,
        projection_dim=width,
        num_hidden_layers=2,
        num_attention_heads=width // 16,
        max_position_embeddings=_PROMPT_TOKENS,
        bos_token_id=_VOCABULARY[_START],
        eos_token_id=_VOCABULARY[_END],
        pad_token_id=_VOCABULARY[_END],
    )


def _tokenizer(padding: str) -> CLIPTokenizer:
    return CLIPTokenizer(vocab=_VOCABULARY, merges=[], pad_token=padding, model_max_length=_PROMPT_TOKENS)
