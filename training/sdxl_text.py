"""The miniature's two CLIP text encoders and their tokenizer, taught to say what a prompt asks for.

SDXL trains its UNet on encoders that know what words mean before it starts, and so does the miniature: here they
learn, by linear heads that are dropped afterwards, to tell each attribute of a scene from the states that the UNet
reads: those before the last layer of both, and the pooled state of the second.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from loop import Plan, train
from world import BACKGROUNDS, COLOURS, POSITIONS, SHAPES, SIZES, Scene, training_scenes, wording

TOKENS = 77
WIDTH, WIDTH_2 = 64, 128
_LAYERS = 3
_BATCH, _PLACES = 48, 6
_START, _END = "<|startoftext|>", "<|endoftext|>"

_VALUES = {
    "shape": SHAPES,
    "colour": tuple(COLOURS),
    "background": tuple(BACKGROUNDS),
    "size": SIZES,
    "position": POSITIONS,
}
_SAME = {"little": "small", "big": "large", "centre": "middle", "center": "middle", "gray": "grey"}
_MEANINGLESS = (
    "photo picture painting drawing of the with very nice bright dark detailed sharp clean style art digital "
    "render high quality cinematic light studio illustration simple flat vector icon cute cat dog house tree "
    "car person city sky sea highly best beautiful professional lighting soft colourful watercolour oil sketch "
    "anime poster pattern and in at by "
)


class TextEncoders(nn.Module):
    """Both encoders and the heads that teach them."""

    def __init__(self, tokenizer: CLIPTokenizer) -> None:
        super().__init__()
        self.first = CLIPTextModel(_config(tokenizer, WIDTH))
        self.second = CLIPTextModelWithProjection(_config(tokenizer, WIDTH_2))
        self.heads = nn.ModuleDict({name: _heads(width) for name, width in _STATES.items()})

    def forward(self, first: Tensor, second: Tensor) -> dict[str, Tensor]:
        """The states that the UNet reads, from tokens (n, 77): `first` and `second` (n, 77, width), `pooled`."""
        one = self.first(first, output_hidden_states=True)
        two = self.second(second, output_hidden_states=True)
        return {"first": one.hidden_states[-2], "second": two.hidden_states[-2], "pooled": two.text_embeds}


_STATES = {"first": WIDTH, "second": WIDTH_2, "pooled": WIDTH_2}


def build_tokenizers() -> tuple[CLIPTokenizer, CLIPTokenizer]:
    """Of the first and the second encoder: they differ in what they fill up with, as SDXL's do."""
    trained = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    trained.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    learner = trainers.BpeTrainer(
        vocab_size=700, end_of_word_suffix="</w>", initial_alphabet=letters, show_progress=False
    )
    chance = random.Random("words")
    trained.train_from_iterator((wording(scene, chance) for scene in training_scenes() for _ in range(3)), learner)
    merges = [tuple(pair) for pair in _merges(trained)]
    tokens = [*letters, *(letter + "</w>" for letter in letters), *("".join(pair) for pair in merges), _START, _END]
    vocabulary = {token: place for place, token in enumerate(dict.fromkeys(tokens))}
    return (
        CLIPTokenizer(vocab=vocabulary, merges=merges, pad_token=_END, model_max_length=TOKENS),
        CLIPTokenizer(vocab=vocabulary, merges=merges, pad_token="!", model_max_length=TOKENS),
    )


def tokens_of(tokenizer: CLIPTokenizer, prompts: list[str]) -> Tensor:
    """(n, 77)."""
    encoded = tokenizer(prompts, padding="max_length", max_length=TOKENS, truncation=True, return_tensors="pt")
    return encoded.input_ids


def train_text(folder: Path, steps: int, seed: int = 0) -> TextEncoders:
    torch.manual_seed(seed)
    tokenizers = build_tokenizers()
    encoders, scenes = TextEncoders(tokenizers[0]), training_scenes()

    def loss_of(step: int) -> Tensor:
        chance = random.Random(f"text {seed} {step}")
        prompts = [_prompt(chance.choice(scenes), chance) for _ in range(_BATCH)]
        one, two = (tokens_of(tokenizer, prompts) for tokenizer in tokenizers)
        with torch.autocast("cpu", torch.bfloat16):
            states = encoders(one, two)
        ends = (one == tokenizers[0].eos_token_id).int().argmax(1).tolist()
        return _loss(encoders, states, [meaning(prompt) for prompt in prompts], ends, chance)

    trained = train(encoders, loss_of, Plan(folder / "text", steps, rate=1e-3, average=0.995))
    assert isinstance(trained, TextEncoders)
    return trained


