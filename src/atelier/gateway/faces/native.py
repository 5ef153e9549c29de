"""The native face: flat JSON or a form in, links out. One row per service."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from atelier.contracts.base import Contract, Language, ModelName, Prompt, Result, Text, Usage
from atelier.contracts.image_to_text import (
    Detail,
    ImageToTextRequest,
    ImageToTextResult,
    Languages,
    OcrLine,
    ReadingTask,
)
from atelier.contracts.images import Image, ImageRequest, ImagesResult, ImageToImageRequest, TextToImageRequest
from atelier.contracts.speech_to_text import Segment, TranscriptionRequest, TranscriptionResult
from atelier.contracts.text_to_speech import MEDIA_TYPES, SpeechRequest, SpeechResult, SpeechSettings
from atelier.errors import InvalidRequest
from atelier.wire import images, speech
from atelier.wire.body import Body, validated
from atelier.wire.call import Call, Link, Shape
from atelier.wire.media import Load, data_uri

_REFERENCES = {"image_url", "image", "mask_url", "mask", "audio_url", "audio"}

USUAL_PREVIEWS = 8
"""Of a stream that does not say how many it wants."""


class TextToImageBody(ImageRequest):
    """response_format: `url` answers with links, `b64_json` with the pictures themselves. stream: answers with the
    events of /v1/images/generations, `partial_images` previews among them: 8 unless it is given."""

    prompt: Prompt
    response_format: Literal["url", "b64_json"] = "url"


class ImageToImageBody(ImageRequest):
    """The picture is one of: the file part `file`, `image` (a data URI), `image_url` (a web address).

    A mask, which may be left out, is one of: the file part `mask`, `mask` (a data URI), `mask_url`. It is as large as
    the picture; only where it is fully transparent the picture is painted. strength: 0.8 where none is given, and 1
    with a mask. stream: answers with the events of /v1/images/edits, `partial_images` previews among them: 8 unless it
    is given.
    """

    prompt: Annotated[Text, Field(max_length=4_000)] = ""
    strength: Annotated[float, Field(ge=0, le=1)] | None = None
    image_url: str | None = None
    image: str | None = None
    mask_url: str | None = None
    mask: str | None = None
    response_format: Literal["url", "b64_json"] = "url"


class TextToSpeechBody(SpeechSettings):
    """language: none is the voice's own, else English. stream: the recording itself, while it is spoken."""

    stream: bool = False


class SpeechToTextBody(Contract):
    """The recording is one of: the file part `file`, `audio` (a data URI), `audio_url` (a web address)."""

    audio_url: str | None = None
    audio: str | None = None
    language: Language | None = None
    task: Literal["transcribe", "translate"] = "transcribe"
    timestamps: Literal["segment", "word"] = "segment"
    prompt: Annotated[Text, Field(max_length=4_000)] = ""
    hotwords: Annotated[Text, Field(max_length=1_000)] = ""
    temperature: Annotated[float, Field(ge=0, le=1)] = 0.0
    model: ModelName | None = None


class ImageToTextBody(Contract):
    """The picture is one of: the file part `file`, `image` (a data URI), `image_url` (a web address)."""

    image_url: str | None = None
    image: str | None = None
    task: ReadingTask = "caption"
    question: Prompt | None = None
    detail: Detail = "auto"
    language: Languages | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1024)] = 64
    model: ModelName | None = None


class NativeAnswer(BaseModel):
    """What every native answer ends with."""

    model_config = ConfigDict(defer_build=True, hide_input_in_errors=True)

    service: str
    model: str
    usage: Usage
    warnings: list[str]
    request_id: str


class ImageEntry(BaseModel):
    url: str | None = None
    b64_json: str | None = None
    seed: int | None
    width: int
    height: int


class ImagesBody(NativeAnswer):
    """`image_url` is the first picture's link, or its data URI with response_format=b64_json."""

    image_url: str
    images: list[ImageEntry]
    revised_prompt: str | None


class SpeechBody(NativeAnswer):
    """`duration`: seconds, counted from the samples."""

    audio_url: str
    duration: float
    media_type: str
    voice: str
    language: str


