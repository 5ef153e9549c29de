"""chatterbox-tts as this engine uses it: beside other releases of its libraries, and without torchaudio.

chatterbox-tts asks for exact releases of PyTorch, transformers and diffusers that are not ours, and for torchaudio,
which is built for one release of PyTorch and for CUDA: beside another it breaks whatever imports it. Its code runs
with ours, and takes a few functions from torchaudio, so that stand-ins take their places while it is imported, and only
then. Its watermark asks setuptools, whose newer releases no longer tell, where its files lie.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from transformers.utils import is_torchaudio_available

from atelier.engines.chatterbox.spectrum import InverseSpectrogram, Resample, Spectrogram, TimeStretch, fbank
from atelier.media.stand_ins import standing_in

__all__ = ["SAMPLE_RATE", "ChatterboxTTS"]


def _stand_ins() -> dict[str, ModuleType]:
    kinds = (Resample, Spectrogram, InverseSpectrogram, TimeStretch)
    found = {
        "torchaudio": _module("torchaudio"),
        "torchaudio.transforms": _module("torchaudio.transforms", **{kind.__name__: kind for kind in kinds}),
        "torchaudio.compliance": _module("torchaudio.compliance"),
        "torchaudio.compliance.kaldi": _module("torchaudio.compliance.kaldi", fbank=fbank),
        "pkg_resources": _module("pkg_resources", resource_filename=_beside),
    }
    found["torchaudio"].__dict__.update(
        transforms=found["torchaudio.transforms"], compliance=found["torchaudio.compliance"]
    )
    found["torchaudio.compliance"].__dict__["kaldi"] = found["torchaudio.compliance.kaldi"]
    return found


def _beside(package: str, name: str) -> str:
    return str(Path(sys.modules[package].__file__ or "").parent / name)


def _module(name: str, **content: Any) -> ModuleType:
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)
    module.__path__ = []
    module.__dict__.update(content)
    return module


is_torchaudio_available()  # transformers looks once: before, not now

with standing_in(_stand_ins()):
    from chatterbox.models.s3gen import S3GEN_SR as SAMPLE_RATE
    from chatterbox.models.t3 import t3
    from chatterbox.tts import ChatterboxTTS, perth
    from perth.perth_net.perth_net_implicit.perth_watermarker import PerthImplicitWatermarker


def _quietly(steps: Iterable[int], **_: object) -> Iterable[int]:
    """In place of a bar of progress in the worker's log."""
    return steps


t3.tqdm = _quietly
perth.PerthImplicitWatermarker = PerthImplicitWatermarker  # perth itself hides it where its import has failed once
