"""Kokoro's network in ONNX Runtime: its files, its voices, and tokens to samples."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from atelier.errors import ModelMissing

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLE_RATE = 24_000
SLOWEST, FASTEST = 0.5, 2.0
"""Between what speeds the network was made to speak."""

NETWORKS = ("onnx/model.onnx", "onnx/model_fp16.onnx", "onnx/model_quantized.onnx", "model.onnx", "kokoro-v1.0.onnx")
"""Where the network lies, the best first: as the hub's ONNX repositories have it, and as kokoro-onnx publishes it."""

ARCHIVES = ("voices-v1.0.bin", "voices.bin")
"""kokoro-onnx's voices in one NumPy archive; elsewhere each is a file of the folder `voices`."""

STYLE = 256  # numbers that make a voice
_TOKENS = ("input_ids", "tokens")  # newer exports, older exports
_FRAME, _HOP = 2048, 512  # samples
_SILENT, _FLOOR = 1e-6, 1e-10  # power: of the loudest frame (60 dB below it); of anything

Styles = Mapping[str, "NDArray[np.float32]"]


@dataclass(frozen=True)
class Network:
    """voices: name → one style for each number of tokens, of shape (n, 1, 256). vocabulary: the export's own."""

    session: Any
    voices: Styles
    device: str
    precision: str
    vocabulary: Mapping[str, int] | None

    def speak(self, tokens: list[int], voice: str, speed: float) -> NDArray[np.float32]:
        """Samples of shape (n,) between -1 and 1, without the silence around them. speed: SLOWEST to FASTEST."""
        styles = self.voices[voice]
        values = {
            "style": styles[min(len(tokens), len(styles)) - 1],
            "speed": [max(1, round(speed)) if self._kinds["speed"].kind == "i" else speed],
            **{name: [[0, *tokens, 0]] for name in _TOKENS},
        }
        inputs = {name: np.asarray(values[name], kind) for name, kind in self._kinds.items()}
        return _trimmed(np.asarray(self.session.run(None, inputs)[0], np.float32).ravel())

    @property
    def _kinds(self) -> dict[str, np.dtype[Any]]:
        return {one.name: _KINDS[one.type] for one in self.session.get_inputs()}


_KINDS: dict[str, np.dtype[Any]] = {
    "tensor(float)": np.dtype(np.float32),
    "tensor(float16)": np.dtype(np.float16),
    "tensor(int32)": np.dtype(np.int32),
    "tensor(int64)": np.dtype(np.int64),
}


def open_network(model: str, folder: Path | None, device: str) -> Network:
    """Raises ModelMissing, in words, for files that are not there, damaged or of another kind, and for a device."""
    file = next((folder / name for name in NETWORKS if (folder / name).is_file()), None) if folder else None
    if folder is None or file is None:
        raise ModelMissing(f"{model} is not installed; download it, then restart this service")
    providers = _providers(model, device)
    try:
        session = onnxruntime.InferenceSession(str(file), providers=providers)
        if not _is_kokoro(session):
            raise ValueError("other inputs than Kokoro's")
        voices = _voices(folder)
        if not voices:
            raise ValueError("no voices")
    except Exception as problem:  # onnxruntime has a class of its own for every way a file can be broken
        raise ModelMissing(
            f"{model} could not be loaded: its files are damaged, incomplete or of another kind of model; "
            "download it again"
        ) from problem
    on = "cuda" if session.get_providers()[0].startswith("CUDA") else "cpu"
    return Network(session, voices, on, _precision(file), _vocabulary(session))


def _providers(model: str, device: str) -> list[Any]:
    kind, _, number = device.partition(":")
    there = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if kind == "cuda" and not there:
        raise ModelMissing(
            f"{model} is set to run on {device}, which the ONNX Runtime here cannot use; "
            "install onnxruntime-gpu in place of onnxruntime, or use the device cpu"
        )
    gpu = [("CUDAExecutionProvider", {"device_id": int(number or 0)})] if there and kind != "cpu" else []
    return [*gpu, "CPUExecutionProvider"]


def _is_kokoro(session: Any) -> bool:
    names = {one.name for one in session.get_inputs()}
    return names - set(_TOKENS) == {"style", "speed"} and len(names) == 3


def _voices(folder: Path) -> Styles:
    """Raises ValueError for a file that is no voice. Nothing is unpickled."""
    archive = next((folder / name for name in ARCHIVES if (folder / name).is_file()), None)
    if archive is not None:
        if not zipfile.is_zipfile(archive):
            raise ValueError("voices are not a NumPy archive")
        with np.load(archive, allow_pickle=False) as opened:
            return {name: np.asarray(opened[name], np.float32).reshape(-1, 1, STYLE) for name in opened.files}
    files = sorted((folder / "voices").glob("*.bin"))
    return {file.stem: np.fromfile(file, "<f4").reshape(-1, 1, STYLE) for file in files}


def _vocabulary(session: Any) -> Mapping[str, int] | None:
    """What the export says of itself, where it does."""
    config = session.get_modelmeta().custom_metadata_map.get("kokoro_config")
    return json.loads(config)["vocab"] if config else None


def _precision(file: Path) -> str:
    named = {"model_fp16": "float16", "model_quantized": "int8"}
    return named.get(file.stem, "float32")


def _trimmed(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Without the frames at both ends that lie 60 dB or more below the loudest (as librosa.effects.trim)."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, _FRAME // 2), _FRAME)[::_HOP]
    power = np.maximum(np.square(frames).mean(axis=-1), _FLOOR)
    heard = np.flatnonzero(power > power.max() * _SILENT)
    return samples[heard[0] * _HOP : (heard[-1] + 1) * _HOP]
