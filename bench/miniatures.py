"""What the miniatures cost on one core: time to load, time of a picture, a caption and a transcript, memory.

python bench/miniatures.py

Each model has a process of its own, as in `atelier serve`; times are medians, the memory is the process's peak.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MODELS = ("atelier-mini-sdxl", "atelier-mini-blip2", "atelier-mini-whisper")
REPEATS = 5


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(measured(sys.argv[1])))
        return
    print(f"{'model':<24}{'load':>8}{'one answer':>13}{'peak memory':>14}")
    for model in MODELS:
        command = [sys.executable, __file__, model]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(f"{model:<24}{found['load']:>6.2f} s{found['answer']:>11.2f} s{found['memory'] / 2**20:>10.0f} MiB")


def measured(model: str) -> dict[str, float]:
    """Seconds to load and to answer one request, and bytes at most, of `model` in this process on one thread."""
    sys.path.insert(0, str(HERE.parent / "training"))
    import torch

    torch.set_num_threads(1)
    answer = {"atelier-mini-sdxl": _painter, "atelier-mini-blip2": _captioner, "atelier-mini-whisper": _listener}[model]
    ask, load = answer()
    ask()
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        ask()
        times.append(time.perf_counter() - began)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"load": load, "answer": statistics.median(times), "memory": memory}


def _painter() -> tuple[Callable[[], object], float]:
    from drawing import drawn, open_engine
    from world import held_out_scenes

    engine, seconds = _timed(open_engine)
    return lambda: drawn(engine, held_out_scenes()[:1]), seconds


def _captioner() -> tuple[Callable[[], object], float]:
    from evaluate_blip2 import captions_of, drawn, open_engine

    engine, seconds = _timed(open_engine)
    picture = drawn(1, seed=1)[0][1]
    return lambda: captions_of([picture], engine), seconds


def _listener() -> tuple[Callable[[], object], float]:
    from evaluate_whisper import held_out_sentences, listen, load, sayings
    from speech import VOICES, Narrator

    engine, seconds = _timed(load)
    narrator, said = Narrator(), sayings(held_out_sentences(), list(VOICES), 1)
    return lambda: listen(engine, narrator, said), seconds


def _timed(build: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    return build(), time.perf_counter() - began


if __name__ == "__main__":
    main()
