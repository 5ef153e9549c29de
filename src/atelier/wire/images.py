"""Images in OpenAI's shape: generations, edits and variations.

https://platform.openai.com/docs/api-reference/images. Fields of ours beside theirs: negative_prompt,
num_inference_steps, guidance_scale, seed, strength, and a mask for variations.
"""

from __future__ import annotations

import base64
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.responses import Response

from atelier.contracts.base import Contract, Event, Prompt, Result, Usage
from atelier.contracts.images import (
    Image,
    ImageRequest,
    ImagesResult,
    ImageToImageRequest,
    PartialImage,
    TextToImageRequest,
)
from atelier.errors import InvalidRequest, UpstreamFailed
from atelier.wire import sse
from atelier.wire.answers import Answer, UsageAnswer
from atelier.wire.aside import aside
from atelier.wire.body import Body, Fields, JsonFields, validated
from atelier.wire.call import Call, Link, Shape
from atelier.wire.exchange import Incoming, Outgoing, server_events
from atelier.wire.media import Load, read_base64
from atelier.wire.signatures import kind_of, picture_size

_IGNORED_STYLES = {"vivid", "natural"}  # DALL-E 3's own


class _SharedFields(Fields, ImageRequest):
    """`quality`, `complexity`, `moderation`, `user` and `safety_identifier` are accepted and change nothing."""

    response_format: Literal["b64_json", "url"] = "b64_json"
    quality: str | None = None
    complexity: str | None = None
    moderation: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    background: Literal["auto", "opaque"] | None = None


class GenerationFields(JsonFields, _SharedFields, TextToImageRequest):
    """The body of POST /v1/images/generations."""


_Part = Annotated[str, Field(json_schema_extra={"format": "binary"})]


class EditFields(_SharedFields):
    """The form of POST /v1/images/edits, beside its part `image`.

    mask: a PNG as large as the picture; only where it is fully transparent the picture is painted. strength: 0.8
    where none is given, and 1 with a mask.
    """

    prompt: Prompt
    mask: _Part | None = None
    strength: Annotated[float, Field(ge=0, le=1)] | None = None
    input_fidelity: str | None = None


class VariationFields(_SharedFields):
    """The form of POST /v1/images/variations, beside its part `image`. `mask` as for edits is ours.

    strength: 0.5 where none is given, and 1 with a mask.
    """

    mask: _Part | None = None
    strength: Annotated[float, Field(ge=0, le=1)] | None = None


_VARIATION_STRENGTH = 0.5
_FILES = {"image", "mask"}

_NOT_OURS = set(EditFields.model_fields) | set(GenerationFields.model_fields)
_NOT_OURS -= set(TextToImageRequest.model_fields) | set(ImageToImageRequest.model_fields)


async def read_generation(body: Body, _: Load) -> Call:
    fields = validated(GenerationFields, body.beside())
    return _call(fields, validated(TextToImageRequest, _ours(fields)), kind="image_generation")


async def read_edit(body: Body, load: Load) -> Call:
    files = await _files(body, load)
    fields = validated(EditFields, body.beside(*_FILES))
    return _call(fields, validated(ImageToImageRequest, files | _ours(fields)), kind="image_edit")


async def read_variation(body: Body, load: Load) -> Call:
    files = await _files(body, load)
    fields = validated(VariationFields, body.beside(*_FILES))
    usual = {} if "mask" in files else {"strength": _VARIATION_STRENGTH}
    return _call(fields, validated(ImageToImageRequest, files | usual | _ours(fields)), kind="image_edit")


async def _files(body: Body, load: Load) -> dict[str, object]:
    """The picture, and the mask if there is one."""
    image = await _file(body, "image", load)
    if image is None:
        raise InvalidRequest("image: is required; send the picture as a file part of a form", field="image")
    mask = await _file(body, "mask", load)
    return {"image": image} if mask is None else {"image": image, "mask": mask}


async def _file(body: Body, name: str, load: Load) -> bytes | None:
    """The file of that name: a part of the form, or what a text refers to."""
    if part := body.file(name):
        return part
    reference = body.fields.get(name)
    if reference is not None and not isinstance(reference, str):
        raise InvalidRequest(f"{name}: send one file, as a part of a form", field=name)
    return await load(reference, name, "image") if reference is not None else None


