"""text-to-speech by Chatterbox: English, with feeling, in its own voice or any from a short recording of it.

Every recording carries the inaudible watermark of Resemble AI, which made the model.
"""

from __future__ import annotations

import gc
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from atelier.contracts.base import Contract
from atelier.contracts.engine import EngineInfo, ModelSource, Run
from atelier.contracts.text_to_speech import OPENAI_VOICES, SpeechRequest
from atelier.errors import ModelMissing
from atelier.media.naming import shorter_tags, unknown
from atelier.media.reference import copied
from atelier.media.sentences import Sentence, nothing_to_speak, plain, silence_after, speakable
from atelier.media.sound import as_integers, silence, stretch
from atelier.media.speaking import Speech, advance, begin

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILES = ("ve.safetensors", "t3_cfg.safetensors", "s3gen.safetensors", "tokenizer.json", "conds.pt")
LIBRARIES = (
    "Chatterbox needs libraries: pip install 'atelier[chatterbox]', and then "
    "pip install --no-deps chatterbox-tts==0.1.7 s3tokenizer==0.3.0"
)

OWN, CLONED, LANGUAGE = "default", "reference", "en"
"""What an answer names the model's own voice, and that of a recording; and the only language."""

SEED = 0
"""Every sentence is drawn from the same chance, so that the same request gives the same samples."""

SLOWEST = 0.5  # of one stretch


@dataclass(frozen=True)
class _Choice:
    voice: str
    language: str = LANGUAGE
    warning: str | None = None


@dataclass(kw_only=True)
class _Speech(Speech[_Choice]):
    """reference: a wav of the voice to clone, until it is learnt; conditionals: what the network knows of the voice."""

    reference: bytes | None = None
    conditionals: Any = None


class ChatterboxEngine:
    """Speaks `SpeechRequest`s, one sentence of every run at each step.

    A sentence is what chatterbox-tts's own `generate` gives for it with the same seed, whatever was spoken before or is
    spoken between; the silence between two is that of their punctuation.
    """

    def __init__(self, source: ModelSource) -> None:
        self._source = source
        name = source.device
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        self._device = torch.device(name)
        self._model: Any = None
        self._own: Any = None
        self._sample_rate = 0

    def load(self) -> None:
        """Raises ModelMissing: no libraries, no such folder, files that cannot be used, or no such device."""
        if self._model is not None:
            return
        folder = self._source.folder
        missing = [name for name in FILES if folder is None or not (folder / name).is_file()]
        if len(missing) == len(FILES):
            raise ModelMissing(f"{self._source.model} is not installed; download it, then restart this service")
        if missing:
            raise ModelMissing(f"{self._source.model} lacks {', '.join(missing)}; download it again")
        if self._device.type == "cuda" and (self._device.index or 0) >= torch.cuda.device_count():
            raise ModelMissing(
                f"{self._source.model} is set to run on {self._device}, which this machine lacks; use auto or cpu"
            )
        try:
            from atelier.engines.chatterbox.library import SAMPLE_RATE, ChatterboxTTS
        except ImportError as problem:
            raise ModelMissing(LIBRARIES) from problem
        try:
            model = ChatterboxTTS.from_local(folder, str(self._device))
        except Exception as problem:  # pickle, safetensors, JSON and PyTorch each have their own for a damaged file
            raise ModelMissing(
                f"{self._source.model} could not be loaded: its files are damaged, incomplete, of another kind of "
                "model, or hold more than weights; download it again"
            ) from problem
        self._model, self._own, self._sample_rate = model, model.conds, SAMPLE_RATE

    def unload(self) -> None:
        self._model = self._own = None
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def info(self) -> EngineInfo:
        return EngineInfo(
            model=self._source.model,
            revision=self._source.revision,
            device=str(self._device),
            note=self._source.note,
            voices=(*sorted(OPENAI_VOICES), OWN),
            languages=(LANGUAGE,),
        )

    def cost(self, request: Contract) -> float:
        return 1 / 4

    def start(self, request: Contract) -> _Speech:
        """Raises InvalidRequest for a voice or a language that is not known, for a text without words, and, as
        UnreadableMedia where it cannot be decoded, for a reference that will not do."""
        assert isinstance(request, SpeechRequest)
        if not speakable(request.text):
            raise nothing_to_speak()
        begun = begin("chatterbox", request, _choice(request), self._sample_rate)
        reference = None if request.reference is None else copied(request.reference, self._sample_rate)
        return _Speech(**vars(begun), reference=reference, conditionals=self._own)

    def step(self, runs: Sequence[Run]) -> None:
        for run in runs:
            assert isinstance(run, _Speech)
            advance(run, self._spoken)

    def close(self, run: Run) -> None:
        assert isinstance(run, _Speech)
        run.sentences.clear()
        run.reference = run.conditionals = None

    def _spoken(self, sentence: Sentence, run: Speech[_Choice]) -> NDArray[np.int16]:
        assert isinstance(run, _Speech)
        if self._model is None:
            raise ModelMissing(f"{self._source.model} is not loaded")
        if not speakable(sentence.text):  # for it the library speaks a sentence of its own
            return as_integers(silence(0, run.sample_rate))
        if run.reference is not None:
            self._model.prepare_conditionals(io.BytesIO(run.reference))
            run.reference, run.conditionals = None, self._model.conds
        self._model.conds = run.conditionals
        with self._chance():
            samples = self._model.generate(plain(sentence.text).strip())[0].numpy()
        whole = np.concatenate([samples, silence(silence_after(sentence), run.sample_rate)])
        return _at_speed(as_integers(whole), run.sample_rate, run.speed)

    @contextmanager
    def _chance(self) -> Iterator[None]:
        """The dice of a sentence, and afterwards those of everybody else as they lay."""
        with torch.random.fork_rng([self._device] if self._device.type == "cuda" else []):
            torch.manual_seed(SEED)
            yield


def _choice(request: SpeechRequest) -> _Choice:
    if LANGUAGE not in shorter_tags(request.language or LANGUAGE):
        raise unknown("language", str(request.language), (LANGUAGE,))
    if request.reference is not None:
        return _Choice(request.voice or CLONED)
    if request.voice is not None and request.voice.lower() not in {*OPENAI_VOICES, OWN}:
        raise unknown("voice", request.voice, (*sorted(OPENAI_VOICES), OWN))
    return _Choice(OWN)


def _at_speed(samples: NDArray[np.int16], sample_rate: int, speed: float) -> NDArray[np.int16]:
    """The model has one pace of its own: others are made of it."""
    if speed >= SLOWEST:
        return stretch(samples, sample_rate, speed)
    return stretch(stretch(samples, sample_rate, SLOWEST), sample_rate, speed / SLOWEST)
