"""A Parakeet of random weights: the files, names and shapes of the published export, and next to nothing inside."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

_BANDS, _WIDTH, _STRIDE, _DURATIONS = 128, 16, 8, 5
_TOKENS = ["<unk>", *(f"▁{first}{second}" for first in "bdfglmnst" for second in "aeiou"), *"aeiou", ".", "?", "<blk>"]
_BLANK = 2.0
"""Added to the logit of silence: most frames bring no token."""


def build_tiny_parakeet(folder: Path, *, seed: int = 0, suffix: str = "") -> Path:
    """`suffix` is `.int8` for the names of the small export."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(seed)
    onnx.save(_encoder(chance), folder / f"encoder-model{suffix}.onnx")
    onnx.save(_decoder(chance), folder / f"decoder_joint-model{suffix}.onnx")
    lines = [f"{token} {number}" for number, token in enumerate(_TOKENS)]
    (folder / "vocab.txt").write_text("\n".join(lines) + "\n")
    config = {"model_type": "nemo-conformer-tdt", "features_size": _BANDS, "subsampling_factor": _STRIDE}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def _encoder(chance: np.random.Generator) -> ModelProto:
    """Eight frames of the spectrogram become one vector."""
    return _model(
        [
            helper.make_node("Conv", ["audio_signal", "kernel"], ["seen"], strides=[_STRIDE], pads=[0, _STRIDE - 1]),
            helper.make_node("Tanh", ["seen"], ["outputs"]),
            helper.make_node("Sub", ["length", "one"], ["before"]),
            helper.make_node("Div", ["before", "stride"], ["whole"]),
            helper.make_node("Add", ["whole", "one"], ["encoded_lengths"]),
        ],
        {
            "kernel": 0.1 * chance.standard_normal((_WIDTH, _BANDS, _STRIDE)).astype(np.float32),
            "one": np.array(1, np.int64),
            "stride": np.array(_STRIDE, np.int64),
        },
        [_float("audio_signal", "batch", _BANDS, "time"), _whole("length", TensorProto.INT64, "batch")],
        [_float("outputs", "batch", _WIDTH, "frames"), _whole("encoded_lengths", TensorProto.INT64, "batch")],
    )


def _decoder(chance: np.random.Generator) -> ModelProto:
    """The token before, what was before that, and what is heard make the logits of tokens and of how far to leap."""
    kinds = len(_TOKENS) + _DURATIONS
    bias = np.zeros(kinds, np.float32)
    bias[len(_TOKENS) - 1] = _BLANK
    bias[len(_TOKENS)] = -100.0  # never stay
    states = [_float(name, 1, "batch", _WIDTH) for name in ("input_states_1", "input_states_2")]
    kept = [_float(name, 1, "batch", _WIDTH) for name in ("output_states_1", "output_states_2")]
    return _model(
        [
            helper.make_node("Gather", ["words", "targets"], ["word"]),
            helper.make_node("Transpose", ["word"], ["said"], perm=[1, 0, 2]),
            helper.make_node("Add", ["input_states_1", "said"], ["remembered"]),
            helper.make_node("Tanh", ["remembered"], ["output_states_1"]),
            helper.make_node("Identity", ["input_states_2"], ["output_states_2"]),
            helper.make_node("Transpose", ["encoder_outputs"], ["heard"], perm=[0, 2, 1]),
            helper.make_node("Transpose", ["output_states_1"], ["memory"], perm=[1, 0, 2]),
            helper.make_node("Add", ["heard", "memory"], ["both"]),
            helper.make_node("MatMul", ["both", "head"], ["scores"]),
            helper.make_node("Add", ["scores", "bias"], ["weighed"]),
            helper.make_node("Unsqueeze", ["weighed", "axis"], ["outputs"]),
            helper.make_node("Identity", ["target_length"], ["prednet_lengths"]),
        ],
        {
            "words": chance.standard_normal((len(_TOKENS), _WIDTH)).astype(np.float32),
            "head": chance.standard_normal((_WIDTH, kinds)).astype(np.float32),
            "bias": bias,
            "axis": np.array([1], np.int64),
        },
        [
            _float("encoder_outputs", "batch", _WIDTH, 1),
            _whole("targets", TensorProto.INT32, "batch", 1),
            _whole("target_length", TensorProto.INT32, "batch"),
            *states,
        ],
        [
            _float("outputs", "batch", 1, 1, kinds),
            _whole("prednet_lengths", TensorProto.INT32, "batch"),
            *kept,
        ],
    )


def _model(
    nodes: list[NodeProto],
    weights: dict[str, np.ndarray],
    inputs: list[ValueInfoProto],
    outputs: list[ValueInfoProto],
) -> ModelProto:
    kept = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, kept)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _float(name: str, *shape: int | str) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _whole(name: str, kind: int, *shape: int | str) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)
