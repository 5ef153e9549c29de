"""Engines keep nothing of what they answered or unloaded: `bench/memory.py` in short."""

from __future__ import annotations

import gc
import runpy
from pathlib import Path

import pytest
import torch

BENCH = runpy.run_path(str(Path(__file__).resolve().parents[2] / "bench/memory.py"))

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("engine", ["parakeet", "whisper"])
def test_memory_does_not_grow(engine: str, tmp_path: Path) -> None:
    found = BENCH["measured"](engine, BENCH["built"](engine, tmp_path), 21)
    assert found["end"] < (1 + BENCH["MOST_GROWTH"]) * found["tenth"]


@pytest.mark.parametrize("engine", ["blip2", "florence2", "florence2-ocr", "smolvlm"])
def test_no_tensor_outlives_its_model(engine: str, tmp_path: Path) -> None:
    """Exact, and quicker than to wait until it shows in the memory of a process that holds much else."""
    folder = BENCH["built"](engine, tmp_path)
    alive = []
    for _ in range(2):
        BENCH["measured"](engine, folder, 3)
        gc.collect()
        alive.append(sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects()))
    assert alive[1] <= alive[0]
