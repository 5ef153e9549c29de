"""Batching while running, measured: our SDXL engine against diffusers' pipeline that takes one request at a time.

    python bench/diffusion.py [--model FOLDER] [--rounds 5] [--steps 20] [--size 128x128] [--threads 1] [--clock cpu]

Two questions, each asked of both in turn (A B A B …) on the same weights, so that a busy machine slows both:
how many images a second come out of 8 requests that are there at once, and how long a request that arrives while
another runs waits for its first preview. Without --model it uses the miniature of this package. On a CPU with one
thread, --clock cpu counts the seconds that the process had, whatever else the machine does.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionXLPipeline
from numpy.typing import NDArray

from atelier.contracts.engine import ModelSource, PicturePreview, PicturesMade, Run
from atelier.contracts.images import TextToImageRequest
from atelier.engines.diffusion import DiffusionEngine
from atelier.engines.diffusion.beginning import preview_steps
from atelier.models.catalog import HERE

REQUESTS = 8
STEPS_BEFORE_ARRIVAL = 5
PREVIEWS = 3
PROMPTS = (
    "a small red circle on the left of a blue background",
    "a large yellow star in the middle of a black background",
    "a green ring on the right of a pink background",
    "a purple square on a white background",
)

Pixels = NDArray[np.uint8]
Clock = Callable[[], float]
CLOCKS: dict[str, Clock] = {"wall": time.perf_counter, "cpu": time.process_time}


class Ours:
    """The engine, stepped as the worker's scheduler steps it."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.clock = clock
        self.engine = DiffusionEngine(ModelSource(model="bench", folder=folder))
        self.engine.load()

    def paint(self, requests: Sequence[TextToImageRequest]) -> list[Pixels]:
        runs = [self.engine.start(request) for request in requests]
        while open_runs := [run for run in runs if not run.done]:
            self._step(open_runs)
        return [self._close(run) for run in runs]

    def wait_for_preview(self, first: TextToImageRequest, second: TextToImageRequest) -> float:
        """Seconds from the arrival of `second`, when `first` has taken some steps, to its first preview."""
        runs: list[Run] = [self.engine.start(first)]
        for _ in range(STEPS_BEFORE_ARRIVAL):
            self._step(runs)
        arrived = self.clock()
        runs.append(self.engine.start(second))
        while not any(isinstance(output, PicturePreview) for output in runs[1].outputs):
            self._step([run for run in runs if not run.done])
        waited = self.clock() - arrived
        for run in runs:
            self.engine.close(run)
        return waited

    def _step(self, runs: Sequence[Run]) -> None:
        groups: dict[Hashable, list[Run]] = defaultdict(list)
        for run in runs:
            groups[run.key].append(run)
        for group in groups.values():
            self.engine.step(group)

    def _close(self, run: Run) -> Pixels:
        (made,) = (output for output in run.outputs if isinstance(output, PicturesMade))
        self.engine.close(run)
        return made.pictures[0].pixels


class Diffusers:
    """The reference: each request waits for the one before it to end."""

    def __init__(self, folder: Path, clock: Clock, like: torch.dtype, device: str) -> None:
        self.clock = clock
        self.pipeline = StableDiffusionXLPipeline.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=like, add_watermarker=False
        ).to(device)
        self.pipeline.set_progress_bar_config(disable=True)

    def paint(self, requests: Sequence[TextToImageRequest]) -> list[Pixels]:
        return [self._paint(request) for request in requests]

    def wait_for_preview(self, first: TextToImageRequest, second: TextToImageRequest) -> float:
        arrived = shown = 0.0
        due = preview_steps(second.partial_images, second.num_inference_steps)[0]

        def note_arrival(_: Any, step: int, __: Any, values: dict[str, Any]) -> dict[str, Any]:
            nonlocal arrived
            if step + 1 == STEPS_BEFORE_ARRIVAL:
                arrived = self.clock()
            return values

        def show_preview(pipeline: Any, step: int, _: Any, values: dict[str, Any]) -> dict[str, Any]:
            nonlocal shown
            if step + 1 == due:
                decoded = pipeline.vae.decode(values["latents"] / pipeline.vae.config.scaling_factor).sample
                pipeline.image_processor.postprocess(decoded)
                shown = self.clock()
                pipeline._interrupt = True
            return values

        self._paint(first, note_arrival)
        self._paint(second, show_preview)
        return shown - arrived

    def _paint(self, request: TextToImageRequest, after_step: Callable[..., dict[str, Any]] | None = None) -> Pixels:
        width, height = request.dimensions or (None, None)
        made = self.pipeline(
            request.prompt,
            width=width,
            height=height,
            num_inference_steps=request.num_inference_steps,
            guidance_scale=request.guidance_scale,
            generator=[torch.Generator().manual_seed(request.seed or 0)],
            callback_on_step_end=after_step,
        )
        return np.asarray(made.images[0])


