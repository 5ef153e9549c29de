"""Voice-activity detection: speech is found, silence costs next to nothing, long speech is cut between words."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from faster_whisper.vad import get_speech_timestamps

from atelier.errors import UnreadableMedia
from atelier.media.recording import Recording
from atelier.media.voice import SpeechWindows, VoiceDetector, Window
from sounds import RATE, Samples, babble, encoded, silence, tone


def detect(samples: Samples, *, longest: float = 30, pause: float = 0.6, block: int = 30 * RATE) -> list[Window]:
    detector = VoiceDetector(longest=longest, pause=pause)
    found = [
        window for begin in range(0, len(samples), block) for window in detector.feed(samples[begin : begin + block])
    ]
    return found + detector.finish()


def test_speech_between_silences_is_one_window_a_little_wider() -> None:
    samples = np.concatenate([silence(3), babble(2), silence(3)])
    (window,) = detect(samples)
    assert 2.4 <= window.start <= 3.1
    assert 4.9 <= window.end <= 5.6
    begin = round(window.start * RATE)
    assert np.array_equal(window.samples, samples[begin : begin + len(window.samples)])


def test_it_agrees_with_the_library_about_where_speech_is() -> None:
    samples = np.concatenate([silence(1), babble(2), silence(2), babble(1.5), silence(1), babble(3), silence(0.1)])
    theirs = get_speech_timestamps(
        samples.astype(np.float32) / 32768, min_silence_duration_ms=600, speech_pad_ms=256, min_speech_duration_ms=90
    )
    ours = detect(samples)
    assert len(ours) == len(theirs) == 3
    for window, speech in zip(ours, theirs, strict=True):
        assert window.start == pytest.approx(speech["start"] / RATE, abs=0.05)
        assert window.end == pytest.approx(speech["end"] / RATE, abs=0.05)


@pytest.mark.parametrize("block", [333, 512, RATE, 7 * RATE])
def test_the_size_of_the_blocks_changes_nothing(block: int) -> None:
    samples = np.concatenate([silence(1), babble(5), silence(1), babble(1), silence(0.4), babble(4)])
    expected = detect(samples, longest=3)
    found = detect(samples, longest=3, block=block)
    assert len(expected) > 3
    assert [window.start for window in found] == [window.start for window in expected]
    for one, other in zip(found, expected, strict=True):
        assert np.array_equal(one.samples, other.samples)


def test_a_pause_ends_a_window_only_when_it_is_long_enough() -> None:
    samples = np.concatenate([babble(2), silence(1.5), babble(2), silence(1)])
    assert len(detect(samples, pause=1)) == 2
    assert len(detect(samples, pause=2)) == 1


def test_endless_speech_is_cut_where_the_voice_is_weakest_and_nothing_is_lost() -> None:
    sentence = np.concatenate([babble(2), silence(0.4)])
    samples = np.tile(sentence, 20)
    windows = detect(samples, longest=10, pause=2)
    assert len(windows) > 4
    assert all(window.seconds <= 10 for window in windows)
    for window, following in pairwise(windows):
        assert window.end == pytest.approx(following.start)
        into_sentence = window.end % 2.4
        assert into_sentence >= 1.9 or into_sentence <= 0.1, "cut inside a word"
    heard = np.concatenate([window.samples for window in windows])
    begin = round(windows[0].start * RATE)
    assert np.array_equal(heard, samples[begin : begin + len(heard)])
    assert windows[-1].end >= 47.5


def test_a_voice_that_never_pauses_is_still_cut() -> None:
    windows = detect(babble(20), longest=6, pause=1)
    assert len(windows) >= 3
    assert all(3 <= window.seconds <= 6 for window in windows[:-1])


def test_speech_at_the_very_end_is_not_lost() -> None:
    samples = np.concatenate([silence(2), babble(1.01)])
    (window,) = detect(samples)
    assert window.end == pytest.approx(len(samples) / RATE)


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(silence(20), id="silence"),
        pytest.param(tone(20), id="a tone"),
        pytest.param(np.random.default_rng(0).normal(0, 1500, 20 * RATE).astype(np.int16), id="noise"),
        pytest.param(silence(0.01), id="next to nothing"),
    ],
)
def test_what_is_not_speech_gives_no_window(samples: Samples) -> None:
    assert detect(samples) == []


def test_silence_is_not_kept() -> None:
    detector = VoiceDetector(longest=30, pause=3)
    quiet = silence(30)
    detector.feed(quiet)
    tracemalloc.start()
    try:
        for _ in range(20):
            assert detector.feed(quiet) == []
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 12e6  # a block of it as Silero wants it is 4 MB


def test_speech_windows_read_a_bounded_piece_at_a_time() -> None:
    recording = Recording(encoded(np.concatenate([silence(65), babble(2), silence(28)])))
    windows = SpeechWindows(recording, longest=30, pause=3)
    found, read = [], [0.0]
    while not windows.ended:
        found.append(windows.next())
        read.append(recording.duration)
    assert max(np.diff(read)) <= 31
    (window,) = [each for each in found if each is not None]
    assert window.start == pytest.approx(65, abs=0.6)
    assert recording.duration == 95
    assert windows.next() is None


def test_speech_windows_pass_on_that_a_recording_cannot_be_read() -> None:
    damaged = encoded(tone(1), "flac", "flac")[:100]
    with pytest.raises(UnreadableMedia):
        SpeechWindows(Recording(damaged), longest=30, pause=3).next()
