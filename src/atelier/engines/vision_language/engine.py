"""The engines: each step newcomers are shown their pictures, and everybody else writes one more token."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch
from transformers import RepetitionPenaltyLogitsProcessor

from atelier.contracts.base import Contract, Usage
from atelier.contracts.engine import Run
from atelier.contracts.image_to_text import Finish, ImageToTextRequest, ImageToTextResult, TextDelta
from atelier.engines.vision_language.blip2 import open_blip2
from atelier.engines.vision_language.chat import open_chat_model
from atelier.engines.vision_language.company import Company, Writing
from atelier.engines.vision_language.model import Model
from atelier.errors import InvalidRequest
from atelier.media.caches import can_stand_side_by_side
from atelier.media.image import read_image
from atelier.media.loading import FolderEngine
from atelier.media.wording import GumbelSampling, newly_written, own_chance

TOGETHER = 8
"""Runs at a time: each keeps what it has read and written in the device's memory."""


class _WritingEngine(FolderEngine[Model]):
    """Any requests write together, whatever they ask and however long they are; a newcomer joins at the next token."""

    _company: Company | None = None

    def unload(self) -> None:
        self._company = None
        super().unload()

    def cost(self, request: Contract) -> float:
        return 1 / TOGETHER

    def start(self, request: Contract) -> Run:
        """Raises UnreadableMedia and TooLarge naming `image`, InvalidRequest for what does not fit the model."""
        assert isinstance(request, ImageToTextRequest)
        inputs = self._model.inputs(read_image(request.image), request)
        prompt = inputs["input_ids"][0].tolist()
        excess = len(prompt) + request.max_tokens - self._model.positions
        if excess > 0:
            field = "max_tokens" if request.question is None else "question"
            raise InvalidRequest(
                f"{field}: picture, question and answer take {excess} tokens more than the model can hold; "
                "ask a shorter question or lower max_tokens",
                field=field,
            )
        return Writing(key="write", request=request, prompt=prompt, inputs=inputs, chance=own_chance(self._device))

    def step(self, runs: Sequence[Run]) -> None:
        writing = cast(Sequence[Writing], runs)
        newcomers = [run for run in writing if run.inputs]
        going = [run for run in writing if not run.inputs]
        with torch.inference_mode():
            if going:
                self._write(going)
            if newcomers:
                self._look(newcomers[: self._model.looks])

    def close(self, run: Run) -> None:
        assert isinstance(run, Writing)
        if self._company is not None and run in self._company.runs:
            self._meet([other for other in self._company.runs if other is not run])
        run.inputs, run.cache, run.position = {}, None, None

    def _look(self, runs: Sequence[Writing]) -> None:
        """Read pictures and questions, and write the first tokens. What goes wrong with one is its own trouble."""
        try:
            seen = self._model.look([run.inputs for run in runs])
        except (RuntimeError, ValueError) as problem:  # the device's memory, a picture that the model chokes on
            for run in runs:
                if len(runs) > 1:
                    self._look([run])
                else:
                    run.error = problem
            return
        for run, found in zip(runs, seen, strict=True):
            run.inputs, run.cache, run.position = {}, found.cache, found.position
        self._settle(runs, torch.stack([found.logits for found in seen]))

    def _write(self, runs: Sequence[Writing]) -> None:
        if self._company is None or self._company.runs != list(runs):
            self._meet(runs)
        if self._company is not None:
            self._settle(runs, self._company.write(self._model))
            return
        for run in runs:  # of a kind that cannot be padded
            alone = Company([run])
            self._settle([run], alone.write(self._model))
            alone.part()

    def _meet(self, runs: Sequence[Writing]) -> None:
        """From now on these write together; whoever did before and is not among them keeps what it has for later."""
        if self._company is not None:
            self._company.part(staying=runs)
        self._company = None
        if runs and all(run.cache is not None and can_stand_side_by_side(run.cache) for run in runs):
            self._company = Company(runs)

    def _settle(self, runs: Sequence[Writing], logits: torch.Tensor) -> None:
        """Choose the next token of every run, and end those that came to an end."""
        scores = logits.to(copy=True, dtype=torch.float32)
        for row, run in enumerate(runs):
            scores[row] = self._weighed(run, scores[row : row + 1])[0]
        for run, token in zip(runs, scores.argmax(-1).tolist(), strict=True):
            run.tokens.append(token)
            run.progress = len(run.tokens) / run.request.max_tokens
            ended = token in self._model.ends
            whole = ended or len(run.tokens) >= run.request.max_tokens
            self._speak(run, whole)
            if whole:
                self._finish(run, "stop" if ended else "length")

    def _weighed(self, run: Writing, scores: torch.Tensor) -> torch.Tensor:
        """The scores of one run, (1, vocabulary), as the model weighs them; with chance where it is asked for."""
        if self._model.repeating != 1.0:
            seen = torch.tensor([run.prompt + run.tokens], device=scores.device)
            scores = RepetitionPenaltyLogitsProcessor(self._model.repeating)(seen, scores)
        if run.request.temperature:
            scores = GumbelSampling(run.request.temperature, [run.chance])(torch.empty(0), scores)
        return scores

    def _speak(self, run: Writing, ended: bool) -> None:
        if not run.request.stream:
            return
        text = self._text(run)
        if new := newly_written(run.said, text, ended):
            run.outputs.append(TextDelta(text=new, delivered=_usage(run)))
            run.said = text

    def _text(self, run: Writing) -> str:
        return cast(str, self._model.tokenizer.decode(run.tokens, skip_special_tokens=True)).strip()

    def _finish(self, run: Writing, finish: Finish) -> None:
        run.outputs.append(
            ImageToTextResult(
                model=self._source.model,
                caption=self._text(run),
                finish=finish,
                prompt_tokens=len(run.prompt),
                completion_tokens=len(run.tokens),
                usage=_usage(run),
            )
        )
        run.progress, run.done = 1.0, True


class VisionLanguageEngine(_WritingEngine):
    """Models of transformers' image-text-to-text kind."""

    def _open(self, folder: Path) -> Model:
        return open_chat_model(folder, self._device, self._source.precision)


class Blip2Engine(_WritingEngine):
    """BLIP-2 with a language model that only writes (OPT)."""

    def _open(self, folder: Path) -> Model:
        return open_blip2(folder, self._device, self._source.precision)


def _usage(run: Writing) -> Usage:
    return Usage(tokens=len(run.prompt) + len(run.tokens))
