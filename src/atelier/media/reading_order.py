"""In which order the lines of a page are read: rows, columns and tilt, from where the lines stand alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHORTEST_PROSE = 6  # a line's width in heights: what is shorter is a cell of a table rather than a line of a column
FEWEST_PROSE = 3  # lines that make a column


@dataclass(frozen=True)
class _Frame:
    """A line's place once the page's tilt is taken out; `index` is its place among the lines given."""

    index: int
    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


def reading_order(boxes: NDArray[np.float64]) -> list[list[int]]:
    """Rows of indexes into `boxes`: rows from top to bottom, each from left to right, one column after the other.

    boxes: the corners of each line, (n, 4, 2) as x and y, clockwise from the line's top left.
    """
    tilt = _tilt(boxes)
    level = np.array([(np.cos(tilt), -np.sin(tilt)), (np.sin(tilt), np.cos(tilt))])
    frames = []
    for index, corners in enumerate(boxes):
        levelled = corners @ level
        frames.append(_Frame(index, *levelled.min(axis=0), *levelled.max(axis=0)))
    return [[frame.index for frame in row] for row in _ordered(frames)]


def _tilt(boxes: NDArray[np.float64]) -> float:
    """The page's tilt in radians: the median of the lines that are long enough to show one."""
    upper = [corners[1] - corners[0] for corners in boxes]
    side = [corners[3] - corners[0] for corners in boxes]
    angles = [np.arctan2(u[1], u[0]) for u, s in zip(upper, side, strict=True) if np.hypot(*u) > 3 * np.hypot(*s)]
    return float(np.median(angles)) if angles else 0.0


def _ordered(frames: Sequence[_Frame]) -> list[list[_Frame]]:
    gutter = _gutter(frames)
    if gutter is None:
        return _rows(frames)
    rows = []
    by_height = sorted(frames, key=lambda frame: frame.middle)
    # A line across the gutter, a headline say, ends the columns above it and heads those below.
    for across, band in groupby(by_height, key=lambda frame: frame.left < gutter < frame.right):
        if across:
            rows += _rows(list(band))
        else:
            beside = list(band)
            rows += _ordered([frame for frame in beside if frame.left < gutter])
            rows += _ordered([frame for frame in beside if frame.left >= gutter])
    return rows


def _gutter(frames: Sequence[_Frame]) -> float | None:
    """Where the second of two columns begins, which stand side by side; None: one column, or a table.

    Every place where a line begins is tried; the one with the fewest lines across it is taken, a third at most.
    """
    best, fewest = None, len(frames) // 3 + 1
    for candidate in sorted({frame.left for frame in frames}):
        first = [frame for frame in frames if frame.right <= candidate]
        second = [frame for frame in frames if frame.left >= candidate]
        across = len(frames) - len(first) - len(second)
        if across < fewest and _side_by_side(first, second):
            best, fewest = candidate, across
    return best


def _side_by_side(first: Sequence[_Frame], second: Sequence[_Frame]) -> bool:
    """Are both of them columns of running text, and do they share at least half their height?"""
    for column in (first, second):
        if len(column) < FEWEST_PROSE or np.median([frame.width / frame.height for frame in column]) < SHORTEST_PROSE:
            return False
    tops = [min(frame.top for frame in column) for column in (first, second)]
    bottoms = [max(frame.bottom for frame in column) for column in (first, second)]
    shorter = min(bottom - top for top, bottom in zip(tops, bottoms, strict=True))
    return min(bottoms) - max(tops) > shorter / 2


def _rows(frames: Sequence[_Frame]) -> list[list[_Frame]]:
    """Lines whose middles are less than half a height apart stand in one row."""
    rows: list[list[_Frame]] = []
    for frame in sorted(frames, key=lambda frame: frame.middle):
        if rows and frame.middle - rows[-1][0].middle < min(frame.height, rows[-1][0].height) / 2:
            rows[-1].append(frame)
        else:
            rows.append([frame])
    return [sorted(row, key=lambda frame: frame.left) for row in rows]