def _ours(fields: _SharedFields) -> dict[str, object]:
    ours = fields.model_dump(exclude=_NOT_OURS, exclude_unset=True, exclude_none=True)
    if ours.get("style") in _IGNORED_STYLES:
        del ours["style"]
    return ours


def _call(fields: _SharedFields, request: ImageRequest, kind: str) -> Call:
    refuse_previews_without_stream(request)
    return Call(
        request,
        stream=fields.stream,
        keep=fields.response_format == "url",
        options={"kind": kind, "response_format": fields.response_format},
    )


def refuse_previews_without_stream(request: ImageRequest) -> None:
    """Raises InvalidRequest."""
    if request.partial_images and not request.stream:
        raise InvalidRequest("partial_images: only a stream carries previews; add stream=true", field="partial_images")


class ImageDatum(Answer):
    """`seed`, `width` and `height` (pixels) are Atelier's own."""

    b64_json: str | None = None
    url: str | None = None
    revised_prompt: str | None = None
    seed: int | None = None
    width: int | None = None
    height: int | None = None


class ImagesAnswer(Answer):
    created: int
    data: list[ImageDatum]
    output_format: str = "png"
    size: str | None = None
    model: str = ""
    usage: UsageAnswer = UsageAnswer()
    warnings: list[str] = []


class ImageEvent(ImageDatum):
    """One event of a stream: `<kind>.partial_image` or `<kind>.completed`, kind image_generation or image_edit.

    step of steps: how far a preview is. image_index of images: which of n pictures is complete.
    """

    type: str
    created_at: int
    size: str | None = None
    quality: str = "auto"
    background: str = "opaque"
    output_format: str = "png"
    partial_image_index: int | None = None
    step: int | None = None
    steps: int | None = None
    image_index: int | None = None
    images: int | None = None
    model: str | None = None
    warnings: list[str] | None = None
    usage: UsageAnswer | None = None


def answer(result: Result, call: Call, link: Link) -> Response:
    assert isinstance(result, ImagesResult)
    first = result.images[0]
    return ImagesAnswer(
        created=int(time.time()),
        data=[ImageDatum(**_datum(image, result, link if call.keep else None)) for image in result.images],
        output_format=first.media_type.removeprefix("image/"),
        size=f"{first.width}x{first.height}",
        model=result.model,
        usage=_usage(result),
        warnings=result.warnings,
    ).response()


def _datum(image: Image, result: ImagesResult | None, link: Link | None = None) -> dict[str, Any]:
    linked = link is not None and image.artifact is not None
    return {
        "url": link(image.artifact) if link and image.artifact else None,
        "b64_json": None if linked else base64.b64encode(image.data).decode(),
        "revised_prompt": result.revised_prompt if result else None,
        "seed": image.seed,
        "width": image.width,
        "height": image.height,
    }


def _usage(result: ImagesResult) -> UsageAnswer:
    usage = UsageAnswer.of(result.usage, prompt=result.usage.tokens)
    usage.input_tokens_details = {"text_tokens": result.usage.tokens, "image_tokens": 0}
    return usage


async def stream(events: AsyncGenerator[Event, None], call: Call, link: Link) -> AsyncGenerator[bytes, None]:
    kind = str(call.options["kind"])
    async with aclosing(events):
        async for event in events:
            if isinstance(event, PartialImage):
                yield _sse(_partial(event, kind))
            elif isinstance(event, ImagesResult):
                for index in range(len(event.images)):
                    yield _sse(_completed(event, index, kind, link if call.keep else None))


def _sse(event: ImageEvent) -> bytes:
    return sse.encode(event.model_dump(exclude_none=True), name=event.type)


def _partial(event: PartialImage, kind: str) -> ImageEvent:
    return ImageEvent(
        type=f"{kind}.partial_image",
        partial_image_index=event.index,
        step=event.step,
        steps=event.steps,
        **_datum(event.image, None),
        **_appearance(event.image),
    )


