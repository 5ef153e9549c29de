"""A stand-in for Kokoro's network: its inputs and outputs, a tone for each token, and voices of random numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

TOKEN_SAMPLES = 2400
"""Samples of each token at speed 1. Token 0, which stands at both ends, is silent."""

VOICES = (
    *("af_alloy", "af_bella", "af_heart", "af_nova", "af_sarah", "af_sky", "am_echo", "am_fenrir", "am_michael"),
    *("am_onyx", "am_puck", "bf_emma", "bm_fable", "bm_george", "ef_dora", "em_alex", "ff_siwis", "jf_alpha"),
)


def build_tiny_kokoro(folder: Path, *, archive: bool = False, tokens: str = "input_ids", seed: int = 0) -> Path:
    """Returns the folder, laid out as the hub's ONNX repository, or with an `archive` as kokoro-onnx publishes it."""
    network = folder / ("kokoro-v1.0.onnx" if archive else "onnx/model.onnx")
    network.parent.mkdir(parents=True)
    onnx.save(_network(tokens), network)
    random = np.random.default_rng(seed)
    styles = {name: random.uniform(-1, 1, (510, 1, 256)).astype(np.float32) for name in VOICES}
    if archive:
        with (folder / "voices-v1.0.bin").open("wb") as file:
            np.savez(file, **styles)
        return folder
    (folder / "voices").mkdir()
    for name, style in styles.items():
        style.tofile(folder / "voices" / f"{name}.bin")
    return folder


def _network(tokens: str) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Cast", [tokens], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["numbers", "column"], ["pitch"]),
        helper.make_node("Div", ["length", "speed"], ["exact"]),
        helper.make_node("Squeeze", ["exact"], ["slow"]),
        helper.make_node("Range", ["none", "slow", "one"], ["time"]),
        helper.make_node("ReduceSum", ["style"], ["colour"], keepdims=0),
        helper.make_node("Mul", ["pitch", "step"], ["steps"]),
        helper.make_node("Mul", ["steps", "time"], ["angle"]),
        helper.make_node("Add", ["angle", "colour"], ["phase"]),
        helper.make_node("Sin", ["phase"], ["tone"]),
        helper.make_node("Min", ["pitch", "loudest"], ["loudness"]),
        helper.make_node("Mul", ["tone", "loudness"], ["sound"]),
        helper.make_node("Reshape", ["sound", "flat"], ["waveform"]),
    ]
    numbers = {"length": [float(TOKEN_SAMPLES)], "none": 0.0, "one": 1.0, "step": 0.001, "loudest": 0.4}
    constants = [helper.make_tensor(name, TensorProto.FLOAT, np.shape(n), np.ravel(n)) for name, n in numbers.items()]
    constants += [
        helper.make_tensor("column", TensorProto.INT64, [2], [-1, 1]),
        helper.make_tensor("flat", TensorProto.INT64, [2], [1, -1]),
    ]
    inputs = [
        helper.make_tensor_value_info(tokens, TensorProto.INT64, [1, None]),
        helper.make_tensor_value_info("style", TensorProto.FLOAT, [1, 256]),
        helper.make_tensor_value_info("speed", TensorProto.FLOAT, [1]),
    ]
    output = helper.make_tensor_value_info("waveform", TensorProto.FLOAT, [1, None])
    graph = helper.make_graph(nodes, "tones", inputs, [output], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
