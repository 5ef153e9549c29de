"""What the first bytes of a file tell: its kind, a picture's size, a recording's length. Nothing is decoded."""

from __future__ import annotations

import struct

_KINDS: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", ".png", "image/png"),
    (0, b"\xff\xd8\xff", ".jpg", "image/jpeg"),
    (8, b"WEBP", ".webp", "image/webp"),
    (0, b"GIF8", ".gif", "image/gif"),
    (8, b"WAVE", ".wav", "audio/wav"),
    (0, b"fLaC", ".flac", "audio/flac"),
    (0, b"OggS", ".ogg", "audio/ogg"),
    (0, b"ID3", ".mp3", "audio/mpeg"),
    (0, b"\xff\xfb", ".mp3", "audio/mpeg"),
    (0, b"\xff\xf3", ".mp3", "audio/mpeg"),
    (4, b"ftyp", ".m4a", "audio/mp4"),
    (0, b"\x1a\x45\xdf\xa3", ".webm", "audio/webm"),
)
"""(offset, bytes found there, ending, media type). https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern"""

_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of JPEG segments that begin with the picture's size (ITU T.81, table B.1)."""

_SAMPLES, _EXTENSIBLE = (1, 3), 0xFFFE
"""Formats of WAV files: whole or floating-point samples as they are, and one whose real number stands further on."""


def kind_of(data: bytes) -> tuple[str, str]:
    """(ending, media type) of a picture or a recording."""
    for offset, found, ending, media_type in _KINDS:
        if data.startswith(found, offset):
            return ending, media_type
    return "", "application/octet-stream"


def picture_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels of a PNG, JPEG or WebP; None where they are not found."""
    try:
        if data.startswith(b"\x89PNG"):
            return struct.unpack_from(">II", data, 16)
        if data.startswith(b"\xff\xd8"):
            return _jpeg_size(data)
        return _webp_size(data) if data.startswith(b"WEBP", 8) else None
    except (struct.error, IndexError):
        return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while data[at] == 0xFF:
        marker, length = struct.unpack_from(">xBH", data, at)
        if marker in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + length
    return None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    """https://developers.google.com/speed/webp/docs/riff_container: three kinds, three places."""
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return None


def recording_length(begin: bytes, length: int, *, pcm: bool = False) -> tuple[float, int] | None:
    """(seconds, samples a second) of a WAV file that begins so and has `length` bytes; None for another kind.

    A recording that was streamed has no true length in its header: then the bytes count. pcm: 24 kHz, mono, 16 bit.
    """
    if pcm:
        return length / 48_000, 24_000
    return _wav_length(begin, length)


def _wav_length(data: bytes, whole: int) -> tuple[float, int] | None:
    if not (data.startswith(b"RIFF") and data.startswith(b"WAVE", 8)):
        return None
    at, rate, bytes_a_second = 12, 0, 0
    while at + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        if name == b"fmt " and at + 20 <= len(data):
            rate, bytes_a_second = struct.unpack_from("<II", data, at + 12)
        elif name == b"data":
            held = min(length, whole - at - 8)
            return (held / bytes_a_second, rate) if bytes_a_second else None
        at += 8 + length + length % 2
    return None


def with_length(data: bytes) -> bytes:
    """A recording that was streamed, now that all of it is here: a WAV file's header tells its length."""
    at = data.find(b"data", 12, 200) if data.startswith(b"RIFF") and data.startswith(b"WAVE", 8) else -1
    if at < 0:
        return data
    sizes = struct.pack("<I", len(data) - 8), struct.pack("<I", len(data) - at - 8)
    return b"".join((data[:4], sizes[0], data[8 : at + 4], sizes[1], data[at + 8 :]))


_FASTEST, _MOST_CHANNELS, _WIDEST = 768_000, 8, 64
"""Samples a second, channels and bits of the largest WAV files that are made."""


def longest_wav(data: bytes) -> float | None:
    """Seconds that the samples of a WAV file can last at most; None where they are compressed, or for another kind.

    What else lies in the file counts as sound, and no length that the header states is trusted: only how many bytes a
    second of samples takes.
    """
    if not (data.startswith(b"RIFF") and data.startswith(b"WAVE", 8)):
        return None
    at = 12
    while data[at : at + 4] != b"fmt ":
        if at + 8 > len(data):
            return None
        (length,) = struct.unpack_from("<I", data, at + 4)
        at += 8 + length + length % 2
    return _seconds_of_samples(data, at + 8)


def _seconds_of_samples(data: bytes, at: int) -> float | None:
    """at: where the format is described. https://www.rfc-editor.org/rfc/rfc2361 lists its numbers."""
    if len(data) < at + 16:
        return None
    kind, channels, rate, bits = struct.unpack_from("<HHI6xH", data, at)
    if kind == _EXTENSIBLE and len(data) >= at + 26:
        stored, kind = struct.unpack_from("<2xH4xH", data, at + 16)
        bits = min(stored, bits) or bits
    bytes_a_second = rate * channels * (bits + 7 >> 3)
    if kind not in _SAMPLES or not bytes_a_second or rate > _FASTEST or channels > _MOST_CHANNELS or bits > _WIDEST:
        return None  # such a format is made up, and the file may be something else
    return float((len(data) - at - 16) / bytes_a_second)
