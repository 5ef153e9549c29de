"""What the engine asks of a model that takes a picture and a question and writes one token after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from PIL import Image
from transformers import DynamicCache

from atelier.contracts.image_to_text import ImageToTextRequest

Inputs = dict[str, torch.Tensor]
"""What a model reads of one request, as a batch of one. `input_ids` are its prompt."""


@dataclass(frozen=True)
class Seen:
    """A prompt that was read. logits: (vocabulary,), of the first token. position: of that token, as Model.write takes
    them.
    """

    logits: torch.Tensor
    cache: DynamicCache
    position: torch.Tensor


class Model(Protocol):
    """A loaded model.

    network: all its weights. ends: tokens that end an answer. positions: tokens that it can hold. repeating: how much
    it is kept from repeating itself; 1 is not at all. looks: at how many pictures it looks in one step.
    """

    @property
    def network(self) -> Any: ...
    @property
    def tokenizer(self) -> Any: ...
    @property
    def device(self) -> torch.device: ...
    @property
    def precision(self) -> torch.dtype: ...
    @property
    def ends(self) -> frozenset[int]: ...
    @property
    def positions(self) -> int: ...
    @property
    def repeating(self) -> float: ...
    @property
    def looks(self) -> int: ...

    def inputs(self, picture: Image.Image, request: ImageToTextRequest) -> Inputs:
        """Raises InvalidRequest for a picture whose shape it cannot take."""

    def look(self, newcomers: Sequence[Inputs]) -> list[Seen]:
        """Read pictures and questions, `looks` of them at most. Raises RuntimeError and ValueError."""

    def write(
        self, newest: torch.Tensor, places: torch.Tensor, mask: torch.Tensor | None, cache: DynamicCache
    ) -> torch.Tensor:
        """Read the newest token of every row, (rows, 1), each at its place; returns (rows, vocabulary)."""
