"""Scores all three miniatures, each through the engine that serves it, on what training never saw; prints JSON.

python training/evaluate.py [--keep folder for the pictures]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

import drawing
import evaluate_blip2
import evaluate_sdxl
import evaluate_whisper
from speech import Narrator

MANY = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, default=Path("build/training/drawn"), help="a folder for the pictures")
    keep = parser.parse_args().keep
    torch.set_num_threads(1)
    painter, captioner, listener = drawing.open_engine(), evaluate_blip2.open_engine(), evaluate_whisper.load()
    found = {"atelier-mini-sdxl": dict(evaluate_sdxl.scores(painter, MANY, keep))}
    found["atelier-mini-blip2"] = dict(evaluate_blip2.scores(captioner, MANY))
    captions = evaluate_blip2.captions_of(sorted(keep.glob("[0-9]*.png"))[:MANY], captioner)
    asked = evaluate_sdxl.asked_scenes(MANY)
    found["atelier-mini-blip2"]["captions of pictures by atelier-mini-sdxl"] = evaluate_blip2.caption_scores(
        captions, asked
    )
    found["atelier-mini-whisper"] = evaluate_whisper.measure(listener, Narrator())
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
