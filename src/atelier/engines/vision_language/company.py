"""Runs that write together: what each has read and written stands side by side in one cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch.nn.functional import pad
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from atelier.contracts.engine import Run
from atelier.contracts.image_to_text import ImageToTextRequest
from atelier.engines.vision_language.model import Inputs, Model


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
        self._cache = caches[0] if len(caches) == 1 else _side_by_side(caches)
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
            run.cache = self._cache if len(self.runs) == 1 else row_of(self._cache, row, run.cached, run not in staying)

    def _mask(self, device: torch.device) -> torch.Tensor | None:
        """(runs, longest): 0 where padded, and what is to be read included; None where nothing is padded."""
        lengths = torch.tensor([run.cached + 1 for run in self.runs], device=device)
        longest = int(lengths.max())
        if bool((lengths == longest).all()):
            return None
        return (torch.arange(longest, device=device) >= longest - lengths[:, None]).long()


def can_stand_side_by_side(cache: DynamicCache) -> bool:
    """Whether every layer keeps all keys and values: windows that slide and states that sum up cannot be padded."""
    return all(type(layer) is DynamicLayer for layer in cache.layers)


def _side_by_side(caches: Sequence[DynamicCache]) -> DynamicCache:
    longest = max(cache.get_seq_length() for cache in caches)
    joined = DynamicCache()
    for index, layers in enumerate(zip(*(cache.layers for cache in caches), strict=True)):
        keys, values = (
            torch.cat([pad(of, (0, 0, longest - of.shape[-2], 0)) for of in kind])
            for kind in ([layer.keys for layer in layers], [layer.values for layer in layers])
        )
        joined.update(keys, values, index)
    return joined


def row_of(cache: DynamicCache, row: int, length: int, apart: bool = True) -> DynamicCache:
    """The last `length` tokens of one row; `apart`: in memory of its own."""
    own = DynamicCache()
    for index, layer in enumerate(cache.layers):
        keys, values = (of[row : row + 1, :, -length:] for of in (layer.keys, layer.values))
        own.update(keys.clone() if apart else keys, values.clone() if apart else values, index)
    return own
