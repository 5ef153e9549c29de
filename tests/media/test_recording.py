"""Recordings: every kind of file, and everything that only looks like one."""

from __future__ import annotations

import io
import subprocess
import sys
import tracemalloc
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from atelier.errors import TooLarge, UnreadableMedia
from atelier.media.recording import Recording
from sounds import RATE, Samples, encoded, silence, tone

KINDS = {
    "telephone wav": ("wav", "pcm_s16le", 8_000, "stereo"),
    "float wav": ("wav", "pcm_f32le", 48_000, "mono"),
    "surround wav": ("wav", "pcm_s16le", 48_000, "5.1"),
    "mp3": ("mp3", "mp3", 44_100, "stereo"),
    "ogg opus": ("ogg", "libopus", 48_000, "mono"),
    "flac": ("flac", "flac", 44_100, "stereo"),
    "m4a": ("ipod", "aac", 44_100, "stereo"),
    "webm": ("webm", "libopus", 48_000, "mono"),
    "aiff": ("aiff", "pcm_s16be", 22_050, "mono"),
    "aac": ("adts", "aac", 32_000, "mono"),
}


def whole(recording: Recording) -> Samples:
    return np.concatenate(list(recording.blocks()))


def pitch(samples: Samples) -> float:
    spectrum = np.abs(np.fft.rfft(samples))
    return float(spectrum.argmax() * RATE / len(samples))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_becomes_mono_16_khz(kind: str) -> None:
    container, codec, rate, layout = KINDS[kind]
    recording = Recording(encoded(tone(3, rate=rate), container, codec, rate=rate, layout=layout))
    samples = whole(recording)
    assert samples.dtype == np.int16
    assert samples.ndim == 1
    assert recording.duration == len(samples) / RATE == pytest.approx(3, abs=0.1)
    middle = samples[RATE : 2 * RATE]
    assert pitch(middle) == pytest.approx(440, abs=2)
    assert 2000 < np.abs(middle).max() < 9000  # 8000, less where it is one of six channels
    assert not recording.damaged


def test_another_rate_can_be_asked_for() -> None:
    recording = Recording(encoded(tone(3, rate=44_100), "wav", "pcm_s16le", rate=44_100), sample_rate=22_050)
    samples = whole(recording)
    assert len(samples) == pytest.approx(3 * 22_050, abs=50)
    assert recording.duration == pytest.approx(3, abs=0.01)
    assert pitch(samples) * 22_050 / RATE == pytest.approx(
        pitch(whole(Recording(encoded(tone(3), "wav", "pcm_s16le")))), rel=0.01
    )


