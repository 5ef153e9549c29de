"""The files that the contract's tests upload."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image


def png(alpha: int = 255) -> bytes:
    sink = io.BytesIO()
    Image.new("RGBA", (64, 64), (200, 30, 30, alpha)).save(sink, "PNG")
    return sink.getvalue()


PICTURE, MASK = png(), png(alpha=0)
RECORDING = b"RIFF" + bytes(60)  # all that the small hearer looks at


def about(question: str, picture: bytes = PICTURE) -> list[Any]:
    """The messages of a chat about a picture."""
    url = {"url": "data:image/png;base64," + base64.b64encode(picture).decode(), "detail": "low"}
    parts = [{"type": "text", "text": question}, {"type": "image_url", "image_url": url}]
    return [{"role": "system", "content": "Answer in a word."}, {"role": "user", "content": parts}]
