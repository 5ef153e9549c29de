"""An answer as it is kept, and the copy that is made of one while it is sent."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

MOST_KEPT_BYTES = 25_000_000

_HEAD_BYTES = 4

# Those that speak of the body. The others (limits, ids, dates, cookies) belong to the exchange that they came with.
_OF_THE_BODY = {
    "cache-control",
    "content-type",
    "x-accel-buffering",
    "x-audio-duration",
    "x-compute-ms",
    "x-language",
    "x-model",
    "x-sample-rate",
    "x-voice",
    "x-warnings",
}


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """headers: those that `kept_headers` lets through. request_id: of the request that it was made for."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    request_id: str

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 300

    @property
    def fits(self) -> bool:
        """Whether the body is small enough to be kept."""
        return len(self.body) <= MOST_KEPT_BYTES

    def pack(self) -> bytes:
        head = json.dumps([self.status, self.headers, self.request_id]).encode()
        return b"".join((len(head).to_bytes(_HEAD_BYTES, "big"), head, self.body))

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        start = _HEAD_BYTES + int.from_bytes(packed[:_HEAD_BYTES], "big")
        status, headers, request_id = json.loads(packed[_HEAD_BYTES:start])
        return cls(status, tuple((name, value) for name, value in headers), packed[start:], request_id)


def kept_headers(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """What of an answer's headers is given again with its body."""
    return tuple((name.lower(), value) for name, value in headers if name.lower() in _OF_THE_BODY)


class Copy:
    """The pieces of an answer, collected as they are sent.

    It stops past `MOST_KEPT_BYTES`: its body is then too large for a `StoredAnswer` that `fits`, and no longer whole.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._bytes = 0

    def add(self, piece: bytes) -> None:
        if self._bytes <= MOST_KEPT_BYTES:
            self._pieces.append(piece)
            self._bytes += len(piece)

    def body(self) -> bytes:
        return b"".join(self._pieces)
