"""Trains `atelier-mini-whisper`, a Whisper of 1.9 million parameters, and writes it in CTranslate2's form.

    python training/train_whisper.py [--steps 1850]

A second loss on the encoder (CTC: it spells what it hears, letter by letter) teaches it in minutes when which sound
is heard; the layer for that is dropped afterwards, and what is left is a plain Whisper.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch
from ctranslate2.converters import TransformersConverter
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    GenerationConfig,
    PreTrainedTokenizerFast,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)

from lessons import IGNORED, LETTERS, TIMESTAMPS, WINDOW, Batch, Lessons, build_tokenizer, token_of
from loop import Plan, train
from utterances import pool

ROOT = Path(__file__).parents[1]
WORK = ROOT / "build/training/whisper"
FINISHED = ROOT / "src/atelier/models/mini/whisper"

BATCH = 32
SHARDS = 6
STEPS = 1850
EASY = 400
"""Steps with one short utterance alone; then every second batch has windows of several utterances, and from
`LAST` of the steps on all have, of full length."""

LAST = 0.88
POINTERS = ((0, 0), (1, 0), (2, 0), (2, 1))
"""Layers and heads of the decoder that learn where to listen, by a loss of their own."""

TIMERS = [(2, 0), (2, 1)]
"""Those of them that words are timed by."""

_MARGIN = 5.0  # fiftieths of a second by which a word may lie off its place


class Pupil(nn.Module):
    """Whisper, and the layer that spells."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.whisper = build_whisper(tokenizer)
        self.spelling = nn.Linear(self.whisper.config.d_model, len(LETTERS) + 1)

    def encode(self, features: Tensor) -> Tensor:
        """Whisper's encoder, for windows of any length: (batch, mels, frames) to (batch, frames / 2, width)."""
        encoder = self.whisper.model.encoder
        hidden = functional.gelu(encoder.conv1(features))
        hidden = functional.gelu(encoder.conv2(hidden)).transpose(1, 2)
        hidden = hidden + encoder.embed_positions.weight[: hidden.shape[1]]
        for layer in encoder.layers:
            hidden = layer(hidden, None)
        normed: Tensor = encoder.layer_norm(hidden)
        return normed

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        with torch.autocast("cpu", torch.bfloat16):
            heard = self.encode(batch.features)
            written = self.whisper(
                encoder_outputs=(heard,), decoder_input_ids=batch.inputs, use_cache=False, output_attentions=True
            )
            spelled = self.spelling(heard)
        logits = written.logits.float().flatten(0, 1)
        looks = torch.stack([written.cross_attentions[layer][:, head] for layer, head in POINTERS]).float()
        return {
            "writing": functional.cross_entropy(logits, batch.labels.flatten(), ignore_index=IGNORED),
            "spelling": _spelling_loss(spelled.float(), batch.letters),
            "pointing": 0.3 * _pointing_loss(looks, batch.places),
        }


def _pointing_loss(looks: Tensor, places: Tensor) -> Tensor:
    """How little of each look, of shape (heads, batch, tokens, heard), falls on the place that is spoken of."""
    heard = torch.arange(looks.shape[-1])
    within = (heard >= places[..., :1] - _MARGIN) & (heard <= places[..., 1:] + _MARGIN)
    counted = (places[..., 0] != IGNORED) & within.any(-1)
    return -((looks * within).sum(-1) + 1e-4).log()[:, counted].mean()


def _spelling_loss(spelled: Tensor, letters: list[list[int]]) -> Tensor:
    """For each letter. Windows without speech do not count: they would teach it to stay silent."""
    said = [number for number, row in enumerate(letters) if row]
    return functional.ctc_loss(
        spelled[said].log_softmax(-1).transpose(0, 1),
        torch.tensor([letter for row in letters for letter in row]),
        torch.full((len(said),), spelled.shape[1]),
        torch.tensor([len(letters[number]) for number in said]),
        zero_infinity=True,
    )


def build_whisper(tokenizer: Tokenizer) -> WhisperForConditionalGeneration:
    """English only: as Whisper's own English models, it gets neither language nor task told."""
    end, start, space = (token_of(tokenizer, token) for token in ("<|endoftext|>", "<|startoftranscript|>", "Ġ"))
    config = WhisperConfig(
        vocab_size=tokenizer.get_vocab_size() + TIMESTAMPS,
        d_model=128,
        encoder_layers=4,
        decoder_layers=3,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=512,
        decoder_ffn_dim=512,
        max_source_positions=WINDOW * 50,
        init_std=0.06,
        pad_token_id=end,
        bos_token_id=end,
        eos_token_id=end,
        decoder_start_token_id=start,
        suppress_tokens=[],
        begin_suppress_tokens=[space, end],
        attn_implementation="eager",  # on one core a quarter faster to train than the fused kind
    )
    model = WhisperForConditionalGeneration(config)
    for layer in (model.model.encoder.conv1, model.model.encoder.conv2):
        nn.init.kaiming_normal_(layer.weight)  # so that what is heard weighs as much as when, from the beginning
    model.generation_config = GenerationConfig(
        suppress_tokens=[],
        begin_suppress_tokens=[space, end],
        lang_to_id={},
        alignment_heads=TIMERS,
        decoder_start_token_id=start,
        eos_token_id=end,
        pad_token_id=end,
    )
    return model


def convert(whisper: WhisperForConditionalGeneration, tokenizer: Tokenizer, work: Path, folder: Path) -> None:
    """Write what faster-whisper loads into `folder`, by way of `work`; other files there stay."""
    source, fresh = work / "transformers", work / "converted"
    for part in (
        whisper,
        PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>", bos_token="<|endoftext|>"),
        WhisperFeatureExtractor(chunk_length=WINDOW),
    ):
        part.save_pretrained(source)
    converter = TransformersConverter(str(source), copy_files=["tokenizer.json", "preprocessor_config.json"])
    converter.convert(str(fresh), quantization="float32", force=True)
    shutil.copytree(fresh, folder, dirs_exist_ok=True)


def _lesson(lessons: Lessons, step: int, steps: int) -> Batch:
    if step >= LAST * steps:
        return lessons.composed(step, whole=True)
    if step >= EASY and step % 2 == 0:
        return lessons.composed(step, whole=step % 12 == 0)
    return lessons.single(step, easy=step < EASY)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--steps", type=int, default=STEPS)
    options.add_argument("--work", type=Path, default=WORK, help="where checkpoints and spoken texts are kept")
    options.add_argument("--out", type=Path, default=FINISHED)
    given = options.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(0)
    tokenizer = build_tokenizer()
    pupil = Pupil(tokenizer)
    lessons = Lessons(pool(given.work, SHARDS), tokenizer, BATCH)
    print(f"{sum(weight.numel() for weight in pupil.whisper.parameters()):,} parameters", flush=True)

    def loss_of(step: int) -> Tensor:
        losses = pupil.losses(_lesson(lessons, step, given.steps))
        if (step + 1) % 50 == 0:
            print("  " + ", ".join(f"{name} {loss.item():.3f}" for name, loss in losses.items()), flush=True)
        return torch.stack([*losses.values()]).sum()

    plan = Plan(folder=given.work, steps=given.steps, rate=1.5e-3, average=0.998, report_every=50, checkpoint_every=100)
    trained = train(pupil, loss_of, plan)
    assert isinstance(trained, Pupil)
    convert(trained.whisper, tokenizer, given.work, given.out)


if __name__ == "__main__":
    main()
