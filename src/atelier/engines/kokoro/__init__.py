"""text-to-speech by Kokoro: 82 million parameters, seven languages, natural voices even on a processor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from atelier.contracts.base import Contract, Usage
from atelier.contracts.engine import EngineInfo, ModelSource, Run, Sound, SpeechMade
from atelier.contracts.text_to_speech import SpeechRequest
from atelier.engines.kokoro.network import FASTEST, SAMPLE_RATE, SLOWEST, Network, open_network
from atelier.engines.kokoro.reader import Reader
from atelier.engines.kokoro.voices import Choice, Voices
from atelier.errors import ModelMissing
from atelier.media.naming import cannot_clone
from atelier.media.sentences import Sentence, nothing_to_speak, plain, sentences, silence_after, speakable
from atelier.media.sound import as_integers, silence, stretch

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(kw_only=True)
class _Speech(Run):
    """A text on its way. `sentences`: still to speak, the next one first."""

    sentences: list[Sentence]
    choice: Choice
    speed: float
    characters: int
    samples: int = 0
    spoken: bool = False


@dataclass(frozen=True)
class _Loaded:
    network: Network
    reader: Reader
    voices: Voices


class KokoroEngine:
    """Speaks `SpeechRequest`s, one sentence of every run at each step.

    A sentence is what kokoro-onnx's `create` makes of it, and the silence between two is that of their punctuation.
    The same request gives the same samples, whatever was spoken before or is spoken between.
    """

    def __init__(self, source: ModelSource) -> None:
        self._source = source
        self._loaded: _Loaded | None = None

    def load(self) -> None:
        """Raises ModelMissing: no such folder, files that cannot be used, or no such device."""
        if self._loaded is not None:
            return
        network = open_network(self._source.model, self._source.folder, self._source.device)
        reader = Reader(network.vocabulary)
        reader.start()
        self._loaded = _Loaded(network, reader, Voices(network.voices))

    def unload(self) -> None:
        loaded, self._loaded = self._loaded, None
        if loaded is not None:
            loaded.reader.stop()

    def info(self) -> EngineInfo:
        ready = self._ready
        return EngineInfo(
            model=self._source.model,
            revision=self._source.revision,
            device=ready.network.device,
            precision=ready.network.precision,
            note=self._source.note,
            voices=ready.voices.names,
            languages=ready.voices.languages,
        )

    def cost(self, request: Contract) -> float:
        return 1 / 16

    def start(self, request: Contract) -> _Speech:
        """Raises InvalidRequest for a voice or a language that is not known, and for a text without words."""
        assert isinstance(request, SpeechRequest)
        if not speakable(request.text):
            raise nothing_to_speak()
        if request.reference is not None:
            raise cannot_clone()
        choice = self._ready.voices.choose(request.voice, request.language)
        return _Speech(
            key="kokoro",
            warnings=[choice.warning] if choice.warning else [],
            sentences=sentences(request.text),
            choice=choice,
            speed=request.speed,
            characters=len(request.text),
        )

    def step(self, runs: Sequence[Run]) -> None:
        for run in runs:
            assert isinstance(run, _Speech)
            try:
                self._advance(run)
            except Exception as problem:  # one sentence's trouble must not end the other runs of this step
                run.error = problem

    def close(self, run: Run) -> None:
        assert isinstance(run, _Speech)
        run.sentences.clear()

    @property
    def _ready(self) -> _Loaded:
        if self._loaded is None:
            raise ModelMissing(f"{self._source.model} is not loaded")
        return self._loaded

    def _advance(self, run: _Speech) -> None:
        if not run.sentences:
            return
        sentence = run.sentences.pop(0)
        samples = self._spoken(sentence, run)
        if not run.sentences and not run.spoken:
            raise nothing_to_speak()
        run.samples += len(samples)
        run.progress = sentence.end / run.characters
        run.outputs.append(Sound(samples, SAMPLE_RATE, sentence.end))
        if not run.sentences:
            usage = Usage(characters=run.characters, audio_seconds=run.samples / SAMPLE_RATE)
            run.outputs.append(SpeechMade(run.choice.voice, run.choice.language, usage))
            run.done = True

    def _spoken(self, sentence: Sentence, run: _Speech) -> NDArray[np.int16]:
        """The samples of a sentence and of the silence after it; none where it holds nothing to speak."""
        pieces = self._ready.reader.read(plain(sentence.text), run.choice.language)
        if not pieces:
            return np.zeros(0, np.int16)
        run.spoken = True
        speed = min(max(run.speed, SLOWEST), FASTEST)
        parts: list[NDArray[np.float32]] = []
        for piece in pieces:
            parts += [
                self._ready.network.speak(piece.tokens, run.choice.voice, speed),
                silence(piece.pause, SAMPLE_RATE),
            ]
        parts.append(silence(silence_after(sentence) / speed, SAMPLE_RATE))
        return stretch(as_integers(np.concatenate(parts)), SAMPLE_RATE, run.speed / speed)
