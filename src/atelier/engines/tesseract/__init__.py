"""OCR by Tesseract: over a hundred languages and scripts, on the processor, each page in a process of the program."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image

from atelier.contracts.base import Contract
from atelier.contracts.engine import EngineInfo, ModelSource, Run
from atelier.contracts.image_to_text import ImageToTextRequest, ImageToTextResult, OcrLine
from atelier.engines.tesseract.languages import Languages
from atelier.engines.tesseract.lines import Line, in_order, lines
from atelier.engines.tesseract.program import SECONDS, Errand, Program
from atelier.errors import Internal, TooLarge
from atelier.media.pages import POINTS_PER_INCH, Pages, turned_back

LONGEST_SIDE = 32_000  # pixels: Tesseract counts them with 15 bits
MOST_TOGETHER = 4
"""Programs that run beside each other, of one thread each, where there are as many processors."""

SLICE = 0.1  # seconds that a step waits: how soon a run that is cancelled ends its program
TURNS = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}


@dataclass(kw_only=True)
class _Reading(Run):
    """page: the one that is being read, at `scale` pixels for each unit. rotation: by which it was turned, once known.

    errand: the program over that page. first_rotation: the first page's. texts: of the pages that are read.
    """

    pages: Pages
    languages: str
    page: Image.Image | None = None
    scale: float = 1.0
    rotation: int | None = None
    errand: Errand | None = None
    first_rotation: int = 0
    texts: list[str] = field(default_factory=list)
    lines: list[OcrLine] = field(default_factory=list)


class TesseractEngine:
    """Reads pictures and the pages of PDFs: which way a page lies, then its text, by a process for each.

    A step waits for `SLICE` at most. No process has two pages to do, so that none can change another's result.
    seconds: what a page may take.
    """

    def __init__(self, source: ModelSource, *, seconds: float = SECONDS) -> None:
        self._source = source
        self._seconds = seconds
        self._program: Program | None = None
        self._languages = Languages(())
        self._together = min(MOST_TOGETHER, os.cpu_count() or 1)

    def load(self) -> None:
        """Raises ModelMissing where the program or the data of every language is missing, or damaged."""
        if self._program is None:
            program = Program(self._source.folder, self._seconds)
            self._languages = Languages(program.languages)
            program.check(self._languages.usual)
            self._program = program

    def unload(self) -> None:
        self._program = None

    def info(self) -> EngineInfo:
        return EngineInfo(
            self._source.model,
            self._source.revision or (self._program.version if self._program else None),
            device="cpu",
            note=self._source.note,
            languages=self._languages.names,
        )

    def cost(self, request: Contract) -> float:
        return 1 / self._together

    def start(self, request: Contract) -> Run:
        """Raises UnreadableMedia and TooLarge, naming `image`, and InvalidRequest for an unknown `language`."""
        assert isinstance(request, ImageToTextRequest)
        languages, warning = self._languages.choose(request.language)
        pages = Pages(request.image, longest_side=LONGEST_SIDE)
        if (longest := max(pages.picture_size or (0, 0))) > LONGEST_SIDE:
            raise TooLarge(
                f"image: a side of {longest} pixels is over the limit of {LONGEST_SIDE}; cut the picture into parts",
                field="image",
            )
        return _Reading(key="ocr", pages=pages, languages=languages, warnings=[warning] if warning else [])

    def step(self, runs: Sequence[Run]) -> None:
        reading = [run for run in runs if isinstance(run, _Reading)]
        for run in reading:
            self._guarded(run, 0)
        for run in reading[:1]:
            self._guarded(run, SLICE)  # the others go on meanwhile

    def close(self, run: Run) -> None:
        """Ends its program."""
        assert isinstance(run, _Reading)
        if run.errand is not None:
            run.errand.stop()
        run.errand = run.page = None
        run.pages.close()

    def _guarded(self, run: _Reading, seconds: float) -> None:
        try:
            self._advance(run, seconds)
        except Exception as problem:  # one picture's trouble must not end the others of this step
            run.error = problem

    def _advance(self, run: _Reading, seconds: float) -> None:
        """Send the program on its next errand, or wait for it and take what it found."""
        if run.done or run.error:
            return
        if run.errand is None:
            run.errand = self._errand(run)
        elif run.errand.ended(seconds):
            answer, run.errand = run.errand.answer(), None
            self._take(run, answer)

    def _errand(self, run: _Reading) -> Errand:
        assert self._program is not None
        if run.page is None:
            run.page, run.scale = run.pages.page(len(run.texts))
            run.rotation = None if self._program.knows_turns else 0
        if run.rotation is None:
            return self._program.look(run.page)
        resolution = round(run.scale * POINTS_PER_INCH) if run.scale != 1 else None
        return self._program.read(run.page, run.languages, resolution)

    def _take(self, run: _Reading, answer: str | None) -> None:
        assert run.page is not None
        if run.rotation is None:
            run.rotation = Program.rotation(answer)
            run.page = run.page.transpose(TURNS[run.rotation]) if run.rotation else run.page
            return
        if answer is None:
            raise Internal("Tesseract failed on this page; try another picture of it, or another model")
        self._take_text(run, in_order(lines(answer)))
        if len(run.texts) == len(run.pages):
            run.outputs.append(self._result(run))
            run.done = True

    def _take_text(self, run: _Reading, rows: list[list[Line]]) -> None:
        assert run.page is not None
        assert run.rotation is not None
        run.texts.append("\n".join(" ".join(line.text for line in row) for row in rows))
        number, size = len(run.texts), run.page.size
        sent = size[::-1] if run.rotation in {90, 270} else size
        for line in (line for row in rows for line in row):
            box = turned_back(line.corners, sent, run.rotation, run.scale)
            run.lines.append(OcrLine(text=line.text, box=box, confidence=round(line.confidence, 4), page=number))
        if number == 1:
            run.first_rotation = run.rotation
        run.page = None
        run.progress = number / len(run.pages)

    def _result(self, run: _Reading) -> ImageToTextResult:
        return ImageToTextResult(
            model=self._source.model,
            ocr_text="\n\n".join(run.texts),
            ocr_lines=run.lines,
            rotation=run.first_rotation,
            pages=len(run.pages),
        )