class TranscriptBody(NativeAnswer):
    text: str
    language: str
    duration: float
    segments: list[Segment]


class ReadingBody(NativeAnswer):
    caption: str | None
    ocr_text: str | None
    ocr_lines: list[OcrLine] | None
    rotation: int
    pages: int


_WORDING: dict[type[Contract], set[str]] = {
    TextToImageBody: {"response_format"},
    ImageToImageBody: {"response_format"},
    SpeechToTextBody: {"timestamps"},
}


@dataclass(frozen=True)
class NativeRoute:
    """POST /api/<service>. request_type: what the usage record calls it, from the request. shape: of its streams.
    voice: the voice that a body asks for, where the service speaks."""

    service: str
    summary: str
    body: type[Contract]
    answer_type: type[NativeAnswer]
    read: Callable[[Body, Load], Awaitable[Call]]
    answer: Callable[[Result, Call, Link], dict[str, Any]]
    request_type: Callable[[Contract], str]
    file: str | None = None
    shape: Shape | None = None
    voice: Callable[[Body], str | None] | None = None


async def _read_text_to_image(body: Body, _: Load) -> Call:
    fields = validated(TextToImageBody, body.fields)
    return _call(fields, validated(TextToImageRequest, _with_previews(fields)), kind="image_generation")


async def _read_image_to_image(body: Body, load: Load) -> Call:
    fields = validated(ImageToImageBody, body.fields)
    files = {"image": await _given(body, fields, load, kind="image"), "mask": await _given_mask(body, fields, load)}
    return _call(fields, validated(ImageToImageRequest, {**files, **_with_previews(fields)}), kind="image_edit")


def _call(fields: TextToImageBody | ImageToImageBody, request: ImageRequest, *, kind: str) -> Call:
    images.refuse_previews_without_stream(request)
    linked = fields.response_format == "url"
    return Call(request, stream=fields.stream, keep=linked, options={"linked": linked, "kind": kind})


def _with_previews(fields: TextToImageBody | ImageToImageBody) -> Mapping[str, object]:
    return ({"partial_images": USUAL_PREVIEWS} if fields.stream else {}) | dict(_sent_on(fields))


async def _read_text_to_speech(body: Body, _: Load) -> Call:
    request = validated(SpeechRequest, _sent_on(validated(TextToSpeechBody, body.beside())))
    return Call(request, stream=request.stream, keep=True, options={"sse": False})


async def _read_speech_to_text(body: Body, load: Load) -> Call:
    fields = validated(SpeechToTextBody, body.fields)
    audio = await _given(body, fields, load, kind="audio")
    words = fields.timestamps == "word"
    return Call(validated(TranscriptionRequest, {**_sent_on(fields), "audio": audio, "words": words}))


async def _read_image_to_text(body: Body, load: Load) -> Call:
    fields = validated(ImageToTextBody, body.fields)
    image = await _given(body, fields, load, kind="image")
    return Call(validated(ImageToTextRequest, {**_sent_on(fields), "image": image}))


def _sent_on(fields: Contract) -> Mapping[str, object]:
    """What the typed request takes as it came: all but where the file is, and how the answer is worded."""
    return fields.model_dump(
        exclude=_REFERENCES | _WORDING.get(type(fields), set()), exclude_unset=True, exclude_none=True
    )


async def _given(body: Body, fields: Contract, load: Load, *, kind: str) -> bytes:
    """The one file that came: as a part of a form, a data URI, or a web address."""
    given = {name: getattr(fields, name) for name in (kind, f"{kind}_url") if getattr(fields, name)}
    part = body.file("file") or body.file(kind)
    if len(given) + (part is not None) != 1:
        raise InvalidRequest(
            f"{kind}: send exactly one of file (a form's part), {kind} (a data URI) and {kind}_url", field=kind
        )
    if part is not None:
        return part
    [(name, reference)] = given.items()
    return await load(reference, name, kind)


