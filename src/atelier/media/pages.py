"""Pages: one for a picture, several for a PDF, each made into pixels only when it is its turn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PIL import Image

from atelier.errors import TooLarge, Unavailable, UnreadableMedia
from atelier.media.image import MOST_PIXELS, read_image

MOST_PAGES = 100
POINTS_PER_INCH = 72
DOTS_PER_INCH = 200
"""What scanners use for text: ten point letters are then 28 pixels high."""

_BEGINNING, _WITHIN = b"%PDF-", 1024  # readers take a PDF whose first line stands a little further down


class Pages:
    """The pages of a file. Raises what `read_image` raises for a picture, UnreadableMedia and TooLarge for a PDF.

    A PDF needs pypdfium2, which is used from one thread at a time.
    """

    def __init__(self, data: bytes, *, field: str = "image", longest_side: int = MOST_PIXELS) -> None:
        self._field = field
        self._longest = longest_side
        self._document: Any = _opened(data, field) if _BEGINNING in data[:_WITHIN] else None
        self._picture = None if self._document else read_image(data, field=field)
        if len(self) > MOST_PAGES:
            self.close()
            raise TooLarge(f"{field}: a PDF of more than {MOST_PAGES} pages; send it in parts", field=field)

    def __len__(self) -> int:
        return len(self._document) if self._document is not None else 1

    @property
    def picture_size(self) -> tuple[int, int] | None:
        """In pixels; None: it is a PDF, whose pages are made to fit."""
        return self._picture.size if self._picture is not None else None

    def page(self, index: int) -> tuple[Image.Image, float]:
        """An RGB picture, and its pixels per unit of the page: 1 for a picture, of a PDF's points (1/72 inch) else."""
        if self._picture is not None:
            return self._picture, 1.0
        try:
            page = self._document[index]
            scale = self._scale(*page.get_size())
            return page.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB"), scale
        except (RuntimeError, ValueError) as problem:
            raise UnreadableMedia(
                f"{self._field}: page {index + 1} of the PDF is damaged; send the file again", field=self._field
            ) from problem

    def close(self) -> None:
        """Give the memory back. Closing again changes nothing."""
        if self._document is not None:
            self._document.close()
        self._document = self._picture = None

    def _scale(self, width: float, height: float) -> float:
        # A hair less, as pixels are rounded up: else a side could come out one longer.
        fitting = (MOST_PIXELS / (width * height)) ** 0.5, self._longest * (1 - 1e-9) / max(width, height)
        return float(min(DOTS_PER_INCH / POINTS_PER_INCH, *fitting))


def turned_back(
    corners: Iterable[Iterable[float]], size: tuple[int, int], rotation: int, scale: float
) -> list[tuple[float, float]]:
    """Corners (x, y) on a page that was turned, in units of the page that came.

    size: width and height in pixels before the turn. rotation: 0, 90, 180 or 270 degrees counter-clockwise.
    scale: pixels for each unit.
    """
    width, height = size
    found = []
    for x, y in corners:
        across, down = {0: (x, y), 90: (width - y, x), 180: (width - x, height - y), 270: (y, height - x)}[rotation]
        found.append((round(float(across) / scale, 1), round(float(down) / scale, 1)))
    return found


def _opened(data: bytes, field: str) -> Any:
    try:
        import pypdfium2
    except ImportError as problem:
        raise Unavailable("reading PDFs needs a library: pip install 'atelier[ocr]'") from problem
    try:
        document = pypdfium2.PdfDocument(data)
        if not len(document):
            raise ValueError("no pages")
    except (pypdfium2.PdfiumError, ValueError) as problem:
        raise UnreadableMedia(
            f"{field}: the PDF is damaged, empty or locked with a password; send one that opens without", field=field
        ) from problem
    return document
