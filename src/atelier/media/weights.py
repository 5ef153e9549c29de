"""From a folder in transformers' layout to a model on a device, or to a sentence that says why not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError

from atelier.contracts.engine import ModelSource
from atelier.errors import ModelMissing
from atelier.media.device import check_present


def folder_of(source: ModelSource, device: torch.device) -> Path:
    """Where the weights lie. Raises ModelMissing where they do not, or where the machine lacks the device."""
    if source.folder is None or not (source.folder / "config.json").is_file():
        raise ModelMissing(f"{source.model} is not installed; download it, then restart this service")
    check_present(source, device)
    return source.folder


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
