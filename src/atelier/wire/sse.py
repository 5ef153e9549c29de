"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): written and read."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple

from pydantic_core import to_json

MEDIA_TYPE = "text/event-stream"
DONE = b"data: [DONE]\n\n"

_END = re.compile(rb"\r?\n\r?\n")
_MOST_BYTES = 256 * 1024 * 1024


class ServerEvent(NamedTuple):
    name: str
    data: bytes


def encode(data: Mapping[str, object], *, name: str | None = None) -> bytes:
    """One event; `name` adds an `event:` line."""
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + to_json(data, bytes_mode="base64") + b"\n\n"


async def decode(chunks: AsyncIterator[bytes]) -> AsyncIterator[ServerEvent]:
    """Events from a body that arrives in pieces of any size. Raises ValueError for one without an end in sight."""
    pending = bytearray()
    searched = 0
    async for chunk in chunks:
        pending += chunk
        while match := _END.search(pending, max(0, searched - 3)):
            block = bytes(pending[: match.start()])
            del pending[: match.end()]
            searched = 0
            if event := _parse(block):
                yield event
        searched = len(pending)
        if searched > _MOST_BYTES:
            raise ValueError("an event is larger than a quarter of a gigabyte")


def _parse(block: bytes) -> ServerEvent | None:
    name, lines = "message", []
    for line in block.splitlines():
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value.decode()
        elif field == b"data":
            lines.append(value)
    return ServerEvent(name, b"\n".join(lines)) if lines else None
