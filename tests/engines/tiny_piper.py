"""A stand-in for a voice of Piper: a tiny network with VITS' inputs, dice and output, in the published layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

RATE = 22_050
HOP, WIDE, LONG = 64, 8, 6
"""Samples of a frame, numbers of a phoneme, frames of a phoneme at speed 1."""


def build_tiny_piper(
    folder: Path, name: str, *, espeak: str, speakers: tuple[str, ...] = (), seed: int = 0, **config: Any
) -> Path:
    """Returns the folder, in which lie `name`.onnx and its configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(_network(seed, len(speakers)), folder / f"{name}.onnx")
    described = {
        "audio": {"sample_rate": RATE, "quality": "medium"},
        "espeak": {"voice": espeak},
        "language": {"code": name.partition("-")[0]},
        "inference": {"noise_scale": 0.667, "length_scale": 1.0, "noise_w": 0.8},
        "num_symbols": 256,
        "num_speakers": max(len(speakers), 1),
        "speaker_id_map": {speaker: number for number, speaker in enumerate(speakers)},
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
    }
    (folder / f"{name}.onnx.json").write_text(json.dumps(described | config))
    return folder


def _network(seed: int, speakers: int) -> onnx.ModelProto:
    """A frame is the phoneme's numbers and the speaker's, with noise, times a matrix; there are more at a low speed."""
    random = np.random.default_rng(seed)
    nodes = [
        helper.make_node("Gather", ["phonemes", "input"], ["known"]),  # (1, n, wide)
        helper.make_node("Split", ["scales"], ["noise_scale", "length_scale", "noise_w"], num_outputs=3),
        helper.make_node("Mul", ["length_scale", "long"], ["exact"]),
        helper.make_node("Round", ["exact"], ["rounded"]),
        helper.make_node("Cast", ["rounded"], ["frames"], to=TensorProto.INT64),
        helper.make_node("Concat", ["one", "one", "frames", "one"], ["each"], axis=0),
        helper.make_node("Unsqueeze", ["known", "second"], ["apart"]),  # (1, n, 1, wide)
        helper.make_node("Tile", ["apart", "each"], ["slow"]),
        helper.make_node("RandomNormalLike", ["slow"], ["dice"]),
        helper.make_node("Mul", ["dice", "noise_scale"], ["noise"]),
        helper.make_node("Add", ["slow", "noise"], ["noisy"]),
        *([helper.make_node("Gather", ["voices", "sid"], ["own"])] if speakers else []),
        helper.make_node("Add", ["noisy", "own" if speakers else "nobody"], ["coloured"]),
        helper.make_node("MatMul", ["coloured", "sounds"], ["waves"]),
        helper.make_node("Tanh", ["waves"], ["bounded"]),
        helper.make_node("Reshape", ["bounded", "flat"], ["output"]),
    ]
    arrays = {
        "phonemes": random.normal(size=(256, WIDE)).astype(np.float32),
        "voices": random.normal(size=(max(speakers, 1), WIDE)).astype(np.float32),
        "sounds": random.normal(size=(WIDE, HOP)).astype(np.float32) / 10,
        "nobody": np.zeros(1, np.float32),
        "long": np.array([LONG], np.float32),
        "one": np.array([1], np.int64),
        "second": np.array([2], np.int64),
        "flat": np.array([1, 1, 1, -1], np.int64),
    }
    inputs = [
        helper.make_tensor_value_info("input", TensorProto.INT64, [1, None]),
        helper.make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
        helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
        *([helper.make_tensor_value_info("sid", TensorProto.INT64, [1])] if speakers else []),
    ]
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, 1, None])
    constants = [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "voice", inputs, [output], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
