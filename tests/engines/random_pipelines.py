"""Z-Image, FLUX.2 klein and Qwen-Image-Edit with random weights: every part of the real things, in small."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
import transformers
from diffusers import (
    AutoencoderKL,
    AutoencoderKLFlux2,
    AutoencoderKLQwenImage,
    DiffusionPipeline,
    FlowMatchEulerDiscreteScheduler,
    Flux2KleinPipeline,
    Flux2Transformer2DModel,
    QwenImageEditPipeline,
    QwenImageTransformer2DModel,
    ZImagePipeline,
    ZImageTransformer2DModel,
)
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Tokenizer,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3Model,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

_MARKS = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>",
    "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>",
]  # fmt: skip
_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_VOCABULARY = 300
_WIDTH = 16  # of the language models
# With plain initial weights prompts and pictures count for little: the transformer hardly looks at them.
_Z_GAINS = {"adaLN": 6.0, "to_out": 6.0, "to_v": 3.0, "final_layer": 3.0}
_FLUX_GAINS = {"modulation": 12.0, "to_out": 12.0, "to_qkv_mlp": 12.0, "proj_out": 20.0}
_QWEN_GAINS = {"norm_": 3.0, "_mod.": 3.0, "to_out": 3.0, "to_v": 3.0, "add_v": 3.0, "proj_out": 20.0}


def build_random(kind: str, folder: Path, seed: int = 0) -> Path:
    """Write a pipeline of class `kind` to `folder`, in the published layout; equal seeds give equal weights."""
    transformers.utils.logging.disable_progress_bar()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pipeline = _BUILD[kind]()
    pipeline.save_pretrained(folder, safe_serialization=True)
    if "Qwen" in kind:
        _write_processor(folder, kind)
    return folder


def _tokenizer() -> Qwen2Tokenizer:
    made = Qwen2Tokenizer(
        vocab={sign: place for place, sign in enumerate(sorted(ByteLevel.alphabet()))},
        merges=[],
        additional_special_tokens=_MARKS[1:],
        eos_token=_MARKS[2],
        pad_token=_MARKS[0],
        unk_token=_MARKS[0],
    )
    made.chat_template = _CHAT
    return made


def _qwen3(layers: int) -> Qwen3Config:
    return Qwen3Config(
        hidden_size=_WIDTH,
        intermediate_size=2 * _WIDTH,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        vocab_size=_VOCABULARY,
        max_position_embeddings=1024,
        bos_token_id=None,
        eos_token_id=258,
        initializer_range=0.5,
    )


def _strengthen(transformer: torch.nn.Module, gains: dict[str, float]) -> None:
    with torch.no_grad():
        for name, weight in transformer.named_parameters():
            for part, gain in gains.items():
                if part in name and "norm_out" not in name:
                    weight.mul_(gain)


def _z_image() -> ZImagePipeline:
    transformer = ZImageTransformer2DModel(
        in_channels=16,
        dim=32,
        n_layers=2,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=_WIDTH,
        axes_dims=[8, 4, 4],
        axes_lens=[1024, 64, 64],
    )
    _strengthen(transformer, _Z_GAINS)
    vae = AutoencoderKL(
        block_out_channels=(8, 16, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        norm_num_groups=8,
        latent_channels=16,
        scaling_factor=0.3611,
        shift_factor=0.1159,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )
    return ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=vae,
        text_encoder=Qwen3Model(_qwen3(layers=3)),
        tokenizer=_tokenizer(),
        transformer=transformer,
    )


def _flux2_klein() -> Flux2KleinPipeline:
    transformer = Flux2Transformer2DModel(
        in_channels=32,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=3 * _WIDTH,
        timestep_guidance_channels=16,
        axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=False,
    )
    vae = AutoencoderKLFlux2(
        block_out_channels=(8, 16, 16, 16), layers_per_block=1, latent_channels=8, norm_num_groups=8, sample_size=64
    )
    _strengthen(transformer, _FLUX_GAINS)
    return Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        vae=vae,
        text_encoder=Qwen3ForCausalLM(_qwen3(layers=28)),  # the pipeline reads its 9th, 18th and 27th
        tokenizer=_tokenizer(),
        transformer=transformer,
        is_distilled=True,
    )


def _qwen_image_edit() -> QwenImageEditPipeline:
    tokenizer = _tokenizer()
    places = {mark: tokenizer.convert_tokens_to_ids(mark) for mark in _MARKS}
    config = Qwen2_5_VLConfig(
        text_config={
            "hidden_size": _WIDTH,
            "intermediate_size": 2 * _WIDTH,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "vocab_size": _VOCABULARY,
            "rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2]},
            "bos_token_id": None,
            "eos_token_id": places[_MARKS[2]],
        },
        vision_config={
            "depth": 1,
            "hidden_size": _WIDTH,
            "intermediate_size": _WIDTH,
            "num_heads": 2,
            "out_hidden_size": _WIDTH,
            "fullatt_block_indexes": [0],
        },
        image_token_id=places["<|image_pad|>"],
        video_token_id=places["<|video_pad|>"],
        vision_start_token_id=places["<|vision_start|>"],
        vision_end_token_id=places["<|vision_end|>"],
    )
    transformer = QwenImageTransformer2DModel(
        num_layers=1, attention_head_dim=16, num_attention_heads=2, joint_attention_dim=_WIDTH, axes_dims_rope=(8, 4, 4)
    )
    _strengthen(transformer, _QWEN_GAINS)
    return QwenImageEditPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift_terminal=0.02),
        vae=AutoencoderKLQwenImage(base_dim=4, z_dim=16, dim_mult=[1, 1, 2, 2], num_res_blocks=1),
        text_encoder=Qwen2_5_VLForConditionalGeneration(config),
        tokenizer=tokenizer,
        processor=None,
        transformer=transformer,
    )


def _write_processor(folder: Path, kind: str) -> None:
    """Its pictures' half as published: the class that puts both halves together cannot be built without video."""
    place = folder / "processor"
    Qwen2VLImageProcessorPil(min_pixels=56 * 56, max_pixels=28 * 28 * 64).save_pretrained(place)
    _tokenizer().save_pretrained(place)
    index = json.loads((folder / "model_index.json").read_text())
    index |= {"processor": ["transformers", "Qwen2VLProcessor"], "_class_name": kind}
    (folder / "model_index.json").write_text(json.dumps(index, indent=2))


_BUILD: dict[str, Callable[[], DiffusionPipeline]] = {
    "ZImagePipeline": _z_image,
    "Flux2KleinPipeline": _flux2_klein,
    "QwenImageEditPipeline": _qwen_image_edit,
    "QwenImageEditPlusPipeline": _qwen_image_edit,
}
