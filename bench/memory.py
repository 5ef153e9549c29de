"""Memory over time: 300 requests to each engine with loads and unloads between them, each engine in its own process.

    python bench/memory.py [ENGINE …] [--requests 300]

The models are the tests' tiny ones (tests/engines), so that what an engine leaves behind shows beside what it holds.
As in a worker, one thread loads, steps and unloads, and memory is that of the process and of those that it started.
Requests differ in length, size and company. Growth is what the process holds more at the end than after a tenth of
the requests; the exit status is 1 where it is 5 % or more.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from atelier.contracts.base import Contract
from atelier.contracts.engine import Engine, ModelSource
from atelier.contracts.image_to_text import ImageToTextRequest
from atelier.contracts.images import ImageToImageRequest, TextToImageRequest
from atelier.contracts.speech_to_text import TranscriptionRequest
from atelier.contracts.text_to_speech import SpeechRequest
from atelier.worker.residency import ModelPlan, Resident

TESTS = Path(__file__).resolve().parent.parent / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "engines"), str(TESTS.parent / "training")]

TURNS = 30
"""Times that each model is loaded, or once for every three requests where these are fewer."""

SETTLED = 5
"""Times that it is loaded at least before memory is first looked at."""

MOST_GROWTH = 0.05

COMPANY = (1, 1, 3)
"""How many requests go together, in turn; fewer where an engine takes fewer."""

TEXTS = (
    "Hi.",
    "The workshop opens at nine in the morning. Every visitor may try the tools!",
    "Open the door. Come in!",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", nargs="*", choices=[*ENGINES, []], help="all of them where none is named")
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--inside", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)  # the process of one engine
    options = parser.parse_args()
    if options.inside is not None:
        print(json.dumps(measured(options.engine[0], options.inside, options.requests)))
        return
    print(f"{'engine':<18}{'after a tenth':>15}{'at the end':>12}{'growth':>9}{'model':>10}{'unloaded':>10}")
    grown = False
    for name in options.engine or ENGINES:
        found = _in_a_process(name, options.requests)
        growth = found["end"] / found["tenth"] - 1
        grown |= growth >= MOST_GROWTH
        print(
            f"{name:<18}{found['tenth'] / 1e6:>12.1f} MB{found['end'] / 1e6:>9.1f} MB{growth:>9.1%}"
            f"{(found['end'] - found['unloaded']) / 1e6:>7.1f} MB{found['unloaded'] / 1e6:>7.1f} MB",
            flush=True,
        )
    sys.exit(grown)


def _in_a_process(name: str, requests: int) -> dict[str, int]:
    """The model is built here, so that what building takes is not counted."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = built(name, Path(scratch))
        command = [sys.executable, __file__, name, "--requests", str(requests), "--inside", str(folder)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(ended.stderr)
    found: dict[str, int] = json.loads(ended.stdout.splitlines()[-1])  # the log stands before it
    return found


def built(name: str, scratch: Path) -> Path:
    """The folder of an engine's tiny model, below `scratch`."""
    builder = ENGINES[name][0]
    return builder(scratch / name) if builder else scratch


def measured(name: str, folder: Path, requests: int) -> dict[str, int]:
    """Bytes of memory after a tenth of the requests, after all of them, and once the model is unloaded."""
    builder, engine, service, ask = ENGINES[name]
    source = ModelSource(name, folder if builder else None, device="cpu")
    resident = Resident(ModelPlan(source, f"atelier.engines.{engine}", name, [service], [service]))
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_lived, resident, ask(), requests).result()


