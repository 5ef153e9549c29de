"""The recording whose voice is to speak: decoded, of a length that is enough and not too much, and not silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atelier.errors import InvalidRequest
from atelier.media.recording import Recording
from atelier.media.sound import SoundEncoder

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHORTEST, LONGEST = 6.0, 30.0
"""Seconds of speech from which a voice is learnt."""

SLACK = 0.05
"""Seconds by which codecs and resampling make a recording longer or shorter than it was."""

SAMPLE_RATE = 22_050
"""At which XTTS hears, the one model that learns voices: its copy is never resampled again."""

LEAST_SOUND = 2.0
"""Seconds that must be louder than a quiet room."""

_PIECE, _AUDIBLE = 0.05, 0.003
"""Seconds that are judged at a time, and what their mean must reach (-50 dB of the loudest)."""

FIELD = "reference"


def read_reference(data: bytes) -> NDArray[np.int16]:
    """Mono samples of shape (n,), at `SAMPLE_RATE`.

    Raises UnreadableMedia for what is no recording, InvalidRequest for one that is too short, too long or silent, all
    naming `reference`.
    """
    recording = Recording(data, field=FIELD, sample_rate=SAMPLE_RATE)
    try:
        blocks = recording.blocks(seconds=LONGEST + SLACK)
        samples, rest = next(blocks), next(blocks, None)
    finally:
        recording.close()
    if len(samples) < (SHORTEST - SLACK) * SAMPLE_RATE or rest is not None:
        has = "more" if rest is not None else f"{len(samples) / SAMPLE_RATE:.1f}"
        raise _refused(f"send {SHORTEST:.0f} to {LONGEST:.0f} seconds of speech; this recording has {has}")
    if _heard(samples) < LEAST_SOUND:
        raise _refused("nothing, or next to nothing, is heard in this recording; send one of somebody who speaks")
    return samples


def copied(data: bytes) -> bytes:
    """The same as a WAV file of mono samples at `SAMPLE_RATE`. Raises what `read_reference` does."""
    encoder = SoundEncoder("wav", SAMPLE_RATE, streamed=False)
    encoder.encode(read_reference(data))
    return encoder.finish()


def _heard(samples: NDArray[np.int16]) -> float:
    """Seconds in which there is sound."""
    size = round(_PIECE * SAMPLE_RATE)
    pieces = samples[: len(samples) - len(samples) % size].reshape(-1, size).astype(np.float32) / 32768
    loud = np.sqrt((pieces**2).mean(axis=1)) >= _AUDIBLE
    return float(loud.sum() * _PIECE)


def _refused(why: str) -> InvalidRequest:
    return InvalidRequest(f"{FIELD}: {why}", field=FIELD)
