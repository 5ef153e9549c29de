"""Draw docs/round-trip.png: what `atelier demo` kept, stage by stage, on one picture.

atelier demo --output build/demo && python scripts/round_trip_picture.py build/demo docs/round-trip.png "the sentence"
"""

from __future__ import annotations

import sys
import wave
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIZE = (1280, 270)
PAPER, INK, FAINT, SOUND = "#fbfaf7", "#1d1d1f", "#6e6e73", "#2f5bd0"
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
TOP, SIDE = 84, 150  # of the things shown, in pixels
COLUMNS = (
    (40, "a sentence"),
    (340, "text-to-speech"),
    (640, "speech-to-text"),
    (900, "text-to-image"),
    (1070, "image-to-text"),
)


def main() -> None:
    kept, target, sentence = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    whole = Image.new("RGB", (SIZE[0] * 2, SIZE[1] * 2), PAPER)
    pen = ImageDraw.Draw(whole)
    for left, name in COLUMNS:
        pen.text((2 * left, 2 * 40), name, FAINT, ImageFont.truetype(FONT, 26))
    _words(pen, sentence, 40, 240)
    _sound(pen, kept / "1-speech.wav", 340, 240)
    _words(pen, (kept / "2-transcript.txt").read_text(), 640, 220)
    picture = Image.open(kept / "3-picture.png").resize((2 * SIDE, 2 * SIDE), Image.Resampling.BICUBIC)
    whole.paste(picture, (2 * 900, 2 * TOP))
    _words(pen, (kept / "4-caption.txt").read_text(), 1070, 180)
    whole.save(target, optimize=True)


def _words(pen: ImageDraw.ImageDraw, text: str, left: int, width: int) -> None:
    font, lines = ImageFont.truetype(FONT, 34), [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if pen.textlength(longer, font) <= 2 * width:
            lines[-1] = longer
        else:
            lines.append(word)
    pen.multiline_text((2 * left, 2 * TOP), "\n".join(lines), INK, font, spacing=14)


def _sound(pen: ImageDraw.ImageDraw, file: Path, left: int, width: int) -> None:
    """The loudness of a recording over its time, as bars."""
    with wave.open(str(file)) as recording:
        samples = np.frombuffer(recording.readframes(recording.getnframes()), dtype="<i2").astype(float)
    bars = [float(np.abs(part).max()) for part in np.array_split(samples, 60)]
    middle, step = 2 * (TOP + SIDE // 2), 2 * width / len(bars)
    for number, height in enumerate(bars):
        x, half = 2 * left + number * step, max(3.0, SIDE * height / max(bars))
        pen.rounded_rectangle((x, middle - half, x + step * 0.55, middle + half), 3, SOUND)


if __name__ == "__main__":
    main()
