"""What engines of transformers' models have in common: a model in a folder that is loaded, or not."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch

from atelier.contracts.engine import EngineInfo, ModelSource
from atelier.errors import ModelMissing
from atelier.media.device import choose_device, give_back
from atelier.media.quantization import in_words as precision_in_words
from atelier.media.quantization import quantize
from atelier.media.weights import folder_of, in_words


class Opened(Protocol):
    """network: all weights of the model."""

    @property
    def network(self) -> Any: ...
    @property
    def precision(self) -> torch.dtype: ...


Model = TypeVar("Model", bound=Opened)


class FolderEngine(ABC, Generic[Model]):
    """An engine's first half: weights from a folder to the device, and back."""

    def __init__(self, source: ModelSource) -> None:
        self._source = source
        self._device = choose_device(source.device)
        self._loaded: Model | None = None

    def load(self) -> None:
        """Raises ModelMissing: no such folder, files that cannot be used, or no such device."""
        if self._loaded is not None:
            return
        folder = folder_of(self._source, self._device)
        with in_words(self._source):
            loaded = self._open(folder)
            quantize(self._source, loaded.network)
            loaded.network.to(self._device)
            self._loaded = loaded

    def unload(self) -> None:
        self._loaded = None
        give_back(self._device)

    def info(self) -> EngineInfo:
        return EngineInfo(
            model=self._source.model,
            revision=self._source.revision,
            device=str(self._device),
            precision=precision_in_words(self._source, self._model.precision),
            note=self._source.note,
        )

    @property
    def _model(self) -> Model:
        if self._loaded is None:
            raise ModelMissing(f"{self._source.model} is not loaded")
        return self._loaded

    @abstractmethod
    def _open(self, folder: Path) -> Model:
        """On the processor still. Raises the library's own errors, and ValueError for what is not such a model."""
