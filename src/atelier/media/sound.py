"""Sound: from samples to the bytes of a file or a stream, and the same words slower or faster."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import av
import av.filter
import numpy as np
from av import AudioFrame, AudioResampler
from av.codec import Codec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atelier.contracts.text_to_speech import AudioFormat

PCM_RATE = 24_000
UNKNOWN_LENGTH = 0xFFFFFFFF


class SoundEncoder:
    """Mono int16 samples in, encoded bytes out.

    streamed: every byte leaves as early as the codec lets it and none is corrected later, so headers do not tell
    the length: a wav says 0xFFFFFFFF, which players take as "until it ends", a flac says 0, an mp3 has no Xing
    frame. Not streamed: all bytes come from `finish`, with true lengths.

    wav and flac give back exactly the samples put in, at their own rate. mp3 and aac: 44.1 kHz, or the source's rate
    above it; the codec's delay and its last frame make them up to 60 ms longer. opus: 48 kHz in ogg. pcm: 24 kHz,
    signed 16 bit, little endian, no header. Any one thread at a time may use an encoder.
    """

    def __init__(self, response_format: AudioFormat, sample_rate: int, *, streamed: bool) -> None:
        self._writer: _Writer
        if response_format == "pcm":
            self._writer = _PcmWriter(sample_rate, streamed=streamed)
        elif response_format == "wav":
            self._writer = _WavWriter(sample_rate, streamed=streamed)
        else:
            self._writer = _CodecWriter(CODECS[response_format], sample_rate, streamed=streamed)

    @property
    def sample_rate(self) -> int:
        """Samples a second in what comes out."""
        return self._writer.sample_rate

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """The bytes that are ready after `samples` of shape (n,); often none."""
        return self._writer.write(samples) if samples.size else b""

    def finish(self) -> bytes:
        """The bytes that are left. To be called once; nothing can be encoded after it."""
        return self._writer.finish()


def silence(seconds: float, sample_rate: int) -> NDArray[np.float32]:
    """Samples of shape (n,) in which nothing is heard."""
    return np.zeros(int(seconds * sample_rate), np.float32)


def as_integers(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """Samples between -1 and 1 in 16 bit; what lies beyond is cut off."""
    return np.rint(np.clip(samples, -1, 1) * 32767).astype(np.int16)


def stretch(samples: NDArray[np.int16], sample_rate: int, tempo: float) -> NDArray[np.int16]:
    """The same sound at the same pitch, `tempo` (at least 0.5) times as fast: round(n / tempo) samples."""
    if tempo == 1.0 or not samples.size:
        return samples
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=sample_rate, format="s16", layout="mono")
    source.link_to(change := graph.add("atempo", str(tempo)))
    change.link_to(sink := graph.add("abuffersink"))
    graph.configure()
    # The filter swallows a little of the end; what is laid behind it is cut off again.
    source.push(_frame(np.append(samples, np.zeros(sample_rate // 5, np.int16)), sample_rate))
    source.push(None)
    stretched: NDArray[np.int16] = np.zeros(round(len(samples) / tempo), np.int16)
    made = _samples(_pulled(sink))[: len(stretched)]
    stretched[: len(made)] = made
    return stretched


@dataclass(frozen=True)
class AudioCodec:
    """How FFmpeg writes one of our formats. `bit_rate`: a second; None where nothing is lost."""

    container: str
    encoder: str
    bit_rate: int | None = None
    lowest_rate: int = 0
    options: dict[str, str] = field(default_factory=dict)
    stream_options: dict[str, str] = field(default_factory=dict)

    def nearest_rate(self, sample_rate: int) -> int:
        """The lowest that the encoder knows and that loses nothing of `sample_rate`; else its highest."""
        wanted = max(sample_rate, self.lowest_rate)
        known = Codec(self.encoder, "w").audio_rates or [wanted]
        return int(min((rate for rate in known if rate >= wanted), default=max(known)))


# The delay and padding of mp3 and aac are counted in samples: at 44.1 kHz they stay under 60 ms.
CODECS: dict[AudioFormat, AudioCodec] = {
    "mp3": AudioCodec("mp3", "libmp3lame", 64_000, 44_100),
    # Microseconds a page: FFmpeg's own second would hold the first sound back.
    "opus": AudioCodec("ogg", "libopus", 48_000, 48_000, stream_options={"page_duration": "100000"}),
    "aac": AudioCodec("adts", "aac", 64_000, 44_100),
    # Without FFmpeg's 8 KB of room for tags.
    "flac": AudioCodec("flac", "flac", options={"metadata_header_padding": "0"}),
}


class _Writer(Protocol):
    @property
    def sample_rate(self) -> int: ...

    def write(self, samples: NDArray[np.int16]) -> bytes: ...

    def finish(self) -> bytes: ...


class _Outlet:
    """Where FFmpeg writes a stream to. It has no `seek`: what was taken is gone, and nothing can go back."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        self._waiting += data
        return len(data)

    def take(self) -> bytes:
        taken, self._waiting = bytes(self._waiting), bytearray()
        return taken


