"""The device that a model computes on, and in which precision: it knows PyTorch, and no library of models."""

from __future__ import annotations

import gc

import torch

from atelier.contracts.engine import ModelSource
from atelier.errors import ModelMissing


def choose_device(name: str) -> torch.device:
    """The device of that name; `auto` is the first CUDA GPU, or the CPU where there is none."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def choose_precision(device: torch.device, name: str, published: torch.dtype = torch.float16) -> torch.dtype:
    """The precision of that name; `auto` is half on a GPU, which is twice as fast there, and full on a CPU.

    published: in which of the two kinds of half the model was made; a GPU too old for bfloat16 computes in full.
    """
    if name != "auto":
        precision: torch.dtype = getattr(torch, name)
        return precision
    if device.type != "cuda":
        return torch.float32
    if published == torch.bfloat16 and not torch.cuda.is_bf16_supported():
        return torch.float32  # not float16: what was made in bfloat16 overflows in it
    return published


def check_present(source: ModelSource, device: torch.device) -> None:
    """Raises ModelMissing where the machine lacks the device."""
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ModelMissing(f"{source.model} is set to run on {device}, which this machine lacks; use auto or cpu")


def give_back(device: torch.device) -> None:
    """The memory of a model that nothing holds any more."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
