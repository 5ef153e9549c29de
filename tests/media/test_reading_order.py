"""Reading order from boxes alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from atelier.media.reading_order import reading_order


def boxes(*places: tuple[float, float, float, float]) -> NDArray[np.float64]:
    """From left, top, width and height."""
    return np.array([[(x, y), (x + w, y), (x + w, y + h), (x, y + h)] for x, y, w, h in places], dtype=float)


def tilted(corners: NDArray[np.float64], degrees: float) -> NDArray[np.float64]:
    angle = np.radians(degrees)
    turn: NDArray[np.float64] = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    return np.asarray(corners @ turn)


def test_nothing() -> None:
    assert reading_order(np.empty((0, 4, 2))) == []


def test_rows_go_down_and_run_to_the_right() -> None:
    page = boxes((300, 12, 80, 20), (10, 50, 200, 20), (10, 10, 200, 20))
    assert reading_order(page) == [[2, 0], [1]]


def test_a_tilted_row_stays_one_row() -> None:
    """At five degrees the end of a row lies lower than the beginning of the next."""
    page = boxes(*((x, y, 100, 20) for y in (0, 30, 60) for x in (0, 250, 500)))
    assert reading_order(tilted(page, 5)) == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert reading_order(tilted(page, -5)) == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


def test_three_columns_between_a_headline_and_a_footer() -> None:
    columns = [(x, 60 + 30 * row, 200, 20) for x in (0, 250, 500) for row in range(4)]
    page = boxes((0, 0, 700, 30), *columns, (0, 200, 700, 20))
    assert reading_order(page) == [[index] for index in range(14)]


def test_a_headline_between_columns_divides_them() -> None:
    upper = [(x, 30 * row, 200, 20) for x in (0, 250) for row in range(3)]
    lower = [(x, 150 + 30 * row, 200, 20) for x in (0, 250) for row in range(3)]
    page = boxes(*upper, (50, 110, 350, 30), *lower)
    assert reading_order(page) == [[index] for index in range(13)]


def test_cells_of_a_table_are_no_columns() -> None:
    page = boxes(*((x, 30 * row, width, 20) for row in range(5) for x, width in ((0, 180), (300, 60))))
    assert reading_order(page) == [[2 * row, 2 * row + 1] for row in range(5)]


def test_blocks_that_do_not_stand_side_by_side_are_no_columns() -> None:
    """An address at the upper right, then a letter that begins at the lower left."""
    page = boxes(*((400, 30 * row, 200, 20) for row in range(3)), *((0, 120 + 30 * row, 200, 20) for row in range(3)))
    assert reading_order(page) == [[index] for index in range(6)]
