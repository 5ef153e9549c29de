"""text-to-speech by Kokoro: 82 million parameters, seven languages, natural voices even on a processor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from atelier.contracts.base import Contract
from atelier.contracts.engine import EngineInfo, ModelSource, Run
from atelier.contracts.text_to_speech import SpeechRequest
from atelier.engines.kokoro.network import FASTEST, SAMPLE_RATE, SLOWEST, Network, open_network
from atelier.engines.kokoro.reader import Reader
from atelier.engines.kokoro.voices import Choice, Voices
from atelier.errors import ModelMissing
from atelier.media.sentences import Sentence, plain, silence_after
from atelier.media.sound import as_integers, silence, stretch
from atelier.media.speaking import Speech, advance, begin, check

if TYPE_CHECKING:
    from numpy.typing import NDArray


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

    def start(self, request: Contract) -> Speech[Choice]:
        """Raises InvalidRequest for a voice or a language that is not known, and for a text without words."""
        assert isinstance(request, SpeechRequest)
        check(request)
        choice = self._ready.voices.choose(request.voice, request.language)
        return begin("kokoro", request, choice, SAMPLE_RATE)

    def step(self, runs: Sequence[Run]) -> None:
        for run in runs:
            assert isinstance(run, Speech)
            advance(run, self._spoken)

    def close(self, run: Run) -> None:
        assert isinstance(run, Speech)
        run.sentences.clear()

    @property
    def _ready(self) -> _Loaded:
        if self._loaded is None:
            raise ModelMissing(f"{self._source.model} is not loaded")
        return self._loaded

    def _spoken(self, sentence: Sentence, run: Speech[Choice]) -> NDArray[np.int16]:
        """The samples of a sentence and of the silence after it; none where it holds nothing to speak."""
        pieces = self._ready.reader.read(plain(sentence.text), run.choice.language)
        if not pieces:
            return np.zeros(0, np.int16)
        speed = min(max(run.speed, SLOWEST), FASTEST)
        parts: list[NDArray[np.float32]] = []
        for piece in pieces:
            parts += [
                self._ready.network.speak(piece.tokens, run.choice.voice, speed),
                silence(piece.pause, SAMPLE_RATE),
            ]
        parts.append(silence(silence_after(sentence) / speed, SAMPLE_RATE))
        return stretch(as_integers(np.concatenate(parts)), SAMPLE_RATE, run.speed / speed)