def main() -> None:
    options = _options()
    torch.set_num_threads(options.threads)
    clock = CLOCKS[options.clock]
    ours = Ours(options.model, clock)
    info = ours.engine.info()
    theirs = Diffusers(options.model, clock, getattr(torch, info.precision), info.device)
    on = f"{info.device}, {info.precision}, {options.threads} thread(s), {options.clock} clock"
    print(f"{options.model}: {on}")
    _compare_throughput(ours, theirs, options)
    _compare_waiting(ours, theirs, options)


def _compare_throughput(ours: Ours, theirs: Diffusers, options: argparse.Namespace) -> None:
    requests = [_request(options, seed) for seed in range(REQUESTS)]
    apart = max(
        int(np.abs(a.astype(int) - b.astype(int)).max())
        for a, b in zip(ours.paint(requests), theirs.paint(requests), strict=True)
    )
    ours_seconds, their_seconds = _interleaved(
        options.rounds, lambda: _timed(ours, requests), lambda: _timed(theirs, requests)
    )
    print(f"\n{REQUESTS} requests at once, {options.steps} steps each (pictures differ by at most {apart}/255)")
    _report("images a second", [REQUESTS / s for s in ours_seconds], [REQUESTS / s for s in their_seconds])


def _compare_waiting(ours: Ours, theirs: Diffusers, options: argparse.Namespace) -> None:
    first = _request(options, seed=1, steps=30)
    second = _request(options, seed=2, steps=30, partial_images=PREVIEWS)
    ours_seconds, their_seconds = _interleaved(
        options.rounds,
        lambda: ours.wait_for_preview(first, second),
        lambda: theirs.wait_for_preview(first, second),
    )
    print(f"\na request of 30 steps, which arrives after step {STEPS_BEFORE_ARRIVAL} of another: its first preview")
    _report("seconds", ours_seconds, their_seconds)


def _request(options: argparse.Namespace, seed: int, **fields: Any) -> TextToImageRequest:
    return TextToImageRequest(
        prompt=PROMPTS[seed % len(PROMPTS)],
        seed=seed,
        size=options.size,
        num_inference_steps=fields.pop("steps", options.steps),
        **fields,
    )


def _interleaved(rounds: int, a: Callable[[], float], b: Callable[[], float]) -> tuple[list[float], list[float]]:
    pairs = [(a(), b()) for _ in range(rounds)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _timed(side: Ours | Diffusers, requests: Sequence[TextToImageRequest]) -> float:
    started = side.clock()
    side.paint(requests)
    return side.clock() - started


def _report(what: str, ours: list[float], theirs: list[float]) -> None:
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    for name, values in (("ours", ours), ("diffusers", theirs), ("ratio", ratios)):
        unit = "ours / diffusers" if name == "ratio" else what
        print(f"  {name:10} {statistics.median(values):8.3f}  {unit}  ({min(values):.3f} to {max(values):.3f})")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=HERE / "mini/sdxl", help="a folder with a Stable Diffusion XL")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--size", default="auto", help="WIDTHxHEIGHT in pixels; auto is the model's own")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    return parser.parse_args()


if __name__ == "__main__":
    main()