def test_the_sound_of_a_video_is_heard() -> None:
    sink = io.BytesIO()
    with av.open(sink, "w", format="mp4") as output:
        pictures, sound = output.add_stream("mpeg4", rate=10), output.add_stream("aac", rate=RATE, layout="mono")
        pictures.width, pictures.height, pictures.pix_fmt = 64, 64, "yuv420p"
        for number in range(20):
            picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), number, np.uint8), format="rgb24")
            output.mux(pictures.encode(picture))
        frame = av.AudioFrame.from_ndarray(tone(2)[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        output.mux(sound.encode(frame))
        output.mux(pictures.encode(None))
        output.mux(sound.encode(None))
    samples = whole(Recording(sink.getvalue()))
    assert pitch(samples[: 2 * RATE]) == pytest.approx(440, abs=2)


def test_blocks_are_equally_long_but_the_last() -> None:
    recording = Recording(encoded(tone(3.25)))
    blocks = list(recording.blocks(seconds=1))
    assert [len(block) for block in blocks] == [RATE, RATE, RATE, RATE // 4]
    assert np.array_equal(np.concatenate(blocks), tone(3.25))


def test_duration_and_progress_grow_while_it_is_read() -> None:
    recording = Recording(encoded(tone(4)))
    assert (recording.duration, recording.progress) == (0, 0)
    blocks = recording.blocks(seconds=1)
    next(blocks)
    assert 1 <= recording.duration < 2
    assert recording.progress == pytest.approx(recording.duration / 4)
    assert len(list(blocks)) == 3
    assert (recording.duration, recording.progress) == (4, 1)


def test_half_an_hour_takes_no_more_memory_than_a_minute() -> None:
    file = encoded(silence(1800), "flac", "flac")
    tracemalloc.start()
    try:
        for _ in Recording(file).blocks():
            pass
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 5e6  # all of it would be 58 MB


def test_a_streamed_wav_that_does_not_know_its_length_is_read_to_its_end() -> None:
    file = bytearray(encoded(tone(3)))
    data = file.index(b"data")
    file[4:8] = file[data + 4 : data + 8] = b"\xff\xff\xff\xff"
    recording = Recording(bytes(file))
    assert len(whole(recording)) == 3 * RATE


def test_a_file_glued_from_two_rates_is_read_through() -> None:
    halves = [encoded(tone(2, rate=rate), "adts", "aac", rate=rate) for rate in (16_000, 44_100)]
    recording = Recording(b"".join(halves))
    samples = whole(recording)
    assert recording.duration == pytest.approx(4, abs=0.3)
    assert pitch(samples[-RATE - 4_000 : -4_000]) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("kind", ["telephone wav", "mp3", "ogg opus", "flac", "webm"])
def test_a_recording_cut_short_gives_what_it_has(kind: str) -> None:
    container, codec, rate, layout = KINDS[kind]
    file = encoded(tone(6, rate=rate), container, codec, rate=rate, layout=layout)
    recording = Recording(file[: len(file) // 2])
    whole(recording)
    assert 1 < recording.duration < 4


@pytest.mark.parametrize("kind", ["mp3", "flac"])
def test_a_damaged_tail_is_left_out_and_told(kind: str) -> None:
    container, codec, rate, layout = KINDS[kind]
    file = encoded(tone(6, rate=rate), container, codec, rate=rate, layout=layout)
    noise = np.random.default_rng(0).bytes(len(file) // 2)
    recording = Recording(file[: len(file) // 2] + noise)
    whole(recording)
    assert recording.damaged
    assert 1 < recording.duration < 4


def test_damage_writes_nothing_to_stderr() -> None:
    script = (
        "import sys, numpy as np\n"
        "from atelier.media.recording import Recording\n"
        "data = bytearray(sys.stdin.buffer.read())\n"
        "data[len(data)//2:] = np.random.default_rng(0).bytes(len(data) - len(data)//2)\n"
        "recording = Recording(bytes(data))\n"
        "sum(map(len, recording.blocks()))\n"
        "assert recording.damaged\n"
    )
    file = encoded(tone(3, rate=44_100), "mp3", "mp3", rate=44_100)
    ran = subprocess.run([sys.executable, "-c", script], input=file, capture_output=True, check=True)
    assert ran.stderr == b""


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"Dear Sir, please find the minutes below. " * 500, id="a text called .wav"),
        pytest.param(b"\x00" * 100_000, id="zeros"),
        pytest.param(np.random.default_rng(1).bytes(300_000), id="noise"),
        pytest.param(encoded(tone(1))[:20], id="half a header"),
        pytest.param(encoded(tone(3), "ipod", "aac")[:5_000], id="m4a without its index"),
        pytest.param(b"%PDF-1.7\n" + b"0 0 obj\n" * 1000, id="a document"),
    ],
)
def test_what_is_no_recording_is_refused_with_the_remedy(file: bytes) -> None:
    with pytest.raises(UnreadableMedia, match=r"^file: .*send wav, mp3, m4a") as refused:
        whole(Recording(file))
    assert refused.value.field == "file"


def test_the_field_is_the_callers() -> None:
    with pytest.raises(UnreadableMedia, match=r"^voice: ") as refused:
        Recording(b"", field="voice")
    assert refused.value.field == "voice"


def test_a_video_without_sound_is_refused() -> None:
    sink = io.BytesIO()
    with av.open(sink, "w", format="mp4") as output:
        pictures = output.add_stream("mpeg4", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 64, "yuv420p"
        output.mux(pictures.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
        output.mux(pictures.encode(None))
    with pytest.raises(UnreadableMedia, match="no sound in it"):
        Recording(sink.getvalue())


def test_a_recording_of_no_samples_is_refused() -> None:
    with pytest.raises(UnreadableMedia, match="empty or damaged"):
        whole(Recording(_wav(b"")))


@pytest.mark.parametrize("rate", [1_000, 2_000_000_000])
def test_absurd_rates_are_refused(rate: int) -> None:
    with pytest.raises(UnreadableMedia, match=f"{rate} samples a second"):
        whole(Recording(_wav(b"\x01\x00" * 1000, rate=rate)))


def test_more_channels_than_can_be_mixed_are_refused() -> None:
    with pytest.raises(UnreadableMedia, match="16 channels"):
        whole(Recording(_wav(b"\x01\x00" * 16_000, channels=16)))


def test_too_long_a_recording_is_refused_before_it_is_decoded() -> None:
    file = encoded(silence(61), "flac", "flac")
    with pytest.raises(
        TooLarge, match=r"^file: the recording is longer than 0.0167 hours; send it in parts"
    ) as refused:
        Recording(file, longest=60)
    assert refused.value.field == "file"
    assert len(whole(Recording(file, longest=61))) == 61 * RATE


def test_a_length_that_is_not_announced_is_measured() -> None:
    file = bytearray(encoded(silence(61), "flac", "flac"))
    file[21] &= 0xF0  # the number of samples in the header: unknown
    file[22:26] = bytes(4)
    recording = Recording(bytes(file), longest=60)
    with pytest.raises(TooLarge):
        whole(recording)


def test_four_hours_is_the_limit_where_none_is_given() -> None:
    with pytest.raises(TooLarge, match="longer than 4 hours"):
        Recording(_wav(bytes(2 * 4_000 * (4 * 3600 + 1)), rate=4_000))


PLAYLISTS = {
    "concat": "ffconcat version 1.0\nfile secret.wav\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{folder}/secret.wav\n#EXT-X-ENDLIST\n",
    "hls with a scheme": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{folder}/secret.wav\n#EXT-X-ENDLIST\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" mediaPresentationDuration="PT3S"><Period><AdaptationSet '
    'mimeType="audio/mp4"><Representation id="1" bandwidth="1000"><BaseURL>{folder}/secret.wav</BaseURL>'
    "</Representation></AdaptationSet></Period></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
}


@pytest.mark.parametrize("kind", PLAYLISTS)
def test_a_playlist_opens_no_other_file(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret.wav").write_bytes(encoded(tone(3)))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnreadableMedia):
        whole(Recording(PLAYLISTS[kind].format(folder=tmp_path).encode()))


def test_ffmpeg_left_to_itself_would_open_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the test above would not notice: that FFmpeg had stopped doing so anyway."""
    (tmp_path / "secret.wav").write_bytes(encoded(tone(3)))
    monkeypatch.chdir(tmp_path)
    with av.open(io.BytesIO(PLAYLISTS["concat"].encode())) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) == 3 * RATE


def test_close_frees_the_decoder_and_may_be_repeated() -> None:
    recording = Recording(encoded(tone(60)))
    next(recording.blocks(seconds=1))
    recording.close()
    recording.close()
    assert recording.closed


def _wav(data: bytes, *, rate: int = RATE, channels: int = 1) -> bytes:
    sink = io.BytesIO()
    with wave.open(sink, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(data)
    return sink.getvalue()


def test_what_begins_as_a_wav_is_heard_as_one_or_not_at_all() -> None:
    """An MP4 behind a WAV's first bytes: its length was reckoned as a WAV's, and FFmpeg would hear the MP4."""
    sink = io.BytesIO()
    with av.open(sink, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    disguised = b"RIFF" + b"moov" + b"WAVE" + sink.getvalue()
    with pytest.raises(UnreadableMedia):
        list(Recording(disguised).blocks())