def _completed(result: ImagesResult, index: int, kind: str, link: Link | None) -> ImageEvent:
    image = result.images[index]
    return ImageEvent(
        type=f"{kind}.completed",
        image_index=index,
        images=len(result.images),
        model=result.model,
        warnings=result.warnings,
        usage=_usage(result),
        **_datum(image, result, link),
        **_appearance(image),
    )


def _appearance(image: Image) -> dict[str, Any]:
    return {
        "created_at": int(time.time()),
        "size": f"{image.width}x{image.height}",
        "output_format": image.media_type.removeprefix("image/"),
    }


def stream_type(_: Call) -> str:
    return sse.MEDIA_TYPE


SHAPE = Shape(answer, stream, stream_type, relays=lambda call: not call.keep)


# The other direction: asking an upstream.


def send(request: Contract) -> Outgoing:
    assert isinstance(request, ImageRequest)
    fields = request.model_dump(exclude=_FILES, exclude_none=True, exclude_defaults=True)
    fields["response_format"] = "b64_json"
    if not isinstance(request, ImageToImageRequest):
        return Outgoing("/v1/images/generations", fields)
    path = "/v1/images/edits" if request.prompt else "/v1/images/variations"
    files = {"image": request.image} | ({} if request.mask is None else {"mask": request.mask})
    return Outgoing(path, fields | {"strength": request.strength}, files=files)


async def receive(incoming: Incoming, request: Contract) -> AsyncGenerator[Event, None]:
    assert isinstance(request, ImageRequest)
    if not request.stream:
        data = await incoming.read()
        yield await aside(len(data), lambda: _read_answer(ImagesAnswer.parse(data)))
        return
    images: list[Image] = []
    async for message in server_events(incoming):
        event = ImageEvent.parse(message.data)
        image = _read_image(event, event.output_format, event.size)
        if event.type.endswith(".partial_image"):
            yield _read_partial(event, image, request)
        elif event.type.endswith(".completed"):
            images.append(image)
            if len(images) == (event.images or 1):
                yield _read_completed(event, images)
                return
    raise UpstreamFailed("the image service ended its answer early")


def _read_partial(event: ImageEvent, image: Image, request: ImageRequest) -> PartialImage:
    """With what was delivered so far: the share of the steps that were taken, of each picture."""
    step, steps = event.step or 0, event.steps or 0
    width, height = request.dimensions or (image.width, image.height)
    done = request.n * (step / steps if steps else 0.0)
    delivered = Usage(units=done, megapixels=done * width * height / 1e6, steps=step)
    return PartialImage(image=image, index=event.partial_image_index or 0, step=step, steps=steps, delivered=delivered)


def _read_answer(answer: ImagesAnswer) -> ImagesResult:
    if not answer.data:
        raise UpstreamFailed("the image service answered without a picture")
    return ImagesResult(
        model=answer.model,
        images=[_read_image(datum, answer.output_format, answer.size) for datum in answer.data],
        revised_prompt=answer.data[0].revised_prompt,
        usage=answer.usage.measured(),
        warnings=answer.warnings,
    )


def _read_completed(event: ImageEvent, images: list[Image]) -> ImagesResult:
    return ImagesResult(
        model=event.model or "",
        images=images,
        revised_prompt=event.revised_prompt,
        usage=(event.usage or UsageAnswer()).measured(),
        warnings=event.warnings or [],
    )


def _read_image(datum: ImageDatum, output_format: str, size: str | None) -> Image:
    if datum.b64_json is None:
        raise UpstreamFailed("the image service answered without a picture")
    data = read_base64(datum.b64_json, "b64_json")
    if datum.width and datum.height:  # a worker of ours
        return Image(
            data=data,
            media_type=f"image/{output_format}",
            seed=datum.seed,
            width=datum.width,
            height=datum.height,
        )
    width, height = picture_size(data) or _said_size(size)
    return Image(data=data, media_type=kind_of(data)[1], seed=datum.seed, width=width, height=height)


def _said_size(size: str | None) -> tuple[int, int]:
    width, _, height = (size or "").partition("x")
    return (int(width), int(height)) if width.isdecimal() and height.isdecimal() else (0, 0)