class _CodecWriter:
    def __init__(self, codec: AudioCodec, sample_rate: int, *, streamed: bool) -> None:
        self.sample_rate = codec.nearest_rate(sample_rate)
        self._source_rate = sample_rate
        self._position = 0
        self._sink: _Outlet | io.BytesIO = _Outlet() if streamed else io.BytesIO()
        # bitexact: no random serial number in ogg, so the same sound is the same bytes.
        options = {"fflags": "+bitexact", **codec.options, **(codec.stream_options if streamed else {})}
        self._container = av.open(self._sink, "w", format=codec.container, options=options)
        self._stream = self._container.add_stream(codec.encoder, rate=self.sample_rate, layout="mono")
        if codec.bit_rate is not None:
            self._stream.bit_rate = codec.bit_rate
        self._container.start_encoding()

    def write(self, samples: NDArray[np.int16]) -> bytes:
        frame = _frame(samples, self._source_rate, self._position)
        self._position += len(samples)
        self._container.mux(self._stream.encode(frame))
        return self._sink.take() if isinstance(self._sink, _Outlet) else b""

    def finish(self) -> bytes:
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._sink.take() if isinstance(self._sink, _Outlet) else self._sink.getvalue()


class _PcmWriter:
    sample_rate = PCM_RATE

    def __init__(self, sample_rate: int, *, streamed: bool) -> None:
        self._source_rate = sample_rate
        self._held: list[bytes] | None = None if streamed else []
        self._resampler = AudioResampler(format="s16", layout="mono", rate=PCM_RATE)

    def write(self, samples: NDArray[np.int16]) -> bytes:
        ready = _little_endian(_samples(self._resampler.resample(_frame(samples, self._source_rate))))
        if self._held is None:
            return ready
        self._held.append(ready)
        return b""

    def finish(self) -> bytes:
        rest = _little_endian(_samples(self._resampler.resample(None)))
        return b"".join([*(self._held or ()), rest])


class _WavWriter:
    def __init__(self, sample_rate: int, *, streamed: bool) -> None:
        self.sample_rate = sample_rate
        self._streamed = streamed
        self._begun = False
        self._held: list[bytes] = []

    def write(self, samples: NDArray[np.int16]) -> bytes:
        if not self._streamed:
            self._held.append(_little_endian(samples))
            return b""
        header = b"" if self._begun else _wav_header(self.sample_rate, None)
        self._begun = True
        return header + _little_endian(samples)

    def finish(self) -> bytes:
        if self._begun:
            return b""
        data = b"".join(self._held)
        return _wav_header(self.sample_rate, None if self._streamed else len(data)) + data


def _wav_header(sample_rate: int, length: int | None) -> bytes:
    """The 44 bytes before the samples; `length` is theirs in bytes. http://soundfile.sapp.org/doc/WaveFormat/"""
    body, whole = (UNKNOWN_LENGTH, UNKNOWN_LENGTH) if length is None else (length, length + 36)
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", whole, b"WAVE", b"fmt ", 16, 1, 1, sample_rate, sample_rate * 2, 2, 16, b"data", body),
    )


def _frame(samples: NDArray[np.int16], sample_rate: int, position: int | None = None) -> AudioFrame:
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = sample_rate
    frame.pts = position
    return frame


def _samples(frames: Iterable[AudioFrame]) -> NDArray[np.int16]:
    return np.concatenate([np.zeros(0, np.int16), *(frame.to_ndarray().reshape(-1) for frame in frames)])


def _pulled(sink: av.filter.FilterContext) -> Iterable[AudioFrame]:
    while True:
        try:
            yield sink.pull()
        except (av.error.EOFError, av.error.BlockingIOError):
            return


def _little_endian(samples: NDArray[np.int16]) -> bytes:
    return samples.astype("<i2").tobytes()
