"""From windows of speech to segments of text: one batch through Whisper's encoder, decoder and aligner."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from faster_whisper.audio import pad_or_trim
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens, merge_punctuations

from atelier.contracts.speech_to_text import Segment, Word
from atelier.media.voice import Window

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from numpy.typing import NDArray

BEAMS = 5
DRAWS = 5  # sequences of which the likeliest is taken, where a temperature asks for chance
NO_SPEECH, UNLIKELY = 0.6, -1.0  # a window beyond both is noise, and its words are made up

_FRAMES_A_SECOND = 100
_TIMESTAMP_SECONDS = 0.02
_OPENING, _CLOSING = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"  # they belong to the word after, and before


@dataclass
class Passage:
    """A window of speech and what was found in it.

    language: None before it is known. tokens: what the model wrote, timestamps included. segments: numbered from 0.
    """

    window: Window
    task: str
    language: str | None
    tokens: list[int] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    avg_logprob: float = 0.0
    no_speech_prob: float = 0.0


@dataclass(frozen=True)
class _Spoken:
    """A word, and where its first token stands in the text tokens of the passage."""

    word: Word
    position: int


class Recogniser:
    """A loaded Whisper model. Passages of several recordings, languages and tasks go through it together."""

    def __init__(self, model: WhisperModel) -> None:
        self._model: Any = model
        self._most: int = model.max_length
        self._end: int = model.hf_tokenizer.token_to_id("<|endoftext|>")

    @property
    def device(self) -> str:
        return cast(str, self._model.model.device)

    @property
    def precision(self) -> str:
        return cast(str, self._model.model.compute_type)

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self._model.supported_languages)

    @property
    def window(self) -> float:
        """Seconds that the encoder takes at once: 30, but for models that were made with less."""
        return float(self._model.feature_extractor.chunk_length)

    def cut(self, prompt: str) -> int:
        """How many tokens of `prompt` will not fit: half of what the model can write is for it, less one mark."""
        return max(0, len(self._prompt_tokens(prompt)) - (self._most // 2 - 1))

    def recognise(self, passages: Sequence[Passage], *, prompt: str, temperature: float, words: bool) -> None:
        """Fill in what each passage lacks: its language, tokens and segments, with timed `words` where asked for."""
        features = np.stack([self._features(passage.window) for passage in passages])
        encoded = self._model.encode(features)
        self._find_languages(passages, encoded)
        self._write(passages, encoded, prompt, temperature)
        timed = self._time_words(passages, features, encoded) if words else {}
        for index, passage in enumerate(passages):
            if not (passage.no_speech_prob > NO_SPEECH and passage.avg_logprob < UNLIKELY):
                passage.segments = list(self._segments(passage, temperature, timed.get(index, []), words))

    def _features(self, window: Window) -> NDArray[np.float32]:
        """The spectrogram, of shape (mel bands, frames of the model's window): 3000 frames for 30 seconds."""
        extractor = self._model.feature_extractor
        spectrogram = extractor(window.samples.astype(np.float32) / 32768)
        return cast("NDArray[np.float32]", pad_or_trim(spectrogram[..., :-1], extractor.nb_max_frames))

    def _find_languages(self, passages: Sequence[Passage], encoded: Any) -> None:
        if all(passage.language for passage in passages):
            return
        for passage, chances in zip(passages, self._model.model.detect_language(encoded), strict=True):
            likeliest, _ = chances[0]
            passage.language = passage.language or likeliest.strip("<|>")

    def _write(self, passages: Sequence[Passage], encoded: Any, prompt: str, temperature: float) -> None:
        before = self._prompt_tokens(prompt)
        results = self._model.model.generate(
            encoded,
            [self._model.get_prompt(self._tokenizer(passage), before) for passage in passages],
            max_length=self._most,
            suppress_tokens=get_suppressed_tokens(self._tokenizer(passages[0]), [-1]),
            return_scores=True,
            return_no_speech_prob=True,
            **_search(temperature),
        )
        for passage, result in zip(passages, results, strict=True):
            passage.tokens = result.sequences_ids[0]
            # the score is a mean over what was written; Whisper's own mean counts the end mark too
            passage.avg_logprob = result.scores[0] * len(passage.tokens) / (len(passage.tokens) + 1)
            passage.no_speech_prob = result.no_speech_prob

    def _time_words(
        self, passages: Sequence[Passage], features: NDArray[np.float32], encoded: Any
    ) -> dict[int, list[_Spoken]]:
        """The words of each passage by its index. The aligner takes one language and task at a time."""
        groups: dict[tuple[str | None, str], list[int]] = defaultdict(list)
        for index, passage in enumerate(passages):
            if self._text(passage.tokens):
                groups[passage.language, passage.task].append(index)
        timed: dict[int, list[_Spoken]] = {}
        for group in groups.values():
            whole = len(group) == len(passages)
            part = encoded if whole else self._model.encode(features[group])
            timed |= zip(group, self._align([passages[index] for index in group], part), strict=True)
        return timed

    def _align(self, passages: Sequence[Passage], encoded: Any) -> Iterator[list[_Spoken]]:
        found = self._model.find_alignment(
            self._tokenizer(passages[0]),
            [self._text(passage.tokens) for passage in passages],
            encoded,
            [int(passage.window.seconds * _FRAMES_A_SECOND) for passage in passages],
        )
        for passage, timings in zip(passages, found, strict=True):
            merge_punctuations(timings, _OPENING, _CLOSING)
            yield list(_spoken(timings, passage.window))

    def _segments(self, passage: Passage, temperature: float, timed: list[_Spoken], words: bool) -> Iterator[Segment]:
        tokenizer, window = self._tokenizer(passage), passage.window
        number = position = 0
        for start, end, tokens in split_at_timestamps(passage.tokens, tokenizer.timestamp_begin, window.seconds):
            text = tokenizer.decode(tokens)
            following = position + len(self._text(tokens))
            spoken = [each.word for each in timed if position <= each.position < following]
            position = following
            if not text.strip():
                continue
            yield Segment(
                id=number,
                seek=round(window.start * _FRAMES_A_SECOND),
                start=spoken[0].start if spoken else round(window.start + start, 2),
                end=spoken[-1].end if spoken else round(window.start + end, 2),
                text=text,
                tokens=tokens,
                temperature=temperature,
                avg_logprob=passage.avg_logprob,
                compression_ratio=_compression(text),
                no_speech_prob=passage.no_speech_prob,
                words=spoken if words else None,
            )
            number += 1

    def _tokenizer(self, passage: Passage) -> Any:
        multilingual = self._model.model.is_multilingual
        return Tokenizer(self._model.hf_tokenizer, multilingual, task=passage.task, language=passage.language)

    def _prompt_tokens(self, prompt: str) -> list[int]:
        """Without marks such as <|translate|>: those are for us to set, not for the caller."""
        return self._text(self._model.hf_tokenizer.encode(f" {prompt}", add_special_tokens=False).ids) if prompt else []

    def _text(self, tokens: list[int]) -> list[int]:
        return [token for token in tokens if token < self._end]


def _search(temperature: float) -> dict[str, Any]:
    if temperature == 0:
        return {"beam_size": BEAMS}
    return {
        "beam_size": 1,
        "num_hypotheses": DRAWS,
        "sampling_topk": 0,
        "sampling_temperature": temperature,
    }


def split_at_timestamps(
    tokens: list[int], first_timestamp: int, seconds: float
) -> Iterator[tuple[float, float, list[int]]]:
    """(start, end, tokens) of what stands between timestamps, in seconds of the window, which is `seconds` long.

    Each segment keeps its timestamps. Text after the last one lasts until the end of the window.
    """
    start, part = 0.0, list[int]()
    for token in tokens:
        if token < first_timestamp:
            part.append(token)
            continue
        time = min((token - first_timestamp) * _TIMESTAMP_SECONDS, seconds)
        if any(earlier < first_timestamp for earlier in part):
            yield start, max(start, time), [*part, token]
            part = []
        else:
            part = [token]
        start = max(start, time)
    if any(token < first_timestamp for token in part):
        yield start, seconds, part


def _spoken(timings: list[dict[str, Any]], window: Window) -> Iterator[_Spoken]:
    """What is left of the aligner's words: some are spaces, or were merged into their neighbours."""
    position = 0
    for timing in timings:
        if word := timing["word"].strip():
            start, end = (round(window.start + min(timing[side], window.seconds), 2) for side in ("start", "end"))
            yield _Spoken(Word(word=word, start=start, end=end, probability=timing["probability"]), position)
        position += len(timing["tokens"])


def _compression(text: str) -> float:
    """How well the text packs: far above 2 it repeats itself."""
    data = text.encode()
    return len(data) / len(zlib.compress(data))
