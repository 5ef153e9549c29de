"""Runs that write together: what each has read and written stands side by side in one cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from transformers import DynamicCache

from atelier.contracts.engine import Run
from atelier.contracts.image_to_text import ImageToTextRequest
from atelier.engines.vision_language.model import Inputs, Model
from atelier.media.caches import left_mask, rows_of, side_by_side


@dataclass(kw_only=True, eq=False)
class Writing(Run):
    """A request on its way.

    prompt: the tokens read first. inputs: what the model is still to read; empty once it has. tokens: written so far.
    cache: what is read and written, while it stands alone. position: of the token that comes next, as the model counts
    them. said: how much of the text has been given out.
    """

    request: ImageToTextRequest
    prompt: list[int]
    inputs: Inputs
    chance: torch.Generator
    tokens: list[int] = field(default_factory=list)
    cache: DynamicCache | None = None
    position: torch.Tensor | None = None
    said: str = ""

    @property
    def cached(self) -> int:
        """Tokens in the cache: the newest one is not read yet."""
        return len(self.prompt) + len(self.tokens) - 1


class Company:
    """Those who take the next step together. Shorter ones are padded on the left, and the padding is masked."""

    def __init__(self, runs: Sequence[Writing]) -> None:
        self.runs = list(runs)
        caches = [run.cache for run in runs if run.cache is not None]
        assert len(caches) == len(self.runs)
        self._cache = side_by_side(caches)
        for run in runs:
            run.cache = None

    def write(self, model: Model) -> torch.Tensor:
        """Read the newest token of every run; returns (runs, vocabulary), what each would write next."""
        newest = torch.tensor([[run.tokens[-1]] for run in self.runs], device=model.device)
        places = [run.position for run in self.runs if run.position is not None]
        logits = model.write(newest, torch.cat(places, dim=-2), self._mask(model.device), self._cache)
        for run, place in zip(self.runs, places, strict=True):
            run.position = place + 1
        return logits

    def part(self, staying: Sequence[Writing] = ()) -> None:
        """Give every run its own cache back; the memory of those who are not `staying` is shared with nobody."""
        for row, run in enumerate(self.runs):
            own = slice(row, row + 1), slice(-run.cached, None)
            run.cache = self._cache if len(self.runs) == 1 else rows_of(self._cache, *own, run not in staying)

    def _mask(self, device: torch.device) -> torch.Tensor | None:
        """(runs, longest): 0 where padded, and what is to be read included; None where nothing is padded."""
        lengths = [run.cached + 1 for run in self.runs]
        return left_mask(lengths, device) if len(set(lengths)) > 1 else None
