"""Prompts: from words to what the UNet is conditioned on, by the pipeline's own encoders."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from diffusers import StableDiffusionXLPipeline

from atelier.contracts.images import Loras
from atelier.engines.diffusion.adapters import Adapters

_MOST_REMEMBERED = 32
"""Encoded prompts kept: negative prompts and batches of one prompt come back. 0.3 MB each at full size."""
_MOST_QUOTED = 60


@dataclass(frozen=True)
class Encoded:
    """One prompt. text: (1, tokens, width); pooled: (1, width). tokens: read of it, without the two marks of CLIP.

    unread: the end that CLIP had no room for, in CLIP's spelling (lower case); empty where all was read.
    """

    text: torch.Tensor
    pooled: torch.Tensor
    tokens: int
    unread: str


class PromptEncoder:
    """Remembers the last prompts that it encoded. `loras` change the encoders too, and have been taken."""

    def __init__(self, pipeline: StableDiffusionXLPipeline, adapters: Adapters) -> None:
        self._pipeline = pipeline
        self._adapters = adapters
        self.most_tokens: int = pipeline.tokenizer.model_max_length
        self._remembered = lru_cache(_MOST_REMEMBERED)(self._encode)

    def encode(self, prompt: str, loras: Loras = ()) -> Encoded:
        return self._remembered(prompt, loras)

    def encode_negative(self, prompt: str, loras: Loras = ()) -> Encoded:
        """What guidance leads away from. None given: zeros where the model was trained so, else an empty prompt."""
        encoded = self.encode(prompt, loras)
        if prompt or not self._pipeline.config.force_zeros_for_empty_prompt:
            return encoded
        return Encoded(torch.zeros_like(encoded.text), torch.zeros_like(encoded.pooled), tokens=0, unread="")

    def _encode(self, prompt: str, loras: Loras) -> Encoded:
        self._adapters.apply(loras)
        text, _, pooled, _ = self._pipeline.encode_prompt(prompt, do_classifier_free_guidance=False)
        tokenizer = self._pipeline.tokenizer
        tokens = tokenizer(prompt, add_special_tokens=False).input_ids
        room = self.most_tokens - 2
        return Encoded(text, pooled, len(tokens[:room]), tokenizer.decode(tokens[room:]).strip())


def cut_warning(field: str, encoded: Encoded, most_tokens: int) -> str:
    """The sentence for a caller whose prompt was too long."""
    quoted = encoded.unread[:_MOST_QUOTED] + ("…" if len(encoded.unread) > _MOST_QUOTED else "")
    return f"{field}: cut after {most_tokens} tokens; the model did not read “{quoted}”; shorten it"
