"""The engine: each step newcomers are shown their pictures, and all other answers go on by one token."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch

from atelier.contracts.base import Contract, Usage
from atelier.contracts.engine import Run
from atelier.contracts.image_to_text import ImageToTextRequest, ImageToTextResult, TextDelta
from atelier.engines.florence2.company import Company, Looking
from atelier.engines.florence2.lines import lines_of
from atelier.engines.florence2.model import Florence2Model, open_florence2
from atelier.engines.florence2.search import Search
from atelier.media.image import read_image
from atelier.media.loading import FolderEngine
from atelier.media.wording import GumbelSampling, newly_written, own_chance

TOGETHER = 8
"""Pictures at a time. Past eight they wait longer for each other than they gain."""

_CLOSED = "that question is not one of this model's own tasks, so that its answer may be wrong"


class Florence2Engine(FolderEngine[Florence2Model]):
    """Captions, questions and pages to read go on together, whatever they ask; a newcomer joins at the next token.

    A question may be one of the model's own tasks (`<OD>`, `<DENSE_REGION_CAPTION>`, …): places then stand in the
    answer as `<loc_0>` to `<loc_999>`, in thousandths of the picture's width and height. A stream brings words once
    all beams of the search agree on them.
    """

    _company: Company | None = None

    def unload(self) -> None:
        self._company = None
        super().unload()

    def cost(self, request: Contract) -> float:
        return 1 / TOGETHER

    def start(self, request: Contract) -> Run:
        """Raises UnreadableMedia and TooLarge naming `image`, InvalidRequest where the words do not fit the model."""
        assert isinstance(request, ImageToTextRequest)
        picture = read_image(request.image)
        most = self._model.most(request)
        chance = own_chance(self._device)
        sampling = GumbelSampling(request.temperature, [chance]) if request.temperature else None
        run = Looking(
            key="write",
            request=request,
            pixels=self._model.pixels(picture),
            prompt=self._model.prompt(request),
            size=picture.size,
            most=most,
            search=Search(self._model.settings, most, self._device, sampling),
            chance=chance,
        )
        if request.question and request.question not in self._model.own_tasks:
            run.warnings.append(f"question: {_CLOSED}")
        return run

    def step(self, runs: Sequence[Run]) -> None:
        looking = cast(Sequence[Looking], runs)
        newcomers = [run for run in looking if run.pixels is not None]
        going = [run for run in looking if run.pixels is None]
        with torch.inference_mode():
            if going:
                self._write(going)
            if newcomers:
                self._look(newcomers)

    def close(self, run: Run) -> None:
        assert isinstance(run, Looking)
        if self._company is not None and run in self._company.runs:
            self._meet([other for other in self._company.runs if other is not run])
        run.pixels = run.written = run.seen = None

    def _open(self, folder: Path) -> Florence2Model:
        return open_florence2(folder, self._device, self._source.precision)

    def _look(self, runs: Sequence[Looking]) -> None:
        """Read pictures and tasks, and write the first tokens. What goes wrong with one is its own trouble."""
        try:
            found = self._model.look(
                [run.pixels for run in runs if run.pixels is not None], [run.prompt for run in runs]
            )
        except (RuntimeError, ValueError) as problem:  # the device's memory, a picture that the model chokes on
            for run in runs:
                if len(runs) > 1:
                    self._look([run])
                else:
                    run.error = problem
            return
        for run, seen in zip(runs, found, strict=True):
            run.pixels, run.written, run.seen = None, seen.written, seen.seen
            for cache in (seen.written, seen.seen):
                cache.batch_repeat_interleave(run.search.width)
        beams = [seen.logits.expand(run.search.width, -1) for run, seen in zip(runs, found, strict=True)]
        self._settle(runs, torch.cat(beams))

    def _write(self, runs: Sequence[Looking]) -> None:
        if self._company is None or self._company.runs != list(runs):
            self._meet(runs)
        if self._company is not None:
            self._company.follow(self._settle(runs, self._company.write(self._model)))

    def _meet(self, runs: Sequence[Looking]) -> None:
        """From now on these write together; whoever did before and is not among them keeps what it has for later."""
        if self._company is not None:
            self._company.part(staying=runs)
        self._company = Company(runs) if runs else None

    def _settle(self, runs: Sequence[Looking], logits: torch.Tensor) -> list[list[int]]:
        """Choose every answer's next tokens, and end those that came to an end; returns whence their beams come."""
        chances = logits.float().log_softmax(-1)
        of_runs = chances.split([run.search.width for run in runs])
        found = [run.search.candidates(rows) for run, rows in zip(runs, of_runs, strict=True)]
        # All of them leave the device at once.
        scores, places, own = (torch.cat(kind).tolist() for kind in zip(*found, strict=True))
        came_from, first = [], 0
        for run, (best, *_) in zip(runs, found, strict=True):
            its = slice(first, first + len(best))
            first = its.stop
            came_from.append(run.search.advance(scores[its], places[its], own[its], chances.shape[-1]))
            run.progress = run.search.written / run.most
            if run.search.done:
                self._finish(run)
            elif run.request.stream and run.request.task != "ocr":
                self._speak(run, run.search.agreed)
        return came_from

    def _speak(self, run: Looking, tokens: Sequence[int], ended: bool = False) -> None:
        text = self._text(tokens)
        if new := newly_written(run.said, text, ended):
            run.outputs.append(TextDelta(text=new, delivered=_usage(run, tokens)))
            run.said = text

    def _text(self, tokens: Sequence[int]) -> str:
        return cast(str, self._model.tokenizer.decode(tokens, skip_special_tokens=True)).strip()

    def _finish(self, run: Looking) -> None:
        answer = run.search.ended[0]
        caption, lines = None, None
        if run.request.task == "ocr":
            lines = lines_of(self._model.tokenizer, answer.tokens, answer.chances, run.size)
            if len(answer.tokens) >= run.most:
                run.warnings.append("the picture holds more text than this model can write at once: its end is missing")
        else:
            caption = self._text(answer.tokens)
            if run.request.stream:
                self._speak(run, answer.tokens, ended=True)
        run.outputs.append(
            ImageToTextResult(
                model=self._source.model,
                caption=caption,
                finish="stop" if run.search.has_ended(answer) else "length",
                ocr_text=None if lines is None else "\n".join(line.text for line in lines),
                ocr_lines=lines,
                prompt_tokens=len(run.prompt),
                completion_tokens=len(answer.tokens),
                usage=_usage(run, answer.tokens),
            )
        )
        run.progress, run.done = 1.0, True


def _usage(run: Looking, tokens: Sequence[int]) -> Usage:
    return Usage(tokens=len(run.prompt) + len(tokens))
