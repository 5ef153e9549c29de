"""Voice-activity detection: which stretches of a recording hold speech, found while it is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from faster_whisper.vad import get_vad_model

from atelier.media.recording import SAMPLE_RATE, Recording

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAME = 512
"""Samples that Silero judges at a time: 32 ms."""

_CONTEXT = 64  # samples of the frame before, which Silero wants to see again
_SPEECH, _QUIET = 0.5, 0.35  # speech begins at the one chance and ends under the other: no flicker in between
_PADDING = 8  # frames kept around speech: soft first and last sounds lie under the threshold
_SHORTEST = 3  # frames of speech; less is a click
_SMOOTH = 9  # frames over which the weakest voice is looked for: a gap between words, not inside one


@dataclass(frozen=True)
class Window:
    """A stretch of speech: mono 16 kHz samples of shape (n,), and where it starts in the recording, in seconds."""

    start: float
    samples: NDArray[np.int16]

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE

    @property
    def end(self) -> float:
        return self.start + self.seconds


class SpeechWindows:
    """The speech of a recording, asked for window by window; each asking reads a bounded piece of it.

    longest: seconds of a window at most. pause: seconds of silence that end one before that.
    """

    def __init__(self, recording: Recording, *, longest: float, pause: float) -> None:
        self._blocks = recording.blocks()
        self._detector = VoiceDetector(longest=longest, pause=pause)
        self._found: list[Window] = []
        self._read = False

    @property
    def ended(self) -> bool:
        """The recording is read and every window was given out."""
        return self._read and not self._found

    def next(self) -> Window | None:
        """The next window, or None where half a minute more was read and none ended in it.

        Raises UnreadableMedia and TooLarge, as `Recording.blocks`.
        """
        if not self._found and not self._read:
            self._listen()
        return self._found.pop(0) if self._found else None

    def _listen(self) -> None:
        block = next(self._blocks, None)
        self._read = block is None
        self._found += self._detector.finish() if block is None else self._detector.feed(block)


class VoiceDetector:
    """Cuts a stream of samples into windows of speech. It keeps no more sound than one window and one block.

    A window ends at a `pause`; speech that goes on for longer than `longest` is cut where the voice is weakest.
    Both in seconds. Windows are in order and do not overlap.
    """

    def __init__(self, *, longest: float, pause: float) -> None:
        self._longest = int(longest * SAMPLE_RATE) // FRAME
        self._pause = max(round(pause * SAMPLE_RATE / FRAME), 2 * _PADDING)
        self._silero = _Silero()
        self._speaking = False
        self._first = 0  # the frame, counted from the start, that the three below begin with
        self._samples: NDArray[np.int16] = np.empty(0, np.int16)
        self._chances: NDArray[np.float32] = np.empty(0, np.float32)
        self._voiced: NDArray[np.bool_] = np.empty(0, np.bool_)

    def feed(self, block: NDArray[np.int16]) -> list[Window]:
        """Hear `block`, mono 16 kHz samples of shape (n,); returns the windows that it completed."""
        self._samples = np.concatenate([self._samples, block])
        heard, whole = len(self._chances), len(self._samples) // FRAME
        self._judge(self._samples[heard * FRAME : whole * FRAME])
        return list(self._take(ended=False))

    def finish(self) -> list[Window]:
        """There is no more to come: returns the windows that were left open."""
        rest = self._samples[len(self._chances) * FRAME :]
        if len(rest):
            self._judge(np.pad(rest, (0, FRAME - len(rest))))
        return list(self._take(ended=True))

    def _judge(self, samples: NDArray[np.int16]) -> None:
        chances = self._silero(samples)
        self._chances = np.concatenate([self._chances, chances])
        self._voiced = np.concatenate([self._voiced, np.fromiter(self._hysteresis(chances), np.bool_, len(chances))])

    def _hysteresis(self, chances: Iterable[np.float32]) -> Iterator[bool]:
        for chance in chances:
            self._speaking = bool(chance >= (_QUIET if self._speaking else _SPEECH))
            yield self._speaking

    def _take(self, *, ended: bool) -> Iterator[Window]:
        while self._voiced.any():
            self._drop(int(self._voiced.argmax()) - _PADDING)
            end = self._end(ended=ended)
            if end is None:
                return
            if self._voiced[:end].sum() >= _SHORTEST:
                yield Window(self._first * FRAME / SAMPLE_RATE, self._samples[: end * FRAME].copy())
            self._drop(end)
        self._drop(len(self._voiced) - _PADDING)

    def _end(self, *, ended: bool) -> int | None:
        """How many frames the window that begins with the first frame has; None while that is open."""
        held = len(self._voiced)
        spoken = np.append(np.flatnonzero(self._voiced), held + self._pause if ended else held)
        pauses = np.flatnonzero(np.diff(spoken) > self._pause)
        end = min(int(spoken[pauses[0]]) + 1 + _PADDING, held) if len(pauses) else None
        if held >= self._longest and (end is None or end > self._longest):
            return self._weakest()
        return end

    def _weakest(self) -> int:
        """The frame in the second half of the longest window around which the voice is weakest; the last of equals."""
        begin = self._longest // 2
        chances = np.convolve(self._chances[begin : self._longest], np.full(_SMOOTH, 1 / _SMOOTH), "valid")
        return begin + len(chances) - 1 - int(chances[::-1].argmin()) + _SMOOTH // 2

    def _drop(self, frames: int) -> None:
        if frames <= 0:
            return
        self._first += frames
        self._samples = self._samples[frames * FRAME :]
        self._chances = self._chances[frames:]
        self._voiced = self._voiced[frames:]


class _Silero:
    """Silero's model over a stream: it remembers what it heard, so pieces sound to it as the whole would."""

    def __init__(self) -> None:
        self._session: Any = get_vad_model().session
        self._state: Sequence[NDArray[np.float32]] = [np.zeros((1, 1, 128), np.float32)] * 2
        self._context: NDArray[np.float32] = np.zeros((1, _CONTEXT), np.float32)

    def __call__(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """The chance of speech in each frame, of shape (n,), for samples of shape (n x FRAME,)."""
        if not len(samples):
            return np.empty(0, np.float32)
        frames = samples.reshape(-1, FRAME).astype(np.float32) / np.float32(32768)
        before = np.concatenate([self._context, frames[:-1, -_CONTEXT:]])
        self._context = frames[-1:, -_CONTEXT:]
        inputs = {"input": np.concatenate([before, frames], axis=1), "h": self._state[0], "c": self._state[1]}
        chances, *self._state = self._session.run(None, inputs)
        return np.asarray(chances, np.float32)
