"""How soon speech begins: the first sound of a text of 60 words against all of it, for each engine, in one run.

    python bench/first_sound.py [--model NAME-OR-FOLDER …] [--rounds 5]

Names are those of the model catalog. Without --model: espeak-ng, and stand-ins of Kokoro and XTTS with random weights
(tests/engines), which have the models' steps but not their size.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from atelier.contracts.engine import Engine, Sound
from atelier.contracts.text_to_speech import SpeechRequest
from atelier.models.catalog import plans
from atelier.settings import Settings

STAND_INS = Path(__file__).resolve().parent.parent / "tests" / "engines"
TEXT = (
    "The workshop opens at nine in the morning, and every visitor may try the tools. "
    "Wood, metal and glass lie ready on the long tables by the window. "
    "If you have never held a chisel, somebody will show you how. "
    "Most people stay until the evening, because the first piece is seldom the last one. "
    "Bring nothing but an old shirt and time."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", help="a name of the catalog or a folder; may be repeated")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    assert len(TEXT.split()) >= 60
    with tempfile.TemporaryDirectory() as scratch:
        models = options.model or ["espeak-ng", *_stand_ins(Path(scratch))]
        engines = {Path(model).name: _opened(model) for model in models}
        _report(engines, options.rounds)
        for engine in engines.values():
            engine.unload()


def _stand_ins(scratch: Path) -> Iterator[str]:
    sys.path.insert(0, str(STAND_INS))
    if find_spec("kokoro_onnx") and find_spec("onnx"):
        yield str(import_module("tiny_kokoro").build_tiny_kokoro(scratch / "kokoro-stand-in"))
    if find_spec("coqpit"):
        yield str(import_module("tiny_xtts").build_tiny_xtts(scratch / "xtts-stand-in"))


def _opened(model: str) -> Engine:
    plan = plans(Settings(model_name=model), ["text-to-speech"])[0]
    module, _, name = plan.engine.partition(":")
    engine: Engine = getattr(import_module(module), name)(plan.source)
    engine.load()
    return engine


def _report(engines: dict[str, Engine], rounds: int) -> None:
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in engines}
    for turn in range(rounds + 1):  # A B C A B C …; the first turn only warms up
        for name, engine in engines.items():
            measured = _spoken(engine)
            if turn:
                taken[name].append(measured)
    print(f"{'model':<24}{'first sound':>13}{'all of it':>13}{'ratio':>8}")
    for name, times in taken.items():
        first, whole = (statistics.median(column) for column in zip(*times, strict=True))
        ratio = statistics.median(one / all_of_it for one, all_of_it in times)
        print(f"{name:<24}{first:>11.3f} s{whole:>11.3f} s{ratio:>8.2f}")


def _spoken(engine: Engine) -> tuple[float, float]:
    """Seconds to the first sound, and to the end, of the text as a stream."""
    began, first = time.perf_counter(), 0.0
    run = engine.start(SpeechRequest(text=TEXT, stream=True))
    while not run.done:
        engine.step([run])
        if run.error is not None:
            raise run.error
        if not first and any(isinstance(output, Sound) and output.samples.size for output in run.outputs):
            first = time.perf_counter() - began
    engine.close(run)
    return first, time.perf_counter() - began


if __name__ == "__main__":
    main()
