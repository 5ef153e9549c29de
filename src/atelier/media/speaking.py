"""A text on its way through an engine that speaks one sentence of it at each step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import numpy as np

from atelier.contracts.base import Usage
from atelier.contracts.engine import Run, Sound, SpeechMade
from atelier.contracts.text_to_speech import SpeechRequest
from atelier.media.naming import cannot_clone
from atelier.media.sentences import Sentence, nothing_to_speak, sentences, speakable

if TYPE_CHECKING:
    from numpy.typing import NDArray

AUDIBLE = 64
"""Samples (of 32,767) under which a piece of text is held to be silent."""


class Spoken(Protocol):
    """Which voice speaks, and in which language. `warning`: what the caller should know."""

    @property
    def voice(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def warning(self) -> str | None: ...


Choice = TypeVar("Choice", bound=Spoken)


@dataclass(kw_only=True)
class Speech(Run, Generic[Choice]):
    """`sentences`: still to speak, the next one first. `samples`: spoken so far, at `sample_rate` in hertz."""

    sentences: list[Sentence]
    choice: Choice
    speed: float
    characters: int
    sample_rate: int
    samples: int = 0
    audible: bool = False


def check(request: SpeechRequest) -> None:
    """What engines with voices of their own refuse: InvalidRequest for a text without words, and for a reference."""
    if not speakable(request.text):
        raise nothing_to_speak()
    if request.reference is not None:
        raise cannot_clone()


def begin(key: str, request: SpeechRequest, choice: Choice, sample_rate: int) -> Speech[Choice]:
    return Speech(
        key=key,
        warnings=[choice.warning] if choice.warning else [],
        sentences=sentences(request.text),
        choice=choice,
        speed=request.speed,
        characters=len(request.text),
        sample_rate=sample_rate,
    )


def advance(run: Speech[Choice], speak: Callable[[Sentence, Speech[Choice]], NDArray[np.int16]]) -> None:
    """Speak the next sentence, and end the run with its last. What goes wrong fails this run alone.

    speak: the samples of a sentence and of the silence after it, none where the language has no word for it. A text
    that was silent to its end is refused.
    """
    if not run.sentences:
        return
    try:
        sentence = run.sentences.pop(0)
        samples = speak(sentence, run)
        run.audible = run.audible or bool(samples.size and np.abs(samples).max() > AUDIBLE)
        if not run.sentences and not run.audible:
            raise nothing_to_speak()
    except Exception as problem:
        run.error = problem
        return
    run.samples += len(samples)
    run.progress = sentence.end / run.characters
    run.outputs.append(Sound(samples, run.sample_rate, sentence.end))
    if not run.sentences:
        usage = Usage(characters=run.characters, audio_seconds=run.samples / run.sample_rate)
        run.outputs.append(SpeechMade(run.choice.voice, run.choice.language, usage))
        run.done = True
