"""A Chatterbox of random weights in the layout of the hub's repository, most of its parts small.

The library has no configuration: `small` shrinks the parts that it builds, for as long as a model is made or loaded.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models

from atelier.engines.chatterbox.library import SAMPLE_RATE, ChatterboxTTS

# after the library itself, which has torchaudio's stand-ins in place while they are imported
from chatterbox.models.s3gen import S3Gen, s3gen  # isort: skip
from chatterbox.models.t3 import T3  # isort: skip
from chatterbox.models.t3.llama_configs import LLAMA_CONFIGS  # isort: skip
from chatterbox.models.tokenizers import EnTokenizer  # isort: skip
from chatterbox.models.voice_encoder import VoiceEncoder  # isort: skip
from s3tokenizer.model_v2 import S3TokenizerV2  # isort: skip

_SOUNDS = 24  # tokens of sound that it chooses from
_SMALL: dict[str, dict[str, Any]] = {
    "UpsampleConformerEncoder": {"linear_units": 64, "num_blocks": 1},
    "ConditionalDecoder": {
        "channels": [32],
        "n_blocks": 1,
        "num_mid_blocks": 1,
        "num_heads": 2,
        "attention_head_dim": 8,
    },
    "HiFTGenerator": {"base_channels": 32},
    "CAMPPlus": {"growth_rate": 4, "init_channels": 16},
}


@contextmanager
def small() -> Iterator[None]:
    """While a model is built or loaded."""
    config = S3TokenizerV2.__init__.__defaults__[0]
    kept, llama = dict(vars(config)), dict(LLAMA_CONFIGS["Llama_520M"])
    classes = {name: getattr(s3gen, name) for name in _SMALL}
    try:
        vars(config).update(n_audio_state=64, n_audio_head=1, n_audio_layer=1)
        LLAMA_CONFIGS["Llama_520M"].update(intermediate_size=64, num_hidden_layers=1)
        for name, sizes in _SMALL.items():
            setattr(s3gen, name, partial(_shrunk, classes[name], sizes))
        yield
    finally:
        vars(config).update(kept)
        LLAMA_CONFIGS["Llama_520M"].update(llama)
        for name, kind in classes.items():
            setattr(s3gen, name, kind)


def _shrunk(kind: Any, sizes: dict[str, Any], **asked: Any) -> Any:
    return kind(**(asked | sizes))


def noise(seconds: float, seed: int = 0) -> bytes:
    """A wav of somebody who hisses."""
    sink = io.BytesIO()
    samples = np.random.default_rng(seed).normal(size=round(seconds * SAMPLE_RATE)) / 10
    soundfile.write(sink, samples, SAMPLE_RATE, format="WAV")
    return sink.getvalue()


def build_tiny_chatterbox(folder: Path, *, seed: int = 0) -> Path:
    """Returns the folder: ve, t3_cfg and s3gen (.safetensors), tokenizer.json and conds.pt."""
    folder.mkdir(parents=True)
    _tokenizer().save(str(folder / "tokenizer.json"))
    torch.manual_seed(seed)
    with small():
        t3, speech, voice = T3().eval(), S3Gen().eval(), VoiceEncoder().eval()
    _loosen(t3)
    for name, module in (("t3_cfg", t3), ("s3gen", speech), ("ve", voice)):
        weights = {key: value.contiguous().clone() for key, value in module.state_dict().items()}
        save_file(weights, folder / f"{name}.safetensors")
    model = ChatterboxTTS(t3, speech, voice, EnTokenizer(str(folder / "tokenizer.json")), "cpu")
    model.prepare_conditionals(io.BytesIO(noise(7)))
    model.conds.save(folder / "conds.pt")
    return folder


def _tokenizer() -> Tokenizer:
    marks = ["[STOP]", "[START]", "[UNK]", "[SPACE]"]
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,!?'"
    words = {word: number for number, word in enumerate([*marks, *letters])}
    tokenizer = Tokenizer(models.BPE(words, merges=[], unk_token="[UNK]"))
    tokenizer.add_special_tokens(marks)
    return tokenizer


def _loosen(t3: T3) -> None:
    """It chooses from a few tokens, the one that ends a sentence among them."""
    with torch.no_grad():
        stop = t3.hp.stop_speech_token
        t3.speech_head.weight.zero_()
        t3.speech_head.weight[: _SOUNDS * 200 : 200].normal_(0, 0.1)
        t3.speech_head.weight[stop].normal_(0, 0.1)
        for embedding in (t3.text_emb, t3.speech_emb):
            embedding.weight.normal_(0, 0.5)  # else every text would sound the same
