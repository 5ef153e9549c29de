"""Lines of text and their corners, out of the tokens of an answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch

from atelier.contracts.image_to_text import OcrLine

_LINE = re.compile(r"(.+?)" + 8 * r"<loc_(\d+)>")
_BINS = 1000  # places are told in thousandths of a side; each stands for its middle


def lines_of(tokenizer: Any, tokens: Sequence[int], chances: Sequence[float], size: tuple[int, int]) -> list[OcrLine]:
    """The lines of an answer in the order in which the model read them.

    chances: the logarithm of each token's chance; a line's confidence is their mean over its text and corners. size:
    width and height of the picture in pixels.
    """
    spans = list(_spans(tokenizer, tokens))
    text = "".join(piece for piece, _ in spans)
    starts, place = [], 0
    for piece, own in spans:
        starts.append((place, own))
        place += len(piece)
    lines = []
    for match in _LINE.finditer(text):
        content, *bins = match.groups()
        within = [own for start, own in starts if match.start() <= start < match.end()]
        own_chances = torch.tensor([chances[index] for own in within for index in own])
        if content.strip():
            confidence = round(float(own_chances.mean().exp()), 4)
            lines.append(OcrLine(text=content.strip(), box=_corners(bins, size), confidence=confidence))
    return lines


def _spans(tokenizer: Any, tokens: Sequence[int]) -> list[tuple[str, list[int]]]:
    """Pieces of text, each with the places of its tokens: a location is a piece, and so is the text between two."""
    skipped = {tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id}
    first, last = (tokenizer.convert_tokens_to_ids(f"<loc_{number}>") for number in (0, _BINS - 1))
    spans: list[tuple[str, list[int]]] = []
    waiting: list[int] = []

    def end_text() -> None:
        if waiting:
            spans.append((tokenizer.decode([tokens[index] for index in waiting]), waiting.copy()))
            waiting.clear()

    for index, token in enumerate(tokens):
        if first <= token <= last:
            end_text()
            spans.append((f"<loc_{token - first}>", [index]))
        elif token not in skipped:
            waiting.append(index)
    end_text()
    return spans


def _corners(bins: Sequence[str], size: tuple[int, int]) -> list[tuple[float, float]]:
    """Four corners in whole pixels, clockwise from the top left."""
    width, height = size
    across = [int((int(place) + 0.5) * width / _BINS) for place in bins[::2]]
    down = [int((int(place) + 0.5) * height / _BINS) for place in bins[1::2]]
    return [(float(x), float(y)) for x, y in zip(across, down, strict=True)]
