"""Trains atelier-mini-blip2: pictures of the small world in, their sentences and answers about them out.

The model in the package was interrupted after 2,000 of 3,000 steps; `--steps 2000` then wrote that checkpoint out.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - what everybody calls it
from transformers import (
    Blip2Config,
    Blip2ForConditionalGeneration,
    Blip2Processor,
    Blip2QFormerConfig,
    Blip2VisionConfig,
    GPT2Tokenizer,
    OPTConfig,
)
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

from captions import asked
from imperfect import Outlines, imperfect
from loop import Plan, train
from world import BACKGROUNDS, COLOURS, POSITIONS, SHAPES, SIZES, Scene, sentence, training_scenes

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "src/atelier/models/mini/blip2"

SIDE, PATCH = 96, 12
QUERIES = 8
WIDTH = 128
POSITIONS_HELD = 2048  # tokens of picture, question and answer together, as in the published models
BATCH = 64
STEPS = 3000
RATE = 1.5e-3
SEED = 3

_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")  # where OPT has them
_PADDING, _START = 1, 2  # OPT begins its texts with the sign that GPT-2 ends them with
_IMAGE = "<image>"
_NEWLINE = "\n"  # BLIP-2's answers end with a line
_VALUES = {
    "shape": list(SHAPES),
    "colour": list(COLOURS),
    "background": list(BACKGROUNDS),
    "size": list(SIZES),
    "position": list(POSITIONS),
}


class Learner(nn.Module):
    """The captioner, and what helps it to learn to see: heads that name each attribute, dropped after training."""

    def __init__(self, captioner: Blip2ForConditionalGeneration) -> None:
        super().__init__()
        self.captioner = captioner
        kinds = sum(len(values) for values in _VALUES.values())
        self.seen = nn.Linear(2 * WIDTH, kinds)
        self.told = nn.Linear(QUERIES * WIDTH, kinds)

    def forward(self, pixels: Tensor, words: Tensor, wanted: Tensor, values: Tensor) -> Tensor:
        """The loss. words, wanted: (texts of each picture * n, length), wanted -100 where nothing is to be learned."""
        features = self.captioner.get_image_features(pixels)
        towers = features.vision_outputs.last_hidden_state
        queries = features.qformer_outputs.last_hidden_state
        seen = self.seen(torch.cat([towers[:, 1:].mean(dim=1), towers[:, 1:].amax(dim=1)], dim=1))
        told = self.told(queries.flatten(1))
        naming = _naming_loss(seen, values) + _naming_loss(told, values)
        return self._speaking_loss(features.pooler_output, words, wanted) + 0.5 * naming

    def _speaking_loss(self, pictures: Tensor, words: Tensor, wanted: Tensor) -> Tensor:
        embedded = self.captioner.get_input_embeddings()(words)
        pictures = pictures.repeat(len(words) // len(pictures), 1, 1).to(embedded.dtype)
        there = F.pad((words != _PADDING).long(), (QUERIES, 0), value=1)
        speech = self.captioner.language_model(
            inputs_embeds=torch.cat([pictures, embedded], dim=1), attention_mask=there, use_cache=False
        )
        logits = speech.logits[:, QUERIES:-1]
        return F.cross_entropy(logits.flatten(0, 1).float(), wanted[:, 1:].flatten(), ignore_index=-100)


class Lessons:
    """Batches of pictures, captions and answers; the batch of a step is always the same."""

    def __init__(self, processor: Blip2Processor) -> None:
        self._tokenizer = processor.tokenizer
        self._scenes = training_scenes()
        self._outlines = Outlines(each=64)
        self._mean = torch.tensor(processor.image_processor.image_mean).view(3, 1, 1)
        self._spread = torch.tensor(processor.image_processor.image_std).view(3, 1, 1)

    def batch(self, step: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What `Learner` takes: a caption and an answer for each of BATCH pictures."""
        chance = random.Random(f"{SEED} {step}")
        scenes = chance.choices(self._scenes, k=BATCH)
        pictures = imperfect(scenes, self._outlines, SIDE, chance.getrandbits(32))
        texts = [("", sentence(scene)) for scene in scenes]
        for scene in scenes:
            question, answer = asked(scene, chance)
            texts.append((f"Question: {question} Answer:", answer))
        words, wanted = self._worded(texts)
        return (pictures / 255 - self._mean) / self._spread, words, wanted, _values(scenes)

    def _worded(self, texts: Sequence[tuple[str, str]]) -> tuple[Tensor, Tensor]:
        rows = []
        for prompt, answer in texts:
            asking = self._tokenizer(prompt, split_special_tokens=True).input_ids
            saying = self._tokenizer(f" {answer}{_NEWLINE}").input_ids[1:]  # without a beginning of its own
            rows.append((asking + saying, [-100] * len(asking) + saying))
        longest = max(len(words) for words, _ in rows)
        words = torch.tensor([words + [_PADDING] * (longest - len(words)) for words, _ in rows])
        wanted = torch.tensor([wanted + [-100] * (longest - len(wanted)) for _, wanted in rows])
        return words, wanted


def _values(scenes: Sequence[Scene]) -> Tensor:
    """(n, 5): the place of each attribute's value among all there are."""
    return torch.tensor([[_VALUES[name].index(value) for name, value in asdict(scene).items()] for scene in scenes])


