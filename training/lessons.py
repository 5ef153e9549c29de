"""Batches for the miniature Whisper: spoken texts laid into windows with silence and noise, and what it shall write."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor

from speech import RATE, some_text, written
from utterances import Utterance

WINDOW = 8
"""Seconds that the model hears at once; the longest sentence takes 3.6 at speed 0.8."""

FRAMES_A_SECOND, HEARD_A_SECOND = 100, 50
"""What goes into the encoder, and what comes out of it and is counted in timestamps."""

TIMESTAMPS = WINDOW * HEARD_A_SECOND + 1
LETTERS = " abcdefghijklmnopqrstuvwxyz"
"""What the helping loss spells; 0 is its blank, so the first of these is 1."""

IGNORED = -100
"""PyTorch's mark for labels that do not count; among places: it does not matter where the model listens."""

_MARKS = ("startoftranscript", "en", "translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps")
_BEFORE_SPEECH = 0.26  # seconds that the product leaves before the first sound
_NOISES = 0.05  # how many of a batch hold no speech
_PLAIN = 0.3  # how many are written without timestamps
_PROMPTED = 0.08  # how many follow a text that was said before
_NOWHERE = (IGNORED, IGNORED)


@dataclass(frozen=True)
class Batch:
    """What is heard, and what is to be learned from it.

    features: (batch, mels, frames). inputs, labels: (batch, tokens). places: (batch, tokens, 2), from when to when
    each label is spoken, in fiftieths of a second. letters: what is said, letter by letter.
    """

    features: Tensor
    inputs: Tensor
    labels: Tensor
    places: Tensor
    letters: list[list[int]]


@dataclass(frozen=True)
class _Part:
    """An utterance, and where in the window it begins, in samples."""

    begin: int
    utterance: Utterance

    @property
    def end(self) -> int:
        return self.begin + len(self.utterance.samples)


@dataclass(frozen=True)
class _Line:
    """The decoder's inputs, what shall follow each of them, and when that is spoken."""

    inputs: list[int]
    labels: list[int]
    places: list[tuple[float, float]]


def build_tokenizer() -> Tokenizer:
    """Bytes, the words of the world, and Whisper's marks in Whisper's order; the timestamps follow without names."""
    chance = random.Random("the tokenizer's texts")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=700, min_frequency=3, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator((f" {written(some_text(chance))}" for _ in range(20_000)), trainer)
    tokenizer.add_special_tokens(["<|endoftext|>", *(f"<|{mark}|>" for mark in _MARKS)])
    return tokenizer


def token_of(tokenizer: Tokenizer, text: str) -> int:
    """The number of a token that must be there."""
    number = tokenizer.token_to_id(text)
    assert number is not None, text
    return number


