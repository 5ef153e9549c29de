"""The miniature Whisper understands what espeak-ng says of the small world: a fixed sample, judged by words wrong."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from atelier.contracts.engine import ModelSource
from atelier.contracts.speech_to_text import TranscriptionRequest
from atelier.engines.whisper import WhisperEngine
from atelier.errors import InvalidRequest
from evaluate_whisper import Saying, held_out_sentences, listen, load, sayings, transcribe, word_error_rate
from sounds import Samples, encoded, silence
from speech import RATE, UNHEARD, Narrator

FOLDER = Path(__file__).parents[2] / "src/atelier/models/mini/whisper"


@pytest.fixture(scope="module")
def engine() -> WhisperEngine:
    return load(FOLDER)


@pytest.fixture(scope="module")
def narrator() -> Iterator[Narrator]:
    narrator = Narrator()
    yield narrator
    narrator.close()


def test_held_out_sentences_in_four_voices_at_three_speeds(engine: WhisperEngine, narrator: Narrator) -> None:
    said = sayings(held_out_sentences(), ["en-us", "nova", "onyx", "en-gb"], 24)
    assert word_error_rate(listen(engine, narrator, said)) <= 0.05


def test_a_voice_that_training_never_heard(engine: WhisperEngine, narrator: Narrator) -> None:
    said = sayings(held_out_sentences(), [UNHEARD], 12, seed=1)
    assert word_error_rate(listen(engine, narrator, said)) <= 0.10


def test_numbers_and_colours_by_themselves(engine: WhisperEngine, narrator: Narrator) -> None:
    texts = ["seven", "zero", "fifteen", "twenty", "purple", "grey", "red, green, blue", "three four"]
    said = [Saying(text, voice, 1.0) for text in texts for voice in ("alloy", "shimmer")]
    assert word_error_rate(listen(engine, narrator, said)) <= 0.10


def test_two_sentences_are_heard_as_two_segments(engine: WhisperEngine, narrator: Narrator) -> None:
    first, second = "a large green star", "a small black ring"
    samples = [narrator.say(text, "alloy", 1.0) for text in (first, second)]
    joined = np.concatenate([silence(1), samples[0], silence(0.5), samples[1], silence(1)])
    (result,) = transcribe(engine, [encoded(joined)])
    assert result.text == f"{first} {second}"
    assert result.language == "en"
    assert [segment.text for segment in result.segments] == [f" {first}", f" {second}"]
    pause = (1 + len(samples[0]) / RATE, 1.5 + len(samples[0]) / RATE)
    assert result.segments[0].end == pytest.approx(pause[0], abs=0.15)
    assert result.segments[1].start == pytest.approx(pause[1], abs=0.15)


def test_words_are_timed_where_they_are_spoken(engine: WhisperEngine, narrator: Narrator) -> None:
    said = ["yellow", "circle", "twelve", "background"]
    samples, spoken = apart([narrator.say(word, "echo", 1.0) for word in said])
    (result,) = transcribe(engine, [encoded(samples)], words=True)
    words = [word for segment in result.segments for word in segment.words or ()]
    assert [word.word.strip(",") for word in words] == said
    assert all(earlier.end <= later.start + 0.01 for earlier, later in pairwise(words))
    for word, (start, end) in zip(words, spoken, strict=True):
        assert max(word.start, start) < min(word.end, end), f"{word} was spoken from {start:.2f} to {end:.2f}"


def apart(samples: list[Samples]) -> tuple[Samples, list[tuple[float, float]]]:
    """The pieces with silence between them, and when each is heard."""
    parts, times, position = [silence(0.5)], [], 0.5
    for piece in samples:
        parts += [piece, silence(0.3)]
        times.append((position, position + len(piece) / RATE))
        position = times[-1][1] + 0.3
    return np.concatenate(parts), times


def test_noise_is_no_text(engine: WhisperEngine) -> None:
    noise = np.random.default_rng(0).normal(0, 500, 3 * RATE).astype(np.int16)
    results = transcribe(engine, [encoded(noise), encoded(silence(3))])
    assert [result.text for result in results] == ["", ""]


def test_a_prompt_does_no_harm(engine: WhisperEngine, narrator: Narrator) -> None:
    text = "a small red circle on the left of a blue background"
    audio = narrator.record(text, "nova", 1.0)
    run = engine.start(TranscriptionRequest(audio=audio, prompt="a large white star"))
    while not run.done:
        engine.step([run])
    engine.close(run)
    assert run.outputs[-1].text == text  # type: ignore[union-attr]


def test_it_knows_english_only(engine: WhisperEngine, narrator: Narrator) -> None:
    assert engine.info().languages == ("en",)
    with pytest.raises(InvalidRequest):
        engine.start(TranscriptionRequest(audio=narrator.record("red", "en-us", 1.0), language="de"))


def test_it_is_loaded_as_every_other_whisper_is() -> None:
    engine = WhisperEngine(ModelSource("atelier-mini-whisper", folder=FOLDER, note="a miniature"))
    engine.load()
    assert engine.info().note == "a miniature"
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 15_000_000
