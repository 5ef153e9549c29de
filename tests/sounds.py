"""Sounds for tests: made-up voices, files of every kind, and a person reading aloud."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

RATE = 16_000
Samples = NDArray[np.int16]

_VOWELS = (  # formants: frequency, bandwidth and strength
    ((730, 80, 1.0), (1090, 90, 0.6), (2440, 120, 0.3)),
    ((270, 60, 1.0), (2290, 100, 0.4), (3010, 120, 0.2)),
)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.int16)


def tone(seconds: float, *, rate: int = RATE, hertz: float = 440) -> Samples:
    return (8000 * np.sin(np.arange(round(seconds * rate)) * 2 * np.pi * hertz / rate)).astype(np.int16)


def babble(seconds: float, *, pitch: float = 120) -> Samples:
    """A voice that says vowels, four a second: no words, but speech to a detector of voices."""
    syllables = [_vowel(pitch + 10 * (number % 3), number % 2) for number in range(round(seconds * 4))]
    return np.concatenate(syllables)


def _vowel(pitch: float, which: int) -> Samples:
    time = np.arange(RATE // 4) / RATE
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.05 * np.sin(4 * np.pi * time))) / RATE
    sound = np.zeros(len(time))
    for harmonic in range(1, 40):
        strength = sum(
            gain / (1 + ((harmonic * pitch - centre) / width) ** 2) for centre, width, gain in _VOWELS[which]
        )
        sound += strength * np.sin(harmonic * phase)
    sound *= np.sin(np.pi * np.arange(len(time)) / len(time)) ** 0.5
    return (16_000 * sound / np.abs(sound).max()).astype(np.int16)


def encoded(
    samples: Samples, container: str = "wav", codec: str = "pcm_s16le", *, rate: int = RATE, layout: str = "mono"
) -> bytes:
    """A file of `samples`, taken at `rate`; every channel carries the same."""
    sink = io.BytesIO()
    with av.open(sink, "w", format=container) as output:
        track = output.add_stream(codec, rate=rate, layout=layout)
        fitting = AudioResampler(format=track.codec_context.format.name, layout=layout, rate=rate)
        for begin in range(0, len(samples), 60 * rate):
            frame = av.AudioFrame.from_ndarray(samples[None, begin : begin + 60 * rate], format="s16", layout="mono")
            frame.sample_rate, frame.pts = rate, begin
            for piece in fitting.resample(frame):
                output.mux(track.encode(piece))
        output.mux(track.encode(None))
    return sink.getvalue()


@dataclass(frozen=True)
class Sentence:
    """A recording of a sentence, as a wav file, and its words in lower case."""

    file: bytes
    words: list[str]


def read_aloud() -> list[Sentence]:
    """A LibriVox volunteer reading Jane Austen (public domain; from Debian's pocketsphinx-testdata)."""
    folder = Path(os.environ.get("ATELIER_TEST_DATA") or Path(__file__).parents[1] / "build/testdata/pocketsphinx")
    transcripts = next(folder.rglob("librivox/transcription"), None)
    assert transcripts is not None, "the recordings of real speech are missing: run `make test-setup` once"
    return [_sentence(transcripts.parent, line) for line in transcripts.read_text().splitlines()]


def _sentence(folder: Path, line: str) -> Sentence:
    """`<s> he was not an ill disposed young man </s> (name)`"""
    words = line.split()
    return Sentence((folder / f"{words[-1].strip('()')}.wav").read_bytes(), words[1:-2])
