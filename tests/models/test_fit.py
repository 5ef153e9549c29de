"""How much memory a model takes, by the settings that it is loaded with."""

from __future__ import annotations

import pytest

from atelier.models.catalog import catalog
from atelier.models.fit import gigabytes

ENTRIES = {entry.id: entry for entry in catalog()}


@pytest.mark.parametrize(
    ("model", "precision", "quantization", "on_gpu", "expected"),
    [
        ("Salesforce/blip2-opt-2.7b", "auto", "none", True, "float16"),
        ("Salesforce/blip2-opt-2.7b", "auto", "none", False, "float32"),
        ("Salesforce/blip2-opt-2.7b", "bfloat16", "none", False, "float16"),
        ("Qwen/Qwen3-VL-4B-Instruct", "auto", "none", True, "bfloat16"),
        ("Qwen/Qwen3-VL-4B-Instruct", "float32", "none", True, "float32"),
        ("Salesforce/blip2-opt-2.7b", "auto", "int8", True, "int8"),
        ("rapidocr", "auto", "none", True, "float16"),
    ],
)
def test_memory_by_settings(model: str, precision: str, quantization: str, on_gpu: bool, expected: str) -> None:
    entry = ENTRIES[model]
    found = gigabytes(entry, precision=precision, quantization=quantization, on_gpu=on_gpu)
    assert found == entry.memory.get(expected)  # type: ignore[call-overload]
