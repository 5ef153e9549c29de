"""Tesseract's table of words, made into lines with corners, in the order in which they are read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atelier.media.reading_order import reading_order

LEGIBLE = 0.3  # confidence, 0 to 1, under which a line is held to be no text
LONG, MANY = 8, 3  # a line that shows the page's tilt: its length in heights, and its words
STRAIGHT = np.radians(1.0)  # a smaller tilt is as likely to come from letters that hang below the line

_WORD = "5"  # the level of a row that holds a word; others hold pages, blocks, paragraphs and lines


@dataclass(frozen=True)
class _Word:
    """In pixels of the page that was read; confidence from 0 to 1."""

    text: str
    confidence: float
    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2


@dataclass(frozen=True)
class Line:
    """corners: (4, 2) as x and y, clockwise from the line's top left. confidence: the mean of its words'."""

    text: str
    confidence: float
    corners: NDArray[np.float64]


def lines(table: str) -> list[Line]:
    """Of the program's tab-separated values, in its own order."""
    found: dict[tuple[str, ...], list[_Word]] = defaultdict(list)
    for row in table.split("\n"):
        cells = row.split("\t", 11)
        if cells[0] == _WORD and cells[-1].strip():
            found[tuple(cells[1:5])].append(_word(cells))
    written = list(found.values())
    tilt = _tilt(written)
    made = [Line(" ".join(word.text for word in words), _sure(words), _corners(words, tilt)) for words in written]
    return [line for line in made if line.confidence >= LEGIBLE]


def in_order(found: Sequence[Line]) -> list[list[Line]]:
    """The rows of the page in the order in which they are read."""
    rows = reading_order(np.array([line.corners for line in found]).reshape(-1, 4, 2))
    return [[found[index] for index in row] for row in rows]


def _word(cells: Sequence[str]) -> _Word:
    left, top, width, height = (float(cell) for cell in cells[6:10])
    return _Word(cells[11].strip(), max(float(cells[10]), 0) / 100, left, top, left + width, top + height)


def _sure(words: Sequence[_Word]) -> float:
    return float(np.mean([word.confidence for word in words]))


def _tilt(written: Iterable[Sequence[_Word]]) -> float:
    """The page's tilt in radians: Tesseract tells upright boxes alone, but those of a tilted line climb."""
    angles = []
    for words in written:
        across, down = np.array([word.middle for word in words]).T
        heights = [word.bottom - word.top for word in words]
        if len(words) >= MANY and np.ptp(across) > LONG * np.median(heights):
            angles.append(np.arctan(np.polyfit(across, down, 1)[0]))
    tilt = float(np.median(angles)) if angles else 0.0
    return tilt if abs(tilt) > STRAIGHT else 0.0


def _corners(words: Sequence[_Word], tilt: float) -> NDArray[np.float64]:
    """The box round all of them that lies along the page's tilt."""
    level = np.array([(np.cos(tilt), -np.sin(tilt)), (np.sin(tilt), np.cos(tilt))])
    middles = np.array([word.middle for word in words]) @ level
    # What an upright box round a tilted word adds above and below it is not the word's.
    sizes = np.array([(word.right - word.left, word.bottom - word.top) for word in words])
    halves = np.maximum(sizes - sizes[:, ::-1] * abs(np.sin(tilt)), 1) / 2
    (left, top), (right, bottom) = (middles - halves).min(axis=0), (middles + halves).max(axis=0)
    corners: NDArray[np.float64] = np.array([(left, top), (right, top), (right, bottom), (left, bottom)]) @ level.T
    return corners
