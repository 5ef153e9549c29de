"""pocketsphinx: speech to text in English on any processor, with the model that its wheel carries."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from pocketsphinx import Decoder, get_model_path

from atelier.contracts.base import Contract
from atelier.contracts.engine import EngineInfo, ModelSource, Run
from atelier.contracts.speech_to_text import (
    Segment,
    TranscriptionRequest,
    Word,
)
from atelier.errors import InvalidRequest, ModelMissing
from atelier.media.hearing import Hearing, begin_hearing, hear
from atelier.media.voice import Window

LONGEST_WINDOW = 12.0
PAUSE = 0.5
TOGETHER = 4
"""Runs that take turns, a window each. There is nothing to batch: more of them would only wait for each other."""

_FRAMES_A_SECOND = 100
_ALTERNATE = re.compile(r"\(\d+\)$")  # the dictionary's further pronunciations: "was(2)"
_LEAST_PROBABILITY = 1e-10


class PocketsphinxEngine:
    """One step recognises one window of speech of each run, or hears half a minute in which none ended.

    It knows English only, takes no prompt, and has no temperature. Segments begin with a space, as Whisper's do:
    joined, they are the text.
    """

    def __init__(self, source: ModelSource) -> None:
        self._source = source
        self._decoder: Any = None

    def load(self) -> None:
        if self._decoder is not None:
            return
        model = Path(get_model_path("en-us"))
        try:
            self._decoder = Decoder(
                hmm=str(model / "en-us"),
                lm=str(model / "en-us.lm.bin"),
                dict=str(model / "cmudict-en-us.dict"),
                loglevel="FATAL",
            )
        except RuntimeError:
            raise ModelMissing(
                "the English model that comes with pocketsphinx is missing or damaged; "
                "run `pip install --force-reinstall 'atelier[pocketsphinx]'`"
            ) from None

    def unload(self) -> None:
        self._decoder = None

    def info(self) -> EngineInfo:
        return EngineInfo(
            model=self._source.model,
            revision=self._source.revision,
            device="cpu",
            note=self._source.note,
            languages=("en",),
        )

    def cost(self, request: Contract) -> float:
        return 1 / TOGETHER

    def start(self, request: Contract) -> Run:
        """Raises InvalidRequest for a language other than English, UnreadableMedia for what is not a recording."""
        assert isinstance(request, TranscriptionRequest)
        _refuse_foreign(request.language)
        run = begin_hearing(self._source.model, request, "en", longest=LONGEST_WINDOW, pause=PAUSE)
        if request.prompt:
            run.warnings.append("this recogniser takes no prompt: it was left out")
        return run

    def step(self, runs: Sequence[Run]) -> None:
        for run in cast(Sequence[Hearing], runs):
            hear(run, self._recognise)

    def close(self, run: Run) -> None:
        cast(Hearing, run).recording.close()

    def _recognise(self, run: Hearing, window: Window) -> Segment | None:
        words = list(self._words(window))
        return _segment(words, number=len(run.segments), timed=run.request.words) if words else None

    def _words(self, window: Window) -> Iterator[Word]:
        """The words of `window` with their times in the recording, in seconds."""
        self._decoder.reinit_feat()  # it adapts to what it hears: without this, to the caller before
        self._decoder.start_utt()
        try:
            self._decoder.process_raw(window.samples.tobytes(), full_utt=True)
        finally:
            self._decoder.end_utt()
        for found in self._decoder.seg() or ():
            if found.word.startswith(("<", "[", "+")):  # silence, breath, noise
                continue
            yield Word(
                word=_ALTERNATE.sub("", found.word).lower(),
                start=round(window.start + found.start_frame / _FRAMES_A_SECOND, 2),
                end=round(min(window.start + (found.end_frame + 1) / _FRAMES_A_SECOND, window.end), 2),
                probability=min(max(found.prob, _LEAST_PROBABILITY), 1.0),
            )


def _refuse_foreign(language: str | None) -> None:
    if language is not None and re.split("[-_]", language)[0].lower() != "en":
        raise InvalidRequest(
            f"language: this recogniser knows English, not {language!r}; leave the field out, or choose another model",
            field="language",
        )


def _segment(words: list[Word], *, number: int, timed: bool) -> Segment:
    return Segment(
        id=number,
        seek=round(words[0].start * _FRAMES_A_SECOND),
        start=words[0].start,
        end=words[-1].end,
        text="".join(f" {word.word}" for word in words),
        avg_logprob=sum(math.log(word.probability or 1.0) for word in words) / len(words),
        words=words if timed else None,
    )
