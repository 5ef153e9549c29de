"""What tests of engines that look at pictures share: pictures, requests about them, and their way to an answer."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from atelier.contracts.engine import Engine, Run
from atelier.contracts.image_to_text import ImageToTextRequest, ImageToTextResult


def four_pictures() -> list[Image.Image]:
    """Each of another size."""
    chance = np.random.default_rng(0)
    noise = chance.integers(0, 255, (70, 90, 3), dtype=np.uint8)
    blocks = chance.integers(0, 255, (4, 6, 3), dtype=np.uint8)
    return [
        Image.new("RGB", (100, 80), "blue"),
        Image.new("RGB", (31, 257), "red"),
        Image.fromarray(noise),
        Image.fromarray(blocks).resize((300, 200)),
    ]


def asking(picture: Image.Image, **fields: object) -> ImageToTextRequest:
    sink = io.BytesIO()
    picture.save(sink, "PNG")
    return ImageToTextRequest.model_validate({"image": sink.getvalue(), "max_tokens": 24, **fields})


def stepped(engine: Engine, runs: Sequence[Run]) -> None:
    """As the scheduler does it: one step for those who are not done, and whoever is done is closed."""
    assert len({run.key for run in runs}) == 1
    engine.step(runs)
    for run in runs:
        if run.error:
            raise run.error
        if run.done:
            assert run.progress == 1
            engine.close(run)


def finish(engine: Engine, runs: Sequence[Run]) -> list[ImageToTextResult]:
    while going := [run for run in runs if not run.done]:
        stepped(engine, going)
    return [result for run in runs if isinstance(result := run.outputs[-1], ImageToTextResult)]


def answers(engine: Engine, *requests: ImageToTextRequest) -> list[ImageToTextResult]:
    return finish(engine, [engine.start(request) for request in requests])


def sampled(engine: Engine, *requests: ImageToTextRequest) -> list[str | None]:
    """The answers where the chance of each run begins with its place among them."""
    runs = [engine.start(request) for request in requests]
    for seed, run in enumerate(runs):
        run.chance.manual_seed(seed)  # type: ignore[attr-defined]
    return [one.caption for one in finish(engine, runs)]


def same_words(results: Sequence[ImageToTextResult]) -> list[tuple[str | None, int, int]]:
    """What must not hang on company: the words, and how many tokens were read and written."""
    return [(one.caption, one.prompt_tokens, one.completion_tokens) for one in results]


def harm(folder: Path, damage: str) -> None:
    """Damage a model's folder in one of the ways that every engine has to name."""
    weights = folder / "model.safetensors"
    match damage:
        case "cut short":
            weights.write_bytes(weights.read_bytes()[:-1000])
        case "no weights":
            weights.unlink()
        case "no tokenizer":
            (folder / "tokenizer.json").unlink()
        case "no template":
            (folder / "chat_template.jinja").unlink()
        case "a pickle":
            weights.rename(folder / "pytorch_model.bin")
        case _:
            (folder / "config.json").write_text("{")