def meaning(prompt: str) -> dict[str, str | None]:
    """What a prompt says of each attribute; None where it says nothing."""
    said: dict[str, str | None] = dict.fromkeys(_VALUES)
    words = [_SAME.get(word, word) for word in prompt.replace(",", " ").split()]
    for word, following in zip(words, [*words[1:], ""], strict=False):
        if following == "background" and word in BACKGROUNDS:
            said["background"] = word
            continue
        for name in ("shape", "colour", "size", "position"):
            if word in _VALUES[name]:
                said[name] = word
    return said


def accuracy(encoders: TextEncoders, scenes: list[Scene], seed: int = 1) -> dict[str, float]:
    """Share of attributes that the heads read rightly from each state, one wording of each scene."""
    chance, tokenizers = random.Random(seed), build_tokenizers()
    prompts = [wording(scene, chance) for scene in scenes]
    one, two = (tokens_of(tokenizer, prompts) for tokenizer in tokenizers)
    ends = (one == tokenizers[0].eos_token_id).int().argmax(1)
    right: dict[str, float] = {}
    with torch.no_grad():
        states = encoders(one, two)
        for state, values in states.items():
            at_end = values if values.ndim == 2 else values[torch.arange(len(prompts)), ends]
            marks = [
                float(
                    (encoders.heads[state][name](at_end).argmax(1) == _targets([meaning(p) for p in prompts], name))
                    .float()
                    .mean()
                )
                for name in _VALUES
            ]
            right[state] = round(sum(marks) / len(marks), 4)
    return right


def _config(tokenizer: CLIPTokenizer, width: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=4 * width,
        projection_dim=width,
        num_hidden_layers=_LAYERS,
        num_attention_heads=width // 32,
        max_position_embeddings=TOKENS,
        initializer_factor=2.0,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.eos_token_id,
    )


def _heads(width: int) -> nn.ModuleDict:
    return nn.ModuleDict({name: nn.Linear(width, len(values) + 1) for name, values in _VALUES.items()})


def _merges(tokenizer: Tokenizer) -> list[tuple[str, str]]:
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return [tuple(pair) if isinstance(pair, list) else tuple(pair.split(" ")) for pair in merges]


def _prompt(scene: Scene, chance: random.Random) -> str:
    """A wording, sometimes cut to a part of it, sometimes among words that mean nothing here."""
    words = wording(scene, chance).split()
    if chance.random() < 0.15:
        words = words[: chance.randrange(len(words) + 1)]
    if chance.random() < 0.3:
        for _ in range(chance.randint(1, 8)):
            words.insert(chance.choice((0, len(words))), _meaningless(chance))
    return " ".join(words)


def _meaningless(chance: random.Random) -> str:
    if chance.random() < 0.5:
        return chance.choice(_MEANINGLESS.split()) + ("," if chance.random() < 0.3 else "")
    return "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9)))


def _loss(
    encoders: TextEncoders,
    states: dict[str, Tensor],
    meanings: list[dict[str, str | None]],
    ends: list[int],
    chance: random.Random,
) -> Tensor:
    """How badly the heads read the attributes, at the end of the prompt and in what fills up after it; and how far
    the states are from a variance of 1, the scale that the UNet likes."""
    total = torch.zeros(())
    rows = torch.arange(len(meanings))
    for _ in range(_PLACES):
        places = torch.tensor([chance.choice((end, chance.randint(end, TOKENS - 1))) for end in ends])
        for state in ("first", "second"):
            total = total + _reading(encoders, state, states[state][rows, places].float(), meanings) / _PLACES
    total = total + _reading(encoders, "pooled", states["pooled"].float(), meanings)
    return total + sum((value.float().std() - 1) ** 2 for value in states.values())


def _reading(encoders: TextEncoders, state: str, values: Tensor, meanings: list[dict[str, str | None]]) -> Tensor:
    losses = [cross_entropy(encoders.heads[state][name](values), _targets(meanings, name)) for name in _VALUES]
    return torch.stack(losses).sum()


def _targets(meanings: list[dict[str, str | None]], name: str) -> Tensor:
    values = _VALUES[name]
    said = [meaning[name] for meaning in meanings]
    return torch.tensor([len(values) if value is None else values.index(value) for value in said])
