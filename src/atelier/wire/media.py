"""Files that come inside a request: data URIs here, web addresses through whatever `Load` the server passes in."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable

from atelier.errors import InvalidRequest
from atelier.wire.aside import LARGE_BYTES

Load = Callable[[str, str, str], Awaitable[bytes]]
"""(reference, field, kind) → bytes; kind is `image` or `audio`. Raises InvalidRequest naming the field."""

DATA_URI = "data:"


async def load_data_uri(reference: str, field: str, kind: str) -> bytes:
    """A `Load` that fetches nothing: only data URIs pass."""
    if not reference.startswith(DATA_URI):
        raise InvalidRequest(f"{field}: send the {kind} itself, as a data URI or a file", field=field)
    if len(reference) <= LARGE_BYTES:
        return read_data_uri(reference, field)
    return await asyncio.to_thread(read_data_uri, reference, field)


def read_data_uri(reference: str, field: str) -> bytes:
    """The bytes of `data:<type>;base64,<data>` (RFC 2397)."""
    head, comma, data = reference.partition(",")
    if not comma or not head.endswith(";base64"):
        raise InvalidRequest(f"{field}: not a data URI of the form data:<type>;base64,<data>", field=field)
    return read_base64(data, field)


def read_base64(data: str, field: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest(f"{field}: not valid base64", field=field) from None


def data_uri(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"
