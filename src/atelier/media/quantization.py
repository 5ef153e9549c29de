"""Weights in a byte each: torchao's weight-only int8, one scale for each row of a linear layer.

Computing stays in the model's own precision. Convolutions, embeddings and norms stay as they are.
"""

from __future__ import annotations

from typing import Any

import torch

from atelier.contracts.engine import ModelSource
from atelier.errors import ModelMissing


def quantize(source: ModelSource, *modules: torch.nn.Module | None) -> None:
    """Put the linear layers of `modules` into int8, where `source` is to be. Raises ModelMissing without torchao."""
    if source.quantization != "int8":
        return
    try:
        from torchao.quantization import Int8WeightOnlyConfig, quantize_
    except ImportError:
        raise ModelMissing(
            f"{source.model} is to be held in int8, which needs a library: pip install 'atelier[int8]'"
        ) from None
    for module in modules:
        if module is not None:
            quantize_(module, Int8WeightOnlyConfig())


def in_words(source: ModelSource, precision: torch.dtype) -> str:
    """`float16`, or `int8` where the weights are."""
    return "int8" if source.quantization == "int8" else str(precision).removeprefix("torch.")


def weight_bytes(module: Any) -> int:
    """What the weights of a module take in memory."""
    return sum(_bytes_of(parameter) for parameter in module.parameters())


def _bytes_of(parameter: torch.Tensor) -> int:
    """Of a quantized one: its bytes and its scales."""
    if not hasattr(parameter, "qdata"):
        return int(parameter.numel() * parameter.element_size())
    return sum(int(part.numel() * part.element_size()) for part in (parameter.qdata, parameter.scale))