def _lived(resident: Resident, requests: Sequence[Contract], count: int) -> dict[str, int]:
    found, sizes, asked = {}, cycle(COMPANY), cycle(requests)
    turns = min(TURNS, count // 3)
    for turn in range(turns):
        resident.unload()
        resident.load()
        together = round(1 / resident.engine.cost(requests[0]))
        left = count // turns
        while left:
            company = list(islice(asked, min(left, together, next(sizes))))
            _answer(resident.engine, company)
            left -= len(company)
        if turn == min(turns, max(turns // 10, SETTLED)) - 1:
            found["tenth"] = held()
    found["end"] = held()
    resident.unload()
    return found | {"unloaded": held()}


def _answer(engine: Engine, requests: Sequence[Contract]) -> None:
    """Stepped as the worker's scheduler steps them: those with equal keys together."""
    runs = [engine.start(request) for request in requests]
    while going := [run for run in runs if not run.done]:
        engine.step([run for run in going if run.key == going[0].key])
        for run in going:
            run.outputs.clear()
            if run.error is not None:
                raise run.error
    for run in runs:
        engine.close(run)


def held() -> int:
    """Bytes of memory of this process and of those that it started."""
    started = [pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()]
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in ("self", *started))
    return pages * os.sysconf("SC_PAGE_SIZE")


def _speech() -> Sequence[Contract]:
    return [SpeechRequest(text=text, stream=text == TEXTS[1]) for text in TEXTS]


def _listening(**fields: Any) -> Callable[[], Sequence[Contract]]:
    def recordings() -> Sequence[Contract]:
        from sounds import babble, encoded, silence

        def recording(*pitches: float) -> bytes:
            import numpy as np

            parts = [silence(1), *(part for pitch in pitches for part in (babble(1.5, pitch=pitch), silence(2)))]
            return encoded(np.concatenate(parts))

        made = recording(120), recording(110, 200), recording(150, 180, 130)
        return [TranscriptionRequest(audio=audio, **fields) for audio in made]

    return recordings


def _looking(task: str) -> Callable[[], Sequence[Contract]]:
    def pictures() -> Sequence[Contract]:
        asked = [{}, {"question": "what is it?", "max_tokens": 9}, {"stream": True}] if task == "caption" else [{}] * 3
        sizes = ((300, 200), (64, 64), (90, 257))
        return [
            ImageToTextRequest.model_validate({"image": _picture(*size), "task": task, "max_tokens": 24, **fields})
            for size, fields in zip(sizes, asked, strict=True)
        ]

    return pictures


def _painting(**fields: Any) -> Callable[[], Sequence[Contract]]:
    def prompts() -> Sequence[Contract]:
        one = {"num_inference_steps": 2, "size": "128x128", **fields}
        return [
            TextToImageRequest.model_validate({"prompt": "a red fox", "seed": 1, **one}),
            TextToImageRequest.model_validate({"prompt": "a tower by the sea", "seed": 2, **one, "size": "64x128"}),
            ImageToImageRequest.model_validate({"prompt": "snow", "seed": 3, "image": _picture(80, 64), **one}),
        ]

    return prompts


def _picture(width: int, height: int) -> bytes:
    from PIL import Image, ImageDraw

    picture, sink = Image.new("RGB", (width, height), "white"), io.BytesIO()
    for row in range(0, height, 20):
        ImageDraw.Draw(picture).text((2, row), "a line of the page", fill="black")
    picture.save(sink, "PNG")
    return sink.getvalue()


def _built(module: str, function: str, *arguments: Any) -> Callable[[Path], Path]:
    """Puts a tiny model into a folder, once it is called."""

    def build(folder: Path) -> Path:
        make = getattr(import_module(module), function)
        made: Path = make(*arguments, folder)
        return made

    return build


Plan = tuple[Callable[[Path], Path] | None, str, str, Callable[[], Sequence[Contract]]]
ENGINES: dict[str, Plan] = {
    "sdxl": (_built("random_sdxl", "build_random_sdxl"), "diffusion:DiffusionEngine", "text-to-image", _painting()),
    "z-image": (
        _built("random_pipelines", "build_random", "ZImagePipeline"),
        "diffusion:PipelineEngine",
        "text-to-image",
        _painting(),
    ),
    "xtts": (_built("tiny_xtts", "build_tiny_xtts"), "xtts:XttsEngine", "text-to-speech", _speech),
    "kokoro": (_built("tiny_kokoro", "build_tiny_kokoro"), "kokoro:KokoroEngine", "text-to-speech", _speech),
    "espeak": (None, "espeak:EspeakEngine", "text-to-speech", _speech),
    "whisper": (
        _built("tiny_whisper", "build_tiny_whisper"),
        "whisper:WhisperEngine",
        "speech-to-text",
        _listening(language="en", words=True),
    ),
    "parakeet": (
        _built("tiny_parakeet", "build_tiny_parakeet"),
        "parakeet:ParakeetEngine",
        "speech-to-text",
        _listening(),
    ),
    "pocketsphinx": (None, "pocketsphinx_english:PocketsphinxEngine", "speech-to-text", _listening()),
    "blip2": (
        _built("random_blip2", "build_random_blip2"),
        "vision_language:Blip2Engine",
        "image-to-text",
        _looking("caption"),
    ),
    "florence2": (
        _built("random_florence2", "build_random_florence2"),
        "florence2:Florence2Engine",
        "image-to-text",
        _looking("caption"),
    ),
    "florence2-ocr": (
        _built("random_florence2", "build_random_florence2"),
        "florence2:Florence2Engine",
        "image-to-text",
        _looking("ocr"),
    ),
    "smolvlm": (
        _built("random_vision_language", "build_random_smolvlm"),
        "vision_language:VisionLanguageEngine",
        "image-to-text",
        _looking("caption"),
    ),
    "qwen3-vl": (
        _built("random_vision_language", "build_random_qwen3_vl"),
        "vision_language:VisionLanguageEngine",
        "image-to-text",
        _looking("caption"),
    ),
    "rapidocr": (None, "rapid_ocr:RapidOcrEngine", "image-to-text", _looking("ocr")),
}

if __name__ == "__main__":
    main()
