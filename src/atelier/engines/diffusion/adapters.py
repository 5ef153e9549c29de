"""LoRA: small changes to a model, each from a file, switched on for the steps of the runs that ask for them."""

from __future__ import annotations

import itertools
from collections import Counter, OrderedDict
from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline
from safetensors import SafetensorError

from atelier.contracts.images import Loras
from atelier.errors import InvalidRequest

MOST_KEPT = 8
"""Files kept in memory, beside those that running requests use: 50 to 400 MB each at full size."""

_ENDING = ".safetensors"


class Adapters:
    """The files of one folder on one pipeline: loaded when first asked for, put away when long unused."""

    def __init__(self, pipeline: StableDiffusionXLPipeline, folder: Path | None) -> None:
        self._pipeline = pipeline
        self._folder = folder
        self._loaded: OrderedDict[str, str] = OrderedDict()  # name → the library's for it; used longest ago first
        self._in_use: Counter[str] = Counter()
        self._applied: Loras | None = ()
        self._numbers = itertools.count()

    def names(self) -> list[str]:
        """What can be asked for."""
        files = self._folder.glob(f"*{_ENDING}") if self._folder else ()
        return sorted(file.name.removesuffix(_ENDING) for file in files)

    def take(self, loras: Loras) -> None:
        """Load what is not there yet, and keep all of it until `give_back`.

        Raises InvalidRequest naming `loras` for one that is not there, is damaged, or does not fit the model.
        """
        for name, _ in loras:
            if name not in self._loaded:
                self._load(name)
            self._loaded.move_to_end(name)
        self._in_use.update(name for name, _ in loras)
        self._put_away()

    def give_back(self, loras: Loras) -> None:
        self._in_use.subtract(name for name, _ in loras)
        self._put_away()

    def apply(self, loras: Loras) -> None:
        """Have the model compute with exactly these, which were taken, from now on."""
        if loras == self._applied:
            return
        if loras:
            self._pipeline.enable_lora()
            self._pipeline.set_adapters([self._loaded[name] for name, _ in loras], [strength for _, strength in loras])
        else:
            self._pipeline.disable_lora()
        self._applied = loras

    def _load(self, name: str) -> None:
        if self._folder is None or name not in self.names():
            # Others are not named: not every tenant is to know of each.
            raise InvalidRequest(f"loras: there is no {name}; GET /v1/models lists what there is", field="loras")
        inner = f"lora{next(self._numbers)}"
        self._applied = None  # the library switches on what it loads
        try:
            with torch.inference_mode(mode=False):
                self._pipeline.load_lora_weights(
                    str(self._folder),
                    weight_name=name + _ENDING,
                    adapter_name=inner,
                    local_files_only=True,
                    use_safetensors=True,
                )
            if not any(inner in found for found in self._pipeline.get_list_adapters().values()):
                raise ValueError("no part of it belongs to the model")
        except (OSError, ValueError, TypeError, KeyError, RuntimeError, IndexError, SafetensorError) as problem:
            self._remove(inner)
            raise InvalidRequest(
                f"loras: {name} cannot be used: it was made for another kind of model, or its file is damaged",
                field="loras",
            ) from problem
        self._loaded[name] = inner

    def _put_away(self) -> None:
        unused = [name for name in self._loaded if self._in_use[name] <= 0]
        for name in unused[: max(0, len(self._loaded) - MOST_KEPT)]:
            self._remove(self._loaded.pop(name))

    def _remove(self, inner: str) -> None:
        self._applied = None
        self._pipeline.delete_adapters(inner)
