"""Scores atelier-mini-blip2, through the engine that serves it, on scenes that training never saw; prints JSON."""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from atelier.contracts.engine import ModelSource
from atelier.contracts.image_to_text import ImageToTextRequest, ImageToTextResult
from atelier.engines.vision_language import Blip2Engine
from atelier.engines.vision_language.engine import TOGETHER
from atelier.media.image import encode_image
from captions import agreement
from imperfect import Outlines, imperfect
from judge import share, shares
from world import SIDE, Scene, draw, held_out_scenes, questions

MODEL = Path(__file__).resolve().parent.parent / "src/atelier/models/mini/blip2"


def open_engine(folder: Path = MODEL) -> Blip2Engine:
    engine = Blip2Engine(ModelSource("atelier-mini-blip2", folder, device="cpu"))
    engine.load()
    return engine


def drawn(many: int, seed: int) -> list[tuple[Scene, Image.Image]]:
    """Held-out scenes, each once before one comes again, with a picture of each; equal seeds give the same ones."""
    chance, scenes = random.Random(seed), held_out_scenes()
    chance.shuffle(scenes)
    return [(scene, draw(scene, chance)) for scene in islice(cycle(scenes), many)]


def captions_of(pictures: Iterable[Path | Image.Image], engine: Blip2Engine) -> list[str]:
    """What the engine says to each picture, or file of one."""
    return said(engine, [_encoded(picture) for picture in pictures])


def said(engine: Blip2Engine, pictures: Sequence[bytes], question: str | None = None) -> list[str]:
    """Captions, or the answers to one question, as many at once as the engine likes."""
    texts = []
    for first in range(0, len(pictures), TOGETHER):
        runs = [
            engine.start(ImageToTextRequest(image=picture, question=question))
            for picture in pictures[first : first + TOGETHER]
        ]
        while going := [run for run in runs if not run.done]:
            engine.step(going)
        for run in runs:
            engine.close(run)
            result = run.outputs[-1]
            assert isinstance(result, ImageToTextResult)
            texts.append(result.caption or "")
    return texts


def caption_scores(captions: Iterable[str], scenes: Iterable[Scene]) -> dict[str, float]:
    """Shares of the captions that name each attribute rightly; shape and colour; all five."""
    return shares(agreement(caption, scene) for caption, scene in zip(captions, scenes, strict=True))


def answer_scores(engine: Blip2Engine, samples: Sequence[tuple[Scene, Image.Image]]) -> dict[str, float]:
    """Shares of right answers: to each of the world's questions, asked about every picture, and to all of them."""
    right: dict[str, list[bool]] = {}
    for question, asked in _by_question(samples).items():
        answers = said(engine, [picture for picture, _ in asked], question)
        right[question] = [answer == wanted for answer, (_, wanted) in zip(answers, asked, strict=True)]
    return {
        **{question: share(hits) for question, hits in right.items()},
        "all": share(hit for hits in right.values() for hit in hits),
    }


def _by_question(samples: Sequence[tuple[Scene, Image.Image]]) -> dict[str, list[tuple[bytes, str]]]:
    """The pictures that a question is asked about, with the right answers: one question is one batch."""
    asked: dict[str, list[tuple[bytes, str]]] = {}
    for scene, picture in samples:
        for question, answer in questions(scene):
            asked.setdefault(question, []).append((_encoded(picture), answer))
    return asked


def _spoiled(scenes: Sequence[Scene]) -> Iterator[Image.Image]:
    for pixels in imperfect(scenes, Outlines(each=8), SIDE, seed=1):
        yield Image.fromarray(pixels.byte().permute(1, 2, 0).numpy())


def _encoded(picture: Path | Image.Image) -> bytes:
    if isinstance(picture, Path):
        return picture.read_bytes()
    return encode_image(np.asarray(picture), "png")


def scores(engine: Blip2Engine, many: int) -> Mapping[str, object]:
    samples = drawn(many, seed=1)
    scenes, pictures = [scene for scene, _ in samples], [picture for _, picture in samples]
    began = time.perf_counter()
    captions = captions_of(pictures, engine)
    pace = (time.perf_counter() - began) / many
    return {
        "pictures": many,
        "captions": caption_scores(captions, scenes),
        "captions of spoiled pictures": caption_scores(captions_of(_spoiled(scenes), engine), scenes),
        "answers": answer_scores(engine, samples[: many // 4]),
        "seconds for a caption": round(pace, 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--many", type=int, default=200)
    parser.add_argument("--pictures", type=Path, help="a folder of PNG files to caption instead")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    engine = open_engine(chosen.model)
    if chosen.pictures:
        files = sorted(chosen.pictures.glob("*.png"))
        captions = captions_of(files, engine)
        print(json.dumps({file.name: caption for file, caption in zip(files, captions, strict=True)}, indent=2))
    else:
        print(json.dumps(scores(engine, chosen.many), indent=2))


if __name__ == "__main__":
    main()
