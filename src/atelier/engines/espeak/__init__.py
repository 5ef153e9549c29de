"""text-to-speech by espeak-ng: over a hundred languages, no weights, a voice that sounds like a machine.

espeak-ng is under the GPL-3: it is not part of this program but runs in a process of its own, which gets text through
a pipe and gives samples back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from atelier.contracts.base import Contract
from atelier.contracts.engine import EngineInfo, ModelSource, Run
from atelier.contracts.text_to_speech import SpeechRequest
from atelier.engines.espeak.speaker import Speaker
from atelier.engines.espeak.voices import Choice, Voices
from atelier.media.sentences import Sentence, plain
from atelier.media.sound import stretch
from atelier.media.speaking import Speech, advance, begin, check

if TYPE_CHECKING:
    from numpy.typing import NDArray

NATURAL_RATE, SLOWEST_RATE, FASTEST_RATE = 175, 80, 400
"""Words a minute: at speed 1, and between what limits espeak-ng itself changes its pace well.

Beyond them the samples are stretched, so that every speed of a request is heard.
"""

EDGE = 44
"""Samples (2 ms) over which a piece rises from silence and falls back to it, so that no join clicks."""


class EspeakEngine:
    """Speaks `SpeechRequest`s, one sentence of every run at each step.

    The same request gives the same samples, byte for byte, whatever was spoken before or is spoken between.
    A text with nothing to speak ("...", or signs that the language has no word for) is refused: InvalidRequest.
    """

    def __init__(self, source: ModelSource) -> None:
        self._source = source
        self._speaker = Speaker()
        self._voices: Voices | None = None
        self._sample_rate = 0

    def load(self) -> None:
        if self._voices is None:
            abilities = self._speaker.start()
            self._sample_rate = abilities.sample_rate
            self._voices = Voices(abilities.voices, abilities.variants)

    def unload(self) -> None:
        self._speaker.stop()
        self._voices = None

    def info(self) -> EngineInfo:
        return EngineInfo(
            model=self._source.model,
            revision=self._source.revision,
            precision="int16",
            note=self._source.note,
            voices=self._voices.names if self._voices else (),
            languages=self._voices.languages if self._voices else (),
        )

    def cost(self, request: Contract) -> float:
        return 1 / 16

    def start(self, request: Contract) -> Speech[Choice]:
        """Raises InvalidRequest for a voice or a language that is not known, and for a text without words."""
        assert isinstance(request, SpeechRequest)
        self.load()
        assert self._voices is not None
        check(request)
        choice = self._voices.choose(request.voice, request.language)
        return begin("espeak", request, choice, self._sample_rate)

    def step(self, runs: Sequence[Run]) -> None:
        for run in runs:
            assert isinstance(run, Speech)
            advance(run, self._spoken)

    def close(self, run: Run) -> None:
        assert isinstance(run, Speech)
        run.sentences.clear()

    def _spoken(self, sentence: Sentence, run: Speech[Choice]) -> NDArray[np.int16]:
        wanted = NATURAL_RATE * run.speed
        rate = round(min(max(wanted, SLOWEST_RATE), FASTEST_RATE))
        samples = self._speaker.say(plain(sentence.text), voice=run.choice.order, rate=rate, pause=sentence.pause)
        beyond = not SLOWEST_RATE <= wanted <= FASTEST_RATE
        return _faded(stretch(samples, self._sample_rate, wanted / rate) if beyond else samples)


def _faded(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    edge = min(EDGE, len(samples) // 2)
    rise = np.linspace(0, 1, edge)
    faded = samples.copy()
    faded[:edge] = samples[:edge] * rise
    faded[len(samples) - edge :] = samples[len(samples) - edge :] * rise[::-1]
    return faded
