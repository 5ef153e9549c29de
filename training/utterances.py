"""The spoken pool: thousands of utterances of the small world, spoken once and kept in files."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speech import RATE, Narrator, some_text, some_voice, written

SHARD = 2000
"""Utterances in a file."""


@dataclass(frozen=True)
class Utterance:
    """Mono int16 samples at RATE, without silence around them, and what is said in them."""

    samples: NDArray[np.int16]
    text: str

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE


def pool(folder: Path, shards: int) -> list[Utterance]:
    """`shards` x SHARD utterances, shortest first; those that `folder` lacks are spoken and kept there."""
    utterances = [each for number in range(shards) for each in _shard(folder / f"speech-{number}.npz", number)]
    return sorted(utterances, key=lambda utterance: len(utterance.samples))


def _shard(path: Path, number: int) -> list[Utterance]:
    if not path.is_file():
        _speak(path, number)
    with np.load(path) as saved:
        ends, texts, samples = saved["ends"], saved["texts"], saved["samples"]
    return [Utterance(said, str(text)) for said, text in zip(np.split(samples, ends[:-1]), texts, strict=True)]


def _speak(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    chance = random.Random(f"spoken pool {number}")
    narrator = Narrator()
    texts: list[str] = []
    spoken: list[NDArray[np.int16]] = []
    while len(texts) < SHARD:
        text = some_text(chance)
        spoken.append(narrator.say(text, *some_voice(chance)))
        texts.append(written(text))
    narrator.close()
    fresh = path.with_suffix(".new.npz")
    np.savez(fresh, texts=texts, ends=np.cumsum([len(said) for said in spoken]), samples=np.concatenate(spoken))
    fresh.replace(path)
