"""The engine: it loads a Whisper model and leads recordings through it, window by window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import ctranslate2
from faster_whisper import WhisperModel

from atelier.contracts.base import Contract, Usage
from atelier.contracts.engine import EngineInfo, ModelSource, Run
from atelier.contracts.speech_to_text import Segment, TranscribedSegment, TranscriptionRequest, TranscriptionResult
from atelier.engines.whisper.recognition import Passage, Recogniser
from atelier.errors import AtelierError, InvalidRequest, ModelMissing
from atelier.media.recording import Recording
from atelier.media.voice import SpeechWindows

TOGETHER = 8
PAUSE = 0.1
"""As a share of a window. That costs the encoder the same however little is in it, so shorter silences stay inside."""

FILES = ("model.bin", "config.json", "tokenizer.json")
SMALL_WEIGHTS = 100_000_000
"""Bytes. On a CPU, smaller models are computed with as they are, larger ones as integers."""


@dataclass(kw_only=True)
class _Hearing(Run):
    request: TranscriptionRequest
    recording: Recording
    windows: SpeechWindows
    language: str | None
    passage: Passage | None = None
    segments: list[Segment] = field(default_factory=list)
    tokens: int = 0


class WhisperEngine:
    """One step recognises one window of speech of each run, as one batch; a run without one hears half a minute more.

    What a window ends with in the middle of a segment is heard again in the next step. Languages and tasks may differ
    within a batch. A language that the request does not name is found in the first window. Above temperature 0, and
    where a window reads badly at 0, words are drawn by chance: the same recording may then read differently next time.
    Segments begin with a space where the language has spaces: joined, they are the text.

    Weights are computed with as 8 bit integers on a CPU (in 32 bit where they are small, which is fast enough and
    more exact) and as 16 bit floats on a GPU.
    """

    def __init__(self, source: ModelSource) -> None:
        self._source = source
        self._loaded: Recogniser | None = None

    def load(self) -> None:
        """Raises ModelMissing where the folder holds no Whisper in CTranslate2's form, or the device is not there."""
        if self._loaded is None:
            self._loaded = Recogniser(_load(self._source))

    def unload(self) -> None:
        self._loaded = None

    def info(self) -> EngineInfo:
        return EngineInfo(
            model=self._source.model,
            revision=self._source.revision,
            device=self._recogniser.device,
            precision=self._recogniser.precision,
            note=self._source.note,
            languages=self._recogniser.languages,
        )

    def cost(self, request: Contract) -> float:
        return 1 / TOGETHER

    def start(self, request: Contract) -> Run:
        """Raises InvalidRequest for a language that the model lacks, UnreadableMedia for what is not a recording."""
        assert isinstance(request, TranscriptionRequest)
        language = self._language(request.language)
        recording = Recording(request.audio)
        longest = self._recogniser.window
        run = _Hearing(
            key=(request.words, request.temperature, request.prompt, request.hotwords),
            request=request,
            recording=recording,
            windows=SpeechWindows(recording, longest=longest, pause=PAUSE * longest),
            language=language,
        )
        if cut := self._recogniser.cut(request):
            run.warnings.append(f"the prompt is {cut} tokens longer than the model takes: its beginning was left out")
        return run

    def step(self, runs: Sequence[Run]) -> None:
        hearing = cast(Sequence[_Hearing], runs)
        heard = [run for run in hearing if _has_speech(run)]
        if heard:
            self._recognise(heard)
        for run in hearing:
            if run.error is None:
                self._settle(run)

    def close(self, run: Run) -> None:
        cast(_Hearing, run).recording.close()

    @property
    def _recogniser(self) -> Recogniser:
        if self._loaded is None:
            raise ModelMissing(f"{self._source.model} is not loaded")
        return self._loaded

    def _language(self, asked: str | None) -> str | None:
        """The model's own code for it ("pt" of "pt-BR"); None has it found out."""
        known = self._recogniser.languages
        if asked is None:
            return None if len(known) > 1 else known[0]
        language = asked.replace("_", "-").split("-")[0].lower()
        if language not in known:
            raise InvalidRequest(
                f"language: this model does not know {asked!r}; leave the field out, or use one of: {', '.join(known)}",
                field="language",
            )
        return language

    def _recognise(self, heard: list[_Hearing]) -> None:
        passages = [run.passage for run in heard if run.passage is not None]
        self._recogniser.recognise(passages, heard[0].request)
        for run, passage in zip(heard, passages, strict=True):
            if passage.segments:  # what was taken for noise does not say which language is spoken
                run.language = passage.language
            run.tokens += len(passage.tokens)
            for segment in passage.segments:
                numbered = segment.model_copy(update={"id": len(run.segments)})
                run.segments.append(numbered)
                run.outputs.append(TranscribedSegment(segment=numbered, delivered=_usage(run, numbered.end)))
            if passage.ended:
                run.passage = None

    def _settle(self, run: _Hearing) -> None:
        """Say how far it is, or end it."""
        run.progress = run.recording.progress
        if run.passage is not None or not run.windows.ended:
            return
        if run.recording.damaged:
            run.warnings.append("the recording is damaged: what could be read of it was recognised")
        if run.language is None:
            run.warnings.append("no speech was found, so the language is unknown: en stands in for it")
        duration = run.recording.duration
        run.outputs.append(
            TranscriptionResult(
                model=self._source.model,
                text="".join(segment.text for segment in run.segments).strip(),
                language=run.language or "en",
                duration=duration,
                segments=run.segments,
                task=run.request.task,
                usage=_usage(run, duration),
            )
        )
        run.progress, run.done = 1.0, True


