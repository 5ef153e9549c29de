"""An XTTS of random weights in the layout of the hub's repository coqui/XTTS-v2, small but for its vocoder.

The sizes of the vocoder and of the speaker encoder are fixed in coqui-tts: some 90 MB.
"""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, models

from atelier.engines.xtts.library import Xtts, XttsArgs, XttsAudioConfig, XttsConfig

LANGUAGES = ["en", "es", "fr", "de", "it", "pt", "pl", "tr", "ru", "nl", "cs", "ar", "zh-cn", "hu", "ko", "ja", "hi"]
SPEAKERS = ("Claribel Dervla", "Craig Gutsy", "Nova Hogarth", "Viktor Eka", "Alma María")
MOST_TOKENS = 120
"""Text tokens that it takes for a sentence; the published model takes 402."""

_WIDTH = 64
_SOUNDS = 40  # tokens of sound, and two marks


def build_tiny_xtts(folder: Path, *, seed: int = 0) -> Path:
    """Returns the folder: config.json, model.pth, vocab.json and speakers_xtts.pth."""
    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    tokenizer = _tokenizer()
    tokenizer.save(str(folder / "vocab.json"))
    config = _config(tokenizer)
    model = Xtts(config)
    _loosen(model)
    config.save_json(str(folder / "config.json"))
    save_checkpoint(model.state_dict(), config, folder / "model.pth")
    torch.save({name: _speaker() for name in SPEAKERS}, folder / "speakers_xtts.pth")
    return folder


def _tokenizer() -> Tokenizer:
    marks = ["[STOP]", "[UNK]", "[SPACE]", *(f"[{language}]" for language in LANGUAGES), "[START]"]
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,!?'áéíñóúüàèçßäö:;-"
    words = {word: number for number, word in enumerate([*marks, *letters])}
    tokenizer = Tokenizer(models.BPE(words, merges=[], unk_token="[UNK]"))
    tokenizer.add_special_tokens(marks)
    return tokenizer


def _config(tokenizer: Tokenizer) -> XttsConfig:
    arguments = XttsArgs(
        gpt_layers=2,
        gpt_n_model_channels=_WIDTH,
        gpt_n_heads=2,
        gpt_max_audio_tokens=30,
        gpt_max_text_tokens=MOST_TOKENS,
        gpt_number_text_tokens=tokenizer.get_vocab_size(),
        gpt_start_text_token=tokenizer.token_to_id("[START]"),
        gpt_stop_text_token=tokenizer.token_to_id("[STOP]"),
        gpt_num_audio_tokens=_SOUNDS + 2,
        gpt_start_audio_token=_SOUNDS,
        gpt_stop_audio_token=_SOUNDS + 1,
        gpt_code_stride_len=256,  # a quarter of the published: less to compute
        gpt_use_perceiver_resampler=True,
        decoder_input_dim=_WIDTH,
    )
    audio = XttsAudioConfig(sample_rate=22050, output_sample_rate=24000)
    return XttsConfig(
        model_args=arguments,
        audio=audio,
        languages=LANGUAGES,
        temperature=0.75,
        repetition_penalty=1.5,
        top_k=20,
        top_p=0.85,
        gpt_cond_len=30,
        gpt_cond_chunk_len=4,
        max_ref_len=30,
    )


def _loosen(model: Xtts) -> None:
    """Wider weights than those of training's start, with which every text would sound the same, and a late end."""
    with torch.no_grad():
        model.gpt.mel_head.bias[model.args.gpt_stop_audio_token] = -4
        for name, weight in model.gpt.named_parameters():
            if weight.dim() > 1 and ("embedding" in name or "head" in name):
                weight.normal_(0, 0.5)


def _speaker() -> dict[str, torch.Tensor]:
    embedding = torch.nn.functional.normalize(torch.randn(1, 512, 1), dim=1)
    return {"gpt_cond_latent": torch.randn(1, 32, _WIDTH), "speaker_embedding": embedding}


def save_checkpoint(weights: dict[str, torch.Tensor], config: object, file: Path) -> None:
    """As the published one holds them: the configuration as an object, of classes under the names they had then."""
    moved = (XttsArgs, XttsAudioConfig)
    now = XttsArgs.__module__
    try:
        for kind in moved:
            kind.__module__ = Xtts.__module__
        torch.save({"model": weights, "config": config}, file)
    finally:
        for kind in moved:
            kind.__module__ = now
