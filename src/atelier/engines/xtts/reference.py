"""The recording whose voice is to speak: decoded, and of a length that is enough and not too much."""

from __future__ import annotations

import numpy as np
import torch

from atelier.errors import InvalidRequest
from atelier.media.recording import Recording

SHORTEST, LONGEST = 6.0, 30.0
"""Seconds of speech from which a voice is learnt."""

SAMPLE_RATE = 22_050
"""At which XTTS hears."""


def read_reference(data: bytes) -> torch.Tensor:
    """Samples of shape (1, n) between -1 and 1.

    Raises UnreadableMedia for what is no recording, InvalidRequest for one that is too short or too long, both
    naming `reference`.
    """
    recording = Recording(data, field="reference", sample_rate=SAMPLE_RATE)
    try:
        blocks = recording.blocks(seconds=LONGEST)
        samples, rest = next(blocks), next(blocks, None)
    finally:
        recording.close()
    if len(samples) < SHORTEST * SAMPLE_RATE or rest is not None:
        has = "more" if rest is not None else f"{len(samples) / SAMPLE_RATE:.1f}"
        raise InvalidRequest(
            f"reference: send {SHORTEST:.0f} to {LONGEST:.0f} seconds of speech; this recording has {has}",
            field="reference",
        )
    return torch.from_numpy(samples.astype(np.float32) / 32768)[None]
