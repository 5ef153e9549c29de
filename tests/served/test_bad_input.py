"""What no service may stumble over: each gets the documented error on both faces, and the service goes on."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from serving import Served


def bomb() -> bytes:
    """A PNG of a few kilobytes that says it is 60,000 pixels wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 9999))
        + chunk(b"IEND", b"")
    )


def cut_short() -> bytes:
    sink = io.BytesIO()
    Image.effect_noise((200, 200), 50).convert("RGB").save(sink, "PNG")
    return sink.getvalue()[:4000]


def silence(seconds: int) -> bytes:
    """Flac of nothing, which is small."""
    sink = io.BytesIO()
    with av.open(sink, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=16000, layout="mono")
        block = np.zeros((1, 16000 * 10), dtype=np.int16)
        for _ in range(seconds // 10):
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
            frame.sample_rate = 16000
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return sink.getvalue()


PICTURES = {
    "a text file": (b"this is no picture", 422),
    "cut short": (cut_short(), 422),
    "a decompression bomb": (bomb(), 413),
    "a script called svg": (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", 422),
}


@pytest.mark.parametrize(("data", "status"), PICTURES.values(), ids=PICTURES)
def test_pictures_that_are_none(served: Served, data: bytes, status: int) -> None:
    for path, name, fields in (
        ("/api/image-to-image", "file", {"prompt": "x"}),
        ("/api/image-to-text", "file", {"task": "ocr"}),
        ("/api/image-to-text", "file", {"task": "caption"}),
        ("/v1/images/edits", "image", {"prompt": "x"}),
        ("/v1/ocr", "image", {}),
    ):
        answer = served.post(path, data=fields, files={name: data})
        error = answer.json()["error"] if path.startswith("/v1/") else answer.json()
        wanted = 400 if path.startswith("/v1/") and status == 422 else status
        assert (answer.status_code, error.get("field", error.get("param"))) == (wanted, "image"), (path, answer.text)
    assert served.health()["status"] == "healthy"


RECORDINGS = {
    "a text file called wav": b"RIFF this is text",
    "a picture": cut_short(),
    "a playlist of a local file": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
    "a header alone": b"RIFF\x24\x00\x00\x00WAVEfmt ",
}


@pytest.mark.parametrize("data", RECORDINGS.values(), ids=RECORDINGS)
def test_recordings_that_are_none(served: Served, data: bytes) -> None:
    native = served.post("/api/speech-to-text", files={"file": ("speech.wav", data)})
    assert (native.status_code, native.json()["field"]) == (422, "file"), native.text
    other = served.post("/v1/audio/transcriptions", files={"file": ("speech.wav", data)}, data={"model": "whisper-1"})
    assert (other.status_code, other.json()["error"]["param"]) == (400, "file")
    assert "root:" not in native.text + other.text


def test_two_hours_of_silence_are_no_words(served: Served) -> None:
    answer = served.post("/api/speech-to-text", files={"file": ("night.flac", silence(7200))})
    assert answer.status_code == 200, answer.text
    assert answer.json()["text"] == ""
    assert answer.json()["duration"] == pytest.approx(7200, abs=1)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": "x" * 100_000}, "text"),
        ({"text": "x", "speed": 99}, "speed"),
        ({"text": "x", "voice": "nobody at all"}, "voice"),
        ({"text": "x", "language": "xx-klingon"}, "language"),
        ({"text": "x", "response_format": "midi"}, "response_format"),
    ],
)
def test_speech_that_cannot_be_spoken(served: Served, body: dict[str, Any], field: str) -> None:
    answer = served.post("/api/text-to-speech", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/audio/speech", {"model": "tts-1", "voice": "alloy"}, "input"),
        ("/v1/audio/speech", {"input": "x", "model": "elsewhere", "voice": "alloy"}, "model"),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "no picture"}]}, "messages"),
        ("/v1/images/generations", {"prompt": "x", "partial_images": 2}, "partial_images"),
        ("/api/text-to-image", {"prompt": "x", "style": "no such style"}, "style"),
        ("/api/text-to-image", {"prompt": "x", "model": "elsewhere"}, "model"),
    ],
)
def test_fields_are_named(served: Served, path: str, body: dict[str, Any], field: str) -> None:
    answer = served.post(path, json=body)
    error = answer.json()["error"] if path.startswith("/v1/") else answer.json()
    assert answer.status_code in {400, 404, 422}
    assert error.get("field", error.get("param")) == field, answer.text


def test_a_language_that_the_recogniser_lacks(served: Served) -> None:
    answer = served.post("/api/speech-to-text", files={"file": ("x.flac", silence(10))}, data={"language": "de"})
    assert (answer.status_code, answer.json()["field"]) == (422, "language")