def _has_speech(run: _Hearing) -> bool:
    """Whether there is a passage to recognise: what is left of one, or the next window."""
    if run.passage is None:
        try:
            window = run.windows.next()
        except AtelierError as problem:
            run.error = problem
            return False
        run.passage = Passage(window, run.request.task, run.language) if window is not None else None
    return run.passage is not None


def _usage(run: _Hearing, seconds: float) -> Usage:
    return Usage(units=seconds, audio_seconds=seconds, tokens=run.tokens)


def _load(source: ModelSource) -> WhisperModel:
    folder = source.folder
    # without tokenizer.json the library would ask a hub for another model's
    if folder is None or not all((folder / name).is_file() for name in FILES):
        raise ModelMissing(
            f"{source.model} is not installed in CTranslate2's form; download it, then restart this service"
        )
    device, number = _device(source.device)
    compute_type = _compute_type(source, device, folder)
    if source.precision != "auto" and compute_type not in _computed(device):
        raise ModelMissing(f"{source.model} cannot be computed with as {compute_type} on {device}; use auto")
    try:
        model = WhisperModel(
            str(folder),
            device=device,
            device_index=number,
            compute_type=compute_type,
            local_files_only=True,
        )
        if model.model.n_mels != len(model.feature_extractor.mel_filters):
            raise ValueError("preprocessor_config.json is missing, which names the bands that the model hears")
        return model
    except Exception as problem:  # whatever CTranslate2's C++ and the tokenizer's Rust come across
        raise ModelMissing(
            f"{source.model} could not be loaded on {device}: its files are damaged or of another kind of model, "
            "or the device is not there; download it again, or use the device cpu"
        ) from problem


def _device(wanted: str) -> tuple[str, int]:
    """CTranslate2's name and number of `cpu`, `cuda`, `cuda:1` or `auto`."""
    if wanted == "auto":
        wanted = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
    kind, _, number = wanted.partition(":")
    return kind, int(number or 0)


def _computed(device: str) -> set[str]:
    """What CTranslate2 can compute with there; all of it where the device is not there, which is told elsewhere."""
    try:
        return set(ctranslate2.get_supported_compute_types(device))
    except (RuntimeError, ValueError):
        return {"float32", "float16", "bfloat16"}


def _compute_type(source: ModelSource, device: str, folder: Path) -> str:
    """CTranslate2's own int8 computes in half precision on a GPU."""
    if source.quantization == "int8":
        return "int8" if device == "cpu" else "int8_float16"
    return _precision(device, folder) if source.precision == "auto" else source.precision


def _precision(device: str, folder: Path) -> str:
    if device != "cpu":
        return "float16"
    return "int8" if (folder / "model.bin").stat().st_size > SMALL_WEIGHTS else "float32"
