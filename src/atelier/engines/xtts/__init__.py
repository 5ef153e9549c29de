"""text-to-speech by XTTS-v2: 17 languages, named speakers, and any voice from a short recording of it."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from atelier.contracts.base import Contract, Usage
from atelier.contracts.engine import EngineInfo, ModelSource, Run, Sound, SpeechMade
from atelier.contracts.text_to_speech import SpeechRequest
from atelier.engines.xtts.library import Xtts, open_model
from atelier.engines.xtts.voices import Voices
from atelier.errors import ModelMissing
from atelier.media.device import check_present, choose_device, give_back
from atelier.media.reference import SAMPLE_RATE as REFERENCE_RATE
from atelier.media.reference import read_reference
from atelier.media.sentences import Sentence, halves, nothing_to_speak, plain, sentences, silence_after, speakable
from atelier.media.sound import as_integers, silence, stretch

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILES = ("config.json", "model.pth", "vocab.json", "speakers_xtts.pth")

CHUNK = 20
"""Tokens of the network, about a second of sound, that leave at a time where the answer is streamed."""

SLOWEST, FASTEST = 0.5, 2.0
"""Between what speeds the network itself still speaks well; beyond them the samples are stretched."""

SEED = 0
"""Every sentence is drawn from the same chance, so that the same request gives the same samples."""

CLONED = "reference"
"""What an answer names the voice of a recording, where the request gives it no name."""

MOST_LEARNT = 32
"""Voices of recordings that are remembered, those used last: to learn one anew takes about a second."""


@dataclass(frozen=True)
class _Voice:
    """What the network knows of a speaker."""

    latent: torch.Tensor
    embedding: torch.Tensor


@dataclass(kw_only=True)
class _Speech(Run):
    """A text on its way. sentences: still to speak, the next one first. reference: samples of a voice to clone, and
    learnt_as: under what it is remembered.

    sentence and chunks: what is being spoken, and what the network gives of it; chance and prefix: how its dice
    lie, and what it holds of the text, between two pieces. spoken: characters of the sentences that are done.
    """

    sentences: list[Sentence]
    speaker: str
    reference: torch.Tensor | None
    learnt_as: bytes | None
    language: str
    speed: float
    streamed: bool
    characters: int
    voice: _Voice | None = None
    sentence: Sentence | None = None
    chunks: Iterator[torch.Tensor] | None = None
    chance: torch.Tensor | None = None
    prefix: torch.Tensor | None = None
    spoken: int = 0
    samples: int = 0


@dataclass(frozen=True)
class _Loaded:
    model: Xtts
    voices: Voices
    sample_rate: int


class XttsEngine:
    """Speaks `SpeechRequest`s: at each step one sentence of every run, or a second of it where the answer is streamed.

    The samples are what coqui-tts's own `inference_stream` gives for the sentence with the same seed, whatever was
    spoken before or is spoken between.
    """

    def __init__(self, source: ModelSource) -> None:
        self._source = source
        self._device = choose_device(source.device)
        self._loaded: _Loaded | None = None
        self._learnt: OrderedDict[bytes, _Voice] = OrderedDict()  # by the SHA-256 of their recordings

    def load(self) -> None:
        """Raises ModelMissing: no such folder, files that cannot be used, or no such device."""
        if self._loaded is not None:
            return
        folder = self._source.folder
        missing = [name for name in FILES if folder is None or not (folder / name).is_file()]
        if folder is None or len(missing) == len(FILES):
            raise ModelMissing(f"{self._source.model} is not installed; download it, then restart this service")
        if missing:
            raise ModelMissing(f"{self._source.model} lacks {', '.join(missing)}; download it again")
        check_present(self._source, self._device)
        try:
            model = open_model(folder)
            voices = Voices(model.speaker_manager.speaker_names, model.config.languages)
        except Exception as problem:  # pickle, zip, JSON and PyTorch each have their own for a damaged file
            raise ModelMissing(
                f"{self._source.model} could not be loaded: its files are damaged, incomplete, of another kind of "
                "model, or hold more than weights; download it again"
            ) from problem
        self._loaded = _Loaded(model.to(self._device), voices, model.args.output_sample_rate)

    def unload(self) -> None:
        self._loaded = None
        self._learnt.clear()
        give_back(self._device)

    def info(self) -> EngineInfo:
        voices = self._ready.voices
        return EngineInfo(
            model=self._source.model,
            revision=self._source.revision,
            device=str(self._device),
            note=self._source.note,
            voices=voices.names,
            languages=voices.languages,
        )

    def cost(self, request: Contract) -> float:
        return 1 / 4

    def start(self, request: Contract) -> _Speech:
        """Raises InvalidRequest for a voice or a language that is not known, for a text without words, and, as
        UnreadableMedia where it cannot be decoded, for a reference that will not do."""
        assert isinstance(request, SpeechRequest)
        if not speakable(request.text):
            raise nothing_to_speak()
        ready = self._ready
        language = ready.voices.language(request.language)
        learnt_as = hashlib.sha256(request.reference).digest() if request.reference is not None else None
        learnt = self._learnt.get(learnt_as) if learnt_as is not None else None
        if learnt is not None and learnt_as is not None:
            self._learnt.move_to_end(learnt_as)
        return _Speech(
            key="xtts",
            sentences=sentences(plain(request.text), _longest(ready.model, language)),
            speaker=_speaker(ready.voices, request),
            reference=_samples(request.reference) if request.reference is not None and learnt is None else None,
            learnt_as=learnt_as,
            voice=learnt,
            language=language,
            speed=request.speed,
            streamed=request.stream and SLOWEST <= request.speed <= FASTEST,  # pieces cannot be stretched one by one
            characters=len(request.text),
        )

    def step(self, runs: Sequence[Run]) -> None:
        for run in runs:
            assert isinstance(run, _Speech)
            try:
                self._advance(run)
            except Exception as problem:  # one run's trouble must not end the others of this step
                run.error = problem

    def close(self, run: Run) -> None:
        assert isinstance(run, _Speech)
        run.sentences.clear()
        run.sentence = run.chunks = run.reference = run.voice = run.prefix = None

    @property
    def _ready(self) -> _Loaded:
        if self._loaded is None:
            raise ModelMissing(f"{self._source.model} is not loaded")
        return self._loaded

    def _advance(self, run: _Speech) -> None:
        if run.chunks is None:
            if not run.sentences:
                return
            self._begin(run)
        chunk = self._next(run)
        if chunk is not None and run.streamed:
            self._give(run, chunk, run.spoken)
        else:
            self._end(run, chunk)

    def _begin(self, run: _Speech) -> None:
        """Have the network speak the next sentence, or as much of it as it can take."""
        model = self._ready.model
        if run.voice is None:
            run.voice = self._voice(run)
        run.sentence = self._fitting(run)
        run.chance = run.prefix = None
        run.chunks = model.inference_stream(
            run.sentence.text,
            run.language,
            run.voice.latent,
            run.voice.embedding,
            stream_chunk_size=CHUNK if run.streamed else 0,
            speed=_within(run.speed),
            **_settings(model),
        )

    def _fitting(self, run: _Speech) -> Sentence:
        """The next sentence, cut smaller where numbers in it, written out, make more tokens than the network takes."""
        model = self._ready.model
        most = model.args.gpt_max_text_tokens
        sentence = run.sentences.pop(0)
        while len(model.tokenizer.encode(sentence.text.strip().lower(), lang=run.language)) >= most:
            run.sentences[:0] = halves(sentence)
            sentence = run.sentences.pop(0)
        return sentence

    def _voice(self, run: _Speech) -> _Voice:
        if run.learnt_as is None:
            known = self._ready.model.speaker_manager.speakers[run.speaker]
            return _Voice(known["gpt_cond_latent"], known["speaker_embedding"])
        voice = self._learnt.pop(run.learnt_as, None) or self._learn(run)
        self._learnt[run.learnt_as] = voice
        while len(self._learnt) > MOST_LEARNT:
            self._learnt.popitem(last=False)
        return voice

    def _learn(self, run: _Speech) -> _Voice:
        assert run.reference is not None
        model, heard = self._ready.model, run.reference.to(self._device)
        run.reference, config = None, model.config
        latent = model.get_gpt_cond_latents(heard, REFERENCE_RATE, config.gpt_cond_len, config.gpt_cond_chunk_len)
        return _Voice(latent, model.get_speaker_embedding(heard, REFERENCE_RATE))

    def _next(self, run: _Speech) -> NDArray[np.float32] | None:
        """Samples of shape (n,); None where the sentence has ended."""
        assert run.chunks is not None
        with self._turn(run):
            chunk = next(run.chunks, None)
        return None if chunk is None else chunk.float().cpu().numpy()

    @contextmanager
    def _turn(self, run: _Speech) -> Iterator[None]:
        """Between a run's pieces others speak: it finds the dice as it left them, and in the network its own text."""
        on_gpu = self._device.type == "cuda"
        network = self._ready.model.gpt.gpt_inference
        with torch.random.fork_rng([self._device] if on_gpu else []):
            if run.chance is None:
                torch.manual_seed(SEED)
            elif on_gpu:
                torch.cuda.set_rng_state(run.chance, self._device)
            else:
                torch.set_rng_state(run.chance)
            network.cached_prefix_emb = run.prefix  # positions are counted from its end
            yield
            run.prefix = network.cached_prefix_emb
            run.chance = torch.cuda.get_rng_state(self._device) if on_gpu else torch.get_rng_state()

    def _end(self, run: _Speech, rest: NDArray[np.float32] | None) -> None:
        """The sentence is spoken: what is left of it, the silence after it, and the end of the run after the last."""
        assert run.sentence is not None
        pause = silence(silence_after(run.sentence) / _within(run.speed), self._ready.sample_rate)
        run.spoken = run.sentence.end
        self._give(run, pause if rest is None else np.concatenate([rest, pause]), run.spoken)
        run.sentence = run.chunks = None
        if not run.sentences:
            usage = Usage(characters=run.characters, audio_seconds=run.samples / self._ready.sample_rate)
            run.outputs.append(SpeechMade(run.speaker, run.language, usage))
            run.done = True

    def _give(self, run: _Speech, samples: NDArray[np.float32], characters: int) -> None:
        rate = self._ready.sample_rate
        sound = stretch(as_integers(samples), rate, run.speed / _within(run.speed))
        run.samples += len(sound)
        run.progress = characters / run.characters
        run.outputs.append(Sound(sound, rate, characters))


def _within(speed: float) -> float:
    return min(max(speed, SLOWEST), FASTEST)


def _speaker(voices: Voices, request: SpeechRequest) -> str:
    return voices.speaker(request.voice) if request.reference is None else request.voice or CLONED


def _samples(reference: bytes) -> torch.Tensor:
    """Of shape (1, n), between -1 and 1. Raises what `read_reference` does."""
    return torch.from_numpy(read_reference(reference).astype(np.float32) / 32768)[None]


def _longest(model: Xtts, language: str) -> int:
    """Characters of a sentence that the network speaks without dropping its end."""
    return int(model.tokenizer.char_limits[language.partition("-")[0]])


def _settings(model: Xtts) -> dict[str, Any]:
    """How the network's dice are thrown, as its own configuration has it."""
    names = ("temperature", "length_penalty", "repetition_penalty", "top_k", "top_p")
    return {name: getattr(model.config, name) for name in names}
