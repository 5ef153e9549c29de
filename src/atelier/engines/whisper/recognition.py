"""From windows of speech to segments of text: each pass is one batch through Whisper's encoder, decoder and aligner."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from faster_whisper.audio import pad_or_trim
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_compression_ratio, get_suppressed_tokens

from atelier.contracts.speech_to_text import Segment, TranscriptionRequest, Word
from atelier.engines.whisper.timing import last_word_end, time_words
from atelier.media.voice import Window

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from numpy.typing import NDArray

BEAMS = 5
DRAWS = 5  # sequences of which the likeliest is taken, where a temperature asks for chance
WARMER = (0.2, 0.4, 0.6, 0.8, 1.0)
"""What is tried after a temperature of 0, until the text is neither repetitive nor unlikely."""

REPETITIVE, UNLIKELY = 2.4, -1.0
NO_SPEECH = 0.6  # a pass beyond this and UNLIKELY is noise, and its words are made up

_FRAMES_A_SECOND = 100


@dataclass
class Passage:
    """A window of speech on its way through the model, and what the newest pass found.

    language: None before it is known. done: frames, of 10 ms, that are recognised: what a pass leaves unfinished at its
    end is heard again from its last timestamp on. tokens: what the model wrote, timestamps included. segments:
    numbered from 0.
    """

    window: Window
    task: str
    language: str | None
    done: int = 0
    tokens: list[int] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    spectrogram: NDArray[np.float32] | None = None
    last_word: float = 0.0

    @property
    def frames(self) -> int:
        assert self.spectrogram is not None
        return int(self.spectrogram.shape[-1]) - 1  # the last one is padding

    @property
    def ended(self) -> bool:
        return self.spectrogram is not None and self.done >= self.frames


@dataclass(frozen=True)
class _Attempt:
    tokens: list[int]
    temperature: float
    avg_logprob: float
    no_speech_prob: float
    compression_ratio: float

    @property
    def silent(self) -> bool:
        return self.no_speech_prob > NO_SPEECH and self.avg_logprob < UNLIKELY

    @property
    def repetitive(self) -> bool:
        return self.compression_ratio > REPETITIVE

    @property
    def poor(self) -> bool:
        return not self.silent and (self.repetitive or self.avg_logprob < UNLIKELY)


class Recogniser:
    """A loaded Whisper model. Passages of several recordings, languages and tasks go through it together.

    What it writes is what faster-whisper's own `transcribe` writes of the same window, without the text before it.
    """

    def __init__(self, model: WhisperModel) -> None:
        self._model: Any = model
        self._half: int = model.max_length // 2 - 1
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

    def cut(self, request: TranscriptionRequest) -> int:
        """How many tokens before the speech do not fit: half of what the model can write is theirs, less one mark."""
        return max(0, len(self._plain(request.hotwords)) + len(self._plain(request.prompt)) - self._half)

    def recognise(self, passages: Sequence[Passage], request: TranscriptionRequest) -> None:
        """One pass: what stands next in each, up to 30 seconds. `request` says what all have in common."""
        features = np.stack([self._features(passage) for passage in passages])
        encoded = self._model.encode(features)
        self._find_languages(passages, encoded)
        attempts = self._write(passages, features, encoded, request)
        found = [self._split(passage, attempt) for passage, attempt in zip(passages, attempts, strict=True)]
        if request.words:
            self._time(passages, [pieces for pieces, _, _ in found], features, encoded)
        for passage, attempt, (pieces, until, whole) in zip(passages, attempts, found, strict=True):
            passage.tokens = attempt.tokens
            passage.segments = list(self._segments(passage, attempt, pieces, request.words))
            self._advance(passage, pieces, until, request.words and not whole)

    def _features(self, passage: Passage) -> NDArray[np.float32]:
        """The rest of the spectrogram, of shape (mel bands, frames of the model's window); 3000 are 30 seconds."""
        extractor = self._model.feature_extractor
        if passage.spectrogram is None:
            passage.spectrogram = extractor(passage.window.samples.astype(np.float32) / 32768)
        rest = passage.spectrogram[:, passage.done : passage.frames]
        return cast("NDArray[np.float32]", pad_or_trim(rest, extractor.nb_max_frames))

    def _size(self, passage: Passage) -> int:
        return int(min(self._model.feature_extractor.nb_max_frames, passage.frames - passage.done))

    def _find_languages(self, passages: Sequence[Passage], encoded: Any) -> None:
        if all(passage.language for passage in passages):
            return
        for passage, chances in zip(passages, self._model.model.detect_language(encoded), strict=True):
            likeliest, _ = chances[0]
            passage.language = passage.language or likeliest.strip("<|>")

    def _write(
        self, passages: Sequence[Passage], features: NDArray[np.float32], encoded: Any, request: TranscriptionRequest
    ) -> list[_Attempt]:
        """The best of what the temperatures gave; most passages take the first and are done."""
        tried = [[attempt] for attempt in self._generate(passages, encoded, request, request.temperature)]
        for temperature in WARMER if request.temperature == 0 else ():
            poor = [index for index, attempts in enumerate(tried) if attempts[-1].poor]
            if not poor:
                break
            part = encoded if len(poor) == len(passages) else self._model.encode(features[poor])
            again = self._generate([passages[index] for index in poor], part, request, temperature)
            for index, attempt in zip(poor, again, strict=True):
                tried[index].append(attempt)
        return [_chosen(attempts) for attempts in tried]

    def _generate(
        self, passages: Sequence[Passage], encoded: Any, request: TranscriptionRequest, temperature: float
    ) -> list[_Attempt]:
        results = self._model.model.generate(
            encoded,
            [self._prompt(passage, request) for passage in passages],
            max_length=self._model.max_length,
            suppress_tokens=get_suppressed_tokens(self._tokenizer(passages[0]), [-1]),
            return_scores=True,
            return_no_speech_prob=True,
            **_search(temperature),
        )
        return [self._attempt(*each, temperature) for each in zip(passages, results, strict=True)]

    def _attempt(self, passage: Passage, result: Any, temperature: float) -> _Attempt:
        tokens = result.sequences_ids[0]
        return _Attempt(
            tokens,
            temperature,
            # the score is a mean over what was written; Whisper's own mean counts the end mark too
            avg_logprob=result.scores[0] * len(tokens) / (len(tokens) + 1),
            no_speech_prob=result.no_speech_prob,
            compression_ratio=get_compression_ratio(self._tokenizer(passage).decode(tokens).strip()),
        )

    def _split(self, passage: Passage, attempt: _Attempt) -> tuple[list[dict[str, Any]], int, bool]:
        """Segments in seconds of the window, the frame that the pass reached, and whether it reached its end.

        What stands after the last pair of timestamps is left for the next pass.
        """
        size = self._size(passage)
        if attempt.silent:
            return [], passage.done + size, True
        pieces, until, whole = self._model._split_segments_by_timestamps(
            tokenizer=self._tokenizer(passage),
            tokens=attempt.tokens,
            time_offset=passage.done / _FRAMES_A_SECOND,
            segment_size=size,
            segment_duration=size / _FRAMES_A_SECOND,
            seek=passage.done,
        )
        return pieces, until, whole

    def _time(
        self,
        passages: Sequence[Passage],
        pieces: Sequence[list[dict[str, Any]]],
        features: NDArray[np.float32],
        encoded: Any,
    ) -> None:
        """Give every piece its words. The aligner takes one language and task at a time."""
        groups: dict[tuple[str | None, str], list[int]] = defaultdict(list)
        for index, passage in enumerate(passages):
            if pieces[index]:
                groups[passage.language, passage.task].append(index)
        for group in groups.values():
            part = encoded if len(group) == len(passages) else self._model.encode(features[group])
            found = self._model.find_alignment(
                self._tokenizer(passages[group[0]]),
                [self._text([token for piece in pieces[index] for token in piece["tokens"]]) for index in group],
                part,
                [self._size(passages[index]) for index in group],
            )
            for index, timings in zip(group, found, strict=True):
                tokenizer = self._tokenizer(passages[index])
                time_words(pieces[index], timings, tokenizer, last_word=passages[index].last_word)

    def _segments(
        self, passage: Passage, attempt: _Attempt, pieces: Sequence[dict[str, Any]], words: bool
    ) -> Iterator[Segment]:
        tokenizer, window, number = self._tokenizer(passage), passage.window, 0
        for piece in pieces:
            text = tokenizer.decode(piece["tokens"])
            if piece["start"] == piece["end"] or not text.strip():
                continue
            yield Segment(
                id=number,
                seek=round(window.start * _FRAMES_A_SECOND) + passage.done,
                start=_in_recording(window, piece["start"]),
                end=_in_recording(window, piece["end"]),
                text=text,
                tokens=piece["tokens"],
                temperature=attempt.temperature,
                avg_logprob=attempt.avg_logprob,
                compression_ratio=attempt.compression_ratio,
                no_speech_prob=attempt.no_speech_prob,
                words=list(_words(window, piece)) if words else None,
            )
            number += 1

    def _advance(self, passage: Passage, pieces: Sequence[dict[str, Any]], until: int, by_words: bool) -> None:
        """Where the next pass begins: after the last word, where words are timed, and the end was not reached."""
        if pieces and "words" in pieces[0]:
            end = last_word_end(pieces)
            if by_words and end > passage.done / _FRAMES_A_SECOND:
                until = round(end * _FRAMES_A_SECOND)
            passage.last_word = end
        # A pass that got nowhere would be repeated for ever.
        passage.done = until if until > passage.done else passage.done + self._size(passage)

    def _tokenizer(self, passage: Passage) -> Any:
        multilingual = self._model.model.is_multilingual
        return Tokenizer(self._model.hf_tokenizer, multilingual, task=passage.task, language=passage.language)

    def _prompt(self, passage: Passage, request: TranscriptionRequest) -> list[int]:
        """Hotwords, then the end of the prompt, then what language and task are."""
        tokenizer = self._tokenizer(passage)
        hot = self._plain(request.hotwords)[: self._half]
        before = self._plain(request.prompt)
        before = hot + before[max(0, len(before) + len(hot) - self._half) :]
        return [*([tokenizer.sot_prev] if before else []), *before, *tokenizer.sot_sequence]

    def _plain(self, words: str) -> list[int]:
        """Without marks such as <|translate|>: those are for us to set, not for the caller."""
        return self._text(self._model.hf_tokenizer.encode(f" {words}", add_special_tokens=False).ids) if words else []

    def _text(self, tokens: list[int]) -> list[int]:
        return [token for token in tokens if token < self._end]


def _chosen(attempts: Sequence[_Attempt]) -> _Attempt:
    """The last one where it is good; else the likeliest, of those that do not repeat themselves if there are any."""
    if not attempts[-1].poor:
        return attempts[-1]
    likeliest = max(
        [attempt for attempt in attempts if not attempt.repetitive] or attempts, key=lambda attempt: attempt.avg_logprob
    )
    return replace(likeliest, temperature=attempts[-1].temperature)


def _search(temperature: float) -> dict[str, Any]:
    if temperature == 0:
        return {"beam_size": BEAMS}
    return {
        "beam_size": 1,
        "num_hypotheses": DRAWS,
        "sampling_topk": 0,
        "sampling_temperature": temperature,
    }


def _words(window: Window, piece: dict[str, Any]) -> Iterator[Word]:
    for timed in piece["words"]:
        if word := timed["word"].strip():
            start, end = (_in_recording(window, timed[side]) for side in ("start", "end"))
            yield Word(word=word, start=start, end=end, probability=timed["probability"])


def _in_recording(window: Window, seconds: float) -> float:
    return round(window.start + min(seconds, window.seconds), 2)
