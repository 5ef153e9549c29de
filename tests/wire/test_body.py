"""Bodies that do not arrive, and what is said of the faults in others."""

from __future__ import annotations

import asyncio
import json

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from atelier.errors import InvalidRequest, UploadTooSlow
from atelier.wire.body import read_body, validated
from atelier.wire.chat import ChatFields
from atelier.wire.images import EditFields, VariationFields
from atelier.wire.speech import SpeechFields

SEEN = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]}


def request(*messages: Message, content_type: str = "application/json") -> Request:
    """One whose client sends these, and then nothing."""
    waiting = list(messages)

    async def receive() -> Message:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    return Request({"type": "http", "method": "POST", "headers": [(b"content-type", content_type.encode())]}, receive)


def piece(data: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": data, "more_body": more}


async def test_a_body_comes_in_pieces_of_any_size() -> None:
    whole = await read_body(
        request(piece(b'{"a', more=True), piece(b'": 1', more=True), piece(b"}", more=False)), most_file_bytes=9
    )
    assert (whole.fields, whole.weight) == ({"a": 1}, 8)


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x"])
async def test_one_that_never_ends_is_given_up(content_type: str) -> None:
    endless = request(piece(b"--", more=True), content_type=content_type)
    with pytest.raises(UploadTooSlow, match="body: did not arrive within") as refused:
        await read_body(endless, most_file_bytes=9, seconds=0.05)
    assert (refused.value.status, refused.value.field) == (408, "body")


async def test_a_client_that_goes_amid_its_body_is_gone() -> None:
    with pytest.raises(ClientDisconnect):
        await read_body(request(piece(b'{"a', more=True), {"type": "http.disconnect"}), most_file_bytes=9)


async def test_more_fields_than_any_request_has_are_not_looked_at() -> None:
    body = json.dumps(dict.fromkeys(map(str, range(65)), 1)).encode()
    with pytest.raises(InvalidRequest, match="body: has 65 fields; no request has over 64"):
        await read_body(request(piece(body, more=False)), most_file_bytes=9)


def test_many_faults_are_not_described_one_by_one() -> None:
    with pytest.raises(InvalidRequest, match="body: has 1001 faults") as refused:
        validated(ChatFields, {"messages": [SEEN], "metadata": dict.fromkeys(map(str, range(1001)), 1)})
    assert refused.value.field == "body"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (5, "content: should be a valid string"),
        ([{"type": "foo"}], "content.0.type: must be one of 'text', 'image_url'"),
        ([{"text": "no type"}], "content.0.type: is required"),
        ([{"type": "image_url", "image_url": "data:"}], "content.0.image_url: should be an object"),
        ([{"type": "image_url", "image_url": {"url": 5}}], "content.0.image_url.url: should be a valid string"),
        ([{"type": "image_url", "image_url": {}}], "content.0.image_url.url: is required"),
        ([{"type": "text", "text": None}], "content.0.text: should be a valid string"),
        ([{"type": "text"}], "content.0.text: is required"),
        ([{"type": "text", "text": "a", "cache_control": {}}], "content.0.cache_control: unknown field; remove it"),
    ],
)
def test_the_fault_is_named_where_it_is(content: object, said: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        validated(ChatFields, {"messages": [{"role": "user", "content": content}]})
    name, _, rest = said.partition(":")
    assert refused.value.message.startswith(f"messages.0.{name}:{rest}")
    assert refused.value.field == f"messages.0.{name}"


@pytest.mark.parametrize("voice", [5, {"name": "a"}, {"id": 5}])
def test_a_voice_that_is_none_is_named_as_it_was_sent(voice: object) -> None:
    with pytest.raises(InvalidRequest) as refused:
        validated(SpeechFields, {"input": "a", "voice": voice})
    assert refused.value.field in {"voice", "voice.id"}


def test_null_stands_for_a_field_that_is_left_out() -> None:
    assert validated(ChatFields, {"messages": [SEEN], "stop": None, "tools": None, "n": None}).n == 1
    assert validated(VariationFields, {"n": None, "size": None}).n == 1
    assert validated(EditFields, {"prompt": "a cat", "size": None, "mask": None}).mask is None


def test_a_prompt_of_spaces_is_none() -> None:
    with pytest.raises(InvalidRequest, match="prompt: must not be empty"):
        validated(EditFields, {"prompt": "  "})


def test_answers_of_openais_shape_are_taken_back() -> None:
    answer = {"role": "assistant", "content": "a cat", "refusal": None, "annotations": [], "tool_calls": None}
    asked = {"role": "assistant", "content": None, "audio": None, "function_call": None}
    assert len(validated(ChatFields, {"messages": [SEEN, answer, asked, SEEN]}).messages) == 4
