"""Reading the text of a picture: POST /v1/ocr, a form or JSON (OpenAI has no such route; the shape is ours)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.responses import Response

from atelier.contracts.base import Contract, Event, ModelName, Result
from atelier.contracts.image_to_text import ImageToTextRequest, ImageToTextResult, Languages, OcrLine
from atelier.errors import InvalidRequest
from atelier.wire.answers import Answer, UsageAnswer
from atelier.wire.body import Body, validated
from atelier.wire.call import Call, Link, Shape
from atelier.wire.exchange import Incoming, Outgoing
from atelier.wire.media import Load


class OcrFields(Contract):
    """The body of POST /v1/ocr: `image` (or a PDF) is a file part of a form, or a data URI or web address in JSON."""

    image: str | None = None
    language: Languages | None = None
    model: ModelName | None = None


async def read(body: Body, load: Load) -> Call:
    image = body.file("image") or body.file("file")
    fields = validated(OcrFields, body.beside("image", "file") if image else body.beside())
    if image is None:
        if not fields.image:
            raise InvalidRequest("image: is required; send the picture as a file or a data URI", field="image")
        image = await load(fields.image, "image", "image")
    return Call(ImageToTextRequest(image=image, task="ocr", language=fields.language, model=fields.model))


class OcrAnswer(Answer):
    """`lines` in reading order; `rotation`: degrees counter-clockwise that the first page was turned to be read."""

    text: str
    lines: list[OcrLine]
    rotation: int = 0
    pages: int = 1
    model: str = ""
    usage: UsageAnswer = UsageAnswer()
    warnings: list[str] = []


def answer(result: Result, _: Call, __: Link) -> Response:
    assert isinstance(result, ImageToTextResult)
    return OcrAnswer(
        text=result.ocr_text or "",
        lines=result.ocr_lines or [],
        rotation=result.rotation,
        pages=result.pages,
        model=result.model,
        usage=UsageAnswer.of(result.usage),
        warnings=result.warnings,
    ).response()


async def stream(events: AsyncGenerator[Event, None], call: Call, _: Link) -> AsyncGenerator[bytes, None]:
    """OCR answers at once; its stream is that one answer."""
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Result):
                yield bytes(answer(event, call, str).body)


def stream_type(_: Call) -> str:
    return "application/json"


SHAPE = Shape(answer, stream, stream_type, relays=lambda _: True)


# The other direction: asking an upstream.


def send(request: ImageToTextRequest) -> Outgoing:
    asked: dict[str, object] = {"language": request.language, "model": request.model}
    fields = {name: value for name, value in asked.items() if value}
    return Outgoing("/v1/ocr", fields, files={"image": request.image})


async def receive(incoming: Incoming, _: ImageToTextRequest) -> AsyncGenerator[Event, None]:
    read = OcrAnswer.parse(await incoming.read())
    yield ImageToTextResult(
        model=read.model,
        ocr_text=read.text,
        ocr_lines=read.lines,
        rotation=read.rotation,
        pages=read.pages,
        usage=read.usage.measured(),
        warnings=read.warnings,
    )