async def _given_mask(body: Body, fields: ImageToImageBody, load: Load) -> bytes | None:
    given = [name for name in ("mask", "mask_url") if getattr(fields, name)]
    part = body.file("mask")
    if len(given) + (part is not None) > 1:
        raise InvalidRequest("mask: send one of mask (a form's part or a data URI) and mask_url", field="mask")
    return await load(getattr(fields, given[0]), given[0], "image") if given else part


def _images(result: Result, call: Call, link: Link) -> dict[str, Any]:
    assert isinstance(result, ImagesResult)
    linked = bool(call.options["linked"])
    first = result.images[0]
    return {
        "image_url": link(first.artifact or "") if linked else data_uri(first.data, first.media_type),
        "images": [_image_entry(image, link if linked else None) for image in result.images],
        "revised_prompt": result.revised_prompt,
    }


def _image_entry(image: Image, link: Link | None) -> ImageEntry:
    return ImageEntry(
        url=link(image.artifact or "") if link else None,
        b64_json=None if link else base64.b64encode(image.data).decode(),
        seed=image.seed,
        width=image.width,
        height=image.height,
    )


def _speech(result: Result, call: Call, link: Link) -> dict[str, Any]:
    assert isinstance(result, SpeechResult)
    assert isinstance(call.request, SpeechRequest)
    return {
        "audio_url": link(result.artifact or ""),
        "duration": round(result.duration, 3),
        "media_type": MEDIA_TYPES[call.request.response_format],
        "voice": result.voice,
        "language": result.language,
    }


def _transcript(result: Result, _: Call, __: Link) -> dict[str, Any]:
    assert isinstance(result, TranscriptionResult)
    return {
        "text": result.text,
        "language": result.language,
        "duration": round(result.duration, 3),
        "segments": result.segments,
    }


def _reading(result: Result, _: Call, __: Link) -> dict[str, Any]:
    assert isinstance(result, ImageToTextResult)
    return {
        "caption": result.caption,
        "ocr_text": result.ocr_text,
        "ocr_lines": result.ocr_lines,
        "rotation": result.rotation,
        "pages": result.pages,
    }


def answer(route: NativeRoute, result: Result, call: Call, link: Link, request_id: str) -> NativeAnswer:
    """The body of a 200."""
    return route.answer_type(
        service=route.service,
        model=result.model,
        usage=result.usage,
        warnings=result.warnings,
        request_id=request_id,
        **route.answer(result, call, link),
    )


def _task(request: Contract) -> str:
    task: str = request.task  # type: ignore[attr-defined]
    return task


NATIVE_ROUTES: tuple[NativeRoute, ...] = (
    NativeRoute(
        service="text-to-image",
        summary="Make pictures from words",
        body=TextToImageBody,
        answer_type=ImagesBody,
        read=_read_text_to_image,
        answer=_images,
        shape=images.SHAPE,
        request_type=lambda _: "generate",
    ),
    NativeRoute(
        service="image-to-image",
        summary="Make a picture from a picture and words",
        body=ImageToImageBody,
        answer_type=ImagesBody,
        read=_read_image_to_image,
        answer=_images,
        shape=images.SHAPE,
        request_type=lambda _: "edit",
        file="file",
    ),
    NativeRoute(
        service="text-to-speech",
        summary="Speak a text",
        body=TextToSpeechBody,
        answer_type=SpeechBody,
        read=_read_text_to_speech,
        answer=_speech,
        shape=speech.SHAPE,
        voice=speech.voice_asked,
        request_type=lambda _: "speak",
    ),
    NativeRoute(
        service="speech-to-text",
        summary="Write down what a recording says",
        body=SpeechToTextBody,
        answer_type=TranscriptBody,
        read=_read_speech_to_text,
        answer=_transcript,
        request_type=_task,
        file="file",
    ),
    NativeRoute(
        service="image-to-text",
        summary="Describe a picture, answer a question about it, or read its text",
        body=ImageToTextBody,
        answer_type=ReadingBody,
        read=_read_image_to_text,
        answer=_reading,
        request_type=_task,
        file="file",
    ),
)
