"""pocketsphinx: what it recognises of real speech, and that nobody hears what somebody else said."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from atelier.contracts.engine import ModelSource, Run
from atelier.contracts.speech_to_text import TranscribedSegment, TranscriptionRequest, TranscriptionResult
from atelier.engines.pocketsphinx_english import PocketsphinxEngine
from atelier.errors import InvalidRequest, UnreadableMedia
from sounds import Samples, Sentence, babble, encoded, read_aloud, silence

MOST_WRONG = 0.40


@pytest.fixture(scope="module")
def sentences() -> list[Sentence]:
    return read_aloud()


@pytest.fixture(scope="module")
def engine() -> Iterator[PocketsphinxEngine]:
    engine = PocketsphinxEngine(ModelSource("pocketsphinx-en-us", note="small"))
    engine.load()
    yield engine
    engine.unload()


def finish(engine: PocketsphinxEngine, runs: Sequence[Run]) -> list[TranscriptionResult]:
    """Step the runs together to their ends."""
    while going := [run for run in runs if not run.done]:
        engine.step(going)
        for run in going:
            if run.error:
                raise run.error
    for run in runs:
        engine.close(run)
    return [result for run in runs if isinstance(result := run.outputs[-1], TranscriptionResult)]


def recognise(engine: PocketsphinxEngine, audio: bytes, **settings: object) -> TranscriptionResult:
    (result,) = finish(engine, [engine.start(TranscriptionRequest(audio=audio, **settings))])
    return result


def wrong_words(said: list[str], heard: list[str]) -> int:
    """The edit distance: words missed, added and mistaken."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(said, 1):
        diagonal, row[0] = row[0], number
        for place, other in enumerate(heard, 1):
            diagonal, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, diagonal + (word != other))
    return row[-1]


def test_real_speech_is_recognised(engine: PocketsphinxEngine, sentences: list[Sentence]) -> None:
    runs = [engine.start(TranscriptionRequest(audio=sentence.file)) for sentence in sentences]
    texts = [result.text.split() for result in finish(engine, runs)]
    wrong = sum(wrong_words(sentence.words, text) for sentence, text in zip(sentences, texts, strict=True))
    said = sum(len(sentence.words) for sentence in sentences)
    assert said > 60
    assert wrong / said <= MOST_WRONG


def test_the_result_names_language_duration_and_what_it_cost(
    engine: PocketsphinxEngine, sentences: list[Sentence]
) -> None:
    result = recognise(engine, sentences[1].file, language="en-GB")
    assert (result.model, result.language, result.task) == ("pocketsphinx-en-us", "en", "transcribe")
    assert result.duration == result.usage.audio_seconds == result.usage.units == pytest.approx(2.99, abs=0.01)
    assert result.text.startswith("he was not")  # the dictionary has this "was" as "was(2)"
    assert result.text == result.text.lower()
    assert not set(result.text) & set("<>[]+()0123456789")
    assert "".join(segment.text for segment in result.segments).strip() == result.text
    assert all(-10 < segment.avg_logprob < 0 for segment in result.segments)


