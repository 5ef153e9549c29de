"""Batching of transcripts and captions, measured: eight requests together against the libraries, one after another.

    python bench/reading.py [--rounds 5] [--clock cpu] [--whisper FOLDER] [--blip2 FOLDER]

Each question is asked of both in turn (A B A B …) on the same weights, so that a busy machine slows both. Without
folders: the miniature BLIP-2 of this package, and a Whisper of random weights, whose text means nothing (faster-whisper
cannot run the miniature, which hears eight seconds at once). On a CPU with one thread, --clock cpu counts the seconds
that the process had, whatever else the machine does.
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import torch
from faster_whisper import WhisperModel
from PIL import Image
from transformers import Blip2ForConditionalGeneration, Blip2Processor

from atelier.contracts.base import Contract
from atelier.contracts.engine import Engine, ModelSource
from atelier.contracts.image_to_text import ImageToTextRequest, ImageToTextResult
from atelier.contracts.speech_to_text import TranscriptionRequest, TranscriptionResult
from atelier.engines.vision_language import Blip2Engine
from atelier.engines.whisper import WhisperEngine
from atelier.media.image import encode_image
from atelier.models.catalog import HERE

TOGETHER = 8
SENTENCES = 4  # of a recording, with a second of silence after each
CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}

for used in ("training", "tests/engines"):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / used))


def answered(engine: Engine, requests: Sequence[Contract]) -> list[str]:
    """The engine, stepped as the worker's scheduler steps it."""
    runs = [engine.start(request) for request in requests]
    while going := [run for run in runs if not run.done]:
        engine.step(going)
    texts = []
    for run in runs:
        result = run.outputs[-1]
        engine.close(run)
        texts.append(result.text if isinstance(result, TranscriptionResult) else "")
        if isinstance(result, ImageToTextResult):
            texts[-1] = result.caption or ""
    return texts


def a_whisper() -> Path:
    from tiny_whisper import build_tiny_whisper

    return build_tiny_whisper(Path(tempfile.mkdtemp()) / "whisper", width=256)


def transcripts(folder: Path) -> tuple[Callable[[], list[str]], Callable[[], list[str]]]:
    """Eight recordings of four sentences: by the engine together, and by faster-whisper one after another."""
    recordings = _recordings()
    engine = WhisperEngine(ModelSource("bench", folder, device="cpu", precision="float32"))
    engine.load()
    library = WhisperModel(str(folder), device="cpu", compute_type="float32", cpu_threads=1)

    def theirs() -> list[str]:
        texts = []
        for recording in recordings:
            segments, _ = library.transcribe(
                io.BytesIO(recording), language="en", vad_filter=True, condition_on_previous_text=False
            )
            texts.append("".join(segment.text for segment in segments).strip())
        return texts

    requests = [TranscriptionRequest(audio=recording, language="en") for recording in recordings]
    return lambda: answered(engine, requests), theirs


def _recordings() -> list[bytes]:
    from evaluate_whisper import held_out_sentences
    from speech import Narrator

    narrator, sentences = Narrator(), islice(cycle(held_out_sentences()), TOGETHER * SENTENCES)
    said = [narrator.say(sentence, "alloy", 1.0) for sentence in sentences]
    narrator.close()
    pause = np.zeros(16_000, np.int16)
    return [
        _wav(np.concatenate([part for spoken in said[first::TOGETHER] for part in (spoken, pause)]))
        for first in range(TOGETHER)
    ]


def _wav(samples: np.ndarray) -> bytes:
    from atelier.media.sound import SoundEncoder

    encoder = SoundEncoder("wav", 16_000, streamed=False)
    return encoder.encode(samples) + encoder.finish()


def captions(folder: Path) -> tuple[Callable[[], list[str]], Callable[[], list[str]]]:
    """Eight pictures: by the engine together, and by transformers one after another."""
    from evaluate_blip2 import drawn

    pictures = [picture for _, picture in drawn(TOGETHER, seed=1)]
    engine = Blip2Engine(ModelSource("bench", folder, device="cpu"))
    engine.load()
    model = Blip2ForConditionalGeneration.from_pretrained(folder, local_files_only=True)
    processor = Blip2Processor.from_pretrained(folder, local_files_only=True)

    def theirs() -> list[str]:
        return [_caption(model, processor, Image.open(io.BytesIO(request.image))) for request in requests]

    requests = [ImageToTextRequest(image=encode_image(np.asarray(picture), "png")) for picture in pictures]
    return lambda: answered(engine, requests), theirs


def _caption(model: Blip2ForConditionalGeneration, processor: Blip2Processor, picture: Image.Image) -> str:
    with torch.inference_mode():
        tokens = model.generate(**processor(images=picture, return_tensors="pt"), max_new_tokens=64, do_sample=False)
    start = model.config.num_query_tokens + 1
    return str(processor.decode(tokens[0, start:], skip_special_tokens=True)).strip()


def compared(ask: Sequence[Callable[[], list[str]]], rounds: int, clock: Callable[[], float]) -> str:
    """Medians of both in seconds, and the ratio with its least and greatest; how many answers were the same."""
    ours, theirs = (one() for one in ask)
    same = sum(one == other for one, other in zip(ours, theirs, strict=True))
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for one, taken in zip(ask, seconds, strict=True):
            began = clock()
            one()
            taken.append(clock() - began)
    ratios = [other / one for one, other in zip(*seconds, strict=True)]
    medians = [statistics.median(taken) for taken in seconds]
    return (
        f"{medians[0]:>8.2f} s{medians[1]:>10.2f} s{statistics.median(ratios):>8.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f}){same:>6} of {len(ours)} the same"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--whisper", type=Path)
    parser.add_argument("--blip2", type=Path, default=HERE / "mini/blip2")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'8 at once':<14}{'together':>10}{'in turn':>12}{'ratio':>8}")
    for name, ask in (("transcripts", transcripts(given.whisper or a_whisper())), ("captions", captions(given.blip2))):
        print(f"{name:<14}{compared(ask, given.rounds, CLOCKS[given.clock])}", flush=True)


if __name__ == "__main__":
    main()
