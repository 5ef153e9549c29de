"""A picture in the terminal: as it is where the terminal shows pictures, else as coloured half blocks, else not."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterator, Mapping

from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

COLUMNS = 32
"""How wide it is shown, in characters."""

_KITTY = {"xterm-kitty", "xterm-ghostty"}
_ITERM = {"iTerm.app", "WezTerm", "mintty"}
_MOST_OF_A_MESSAGE = 4096  # base64 characters: kitty's limit


def show_picture(console: Console, png: bytes) -> None:
    """Print it, where the output is a terminal that can show it; without Pillow only those that read PNG can."""
    if not console.is_terminal or console.no_color:
        return
    if message := _message(png, os.environ):
        console.file.write(message + "\n")
        console.file.flush()
    elif console.color_system in {"truecolor", "256"}:
        for line in _half_blocks(png):
            console.print(line)


def _message(png: bytes, environment: Mapping[str, str]) -> str:
    """What makes a terminal show the picture itself; empty for one that does not say it could.

    https://sw.kovidgoyal.net/kitty/graphics-protocol, https://iterm2.com/documentation-images.html.
    """
    data = base64.b64encode(png).decode()
    if environment.get("TERM") in _KITTY:
        return "".join(_kitty(data))
    if environment.get("TERM_PROGRAM") in _ITERM:
        return f"\x1b]1337;File=inline=1;width={COLUMNS}:{data}\x07"
    return ""


def _kitty(data: str) -> Iterator[str]:
    parts = [data[place : place + _MOST_OF_A_MESSAGE] for place in range(0, len(data), _MOST_OF_A_MESSAGE)]
    for number, part in enumerate(parts, start=1):
        control = f"a=T,f=100,c={COLUMNS}," if number == 1 else ""
        yield f"\x1b_G{control}m={int(number < len(parts))};{part}\x1b\\"


def _half_blocks(png: bytes) -> Iterator[Text]:
    """Lines of "▀": the upper pixel is its colour, the lower its background."""
    try:
        from PIL import Image

        picture = Image.open(io.BytesIO(png)).convert("RGB")
    except (ImportError, OSError):  # no Pillow here, or no picture there
        return
    rows = max(1, round(COLUMNS * picture.height / picture.width / 2))
    pixels = picture.resize((COLUMNS, rows * 2), Image.Resampling.BOX).tobytes()
    colours = [Color.from_rgb(*pixels[place : place + 3]) for place in range(0, len(pixels), 3)]
    for row in range(rows):
        upper = colours[2 * row * COLUMNS : (2 * row + 1) * COLUMNS]
        lower = colours[(2 * row + 1) * COLUMNS : (2 * row + 2) * COLUMNS]
        yield Text.assemble(*(("▀", Style(color=a, bgcolor=b)) for a, b in zip(upper, lower, strict=True)))
