"""Scores atelier-mini-sdxl, through the engine that serves it, on scenes that are held out; prints JSON."""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from atelier.contracts.images import ImageToImageRequest
from atelier.engines.diffusion import DiffusionEngine
from atelier.media.image import encode_image
from drawing import MODEL, STEPS, drawn, open_engine, pictures
from judge import look, score, shares
from sdxl_unet import repainting
from world import COLOURS, Scene, draw, held_out_scenes

STRENGTH = 0.7


def asked_scenes(many: int, seed: int = 1) -> list[Scene]:
    """Held-out scenes, every one once before any comes again."""
    chance, scenes = random.Random(seed), held_out_scenes()
    rounds = [chance.sample(scenes, len(scenes)) for _ in range(many // len(scenes) + 1)]
    return [scene for scenes in rounds for scene in scenes][:many]


def picture_scores(made: Sequence[Image.Image], asked: Sequence[Scene]) -> dict[str, float]:
    """Shares of pictures that show each attribute rightly; shape and colour; all five."""
    return shares(score(look(picture), scene) for picture, scene in zip(made, asked, strict=True))


def repainted(engine: DiffusionEngine, scenes: Sequence[Scene]) -> tuple[list[Image.Image], list[Scene]]:
    """Pictures of `scenes` drawn anew in another colour by image to image, and what they should show then.

    What is wanted then may be a scene that training has seen.
    """
    chance = random.Random(7)
    wanted = [
        replace(scene, colour=chance.choice([c for c in COLOURS if c not in (scene.colour, scene.background)]))
        for scene in scenes
    ]
    requests = [
        ImageToImageRequest(
            image=png(draw(scene, random.Random(number))),
            prompt=repainting(new),
            strength=STRENGTH,
            num_inference_steps=STEPS,
            seed=number,
        )
        for number, (scene, new) in enumerate(zip(scenes, wanted, strict=True))
    ]
    return pictures(engine, requests), wanted


def sheet(made: Sequence[Image.Image], columns: int, side: int = 96) -> Image.Image:
    """All pictures on one, row by row."""
    whole = Image.new("RGB", (columns * side, -(-len(made) // columns) * side))
    for place, picture in enumerate(made):
        scaled = picture.resize((side, side), Image.Resampling.BICUBIC)
        whole.paste(scaled, (place % columns * side, place // columns * side))
    return whole


def scores(engine: DiffusionEngine, many: int, keep: Path | None) -> Mapping[str, object]:
    asked = asked_scenes(many)
    began = time.perf_counter()
    made = drawn(engine, asked)
    pace = (time.perf_counter() - began) / many
    again, wanted = repainted(engine, asked[: many // 2])
    large = [place for place, scene in enumerate(wanted) if scene.size == "large"]
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        for number, picture in enumerate(made):
            picture.save(keep / f"{number:03}.png")
        sheet(made[:48], 12).save(keep / "sheet.png")
        sheet(again[:24], 12).save(keep / "repainted.png")
    return {
        "pictures": many,
        "steps": STEPS,
        "drawn": picture_scores(made, asked),
        f"repainted at strength {STRENGTH}": picture_scores(again, wanted),
        "of these, large shapes": picture_scores([again[place] for place in large], [wanted[place] for place in large]),
        "seconds for a picture": round(pace, 3),
    }


def png(picture: Image.Image) -> bytes:
    """Encoded, as requests carry pictures."""
    return encode_image(np.asarray(picture), "png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--many", type=int, default=200)
    parser.add_argument("--keep", type=Path, help="a folder for the pictures")
    parser.add_argument("--guidance", type=float, nargs="*", default=[], help="score the drawings at these scales too")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    engine = open_engine(chosen.model)
    found = dict(scores(engine, chosen.many, chosen.keep))
    asked = asked_scenes(chosen.many)
    for scale in chosen.guidance:
        found[f"drawn at guidance {scale}"] = picture_scores(drawn(engine, asked, guidance_scale=scale), asked)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
