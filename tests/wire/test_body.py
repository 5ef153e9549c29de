"""Bodies that do not arrive."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from atelier.errors import UploadTooSlow
from atelier.wire.body import read_body


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
