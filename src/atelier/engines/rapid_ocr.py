"""OCR by RapidOCR: finds the lines of a page, turns the page upright, reads the lines in their order."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import rapidocr
from numpy.typing import NDArray

from atelier.contracts.base import Contract
from atelier.contracts.engine import EngineInfo, ModelSource, Run
from atelier.contracts.image_to_text import ImageToTextRequest, ImageToTextResult, OcrLine
from atelier.errors import ModelMissing, TooLarge
from atelier.media.pages import Pages, turned_back
from atelier.media.reading_order import reading_order

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]

# The files that lie in rapidocr's own wheel; a folder of the operator's may hold others under the same names.
BUNDLED = Path(rapidocr.__file__).parent / "models"
FINDER, READER = "PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx"

FINDER_PIXELS = 3_000_000  # a larger picture is shrunk to find its lines; they are still read at full size
LONGEST_SIDE = 32_000  # pixels: OpenCV counts them with 15 bits
FINDER_GRID = 32  # the finder's network halves the picture five times
MARGIN = 16  # pixels put round a picture: letters that touch its edge are missed
LINE_HEIGHT = 48  # pixels: what the reader was trained on
LONGEST_LINE = 100  # in line heights; the reader's memory grows with the square, and a real line is far below
LEGIBLE, SURE, CLEARLY = 0.5, 0.95, 0.05  # confidence of what is text at all; of upright text; a telling difference
MOST_THREADS = 4


@dataclass(kw_only=True)
class _Reading(Run):
    """rotation: of the first page. texts: of each page that is read."""

    pages: Pages
    rotation: int = 0
    texts: list[str] = field(default_factory=list)
    lines: list[OcrLine] = field(default_factory=list)


@dataclass(frozen=True)
class _View:
    """A page turned by `rotation` degrees counter-clockwise; `legibility`, 0 to 1, is that of its longest lines."""

    rotation: int
    page: Pixels
    boxes: Points
    legibility: float


@dataclass(frozen=True)
class _Line:
    """A line of a `_View`, its corners in pixels of that page."""

    text: str
    confidence: float
    corners: Points


class RapidOcrEngine:
    """Reads one picture, or one page of a PDF, a step. Everything runs on the CPU and nothing is ever downloaded."""

    def __init__(self, source: ModelSource) -> None:
        self._source = source
        self._ocr: rapidocr.RapidOCR | None = None

    def load(self) -> None:
        """Raises ModelMissing where the model files are not there or cannot be read."""
        if self._ocr is not None:
            return
        try:
            ocr = rapidocr.RapidOCR(params=_parameters(self._source.folder or BUNDLED))
            blank = np.full((LINE_HEIGHT, LINE_HEIGHT, 3), 255, np.uint8)
            _find(ocr, blank)  # rapidocr opens each of its models at its first use
            _read(ocr, [blank])
        except Exception as problem:  # onnxruntime has a class of its own for every way a file can be broken
            raise ModelMissing(
                f"The files of the OCR model {self._source.model} are missing or damaged; "
                "install them again: pip install --force-reinstall 'atelier[ocr]'"
            ) from problem
        self._ocr = ocr

    def unload(self) -> None:
        self._ocr = None

    def info(self) -> EngineInfo:
        return EngineInfo(self._source.model, self._source.revision, device="cpu", note=self._source.note)

    def cost(self, request: Contract) -> float:
        """All of it: pictures gain nothing from sharing a step, and one at a time each is answered sooner."""
        return 1.0

    def start(self, request: Contract) -> Run:
        """Raises UnreadableMedia and TooLarge, both naming `image`."""
        assert isinstance(request, ImageToTextRequest)
        pages = Pages(request.image, longest_side=LONGEST_SIDE)
        if len(pages) == 1 and (longest := max(pages.page(0)[0].size)) > LONGEST_SIDE:
            raise TooLarge(
                f"image: a side of {longest} pixels is over the limit of {LONGEST_SIDE}; cut the picture into parts",
                field="image",
            )
        return _Reading(key="ocr", pages=pages)

    def step(self, runs: Sequence[Run]) -> None:
        """Pictures are read one by one: lines of two pictures in one batch would change each other's result."""
        assert self._ocr is not None
        for run in runs:
            assert isinstance(run, _Reading)
            try:
                _read_page(self._ocr, run)
            except Exception as problem:  # one picture's trouble must not end the others of this step
                run.error = problem
            run.progress = len(run.texts) / len(run.pages)
            if run.error is None and len(run.texts) == len(run.pages):
                run.outputs.append(self._result(run))
                run.done = True

    def close(self, run: Run) -> None:
        assert isinstance(run, _Reading)
        run.pages.close()

    def _result(self, run: _Reading) -> ImageToTextResult:
        return ImageToTextResult(
            model=self._source.model,
            ocr_text="\n\n".join(run.texts),
            ocr_lines=run.lines,
            rotation=run.rotation,
            pages=len(run.pages),
        )


