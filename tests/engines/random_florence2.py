"""A small Florence-2 with random weights, in the layout of the published conversion for transformers."""

from __future__ import annotations

from pathlib import Path

import torch
import transformers
from tokenizers import AddedToken
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    BartConfig,
    BartTokenizer,
    Florence2Config,
    Florence2ForConditionalGeneration,
    Florence2Processor,
    Florence2VisionConfig,
    GenerationConfig,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

SIDE = 64
"""Pixels to which it scales its pictures; the published models take 768."""

_WORD, _END = 1.0, 5.2
"""Added to the logits of words, and of an answer's end."""

_PICTURE_TOKENS = (SIDE // 32) ** 2 + 1
_MARKS = ["<s>", "<pad>", "</s>", "<unk>"]
_WORDS = [f"Ġ{first}{second}" for first in "bdfgklmnprst" for second in ("ay", "ell", "ing", "oat", "umb")]
_PLACES = [f"<loc_{number}>" for number in range(1000)]


def build_random_florence2(folder: Path, *, seed: int = 2) -> Path:
    """Write one to `folder`; equal seeds give equal weights. Its answers are words and places at random."""
    transformers.utils.logging.disable_progress_bar()
    tokenizer = _tokenizer()
    model = _model(tokenizer, seed)
    model.generation_config = _generation()
    model.save_pretrained(folder)
    pictures = CLIPImageProcessorPil(
        size={"height": SIDE, "width": SIDE},
        do_center_crop=False,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    )
    pictures.image_seq_length = _PICTURE_TOKENS
    tasks = {"ocr": {"pattern": None, "area_threshold": 0.0}, "phrase_grounding": {}, "pure_text": {}}
    Florence2Processor(pictures, tokenizer, post_processor_config=tasks).save_pretrained(folder)
    return folder


def _tokenizer() -> BartTokenizer:
    vocabulary = {token: place for place, token in enumerate([*_MARKS, *sorted(ByteLevel.alphabet()), *_WORDS])}
    tokenizer = BartTokenizer(
        vocab=vocabulary, merges=[], mask_token="<unk>", model_specific_special_tokens={"image_token": "<image>"}
    )
    tokenizer.add_tokens([AddedToken(place, normalized=False) for place in _PLACES])
    return tokenizer


def _model(tokenizer: BartTokenizer, seed: int) -> Florence2ForConditionalGeneration:
    config = Florence2Config(
        vision_config=Florence2VisionConfig(
            depths=(1, 1, 1, 1),
            embed_dim=(8, 16, 24, 32),
            num_heads=(1, 2, 2, 2),
            num_groups=(1, 2, 2, 2),
            window_size=4,
            drop_path_rate=0.0,
            projection_dim=32,
            initializer_range=0.3,
        ),
        text_config=BartConfig(
            vocab_size=len(tokenizer),
            d_model=32,
            encoder_layers=2,
            decoder_layers=2,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=64,
            decoder_ffn_dim=64,
            max_position_embeddings=128,
            init_std=0.4,
            bos_token_id=0,
            pad_token_id=1,
            eos_token_id=2,
            decoder_start_token_id=2,
            forced_eos_token_id=None,
        ),
        image_token_id=tokenizer.image_token_id,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Florence2ForConditionalGeneration(config)
        with torch.no_grad():
            # Component 0 is the same in every state, and so the bias of each token.
            norm = model.model.language_model.decoder.layers[-1].final_layer_norm
            norm.weight[0], norm.bias[0] = 0.0, 1.0
            embeddings = model.model.language_model.shared.weight
            first = tokenizer.convert_tokens_to_ids(_WORDS[0])
            embeddings[:, 0] = 0.0
            embeddings[first : first + len(_WORDS), 0] = _WORD
            embeddings[config.eos_token_id, 0] = _END
    return model


def _generation() -> GenerationConfig:
    """As published: three beams, and no three tokens twice."""
    return GenerationConfig(
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=2,
        forced_bos_token_id=0,
        forced_eos_token_id=2,
        num_beams=3,
        early_stopping=True,
        no_repeat_ngram_size=3,
    )
