"""What transformers remembers of tokens, stood side by side for one batch and taken apart again."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.functional import pad
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer


def can_stand_side_by_side(cache: DynamicCache) -> bool:
    """Whether every layer keeps all keys and values: windows that slide and states that sum up cannot be padded."""
    return all(type(layer) is DynamicLayer for layer in cache.layers)


def side_by_side(caches: Sequence[DynamicCache]) -> DynamicCache:
    """All their rows in one; shorter ones are padded on the left. A single one is given back as it is."""
    if len(caches) == 1:
        return caches[0]
    longest = max(cache.get_seq_length() for cache in caches)
    joined = DynamicCache()
    for index, layers in enumerate(zip(*(cache.layers for cache in caches), strict=True)):
        keys, values = (
            torch.cat([pad(of, (0, 0, longest - of.shape[-2], 0)) for of in kind])
            for kind in ([layer.keys for layer in layers], [layer.values for layer in layers])
        )
        joined.update(keys, values, index)
    return joined


def rows_of(cache: DynamicCache, rows: slice, tokens: slice, apart: bool = True) -> DynamicCache:
    """Some rows, and of these some tokens; `apart`: in memory of their own."""
    own = DynamicCache()
    for index, layer in enumerate(cache.layers):
        keys, values = (of[rows, :, tokens] for of in (layer.keys, layer.values))
        own.update(keys.clone() if apart else keys, values.clone() if apart else values, index)
    return own


def left_mask(lengths: Sequence[int], device: torch.device) -> torch.Tensor:
    """(rows, longest): 0 where padded on the left."""
    longest = max(lengths)
    starts = longest - torch.tensor(lengths, device=device)
    return (torch.arange(longest, device=device) >= starts[:, None]).long()
