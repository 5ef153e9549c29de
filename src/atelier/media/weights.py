"""From a folder in transformers' layout to a model on a device, or to a sentence that says why not."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError

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


def folder_of(source: ModelSource, device: torch.device) -> Path:
    """Where the weights lie. Raises ModelMissing where they do not, or where the machine lacks the device."""
    if source.folder is None or not (source.folder / "config.json").is_file():
        raise ModelMissing(f"{source.model} is not installed; download it, then restart this service")
    check_present(source, device)
    return source.folder


def check_present(source: ModelSource, device: torch.device) -> None:
    """Raises ModelMissing where the machine lacks the device."""
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ModelMissing(f"{source.model} is set to run on {device}, which this machine lacks; use auto or cpu")


@contextmanager
def in_words(source: ModelSource) -> Iterator[None]:
    """What goes wrong while a library reads a folder, as ModelMissing."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    try:
        yield
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, SafetensorError) as problem:
        raise ModelMissing(
            f"{source.model} could not be loaded: its files are damaged, incomplete or of another kind of "
            "model; download it again"
        ) from problem


def open_whole(kind: Any, folder: Path, precision: torch.dtype) -> Any:
    """A model of the class `kind`, from safetensors alone.

    Raises the library's own errors, and ValueError where it would make up what is missing.
    """
    model, report = kind.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, dtype=precision, output_loading_info=True
    )
    if report["missing_keys"] or report["mismatched_keys"]:
        raise ValueError(f"no weights for {sorted(report['missing_keys'])}")
    return model


def give_back(device: torch.device) -> None:
    """The memory of a model that nothing holds any more."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
