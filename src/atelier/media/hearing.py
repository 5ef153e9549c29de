"""A recording written down window by window: what recognisers that take their windows in turn have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from atelier.contracts.base import Usage
from atelier.contracts.engine import Run
from atelier.contracts.speech_to_text import Segment, TranscribedSegment, TranscriptionRequest, TranscriptionResult
from atelier.errors import AtelierError
from atelier.media.recording import Recording
from atelier.media.voice import SpeechWindows, Window


@dataclass(kw_only=True)
class Hearing(Run):
    """language: what the result says of it."""

    model: str
    language: str
    request: TranscriptionRequest
    recording: Recording
    windows: SpeechWindows
    segments: list[Segment] = field(default_factory=list)


Recognise = Callable[[Hearing, Window], Segment | None]
"""The segment of a window; None where nothing is said in it."""


def begin_hearing(model: str, request: TranscriptionRequest, language: str, *, longest: float, pause: float) -> Hearing:
    """longest, pause: seconds of a window, and of the silence that ends one. Raises UnreadableMedia."""
    recording = Recording(request.audio)
    windows = SpeechWindows(recording, longest=longest, pause=pause)
    return Hearing(key=model, model=model, language=language, request=request, recording=recording, windows=windows)


def hear(run: Hearing, recognise: Recognise) -> None:
    """One window, or half a minute in which none ended. A recording that cannot be read fails this run alone."""
    try:
        window = run.windows.next()
        segment = recognise(run, window) if window is not None else None
        if segment is not None:
            run.segments.append(segment)
            run.outputs.append(TranscribedSegment(segment=segment, delivered=_heard(segment.end)))
        if run.windows.ended:
            _finish(run)
        else:
            run.progress = run.recording.progress
    except AtelierError as problem:
        run.error = problem


def _finish(run: Hearing) -> None:
    duration = run.recording.duration
    if run.recording.damaged:
        run.warnings.append("the recording is damaged: what could be read of it was recognised")
    run.outputs.append(
        TranscriptionResult(
            model=run.model,
            text="".join(segment.text for segment in run.segments).strip(),
            language=run.language,
            duration=duration,
            segments=run.segments,
            task=run.request.task,
            usage=_heard(duration),
        )
    )
    run.progress, run.done = 1.0, True


def _heard(seconds: float) -> Usage:
    return Usage(units=seconds, audio_seconds=seconds)
