"""image-to-text: captions, answers about a picture, and the text that stands in it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from atelier.contracts.base import Contract, ModelName, Partial, Prompt, Result

ReadingTask = Literal["caption", "ocr", "both"]
Detail = Literal["low", "auto", "high"]
Finish = Literal["stop", "length", "content_filter"]
Languages = Annotated[
    str,
    Field(
        max_length=60,
        pattern=r"^[A-Za-z][A-Za-z0-9]+([-_][A-Za-z0-9]+)*(\+[A-Za-z][A-Za-z0-9]+([-_][A-Za-z0-9]+)*){0,3}$",
    ),
]
"""Tags as in `Language`, or the names of a model's own data, which may be longer."""


class ImageToTextRequest(Contract):
    """`image`: an encoded picture, or for OCR a PDF. `question`: answered in `caption` instead of a description.

    `detail`: a line, a few, or a paragraph, from models that describe a picture in several ways; others know one.
    `language`: of the text to read, for models that have to be told; several are joined by `+`.
    """

    image: bytes = Field(repr=False)
    task: ReadingTask = "caption"
    question: Prompt | None = None
    detail: Detail = "auto"
    language: Languages | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1024)] = 64
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    model: ModelName | None = None
    stream: bool = False


class OcrLine(Contract):
    """`box`: the four corners (x, y) in pixels of the picture as sent, clockwise from the line's top left.

    In a PDF they are in points (1/72 inch) from the upper left of `page`, which counts from 1.
    """

    text: str
    box: list[tuple[float, float]]
    confidence: float
    page: int = 1


class TextDelta(Partial):
    """`model`: which one speaks, once the worker has filled it in."""

    text: str
    model: str = ""


class ImageToTextResult(Result):
    """`caption` is None when only OCR was asked for; `ocr_text` is None when only a caption was.

    `rotation`: degrees counter-clockwise that the first page was turned to be read (0, 90, 180 or 270). `pages`: of a
    PDF; a picture is one. `finish`: whether the model came to the caption's end, was cut off at `max_tokens`, or kept
    something back.
    """

    caption: str | None = None
    ocr_text: str | None = None
    ocr_lines: list[OcrLine] | None = None
    rotation: int = 0
    pages: int = 1
    finish: Finish = "stop"
    prompt_tokens: int = 0
    completion_tokens: int = 0