class Lessons:
    """Draws batches. The same step gives the same batch, whatever was drawn before."""

    def __init__(self, utterances: Sequence[Utterance], tokenizer: Tokenizer, size: int) -> None:
        self._utterances = utterances
        self._tokenizer = tokenizer
        self._size = size
        self._extract = FeatureExtractor(chunk_length=WINDOW)
        self._end, self._start, self._previous, self._nothing, self._untimed = (
            token_of(tokenizer, f"<|{mark}|>")
            for mark in ("endoftext", "startoftranscript", "startofprev", "nospeech", "notimestamps")
        )

    def single(self, step: int, *, easy: bool) -> Batch:
        """One utterance in each window, all of like length, so that little is silence. easy: of the shortest half."""
        chance = random.Random(f"single {step}")
        reach = len(self._utterances) // (2 if easy else 1)
        first = chance.randint(-reach // 24, reach - reach // 24)
        near = range(max(0, first), min(reach, first + reach // 12))
        chosen = [self._utterances[number] for number in chance.choices(near, k=self._size)]
        return self._batch([[_Part(_begin(chance), utterance)] for utterance in chosen], None, step)

    def composed(self, step: int, *, whole: bool) -> Batch:
        """Several utterances in each window, as many as have room; fewer windows where they are long.

        whole: windows of full length, which hold one utterance as often as several.
        """
        chance = random.Random(f"composed {step}")
        room = WINDOW if whole else chance.uniform(2.5, WINDOW)
        size = min(self._size, round(4 * self._size / room))
        windows = []
        for _ in range(size):
            alone = whole and chance.random() < 0.5
            windows.append(list(self._laid(room, 1 if alone else chance.randint(2, 6), chance)))
        return self._batch(windows, WINDOW if whole else None, step)

    def _laid(self, room: float, most: int, chance: random.Random) -> Iterator[_Part]:
        begin = _begin(chance)
        for _ in range(most):
            part = _Part(begin, chance.choice(self._utterances))
            if part.end > room * RATE:
                return
            yield part
            begin = part.end + int(chance.uniform(0.15, 0.9) * RATE)

    def _batch(self, windows: list[list[_Part]], seconds: float | None, step: int) -> Batch:
        chance, noise = random.Random(f"batch {step}"), np.random.default_rng([7, step])
        windows = [[] if chance.random() < _NOISES else parts for parts in windows]
        if seconds is None:
            needed = max((parts[-1].end / RATE for parts in windows if parts), default=1.0)
            seconds = min(WINDOW, needed + chance.uniform(0.05, 0.8))
        frames = int(seconds * FRAMES_A_SECOND) // 2 * 2
        features = np.stack([self._heard(parts, frames, chance, noise) for parts in windows])
        lines = [self._line(parts, chance) for parts in windows]
        return Batch(
            features=torch.from_numpy(_masked(features, noise)),
            inputs=_padded([line.inputs for line in lines], self._end),
            labels=_padded([line.labels for line in lines], IGNORED),
            places=_padded([line.places for line in lines], _NOWHERE),
            letters=[_letters(parts) for parts in windows],
        )

    def _heard(
        self, parts: list[_Part], frames: int, chance: random.Random, noise: np.random.Generator
    ) -> NDArray[np.float32]:
        """The spectrogram as the product makes it: of the samples up to some silence, and zeros from there on."""
        most = frames * RATE // FRAMES_A_SECOND
        spoken = parts[-1].end if parts else int(chance.uniform(0.2, 1) * most)
        samples = np.zeros(min(most, spoken + int(chance.uniform(0, 0.6) * RATE)), np.float32)
        for part in parts:
            said = part.utterance.samples[: len(samples) - part.begin]
            samples[part.begin : part.begin + len(said)] = said / np.float32(32768) * chance.uniform(0.3, 1.0)
        if chance.random() < 0.6 or not parts:
            loudness = 10 ** chance.uniform(-4.5, -2.3 if parts else -1.5)
            samples += noise.standard_normal(len(samples), np.float32) * np.float32(loudness)
        spectrogram = self._extract(samples)[:, :-1][:, :frames]
        return np.pad(spectrogram, ((0, 0), (0, frames - spectrogram.shape[1])))

    def _line(self, parts: list[_Part], chance: random.Random) -> _Line:
        said = f" {written(some_text(chance))}" if chance.random() < _PROMPTED else ""
        before = [self._previous, *self._tokenizer.encode(said).ids] if said else []
        plain = chance.random() < _PLAIN
        if not parts:
            # nothing is the answer to the first mark; where a timestamp or its absence is forced, there is no text
            inputs = [*before, self._start, self._untimed if plain else self._time(0)]
            return _Line(inputs, [IGNORED] * len(before) + [self._nothing, self._end], [_NOWHERE] * len(inputs))
        spoken = [each for part in parts for each in self._spoken(part, plain)]
        text = [token for token, _ in spoken]
        skipped = len(before) + plain
        return _Line(
            inputs=[*before, self._start, *([self._untimed] if plain else []), *text],
            labels=[IGNORED] * skipped + [*text, self._end],
            places=[_NOWHERE] * skipped + [*(place for _, place in spoken), _NOWHERE],
        )

    def _spoken(self, part: _Part, plain: bool) -> Iterator[tuple[int, tuple[float, float]]]:
        """Tokens, and when they are spoken, as if every letter took equally long."""
        begin, end = (sample * HEARD_A_SECOND / RATE for sample in (part.begin, part.end))
        if not plain:
            yield self._time(part.begin), (begin, begin)
        encoding = self._tokenizer.encode(f" {part.utterance.text}")
        pace = (end - begin) / encoding.offsets[-1][1]
        for token, (first, last) in zip(encoding.ids, encoding.offsets, strict=True):
            yield token, (begin + first * pace, begin + last * pace)
        if not plain:
            yield self._time(part.end), (end, end)

    def _time(self, sample: int) -> int:
        return self._untimed + 1 + min(round(sample * HEARD_A_SECOND / RATE), TIMESTAMPS - 1)


def _begin(chance: random.Random) -> int:
    return int((_BEFORE_SPEECH if chance.random() < 0.6 else chance.uniform(0, 2 * _BEFORE_SPEECH)) * RATE)


def _masked(features: NDArray[np.float32], noise: np.random.Generator) -> NDArray[np.float32]:
    """With a few bands and moments hidden, so that no single one is relied on (SpecAugment)."""
    for spectrogram in features:
        mean = spectrogram.mean()
        for _ in range(2):
            band, moment = noise.integers(0, 12), noise.integers(0, 12)
            first, begin = noise.integers(0, len(spectrogram) - band), noise.integers(0, spectrogram.shape[1] - moment)
            spectrogram[first : first + band] = mean
            spectrogram[:, begin : begin + moment] = mean
    return features


def _letters(parts: list[_Part]) -> list[int]:
    text = " ".join(part.utterance.text for part in parts)
    return [LETTERS.index(letter) + 1 for letter in text if letter in LETTERS]


def _padded(rows: Sequence[Sequence[object]], filling: object) -> Tensor:
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[filling] * (longest - len(row))] for row in rows])
