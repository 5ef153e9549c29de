"""Sound: every format, whole and streamed, decoded again by FFmpeg and compared with what went in."""

from __future__ import annotations

import io
import struct
import threading
import wave
from typing import get_args

import av
import numpy as np
import pytest

from atelier.contracts.text_to_speech import AudioFormat
from atelier.media.sound import PCM_RATE, SoundEncoder, stretch

FORMATS = get_args(AudioFormat)
LOSSLESS = ("wav", "flac")
RATE = 22_050
SECONDS = 3


def tone(seconds, rate=RATE, hertz=440):
    return (10_000 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.int16)


def encoded(samples, response_format, rate=RATE, *, streamed, piece=2_000):
    """The bytes before `finish`, a list of one entry for each piece fed in, and those of `finish`."""
    encoder = SoundEncoder(response_format, rate, streamed=streamed)
    ready = [encoder.encode(samples[start : start + piece]) for start in range(0, len(samples), piece)]
    return ready, encoder.finish()


def decoded(data, response_format):
    """Samples as floats of int16's range, and their rate."""
    if response_format == "pcm":
        return np.frombuffer(data, "<i2").astype(float), PCM_RATE
    with av.open(io.BytesIO(data)) as container:
        frames = list(container.decode(audio=0))
    scale = 32_768 if frames[0].format.name.startswith("flt") else 1
    assert {frame.layout.nb_channels for frame in frames} == {1}
    return np.concatenate([frame.to_ndarray()[0].astype(float) * scale for frame in frames]), frames[0].sample_rate


def pitch(samples, rate):
    """The strongest frequency, in hertz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return spectrum.argmax() * rate / len(samples)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("rate", [16_000, 22_050, 24_000, 37_000])
@pytest.mark.parametrize("response_format", FORMATS)
def test_comes_back_with_its_length_its_pitch_and_its_loudness(response_format, rate, streamed):
    samples = tone(SECONDS, rate)
    ready, rest = encoded(samples, response_format, rate, streamed=streamed)
    heard, heard_rate = decoded(b"".join(ready) + rest, response_format)
    assert len(heard) / heard_rate == pytest.approx(SECONDS, abs=0.060)
    assert pitch(heard, heard_rate) == pytest.approx(440, abs=1)
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(10_000 / np.sqrt(2), rel=0.07)  # LAME turns down by 5 %
    assert heard_rate == SoundEncoder(response_format, rate, streamed=streamed).sample_rate


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("count", [1, 999, 4_608, 40_001])
@pytest.mark.parametrize("response_format", LOSSLESS)
def test_lossless_formats_give_back_exactly_the_samples(response_format, count, streamed):
    samples = np.random.default_rng(1).integers(-32_768, 32_768, count).astype(np.int16)
    ready, rest = encoded(samples, response_format, streamed=streamed)
    heard, _ = decoded(b"".join(ready) + rest, response_format)
    assert np.array_equal(heard.astype(np.int16), samples)


@pytest.mark.parametrize("response_format", FORMATS)
def test_streamed_bytes_leave_early_and_all_the_time(response_format):
    ready, rest = encoded(tone(SECONDS), response_format, streamed=True)
    before = sum(map(len, ready))
    assert any(ready[:5])  # within the first half second
    assert before > 0.85 * (before + len(rest))
    longest_wait = max(map(len, "".join("x" if piece else "." for piece in ready).split("x")))
    assert longest_wait <= 2  # pieces of a tenth of a second


@pytest.mark.parametrize("response_format", FORMATS)
def test_whole_files_come_at_the_end(response_format):
    ready, rest = encoded(tone(SECONDS), response_format, streamed=False)
    assert not any(ready)
    assert rest


def test_a_whole_wav_says_its_length_and_a_streamed_one_says_unknown():
    _, whole = encoded(tone(1), "wav", streamed=False)
    with wave.open(io.BytesIO(whole)) as file:
        assert (file.getnframes(), file.getframerate(), file.getnchannels()) == (RATE, RATE, 1)
    assert struct.unpack("<I", whole[4:8]) == (len(whole) - 8,)
    ready, rest = encoded(tone(1), "wav", streamed=True)
    assert struct.unpack("<I", ready[0][4:8]) == struct.unpack("<I", ready[0][40:44]) == (0xFFFFFFFF,)
    assert rest == b""


@pytest.mark.parametrize("response_format", ["flac", "mp3"])
def test_a_whole_file_says_its_length_in_its_header(response_format):
    _, whole = encoded(tone(SECONDS), response_format, streamed=False)
    with av.open(io.BytesIO(whole)) as container:
        stream = container.streams.audio[0]
        assert float(stream.duration * stream.time_base) == pytest.approx(SECONDS, abs=0.030)


def test_pcm_is_bare_samples_at_24_khz():
    samples = tone(1, PCM_RATE)
    ready, rest = encoded(samples, "pcm", PCM_RATE, streamed=True)
    assert b"".join(ready) + rest == samples.astype("<i2").tobytes()
    ready, rest = encoded(tone(1), "pcm", streamed=True)
    assert len(b"".join(ready) + rest) == pytest.approx(2 * PCM_RATE, abs=4)


@pytest.mark.parametrize("response_format", ["mp3", "opus", "aac"])
def test_lossy_formats_are_much_smaller(response_format):
    samples = tone(SECONDS)
    _, whole = encoded(samples, response_format, streamed=False)
    assert len(whole) < samples.nbytes / 4


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("response_format", FORMATS)
def test_the_same_sound_is_the_same_bytes(response_format, streamed):
    assert encoded(tone(1), response_format, streamed=streamed) == encoded(tone(1), response_format, streamed=streamed)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("response_format", FORMATS)
def test_no_sound_at_all_is_no_failure(response_format, streamed):
    encoder = SoundEncoder(response_format, RATE, streamed=streamed)
    assert encoder.encode(np.zeros(0, np.int16)) == b""
    assert len(encoder.finish()) < 1_000


def test_takes_samples_that_are_read_only_or_not_side_by_side():
    samples = tone(1)
    doubled = np.repeat(samples, 2)[::2]
    doubled.flags.writeable = False
    assert encoded(doubled, "flac", streamed=False) == encoded(samples, "flac", streamed=False)


def test_encoders_work_side_by_side_in_other_threads():
    alone = {name: encoded(tone(1), name, streamed=False) for name in FORMATS}
    together = {}

    def work(name):
        together[name] = encoded(tone(1), name, streamed=False)

    threads = [threading.Thread(target=work, args=(name,)) for name in FORMATS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


@pytest.mark.parametrize("tempo", [0.5, 0.547, 0.9, 1.0, 1.3, 1.75, 2.0])
@pytest.mark.parametrize("count", [100, 3_000, 44_100])
def test_stretch_changes_the_length_exactly_and_the_pitch_not_at_all(tempo, count):
    stretched = stretch(tone(count / RATE), RATE, tempo)
    assert stretched.dtype == np.int16
    assert len(stretched) == round(count / tempo)
    if count > 1_000:
        assert np.abs(stretched[-len(stretched) // 20 :]).max() > 3_000  # the end is not lost
    if count > 40_000:
        assert pitch(stretched, RATE) == pytest.approx(440, abs=2)
