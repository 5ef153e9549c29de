"""What the miniature Whisper hears: texts of the small world, spoken by espeak-ng in many voices and speeds."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache

import numpy as np
from av import AudioFrame, AudioResampler
from numpy.typing import NDArray

from atelier.contracts.engine import ModelSource, Sound
from atelier.contracts.text_to_speech import SpeechRequest
from atelier.engines.espeak import EspeakEngine
from atelier.media.sound import SoundEncoder
from world import (
    BACKGROUNDS,
    COLOURS,
    NUMBERS,
    POSITIONS,
    SHAPES,
    SIZES,
    Scene,
    questions,
    sentence,
    training_scenes,
    wording,
)

RATE = 16_000
VOICES = ("en-us", "alloy", "ash", "echo", "nova", "onyx", "shimmer", "verse", "en-gb", "en-gb-scotland")
UNHEARD = "coral"
"""The voice that is held out: training never hears it."""

SPEEDS = (0.8, 1.0, 1.25)
"""Of the product's requests, at which the model is judged. Training hears every speed from `_SLOWEST` to `_FASTEST`."""

COLOUR_WORDS = tuple(dict.fromkeys([*COLOURS, *BACKGROUNDS]))
WORDS = (*SHAPES, *SIZES, "little", "big", *POSITIONS, "centre", "background", *COLOUR_WORDS, *NUMBERS)

_SLOWEST, _FASTEST = 0.72, 1.4
_SAME_SOUND = {"center": "centre", "gray": "grey", "color": "colour"}  # nobody can hear which was meant
_AUDIBLE = 64  # of 32,767: less than that before the first sound and after the last is silence
_WARP = 0.12  # how much higher or lower a voice can be made, as a share of its pitch


class Narrator:
    """espeak-ng as the product uses it."""

    def __init__(self) -> None:
        self._engine = EspeakEngine(ModelSource("espeak-ng"))
        self._engine.load()

    def say(self, text: str, voice: str, speed: float, pitch: float = 1.0) -> NDArray[np.int16]:
        """Mono 16 kHz samples of shape (n,), without silence around them. `pitch` raises the voice and its pace."""
        samples, rate = self._spoken(text, voice, speed)
        return _trimmed(_resampled(samples, round(rate * pitch)))

    def record(self, text: str, voice: str, speed: float) -> bytes:
        """A wav file, as the product sends it."""
        samples, rate = self._spoken(text, voice, speed)
        encoder = SoundEncoder("wav", rate, streamed=False)
        return encoder.encode(samples) + encoder.finish()

    def close(self) -> None:
        self._engine.unload()

    def _spoken(self, text: str, voice: str, speed: float) -> tuple[NDArray[np.int16], int]:
        """Samples, and how many a second."""
        run = self._engine.start(SpeechRequest(text=text, voice=voice, speed=speed))
        while not run.done:
            self._engine.step([run])
            if run.error:
                raise run.error
        sounds = [output for output in run.outputs if isinstance(output, Sound)]
        return np.concatenate([sound.samples for sound in sounds]), sounds[0].sample_rate


def written(text: str) -> str:
    """`text` as the model shall write it: of words that sound alike, one spelling."""
    for other, ours in _SAME_SOUND.items():
        text = text.replace(other, ours)
    return text


def some_text(chance: random.Random) -> str:
    """Something to say: mostly what the pictures are of; single words, series and scraps, so that it has to listen."""
    scene = chance.choice(_training_scenes())
    kind = chance.random()
    return next(make for share, make in _KINDS if kind < share)(scene, chance)


def some_voice(chance: random.Random) -> tuple[str, float, float]:
    """Voice, speed and pitch: most voices are as they are, some are made into others."""
    pitch = 1.0 if chance.random() < 0.6 else chance.uniform(1 - _WARP, 1 + _WARP)
    return chance.choice(VOICES), round(chance.uniform(_SLOWEST, _FASTEST), 2), pitch


def _question(scene: Scene, chance: random.Random) -> str:
    return chance.choice(questions(scene))[0]


def _word(_: Scene, chance: random.Random) -> str:
    return chance.choice(chance.choice((NUMBERS, WORDS)))


def _series(_: Scene, chance: random.Random) -> str:
    """ "red, green, blue", "three four"."""
    words = chance.choices(chance.choice((NUMBERS, COLOUR_WORDS, SHAPES)), k=chance.randint(2, 5))
    return chance.choice((", ", ", ", " ")).join(words)


def _scrap(scene: Scene, chance: random.Random) -> str:
    """Some words in a row: what is left of a sentence where a long recording is cut."""
    words = wording(scene, chance).split()
    length = chance.randint(1, len(words))
    first = chance.randint(0, len(words) - length)
    return " ".join(words[first : first + length]).strip(",")


def _anything(_: Scene, chance: random.Random) -> str:
    return " ".join(chance.choices(WORDS, k=chance.randint(2, 6)))


_KINDS: tuple[tuple[float, Callable[[Scene, random.Random], str]], ...] = (
    (0.22, lambda scene, _: sentence(scene)),
    (0.40, wording),
    (0.54, _word),
    (0.74, _series),
    (0.82, _scrap),
    (0.87, _question),
    (1.00, _anything),
)
"""Makers of texts, each with the sum of its share and those before it."""


@cache
def _training_scenes() -> list[Scene]:
    return training_scenes()


def _resampled(samples: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    frame = AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
    frame.sample_rate = rate
    resampler = AudioResampler(format="s16", layout="mono", rate=RATE)
    pieces = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([piece.to_ndarray()[0] for piece in pieces]).astype(np.int16)


def _trimmed(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _AUDIBLE)
    return samples[loud[0] : loud[-1] + 1]
