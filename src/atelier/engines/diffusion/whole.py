"""A pipeline that is run by its own call: loaded whole, and copied for each picture, so that calls can take turns."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers import DiffusionPipeline
from transformers import PreTrainedModel, Qwen2VLProcessor
from transformers.processing_utils import ProcessorMixin

from atelier.contracts.engine import ModelSource
from atelier.engines.diffusion.families import FAMILIES, Family
from atelier.engines.diffusion.weights import check_whole, in_words, installed, quieten
from atelier.errors import ModelMissing
from atelier.media.device import check_present
from atelier.media.quantization import quantize


def load_whole(source: ModelSource, device: torch.device, precision: torch.dtype) -> tuple[Family, DiffusionPipeline]:
    """Raises ModelMissing in words."""
    check_present(source, device)
    quieten()
    folder = installed(source.model, source.folder)
    with in_words(source.model):
        index: dict[str, Any] = json.loads((folder / "model_index.json").read_text())
    family = FAMILIES.get(index.get("_class_name", ""))
    if family is None:
        raise ModelMissing(f"{source.model} is of a kind that cannot be served; those that can: {', '.join(FAMILIES)}")
    with in_words(source.model):
        pipeline = DiffusionPipeline.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=precision, **_parts(folder, index, precision)
        )
        check_whole(*(part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)))
    pipeline.to(device)
    quantize(source, *(pipeline.components.get(name) for name in ("transformer", "text_encoder")))
    return family, pipeline


def copied(pipeline: DiffusionPipeline, kind: str) -> DiffusionPipeline:
    """A pipeline of class `kind` over the same weights, with a scheduler and a state of its own."""
    wanted: type[DiffusionPipeline] = getattr(diffusers, kind)
    parts = {**pipeline.components, "scheduler": copy.deepcopy(pipeline.scheduler)}
    _, optional = wanted._get_signature_keys(wanted)
    options = {name: pipeline.config[name] for name in optional if name in pipeline.config}
    made = wanted(**parts, **options)
    made.set_progress_bar_config(disable=True)
    return made


class _PicturesAlone(Qwen2VLProcessor):  # type: ignore[misc]
    """Without the part that reads videos, which needs a library that nothing else does."""

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, chat_template: str | None = None) -> None:
        self.image_token, self.video_token = "<|image_pad|>", "<|video_pad|>"
        self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
        self.video_token_id = tokenizer.convert_tokens_to_ids(self.video_token)
        ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)


def _parts(folder: Path, index: dict[str, Any], precision: torch.dtype) -> dict[str, Any]:
    """What the pipeline itself would not load as it should."""
    parts = {name: entry[1] for name, entry in index.items() if isinstance(entry, list) and entry[0] == "transformers"}
    loaded: dict[str, Any] = {}
    for name, kind in parts.items():
        if kind == "Qwen2VLProcessor":
            loaded[name] = _PicturesAlone.from_pretrained(folder / name, local_files_only=True)
        elif issubclass(getattr(transformers, kind), PreTrainedModel):
            loaded[name] = _encoder(getattr(transformers, kind), folder / name, precision)
    return loaded


def _encoder(kind: type[PreTrainedModel], folder: Path, precision: torch.dtype) -> PreTrainedModel:
    """Loaded apart from the pipeline, which would take random numbers for a missing weight and only log it."""
    encoder, report = kind.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, dtype=precision, output_loading_info=True
    )
    if report["missing_keys"]:
        raise ValueError(f"no weights for {sorted(report['missing_keys'])}")
    return encoder
