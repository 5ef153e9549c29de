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
"""Of the copy that is kept: at which XTTS hears. Other models hear it resampled."""

LEAST_SOUND = 2.0
"""Seconds that must be louder than a quiet room."""

_PIECE, _AUDIBLE = 0.05, 0.003
"""Seconds that are judged at a time, and what their mean must reach (-50 dB of the loudest)."""

FIELD = "reference"


def read_reference(data: bytes, sample_rate: int = SAMPLE_RATE) -> NDArray[np.int16]:
    """Mono samples of shape (n,).

    Raises UnreadableMedia for what is no recording, InvalidRequest for one that is too short, too long or silent, all
    naming `reference`.
    """
    recording = Recording(data, field=FIELD, sample_rate=sample_rate)
    try:
        blocks = recording.blocks(seconds=LONGEST + SLACK)
        samples, rest = next(blocks), next(blocks, None)
    finally:
        recording.close()
    if len(samples) < (SHORTEST - SLACK) * sample_rate or rest is not None:
        has = "more" if rest is not None else f"{len(samples) / sample_rate:.1f} s"
        raise _refused(f"send {SHORTEST:.0f} to {LONGEST:.0f} seconds of speech; this recording has {has}")
    if _heard(samples, sample_rate) < LEAST_SOUND:
        raise _refused("nothing, or next to nothing, is heard in this recording; send one of somebody who speaks")
    return samples


def copied(data: bytes, sample_rate: int = SAMPLE_RATE) -> bytes:
    """The same as a WAV file of mono samples. Raises what `read_reference` does."""
    encoder = SoundEncoder("wav", sample_rate, streamed=False)
    encoder.encode(read_reference(data, sample_rate))
    return encoder.finish()


def _heard(samples: NDArray[np.int16], sample_rate: int) -> float:
    """Seconds in which there is sound."""
    size = round(_PIECE * sample_rate)
    pieces = samples[: len(samples) - len(samples) % size].reshape(-1, size).astype(np.float32) / 32768
    loud = np.sqrt((pieces**2).mean(axis=1)) >= _AUDIBLE
    return float(loud.sum() * _PIECE)


def _refused(why: str) -> InvalidRequest:
    return InvalidRequest(f"{FIELD}: {why}", field=FIELD)
