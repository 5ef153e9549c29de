"""A small SmolVLM2 and a small Qwen3-VL with random weights, in the layout of the published repositories."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    GenerationConfig,
    GPT2Tokenizer,
    PreTrainedModel,
    Qwen2Tokenizer,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

_WORDS = [f"Ġ{first}{second}" for first in "bdfgklmnprst" for second in ("ay", "ell", "ing", "oat", "umb")]
_WIDTH = 32
_WORD, _END = 1.0, 2.5
"""Added to the logits of words, and of an answer's end."""

_SMOL_TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}:{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}{% endfor %}<end_of_utterance>\n"
    "{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)
_QWEN_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def build_random_smolvlm(folder: Path, *, seed: int = 0, window: int | None = None) -> Path:
    """Cuts a picture into tiles; its tokens stand in a row. window: it remembers so many tokens only."""
    marks = ["<|im_start|>", "<end_of_utterance>", "<fake_token_around_image>", "<image>", "<global-img>"]
    marks += [f"<row_{row}_col_{column}>" for row in (1, 2, 3) for column in (1, 2, 3)]
    tokenizer = GPT2Tokenizer(
        vocab=_vocabulary(["<|endoftext|>"]),
        merges=[],
        bos_token="<|im_start|>",
        eos_token="<end_of_utterance>",
        pad_token="<|endoftext|>",
        unk_token="<|endoftext|>",
        extra_special_tokens=marks,
    )
    text = _text(tokenizer) | {"model_type": "llama", "pad_token_id": 0}
    if window is not None:
        text |= {"model_type": "mistral", "sliding_window": window}
    vision = {
        "hidden_size": _WIDTH,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 32,
        "patch_size": 8,
        "initializer_range": 0.4,
    }
    picture = tokenizer.convert_tokens_to_ids("<image>")
    config = SmolVLMConfig(text_config=text, vision_config=vision, image_token_id=picture, scale_factor=2)
    _save(SmolVLMForConditionalGeneration, config, tokenizer, folder, seed)
    SmolVLMImageProcessorPil(
        size={"longest_edge": 64}, max_image_size={"longest_edge": 32}, do_image_splitting=True
    ).save_pretrained(folder)
    (folder / "processor_config.json").write_text(
        json.dumps({"processor_class": "SmolVLMProcessor", "image_seq_len": 4})
    )
    (folder / "chat_template.jinja").write_text(_SMOL_TEMPLATE)
    return folder


def build_random_qwen3_vl(folder: Path, *, seed: int = 0) -> Path:
    """Takes a picture in its own shape; its tokens stand in rows and columns."""
    marks = ["<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    tokenizer = Qwen2Tokenizer(
        vocab=_vocabulary(["<|endoftext|>"]),
        merges=[],
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        unk_token="<|endoftext|>",
        extra_special_tokens=marks,
    )
    text = _text(tokenizer) | {
        "head_dim": 16,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 2, 2]},
    }
    vision = {
        "depth": 2,
        "hidden_size": _WIDTH,
        "intermediate_size": 64,
        "num_heads": 2,
        "patch_size": 8,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "out_hidden_size": _WIDTH,
        "num_position_embeddings": 16,
        "deepstack_visual_indexes": [0, 1],
        "initializer_range": 0.4,
    }
    names = {
        "image_token_id": "<|image_pad|>",
        "video_token_id": "<|video_pad|>",
        "vision_start_token_id": "<|vision_start|>",
        "vision_end_token_id": "<|vision_end|>",
    }
    places = {name: tokenizer.convert_tokens_to_ids(mark) for name, mark in names.items()}
    config = Qwen3VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=False, **places)
    _save(Qwen3VLForConditionalGeneration, config, tokenizer, folder, seed, repetition_penalty=1.05)
    Qwen2VLImageProcessorPil(
        patch_size=8, temporal_patch_size=2, merge_size=2, min_pixels=32 * 32, max_pixels=80 * 80
    ).save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(_QWEN_TEMPLATE)
    return folder


def _vocabulary(first: list[str]) -> dict[str, int]:
    return {token: place for place, token in enumerate([*first, *sorted(ByteLevel.alphabet()), *_WORDS])}


def _text(tokenizer: Any) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": _WIDTH,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "max_position_embeddings": 512,
        "initializer_range": 0.3,
        "eos_token_id": tokenizer.eos_token_id,
    }


def _save(
    kind: type[PreTrainedModel], config: Any, tokenizer: Any, folder: Path, seed: int, **generation: object
) -> None:
    transformers.utils.logging.disable_progress_bar()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = kind(config)
    with torch.no_grad():
        _make_talkative(model, tokenizer)
    model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id, pad_token_id=0, **generation)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _make_talkative(model: Any, tokenizer: Any) -> None:
    """Words are likelier than bytes and marks, and answers come to an end: random weights alone know no measure."""
    head = model.lm_head.weight
    head[: len(tokenizer)] *= 0.8
    first = tokenizer.convert_tokens_to_ids(_WORDS[0])
    head[first : first + len(_WORDS)] *= 1 + _WORD
    head[tokenizer.eos_token_id] *= _END