def _read_page(ocr: rapidocr.RapidOCR, run: _Reading) -> None:
    """The next page of the file."""
    number = len(run.texts) + 1
    picture, scale = run.pages.page(number - 1)
    pixels = np.ascontiguousarray(np.asarray(picture)[:, :, ::-1])  # BGR, as the reader wants it
    view = _upright(ocr, pixels)
    rows = _lines(ocr, view)
    run.texts.append("\n".join(" ".join(line.text for line in row) for row in rows))
    run.lines += [_as_sent(line, pixels.shape, view.rotation, number, scale) for row in rows for line in row]
    if number == 1:
        run.rotation = view.rotation


def _parameters(folder: Path) -> dict[str, object]:
    """Model files named outright, so that rapidocr has nothing to look up or fetch, and sizes left to `_find`."""
    return {
        "Global.log_level": "error",
        "Global.use_preprocess_img": False,
        "Global.use_vertical_padding": False,
        "Det.model_path": str(folder / FINDER),
        "Det.limit_type": "max",
        "Det.limit_side_len": 2 * LONGEST_SIDE,
        "Rec.model_path": str(folder / READER),
        "EngineConfig.onnxruntime.intra_op_num_threads": _threads(),
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    }


def _threads() -> int:
    """OMP_NUM_THREADS where it is set; else a few, for a worker seldom has the machine to itself."""
    processors = os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(int(asked) if asked.isdecimal() and int(asked) else MOST_THREADS, processors)


def _find(ocr: rapidocr.RapidOCR, page: Pixels) -> Points:
    """The corners of every line: (n, 4, 2) as x, y in pixels of `page`, clockwise from what looks like the top left."""
    height, width = page.shape[:2]
    scale = min(1.0, (FINDER_PIXELS / (height * width)) ** 0.5)
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        page = cv2.resize(page, size, interpolation=cv2.INTER_AREA)
    below, right = (MARGIN + -(side + 2 * MARGIN) % FINDER_GRID for side in page.shape[:2])
    framed = cv2.copyMakeBorder(page, MARGIN, below, MARGIN, right, cv2.BORDER_REPLICATE)
    found = ocr(framed, use_det=True, use_cls=False, use_rec=False).boxes
    if found is None:
        return np.empty((0, 4, 2))
    boxes = np.clip((found.astype(np.float64) - MARGIN) / scale, 0, (width, height))
    return np.array([box for box in boxes if min(_sides(box)) >= 1]).reshape(-1, 4, 2)


def _read(ocr: rapidocr.RapidOCR, strips: Sequence[Pixels]) -> list[tuple[str, float]]:
    """The text of each strip and how sure the reader is, 0 to 1."""
    if not strips:
        return []
    read = ocr.recognize_txt([_fitted(strip) for strip in strips])
    return [(text.strip(), float(score)) for text, score in zip(read.txts, read.scores, strict=True)]