def _naming_loss(logits: Tensor, values: Tensor) -> Tensor:
    parts = logits.float().split([len(names) for names in _VALUES.values()], dim=1)
    return torch.stack([F.cross_entropy(part, values[:, place]) for place, part in enumerate(parts)]).mean()


def new_processor() -> Blip2Processor:
    """Pictures to SIDE x SIDE pixels; words to byte-level pairs learned from the world's sentences."""
    vocabulary, merges = _vocabulary()
    tokenizer = GPT2Tokenizer(
        vocab=vocabulary,
        merges=merges,
        bos_token=_SPECIAL[2],
        eos_token=_SPECIAL[2],
        unk_token=_SPECIAL[3],
        pad_token=_SPECIAL[1],
        add_bos_token=True,
        model_max_length=POSITIONS_HELD,
    )
    pictures = BlipImageProcessorPil(size={"height": SIDE, "width": SIDE})
    return Blip2Processor(pictures, tokenizer, num_query_tokens=QUERIES)


def _vocabulary() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Every byte, and the pairs of them that the world's texts are made of: each of its words is one token."""
    chance = random.Random(SEED)
    texts = [f" {sentence(scene)}{_NEWLINE}" for scene in training_scenes()]
    for scene in training_scenes() * 8:
        question, answer = asked(scene, chance)
        texts.append(f"Question: {question} Answer: {answer}{_NEWLINE}")
    pairs = Tokenizer(models.BPE())
    pairs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=1024, initial_alphabet=alphabet, special_tokens=list(_SPECIAL), show_progress=False
    )
    pairs.train_from_iterator(texts, trainer)
    learned = json.loads(pairs.to_str())["model"]
    return {**learned["vocab"], _IMAGE: len(learned["vocab"])}, [tuple(pair) for pair in learned["merges"]]


def new_captioner(processor: Blip2Processor) -> Blip2ForConditionalGeneration:
    """A BLIP-2 of 2.0 million parameters that has not learned anything yet."""
    words = processor.tokenizer
    sizes = {"hidden_size": WIDTH, "num_attention_heads": 4}
    config = Blip2Config(
        vision_config=Blip2VisionConfig(
            **sizes,
            image_size=SIDE,
            patch_size=PATCH,
            intermediate_size=4 * WIDTH,
            num_hidden_layers=4,
            initializer_range=0.02,
        ),
        qformer_config=Blip2QFormerConfig(
            **sizes,
            vocab_size=len(words),
            encoder_hidden_size=WIDTH,
            intermediate_size=2 * WIDTH,
            num_hidden_layers=2,
            cross_attention_frequency=1,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        ),
        text_config=OPTConfig(
            **sizes,
            vocab_size=len(words),
            word_embed_proj_dim=WIDTH,
            ffn_dim=4 * WIDTH,
            num_hidden_layers=2,
            max_position_embeddings=POSITIONS_HELD,
            dropout=0.0,
            bos_token_id=_START,
            pad_token_id=_PADDING,
            eos_token_id=words(_NEWLINE).input_ids[-1],
        ),
        num_query_tokens=QUERIES,
        image_token_index=words.convert_tokens_to_ids(_IMAGE),
    )
    captioner = Blip2ForConditionalGeneration(config)
    captioner.set_attn_implementation("eager")  # for so few tokens, twice as fast as the library's own choice
    nn.init.normal_(captioner.query_tokens, std=0.5)  # the library's zeros would make all queries ask the same
    with torch.no_grad():
        captioner.vision_model.embeddings.position_embedding[0, 1:] = _places()
    return captioner


def _places() -> Tensor:
    """(patches, WIDTH): waves across and down, so that neighbours look alike from the first step on."""
    line = torch.linspace(0, 1, SIDE // PATCH)
    turns = line[:, None] * math.pi * 2.0 ** torch.linspace(-1, 3, WIDTH // 4)
    waves = 0.3 * torch.cat([turns.sin(), turns.cos()], dim=1)
    down, across = torch.broadcast_tensors(waves[:, None], waves[None])
    return torch.cat([down, across], dim=2).flatten(0, 1)


def save(captioner: Blip2ForConditionalGeneration, processor: Blip2Processor, folder: Path) -> None:
    """Write the published layout, in half precision; the model card that lies there stays."""
    folder.mkdir(parents=True, exist_ok=True)
    captioner.half().save_pretrained(folder)
    processor.save_pretrained(folder)
    for weights in folder.glob("*.safetensors"):
        weights.chmod(0o644)  # written for the owner alone, but a service may run as another user


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--work", type=Path, default=ROOT / "build/training/blip2", help="where the checkpoint is kept")
    parser.add_argument("--out", type=Path, default=MODEL, help="where the trained model is written")
    parser.add_argument("--afresh", action="store_true", help="do not go on from the checkpoint")
    chosen = parser.parse_args()
    if chosen.afresh:
        shutil.rmtree(chosen.work, ignore_errors=True)
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    processor = new_processor()
    learner, lessons = Learner(new_captioner(processor)), Lessons(processor)
    print(f"{sum(weight.numel() for weight in learner.captioner.parameters()):,} parameters", flush=True)

    def loss_of(step: int) -> Tensor:
        batch = lessons.batch(step)
        with torch.autocast("cpu", torch.bfloat16):
            loss: Tensor = learner(*batch)
        return loss

    learned = train(learner, loss_of, Plan(chosen.work, chosen.steps, RATE))
    assert isinstance(learned, Learner)
    save(learned.captioner, processor, chosen.out)


if __name__ == "__main__":
    main()
