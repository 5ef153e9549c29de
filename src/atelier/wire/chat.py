"""Questions about a picture in OpenAI's shape: POST /v1/chat/completions with an image part.

https://platform.openai.com/docs/api-reference/chat/create. The text of the last user message is the question;
without one the picture is described.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Literal, NotRequired, get_args

from pydantic import Field, with_config
from starlette.responses import Response
from typing_extensions import TypedDict

from atelier.contracts.base import Contract, Event, ModelName, Result
from atelier.contracts.image_to_text import Detail, Finish, ImageToTextRequest, ImageToTextResult, TextDelta
from atelier.errors import InvalidRequest, UpstreamFailed
from atelier.wire import sse
from atelier.wire.answers import Answer, UsageAnswer
from atelier.wire.body import Body, JsonFields, validated
from atelier.wire.call import Call, Link, Shape
from atelier.wire.exchange import Incoming, Outgoing, server_events
from atelier.wire.media import DATA_URI, Load, data_uri
from atelier.wire.signatures import kind_of

PATH = "/v1/chat/completions"

_DETAILS = frozenset(get_args(Detail))
_FINISHES: dict[str | None, Finish] = {word: word for word in get_args(Finish)}


# What stands in a message are dictionaries: to make and to forget objects of them takes twice as long.
_closed = with_config(Contract.model_config)


@_closed
class _ImageUrl(TypedDict):
    """`detail`: how closely the picture is described, where no question is asked; other words than ours are `auto`."""

    url: str
    detail: NotRequired[str | None]


@_closed
class _TextPart(TypedDict):
    type: Literal["text"]
    text: str


@_closed
class _ImagePart(TypedDict):
    type: Literal["image_url"]
    image_url: _ImageUrl


@_closed
class _Message(TypedDict):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Annotated[_TextPart | _ImagePart, Field(discriminator="type")]] | None
    name: NotRequired[str | None]
    # What stands in every answer of OpenAI's, which clients send back as it was.
    refusal: NotRequired[None]
    annotations: NotRequired[Annotated[list[Any], Field(max_length=0)] | None]
    audio: NotRequired[None]
    function_call: NotRequired[None]
    tool_calls: NotRequired[None]


class _StreamOptions(Contract):
    include_usage: bool = False
    include_obfuscation: bool | None = None


class _PlainText(Contract):
    type: Literal["text"]


class ChatFields(JsonFields):
    """The body of POST /v1/chat/completions.

    What a captioner has no use for (sampling, effort, and what OpenAI stores or bills by) is accepted and unused;
    what would change the kind of answer (tools, audio, logprobs, stop words, JSON) is refused.
    """

    messages: Annotated[list[_Message], Field(min_length=1, max_length=64)]
    model: ModelName | None = None
    stream: bool = False
    stream_options: _StreamOptions | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1024)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=1024)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    n: Literal[1] = 1
    top_p: float | None = None
    seed: int | None = None
    user: str | None = None
    safety_identifier: str | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    service_tier: str | None = None
    store: bool | None = None
    metadata: dict[str, str] | None = None
    prompt_cache_key: str | None = None
    response_format: _PlainText | None = None


async def read(body: Body, load: Load) -> Call:
    fields = validated(ChatFields, body.beside())
    picture, question = _last_picture(fields.messages)
    asked = {
        "image": await load(picture["url"], "messages.image_url", "image"),
        "question": question or None,
        "detail": detail if (detail := picture.get("detail")) in _DETAILS else "auto",
        "max_tokens": fields.max_completion_tokens or fields.max_tokens or 64,
        "temperature": fields.temperature,
        "model": fields.model,
        "stream": fields.stream,
    }
    request = validated(ImageToTextRequest, asked, called={"question": "messages"})
    usage_wanted = fields.stream_options is not None and fields.stream_options.include_usage
    raw = body.raw if picture["url"].startswith(DATA_URI) else None
    return Call(request, stream=fields.stream, options={"usage": usage_wanted}, raw=raw)


def _last_picture(messages: list[_Message]) -> tuple[_ImageUrl, str]:
    """(the newest picture, text of the newest user message)."""
    picture: _ImageUrl | None = None
    question = ""
    for message in messages:
        if message["role"] != "user":
            continue
        said, content = [], message["content"]
        for part in content if isinstance(content, list) else [content or ""]:
            if isinstance(part, str):
                said.append(part.strip())
            elif part["type"] == "image_url":
                picture = part["image_url"]
            else:
                said.append(part["text"].strip())
        question = " ".join(said).strip()
    if picture is None:
        raise InvalidRequest(
            "messages: add a picture, as a part {type: image_url, image_url: {url}}; answers are about pictures",
            field="messages",
        )
    return picture, question


class _Delta(Answer):
    role: str | None = None
    content: str | None = None


class _Choice(Answer):
    index: int = 0
    message: _Delta | None = None
    delta: _Delta | None = None
    finish_reason: str | None = None


class ChatAnswer(Answer):
    """`chat.completion`, or `chat.completion.chunk` in a stream."""

    id: str
    object: str = "chat.completion"
    created: int
    model: str
    choices: list[_Choice]
    usage: UsageAnswer | None = None
    warnings: list[str] | None = None


def answer(result: Result, call: Call, _: Link) -> Response:
    assert isinstance(result, ImageToTextResult)
    message = _Delta(role="assistant", content=result.caption or "")
    choice = _Choice(message=message, finish_reason=result.finish)
    return _answer(result.model, [choice], usage=_usage(result), warnings=result.warnings or None).response()


def _answer(model: str, choices: list[_Choice], **more: Any) -> ChatAnswer:
    now = time.time_ns()
    return ChatAnswer(id=f"chatcmpl-{now:x}", created=now // 1_000_000_000, model=model, choices=choices, **more)


def _usage(result: ImageToTextResult) -> UsageAnswer:
    return UsageAnswer.of(result.usage, prompt=result.prompt_tokens, completion=result.completion_tokens, chat=True)


async def stream(events: AsyncGenerator[Event, None], call: Call, _: Link) -> AsyncGenerator[bytes, None]:
    base = _answer("", [], object="chat.completion.chunk")
    said = False
    async with aclosing(events):
        async for event in events:
            if isinstance(event, TextDelta):
                base.model = event.model
                yield _chunk(base, _Delta(role=None if said else "assistant", content=event.text))
                said = True
            elif isinstance(event, ImageToTextResult):
                for piece in _ending(base.model_copy(update={"model": event.model}), event, call, said=said):
                    yield piece


def _ending(base: ChatAnswer, result: ImageToTextResult, call: Call, *, said: bool) -> list[bytes]:
    pieces = [] if said else [_chunk(base, _Delta(role="assistant", content=result.caption))]
    end = base.model_copy(update={"warnings": result.warnings or None})
    pieces.append(_chunk(end, _Delta(), finish_reason=result.finish))
    if call.options["usage"]:
        last = base.model_copy(update={"usage": _usage(result)})
        pieces.append(sse.encode(last.model_dump(exclude_none=True)))
    return [*pieces, sse.DONE]


def _chunk(base: ChatAnswer, delta: _Delta, finish_reason: str | None = None) -> bytes:
    """A chunk of the stream that `base` begins: all have its id."""
    choice = {"index": 0, "delta": delta.model_dump(exclude_none=True), "finish_reason": finish_reason}
    return sse.encode(base.model_dump(exclude_none=True) | {"choices": [choice]})


def stream_type(_: Call) -> str:
    return sse.MEDIA_TYPE


SHAPE = Shape(answer, stream, stream_type, relays=lambda _: True)


# The other direction: asking an upstream.


def send(request: ImageToTextRequest) -> Outgoing:
    picture = {"url": data_uri(request.image, _media_type(request.image))}
    if request.detail != "auto":
        picture["detail"] = request.detail
    parts: list[object] = [{"type": "image_url", "image_url": picture}]
    if request.question:
        parts.append({"type": "text", "text": request.question})
    fields: dict[str, object] = {
        "messages": [{"role": "user", "content": parts}],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
    }
    if request.model:
        fields["model"] = request.model
    if request.stream:
        fields |= {"stream": True, "stream_options": {"include_usage": True}}
    return Outgoing(PATH, fields, weight=len(request.image))


def _media_type(image: bytes) -> str:
    found = kind_of(image)[1]
    return found if found.startswith("image/") else "image/png"


async def receive(incoming: Incoming, request: ImageToTextRequest) -> AsyncGenerator[Event, None]:
    if not request.stream:
        whole = ChatAnswer.parse(await incoming.read())
        if not whole.choices or whole.choices[0].message is None:
            raise UpstreamFailed("the caption service answered without a caption")
        yield _read(whole, whole.choices[0].message.content or "", whole.choices[0].finish_reason)
        return
    caption, last, finish, warnings = "", None, None, list[str]()
    async for message in server_events(incoming):
        last = ChatAnswer.parse(message.data)
        warnings += last.warnings or []
        for choice in last.choices:
            finish = finish or choice.finish_reason
            if choice.delta and choice.delta.content:
                caption += choice.delta.content
                yield TextDelta(text=choice.delta.content, model=last.model)
    if last is None or finish is None:
        raise UpstreamFailed("the caption service ended its answer early")
    yield _read(last.model_copy(update={"warnings": warnings}), caption, finish)


def _read(last: ChatAnswer, caption: str, finish: str | None) -> ImageToTextResult:
    usage = last.usage or UsageAnswer()
    return ImageToTextResult(
        model=last.model,
        caption=caption,
        finish=_FINISHES.get(finish, "stop"),
        prompt_tokens=usage.prompt_tokens or 0,
        completion_tokens=usage.completion_tokens or 0,
        usage=usage.measured(),
        warnings=last.warnings or [],
    )