def _fitted(strip: Pixels) -> Pixels:
    """Shrunk to the reader's height by averaging (its own way skips pixels), and never absurdly long."""
    height, width = strip.shape[:2]
    if height <= LINE_HEIGHT and width <= LONGEST_LINE * height:
        return strip
    fitted_height = min(height, LINE_HEIGHT)
    fitted_width = max(1, round(min(width / height, LONGEST_LINE) * fitted_height))
    return np.asarray(cv2.resize(strip, (fitted_width, fitted_height), interpolation=cv2.INTER_AREA), np.uint8)


def _cut(page: Pixels, corners: Points) -> Pixels:
    """The part of the page within `corners`, laid flat."""
    along, down = _sides(corners)
    width, height = max(1, round(along)), max(1, round(down))
    flat = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    transform = cv2.getPerspectiveTransform(corners.astype(np.float32), flat)
    strip = cv2.warpPerspective(
        page, transform, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(strip, np.uint8)


def _sides(corners: Points) -> tuple[float, float]:
    """The length of the upper and of the left side of a box, in pixels."""
    upper_left, upper_right, _, lower_left = corners
    return float(np.linalg.norm(upper_right - upper_left)), float(np.linalg.norm(lower_left - upper_left))


def _upright(ocr: rapidocr.RapidOCR, pixels: Pixels) -> _View:
    """The page the way round in which its longest lines read best; as it came unless another way is clearly better."""
    as_sent = _view(ocr, pixels, 0)
    if as_sent.legibility >= SURE:
        return as_sent
    turned = [_view(ocr, pixels, rotation) for rotation in _likely_turns(as_sent.boxes)]
    best = max([as_sent, *turned], key=lambda view: view.legibility)
    return best if best.legibility > as_sent.legibility + CLEARLY else as_sent


def _view(ocr: rapidocr.RapidOCR, pixels: Pixels, rotation: int) -> _View:
    page = np.ascontiguousarray(np.rot90(pixels, rotation // 90))
    boxes = _find(ocr, page)
    longest = sorted(boxes, key=lambda box: -max(_sides(box)))[:4]
    strips = [_cut(page, box) for box in longest]
    beginnings = [strip[:, : 8 * strip.shape[0]] for strip in strips]
    # A lone sign counts half: many a digit is also "read" when it lies on its side.
    scores = [confidence * min(len(text), 2) / 2 for text, confidence in _read(ocr, beginnings)]
    return _View(rotation, page, boxes, float(np.mean(scores or [0.0])))


def _likely_turns(boxes: Points) -> tuple[int, ...]:
    """Long lines show whether a page lies on its side; a few short words do not."""
    along, down = max((_sides(box) for box in boxes), key=max, default=(0.0, 0.0))
    if not along:
        return ()
    if down > 5 * along:
        return 90, 270
    return (180,) if along > 5 * down else (180, 90, 270)


def _lines(ocr: rapidocr.RapidOCR, view: _View) -> list[list[_Line]]:
    """The rows of the page in the order in which they are read; what is no text after all is left out."""
    texts = _read(ocr, [_cut(view.page, box) for box in view.boxes])
    lines = [_Line(text, sure, box) for box, (text, sure) in zip(view.boxes, texts, strict=True)]
    lines = [line for line in lines if line.text and line.confidence >= LEGIBLE]
    rows = reading_order(np.array([line.corners for line in lines]))
    return [[lines[index] for index in row] for row in rows]


def _as_sent(line: _Line, shape: tuple[int, ...], rotation: int, page: int, scale: float) -> OcrLine:
    """The line with its corners on the page that came in, before it was turned, at `scale` pixels for each unit."""
    height, width = shape[:2]
    box = turned_back(line.corners, (width, height), rotation, scale)
    return OcrLine(text=line.text, box=box, confidence=round(line.confidence, 4), page=page)
