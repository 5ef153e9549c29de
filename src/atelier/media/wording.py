"""What models that write words have in common: chance for each row of a batch, and where an answer ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import LogitsProcessor

_HALF = "\ufffd"  # what a tokenizer writes for a letter of which the other half is still to come


class GumbelSampling(LogitsProcessor):  # type: ignore[misc]
    """Sampling with a generator for each row, so that a picture's words do not hang on who else is in its batch.

    The largest of logits with Gumbel noise added is a sample of their softmax; transformers then takes the largest.
    """

    def __init__(self, temperature: float, generators: Sequence[torch.Generator]) -> None:
        self._temperature = temperature
        self._generators = generators

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        noise = torch.empty_like(scores)
        for row, generator in zip(noise, self._generators, strict=True):
            row.exponential_(generator=generator)
        return scores / self._temperature - noise.log()


def own_chance(device: torch.device) -> torch.Generator:
    """A generator that nobody else draws from, begun anew."""
    chance = torch.Generator(device)
    chance.seed()
    return chance


def end_marks(ends: Any) -> frozenset[int]:
    """The tokens that end an answer, from a configuration that names none, one or several."""
    return frozenset({ends} if isinstance(ends, int) else ends or ())


def newly_written(said: str, text: str, ended: bool) -> str:
    """What a stream may bring of `text` after `said`: no half letters, and nothing that takes a word back."""
    if (not ended and text.endswith(_HALF)) or not text.startswith(said):
        return ""
    return text[len(said) :]
