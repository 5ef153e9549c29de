"""A Whisper of random weights in CTranslate2's form: the real layout, small enough to build in a test."""

from __future__ import annotations

from pathlib import Path

import torch
from ctranslate2.converters import TransformersConverter
from faster_whisper.tokenizer import _LANGUAGE_CODES as LANGUAGES
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    GenerationConfig,
    PreTrainedTokenizerFast,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)

_MARKS = ("translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps")

_END = 7.0
"""Added to the logit of an answer's end, before certainty."""


def build_tiny_whisper(
    folder: Path,
    *,
    languages: tuple[str, ...] = tuple(LANGUAGES),
    window: int = 30,
    seed: int = 0,
    certainty: float = 8,
    bands: int = 80,
    width: int = 32,
) -> Path:
    """Returns the folder of a converted model that hears `window` seconds at once.

    Without `languages` it is one that knows English only. certainty: by which its logits are multiplied; at 1 it is so
    unsure that every window is tried at all temperatures. bands: of the spectrogram; large-v3 has 128. width: of
    every layer.
    """
    tokenizer = _tokenizer(languages)
    model = _model(tokenizer, languages, window, seed, bands=bands, width=width)
    with torch.no_grad():
        _make_certain(model, certainty)
    source = folder.with_name(folder.name + "-source")
    for part in (model, tokenizer, WhisperFeatureExtractor(feature_size=bands, chunk_length=window)):
        part.save_pretrained(source)
    TransformersConverter(str(source), copy_files=["tokenizer.json", "preprocessor_config.json"]).convert(
        str(folder), quantization="float32"
    )
    return folder


def _tokenizer(languages: tuple[str, ...]) -> PreTrainedTokenizerFast:
    """Bytes and a few hundred words. The empty token is how CTranslate2 tells a multilingual model."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    sounds = [consonant + vowel for consonant in "bdfgklmnprst" for vowel in "aeiou"]
    spoken = [f"Ġ{first}{second}" for first in sounds for second in sounds[::7]]
    words = [*letters, *spoken, *([""] if languages else []), "<|endoftext|>"]
    core = Tokenizer(models.BPE({word: number for number, word in enumerate(words)}, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    marks = ["<|startoftranscript|>", *(f"<|{name}|>" for name in (*languages, *_MARKS))]
    core.add_special_tokens(["<|endoftext|>", *marks])
    return PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<|endoftext|>", bos_token="<|endoftext|>")


def _model(
    tokenizer: PreTrainedTokenizerFast, languages: tuple[str, ...], window: int, seed: int, *, bands: int, width: int
) -> WhisperForConditionalGeneration:
    torch.manual_seed(seed)
    end, start = tokenizer.convert_tokens_to_ids(["<|endoftext|>", "<|startoftranscript|>"])
    config = WhisperConfig(
        vocab_size=len(tokenizer) + window * 50 + 1,  # a timestamp every 20 ms
        d_model=width,
        num_mel_bins=bands,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=2 * width,
        decoder_ffn_dim=2 * width,
        max_source_positions=window * 50,
        init_std=0.5,  # with the usual 0.02 every recording would get the same words
        pad_token_id=end,
        bos_token_id=end,
        eos_token_id=end,
        decoder_start_token_id=start,
        suppress_tokens=[],
        begin_suppress_tokens=[],
    )
    model = WhisperForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        suppress_tokens=[],
        begin_suppress_tokens=[end],
        lang_to_id={f"<|{name}|>": tokenizer.convert_tokens_to_ids(f"<|{name}|>") for name in languages},
        decoder_start_token_id=start,
        eos_token_id=end,
        pad_token_id=end,
    )
    return model


def _make_certain(model: WhisperForConditionalGeneration, certainty: float) -> None:
    """Also let its answers end before they repeat themselves: component 0 of every state is the bias of each token."""
    norm, embeddings = model.model.decoder.layer_norm, model.model.decoder.embed_tokens.weight
    norm.weight[0], norm.bias[0] = 0.0, 1.0
    embeddings[:, 0] = 0.0
    embeddings[model.config.eos_token_id, 0] = _END
    norm.weight *= certainty
    norm.bias *= certainty