def test_words_are_timed_where_asked_for(engine: PocketsphinxEngine, sentences: list[Sentence]) -> None:
    pause = np.concatenate([silence(5), _samples(sentences[4]), silence(1), _samples(sentences[1])])
    result = recognise(engine, encoded(pause), words=True)
    assert len(result.segments) == 2
    for segment in result.segments:
        assert segment.words
        assert [word.word for word in segment.words] == segment.text.split()
        times = [time for word in segment.words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert segment.start <= times[0]
        assert times[-1] <= segment.end
        assert all(0 < (word.probability or 0) <= 1 for word in segment.words)
    first, second = result.segments
    assert first.start == pytest.approx(5.2, abs=0.2)
    assert second.start == pytest.approx(5 + 3.29 + 1 + 0.2, abs=0.2)
    assert recognise(engine, sentences[4].file).segments[0].words is None


def test_partials_come_window_by_window_and_add_up(engine: PocketsphinxEngine, sentences: list[Sentence]) -> None:
    audio = encoded(np.concatenate([np.append(_samples(sentence), silence(2)) for sentence in sentences[-1:] * 3]))
    run = engine.start(TranscriptionRequest(audio=audio))
    progress, after_each_step = [run.progress], []
    while not run.done:
        engine.step([run])
        progress.append(run.progress)
        after_each_step.append(sum(isinstance(output, TranscribedSegment) for output in run.outputs))
    *partials, result = run.outputs
    assert isinstance(result, TranscriptionResult)
    assert [partial.segment for partial in partials if isinstance(partial, TranscribedSegment)] == result.segments
    assert [segment.id for segment in result.segments] == [0, 1, 2]
    assert {later - earlier for earlier, later in itertools.pairwise(after_each_step)} <= {0, 1}
    delivered = [partial.delivered.audio_seconds for partial in partials if isinstance(partial, TranscribedSegment)]
    assert 0 < delivered[0] < delivered[1] < delivered[2] <= result.duration
    assert progress == sorted(progress)
    assert progress[-1] == 1


def test_what_was_heard_before_changes_nothing(engine: PocketsphinxEngine, sentences: list[Sentence]) -> None:
    def fresh(sentence: Sentence) -> TranscriptionResult:
        other = PocketsphinxEngine(ModelSource("pocketsphinx-en-us"))
        other.load()
        return recognise(other, sentence.file, words=True)

    first, second = sentences[1], sentences[4]
    recognise(engine, sentences[0].file)
    assert recognise(engine, first.file, words=True) == fresh(first)
    recognise(engine, encoded(babble(1, pitch=200)))
    assert recognise(engine, second.file, words=True) == fresh(second)


def test_runs_that_take_turns_get_what_they_get_alone(engine: PocketsphinxEngine, sentences: list[Sentence]) -> None:
    longer = np.concatenate([_samples(sentences[4]), silence(1), _samples(sentences[1])])
    files = [encoded(longer), encoded(silence(40)), sentences[4].file]
    requests = [TranscriptionRequest(audio=file, words=True) for file in files]
    alone = [finish(engine, [engine.start(request)])[0] for request in requests]
    assert finish(engine, [engine.start(request) for request in requests]) == alone


def test_one_run_that_fails_leaves_the_others_alone(engine: PocketsphinxEngine, sentences: list[Sentence]) -> None:
    broken = engine.start(TranscriptionRequest(audio=encoded(silence(1))[:-32_000]))
    sound = engine.start(TranscriptionRequest(audio=sentences[4].file))
    engine.step([broken, sound])
    assert isinstance(broken.error, UnreadableMedia)
    engine.close(broken)
    assert finish(engine, [sound])[0].text


@pytest.mark.parametrize("container", ["flac", "ogg"])
def test_other_kinds_of_file_are_heard_as_well(
    engine: PocketsphinxEngine, sentences: list[Sentence], container: str
) -> None:
    codec = {"flac": "flac", "ogg": "libopus"}[container]
    result = recognise(engine, encoded(_samples(sentences[4]), container, codec))
    assert wrong_words(sentences[4].words, result.text.split()) <= 3


def test_twenty_minutes_of_silence_are_no_text_in_bounded_steps_and_memory(engine: PocketsphinxEngine) -> None:
    run = engine.start(TranscriptionRequest(audio=encoded(silence(1200), "flac", "flac")))
    heard = [0.0]
    tracemalloc.start()
    try:
        while not run.done:
            engine.step([run])
            heard.append(run.progress * 1200)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert max(np.diff(heard)) <= 31
    assert most < 20e6  # its samples are 38 MB
    (result,) = run.outputs
    assert isinstance(result, TranscriptionResult)
    assert (result.text, result.segments, result.duration) == ("", [], 1200)


def test_vowels_without_words_do_not_break_it(engine: PocketsphinxEngine) -> None:
    assert recognise(engine, encoded(babble(0.5))).duration == 0.5


def test_a_window_is_never_longer_than_the_decoder_should_take(engine: PocketsphinxEngine) -> None:
    result = recognise(engine, encoded(babble(14)))
    assert all(segment.end - segment.start <= 12 for segment in result.segments)
    assert result.duration == 14


def test_translating_english_is_transcribing_it(engine: PocketsphinxEngine, sentences: list[Sentence]) -> None:
    heard = recognise(engine, sentences[4].file)
    translated = recognise(engine, sentences[4].file, task="translate")
    assert (translated.text, translated.task) == (heard.text, "translate")


@pytest.mark.parametrize("language", ["de", "fr-CA", "enm"])
def test_other_languages_are_refused(engine: PocketsphinxEngine, language: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^language: this recogniser knows English") as refused:
        engine.start(TranscriptionRequest(audio=b"", language=language))
    assert refused.value.field == "language"


@pytest.mark.parametrize("audio", [b"", b"not a recording"])
def test_what_is_no_recording_is_refused(engine: PocketsphinxEngine, audio: bytes) -> None:
    with pytest.raises(UnreadableMedia) as refused:
        engine.start(TranscriptionRequest(audio=audio))
    assert refused.value.field == "file"


def test_a_prompt_is_left_out_and_that_is_said(engine: PocketsphinxEngine) -> None:
    run = engine.start(TranscriptionRequest(audio=encoded(silence(1)), prompt="Dashwood"))
    assert run.warnings == ["this recogniser takes no prompt: it was left out"]
    engine.close(run)


def test_a_damaged_tail_is_told(engine: PocketsphinxEngine, sentences: list[Sentence]) -> None:
    file = encoded(_samples(sentences[4]), "flac", "flac")
    run = engine.start(TranscriptionRequest(audio=file[: len(file) // 2] + bytes(5000)))
    (result,) = finish(engine, [run])
    assert 1 < result.duration < 3.2
    assert run.warnings == ["the recording is damaged: what could be read of it was recognised"]


def test_cancelling_midway_frees_the_recording(engine: PocketsphinxEngine) -> None:
    run = engine.start(TranscriptionRequest(audio=encoded(silence(120))))
    engine.step([run])
    assert not run.done
    engine.close(run)
    assert run.recording.closed  # type: ignore[attr-defined]


def test_info_says_what_it_is_and_loading_again_changes_nothing(engine: PocketsphinxEngine) -> None:
    engine.load()
    info = engine.info()
    assert (info.model, info.device, info.languages, info.note) == ("pocketsphinx-en-us", "cpu", ("en",), "small")
    assert 0 < engine.cost(TranscriptionRequest(audio=b"")) <= 0.5


def _samples(sentence: Sentence) -> Samples:
    return np.frombuffer(sentence.file[44:], "<i2")  # 16 kHz, mono, behind the plainest of headers
