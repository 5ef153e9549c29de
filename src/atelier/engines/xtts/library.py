"""coqui-tts as this engine uses it: without torchaudio, and without ever writing to a model's folder.

coqui-tts asks for torchaudio and torchcodec, which are built for one release of PyTorch and for CUDA: beside another
they break whatever imports them, transformers among it. XTTS takes two functions from the first and nothing from the
second, so that stand-ins take their places while coqui-tts is imported, and only then.
"""

from __future__ import annotations

import pickle
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from zipfile import is_zipfile

import torch
from transformers.utils import is_torchaudio_available, is_torchcodec_available

from atelier.media.spectrum import MelSpectrogram, resample
from atelier.media.stand_ins import standing_in

__all__ = ["Xtts", "open_model"]


def _stand_ins() -> dict[str, ModuleType]:
    found = {}
    for name in ("torchaudio", "torchcodec"):
        found[name] = ModuleType(name)
        found[name].__spec__ = ModuleSpec(name, None)  # how coqui-tts looks whether it is installed
    found["torchaudio"].transforms = SimpleNamespace(MelSpectrogram=MelSpectrogram)  # type: ignore[attr-defined]
    found["torchaudio"].functional = SimpleNamespace(resample=resample)  # type: ignore[attr-defined]
    return found


is_torchaudio_available(), is_torchcodec_available()  # transformers looks once: before, not now

with standing_in(_stand_ins()):
    from TTS.config.shared_configs import BaseDatasetConfig
    from TTS.tts.configs.xtts_config import XttsArgs, XttsAudioConfig, XttsConfig
    from TTS.tts.models.xtts import Xtts

_ALLOWED = [
    *(BaseDatasetConfig, XttsArgs, XttsAudioConfig, XttsConfig),
    *((XttsArgs, "TTS.tts.models.xtts.XttsArgs"), (XttsAudioConfig, "TTS.tts.models.xtts.XttsAudioConfig")),
]
"""All that a checkpoint may hold beside tensors: its configuration, under the names that those classes have and had."""


class _Model(Xtts):  # type: ignore[misc]
    """coqui-tts's own class, but for how it opens the checkpoint: that would write a changed one over it."""

    def _load_checkpoint(self, model_path: Path) -> dict[str, Any]:
        mapped = is_zipfile(model_path)  # then nothing of it stays in memory once the weights are copied
        with torch.serialization.safe_globals(_ALLOWED):
            checkpoint = torch.load(model_path, map_location="cpu", weights_only=True, mmap=mapped)
        weights: dict[str, Any] = checkpoint["model"]
        return weights


def open_model(folder: Path) -> Xtts:
    """The model of a folder laid out as the hub's repository coqui/XTTS-v2, on the CPU, ready to speak.

    Raises whatever coqui-tts and PyTorch come across in damaged files, UnpicklingError for a pickle that would run
    code.
    """
    config = XttsConfig()
    config.load_json(str(folder / "config.json"))
    if config.model != "xtts":
        raise ValueError("the folder holds another kind of model")
    config.model_args.gpt_number_text_tokens = None  # vocab.json tells; this would build the network twice
    model = _Model(config)
    model.load_checkpoint(config, checkpoint_dir=str(folder), eval=True)
    if model.speaker_manager is None:
        raise pickle.UnpicklingError("the speakers are missing")
    return model
