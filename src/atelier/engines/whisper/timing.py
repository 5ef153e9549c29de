"""When each word was spoken: from the aligner's raw times to words of segments, by faster-whisper's own rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from faster_whisper import WhisperModel
from faster_whisper.utils import get_end

_OPENING, _CLOSING = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"  # they belong to the word after, and before


@dataclass(frozen=True)
class _Aligned:
    """Stands for the model where the library asks it to align: that is done already, for a whole batch at once."""

    timings: list[dict[str, Any]]
    frames_per_second: int = 100

    def find_alignment(self, *_: object) -> list[list[dict[str, Any]]]:
        return [self.timings]


def time_words(
    pieces: list[dict[str, Any]], timings: list[dict[str, Any]], tokenizer: Any, *, last_word: float
) -> None:
    """Give `pieces`, the segments of one pass, their `words`, and their bounds by these.

    timings: each word's start and end in seconds of the pass. last_word: where the one before ended, in seconds of the
    window; after a pause long first words are cut short.
    """
    WhisperModel.add_word_timestamps(_Aligned(timings), [pieces], tokenizer, None, 0, _OPENING, _CLOSING, last_word)


def last_word_end(pieces: Sequence[dict[str, Any]]) -> float:
    """Seconds of the window: where the last word of all ends, or the last piece where none has words."""
    return cast(float, get_end(list(pieces)))
