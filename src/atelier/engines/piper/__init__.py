"""text-to-speech by Piper: small voices in some forty languages, many times faster than speech on a processor.

Piper is under the GPL-3: it is not part of this program but runs in a process of its own, which gets text through
a pipe and gives samples back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from atelier.contracts.base import Contract
from atelier.contracts.engine import EngineInfo, ModelSource, Run
from atelier.contracts.text_to_speech import SpeechRequest
from atelier.engines.piper.speaker import Speaker
from atelier.engines.piper.voices import Choice, Voices
from atelier.errors import ModelMissing
from atelier.media.sentences import Sentence, plain, silence_after
from atelier.media.sound import as_integers, silence, stretch
from atelier.media.speaking import Speech, advance, begin, check

if TYPE_CHECKING:
    from numpy.typing import NDArray

SLOWEST, FASTEST = 0.5, 2.0
"""Between what speeds a voice itself still speaks well; beyond them the samples are stretched."""

_PHONEMES = re.compile(r"\[(?=\[)")


class PiperEngine:
    """Speaks `SpeechRequest`s, one sentence of every run at each step, with any of the voices of its folder.

    A sentence is what piper-tts makes of it in a process that has just begun, and the silence between two is that of
    their punctuation. The same request gives the same samples, whatever was spoken before or is spoken between.
    """

    def __init__(self, source: ModelSource) -> None:
        self._source = source
        self._speaker: Speaker | None = None
        self._voices = Voices(())

    def load(self) -> None:
        """Raises ModelMissing: no such folder, no voice in it, or one whose files cannot be used."""
        if self._speaker is None:
            speaker = Speaker(self._source.model, _networks(self._source))
            self._voices = Voices(speaker.start())
            self._speaker = speaker

    def unload(self) -> None:
        speaker, self._speaker = self._speaker, None
        if speaker is not None:
            speaker.stop()

    def info(self) -> EngineInfo:
        return EngineInfo(
            model=self._source.model,
            revision=self._source.revision,
            note=self._source.note,
            voices=self._voices.names,
            languages=self._voices.languages,
        )

    def cost(self, request: Contract) -> float:
        return 1 / 16

    def start(self, request: Contract) -> Speech[Choice]:
        """Raises InvalidRequest for a voice or a language that is not known, and for a text without words."""
        assert isinstance(request, SpeechRequest)
        check(request)
        choice = self._voices.choose(request.voice, request.language)
        return begin("piper", request, choice, choice.sample_rate)

    def step(self, runs: Sequence[Run]) -> None:
        for run in runs:
            assert isinstance(run, Speech)
            advance(run, self._spoken)

    def close(self, run: Run) -> None:
        assert isinstance(run, Speech)
        run.sentences.clear()

    def _spoken(self, sentence: Sentence, run: Speech[Choice]) -> NDArray[np.int16]:
        """The samples of a sentence and of the silence after it; none where it holds nothing to speak."""
        if self._speaker is None:
            raise ModelMissing(f"{self._source.model} is not loaded")
        speed = min(max(run.speed, SLOWEST), FASTEST)
        # Piper would take [[ for the beginning of phonemes; here it is text like any other.
        text = _PHONEMES.sub("[ ", plain(sentence.text)).strip()
        samples = self._speaker.say(text, run.choice.number, run.choice.speaker, speed)
        if not samples.size:
            return as_integers(samples)
        pause = silence(silence_after(sentence) / speed, run.sample_rate)
        return stretch(as_integers(np.concatenate([samples, pause])), run.sample_rate, run.speed / speed)


def _networks(source: ModelSource) -> list[Path]:
    """Each voice's; its configuration lies beside it. Raises ModelMissing where there is none."""
    found = sorted(source.folder.rglob("*.onnx")) if source.folder and source.folder.is_dir() else []
    if not found:
        raise ModelMissing(f"{source.model} is not installed; download it, then restart this service")
    for network in found:
        if not network.with_name(f"{network.name}.json").is_file():
            raise ModelMissing(f"{source.model} lacks {network.name}.json; download it again")
    return found
