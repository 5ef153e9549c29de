"""Parakeet: fast speech to text in 25 European languages, with punctuation, by onnx-asr on ONNX Runtime."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
import onnx_asr
import onnxruntime
from onnx_asr.asr import TimestampedResult

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

KIND = "nemo-conformer-tdt"
"""onnx-asr's name of the architecture; it is named outright, so that no hub is asked for anything."""

LANGUAGES = (
    *("bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "hr", "hu", "it"),
    *("lt", "lv", "mt", "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sv", "uk"),
)
LONGEST_WINDOW = 30.0
PAUSE = 0.8
TOGETHER = 4
"""Runs that take turns, a window each: in one batch the padding of shorter ones would seep into their ends."""

UNKNOWN_LANGUAGE = "und"  # ISO 639-2: the model hears which one it is, and does not tell
_TOKEN_SECONDS = 0.08  # between two frames of the encoder: when a token begins is known no closer
_FRAMES_A_SECOND = 100


class ParakeetEngine:
    """One step recognises one window of speech of each run, or hears half a minute in which none ended.

    The language is found window by window and cannot be set; it takes no prompt and no hotwords, has no temperature and
    does not translate. Weights are 8 bit integers on a CPU where the folder holds them, else 32 bit floats.
    """

    def __init__(self, source: ModelSource) -> None:
        self._source = source
        self._device = _device(source.device)
        self._precision = "float32"
        self._recogniser: Any = None

    def load(self) -> None:
        """Raises ModelMissing: no such folder, files that cannot be used, or no such device."""
        if self._recogniser is not None:
            return
        folder = self._source.folder
        if folder is None or not (folder / "vocab.txt").is_file():
            raise ModelMissing(f"{self._source.model} is not installed; download it, then restart this service")
        kind, _, number = self._device.partition(":")
        if kind == "cuda" and "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
            raise ModelMissing(
                f"{self._source.model} is set to run on {self._device}, for which ONNX Runtime lacks its part; "
                "install onnxruntime-gpu, or use auto or cpu"
            )
        whole, small = ((folder / f"encoder-model{suffix}.onnx").is_file() for suffix in ("", ".int8"))
        self._precision = "int8" if small and (kind == "cpu" or not whole) else "float32"
        gpu = ("CUDAExecutionProvider", {"device_id": int(number or 0)})
        try:
            model = onnx_asr.load_model(
                KIND,
                folder,
                quantization="int8" if self._precision == "int8" else None,
                providers=[*([gpu] if kind == "cuda" else []), "CPUExecutionProvider"],
            )
            self._recogniser = model.with_timestamps()
            self._recogniser.recognize(np.zeros(16_000, np.float32))  # what does not fit together shows only now
        except Exception as problem:  # onnxruntime has a class of its own for every way a file can be broken
            self._recogniser = None
            raise ModelMissing(
                f"{self._source.model} could not be loaded: its files are damaged, incomplete or of another kind of "
                "model; download it again"
            ) from problem

    def unload(self) -> None:
        self._recogniser = None

    def info(self) -> EngineInfo:
        return EngineInfo(
            model=self._source.model,
            revision=self._source.revision,
            device=self._device,
            precision=self._precision,
            note=self._source.note,
            languages=LANGUAGES,
        )

    def cost(self, request: Contract) -> float:
        return 1 / TOGETHER

    def start(self, request: Contract) -> Run:
        """Raises InvalidRequest for what the model cannot do, UnreadableMedia for what is not a recording."""
        assert isinstance(request, TranscriptionRequest)
        if self._recogniser is None:
            raise ModelMissing(f"{self._source.model} is not loaded")
        _refuse_impossible(request)
        language = _base(request.language) or UNKNOWN_LANGUAGE
        run = begin_hearing(self._source.model, request, language, longest=LONGEST_WINDOW, pause=PAUSE)
        if request.prompt or request.hotwords:
            run.warnings.append("this recogniser takes neither prompt nor hotwords: they were left out")
        return run

    def step(self, runs: Sequence[Run]) -> None:
        for run in cast(Sequence[Hearing], runs):
            hear(run, self._recognise)

    def close(self, run: Run) -> None:
        cast(Hearing, run).recording.close()

    def _recognise(self, run: Hearing, window: Window) -> Segment | None:
        found = self._recogniser.recognize(window.samples.astype(np.float32) / 32768)
        if not found.text.strip():
            return None
        return _segment(found, window, number=len(run.segments), timed=run.request.words)


def _device(wanted: str) -> str:
    if wanted != "auto":
        return wanted
    return "cuda" if "CUDAExecutionProvider" in onnxruntime.get_available_providers() else "cpu"


def _base(language: str | None) -> str | None:
    """The first part of it: "pt" of "pt-BR"."""
    return language.replace("_", "-").split("-")[0].lower() if language else None


def _refuse_impossible(request: TranscriptionRequest) -> None:
    if request.task == "translate":
        raise InvalidRequest(
            "task: this recogniser writes down what it hears and does not translate; choose another model", field="task"
        )
    if request.language is not None and _base(request.language) not in LANGUAGES:
        raise InvalidRequest(
            f"language: this model does not know {request.language!r}; leave the field out, or use one of: "
            f"{', '.join(LANGUAGES)}",
            field="language",
        )


def _segment(found: TimestampedResult, window: Window, *, number: int, timed: bool) -> Segment:
    words = list(_words(found, window))
    return Segment(
        id=number,
        seek=round(window.start * _FRAMES_A_SECOND),
        start=words[0].start,
        end=words[-1].end,
        text=f" {found.text.strip()}",
        avg_logprob=float(np.mean(found.logprobs or [0.0])),
        words=words if timed else None,
    )


def _words(found: TimestampedResult, window: Window) -> Iterator[Word]:
    """Tokens up to the next that begins with a space are a word; it ends a frame after its last token began."""
    begun: list[tuple[str, float, float]] = []
    tokens, times, chances = found.tokens or [], found.timestamps or [], found.logprobs or []
    for token, time, chance in zip(tokens, times, chances, strict=True):
        if token.startswith(" ") and "".join(part for part, *_ in begun).strip():
            yield _word(begun, window)
            begun = []
        begun.append((token, float(time), float(chance)))
    if begun:
        yield _word(begun, window)


def _word(tokens: Sequence[tuple[str, float, float]], window: Window) -> Word:
    _, starts, chances = zip(*tokens, strict=True)
    return Word(
        word="".join(token for token, *_ in tokens).strip(),
        start=round(window.start + starts[0], 2),
        end=round(window.start + min(starts[-1] + _TOKEN_SECONDS, window.seconds), 2),
        probability=min(1.0, math.exp(sum(chances) / len(chances))),
    )
