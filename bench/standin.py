"""A stand-in for a worker: answers at once with prepared bytes, so that what is measured is what lies in front of it.

    python bench/standin.py --port 9100

It speaks as a worker of ours does (GET /health, chat, pictures, streams); any OpenAI client can read it too. Whoever
asks GET /may whether a request may pass hears that it may.
GET /delay?ms=20 makes every answer after it wait; a stream's events are `--gap-ms` apart and say when they were sent.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import random
import re
import socket
import struct
import time
import zlib
from collections.abc import Callable
from typing import cast

import httptools
import uvloop

CAPTIONER = "bench-captioner"
PAINTER = "bench-painter"
EVENTS = 50
"""Pieces of text in a stream."""

SIDES = (640, 546)
"""Of a picture of noise that has 1 MB."""

_HEALTH = "/health"
_CHAT = "/v1/chat/completions"
_IMAGES = "/v1/images/generations"
_MAY = "/may"
_DELAY = "/delay"
_STREAM = re.compile(rb'"stream"\s*:\s*true')
_LAST_CHUNK = b"0\r\n\r\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--gap-ms", type=float, default=2.0, help="between two events of a stream")
    options = parser.parse_args()
    answers = Answers(options.gap_ms / 1000)
    uvloop.run(serve(options.port, lambda: Connection(answers)))


async def serve(port: int, connection: Callable[[], asyncio.Protocol]) -> None:
    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


class Answers:
    """What is answered, as ready bytes, and how late. gap, delay: seconds."""

    def __init__(self, gap: float) -> None:
        self.gap = gap
        self.delay = 0.0
        self.whole = {
            _HEALTH: _json(_health()),
            _MAY: b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            _CHAT: _json(_caption(), _metered(CAPTIONER, units=1, tokens=16, compute_ms=12.5)),
            _IMAGES: _json(_picture_answer(), _metered(PAINTER, units=1, megapixels=0.35, steps=8, compute_ms=12.5)),
        }
        self.absent = _json({"error": {"message": "there is nothing at this address"}}, status="404 Not Found")
        self.stream_head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        before, _, after = _event({"content": "SENT"}).partition(b"SENT")
        self._before, self._after = before, after
        ending = _event({}, finish_reason="stop") + _event(None, usage=_USAGE) + b"data: [DONE]\n\n"
        self.stream_end = _chunk(ending) + _LAST_CHUNK

    def event(self) -> bytes:
        """A piece of text that says when it was sent, in nanoseconds of the clock that processes share."""
        return _chunk(b"%b%d %b" % (self._before, time.monotonic_ns(), self._after))


class Connection(asyncio.Protocol):
    """One keep-alive connection; requests are answered in their order."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.WriteTransport | None = None
        self._path = ""
        self._query = ""
        self._body = bytearray()
        self._stays = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's own class is not one by inheritance

    def connection_lost(self, _: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if self._transport:
                self._transport.close()

    def on_url(self, url: bytes) -> None:
        self._path, _, self._query = url.decode("ascii").partition("?")
        self._body = bytearray()

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        answers, path = self._answers, self._path
        self._stays = self._parser.should_keep_alive()
        if path == _CHAT and b'"stream"' in self._body and _STREAM.search(self._body):
            asyncio.get_running_loop().call_later(answers.delay, self._begin_stream)
        elif path == _DELAY:
            answers.delay = float(self._query.removeprefix("ms=")) / 1000
            self._send(_json({"delay_ms": answers.delay * 1000}))
        elif answers.delay and path not in {_HEALTH, _MAY}:
            asyncio.get_running_loop().call_later(answers.delay, self._send, answers.whole.get(path, answers.absent))
        else:
            self._send(answers.whole.get(path, answers.absent))

    def _send(self, answer: bytes, *, last: bool = True) -> None:
        if self._transport:
            self._transport.write(answer)
            if last and not self._stays:
                self._transport.close()

    def _begin_stream(self) -> None:
        self._send(self._answers.stream_head, last=False)
        self._send_event(1)

    def _send_event(self, number: int) -> None:
        self._send(self._answers.event(), last=False)
        loop = asyncio.get_running_loop()
        if number < EVENTS:
            loop.call_later(self._answers.gap, self._send_event, number + 1)
        else:
            loop.call_later(self._answers.gap, self._send, self._answers.stream_end)


_USAGE = {"prompt_tokens": 9, "completion_tokens": EVENTS, "total_tokens": 9 + EVENTS}


def _health() -> dict[str, object]:
    """What `atelier worker` says of itself when all its models are ready."""
    models = {CAPTIONER: ("image-to-text", "caption"), PAINTER: ("text-to-image", "text-to-image")}
    return {
        "status": "healthy",
        "services": [service for service, _ in models.values()],
        "models": [
            {"id": model, "state": "ready", "services": [service], "tasks": [task], "note": "stand-in", "licence": ""}
            for model, (service, task) in models.items()
        ],
        "queue": {"waiting": 0, "running": 0},
        "steps": 0,
    }


def _caption() -> dict[str, object]:
    message = {"role": "assistant", "content": "a red square on a white page"}
    usage = {"prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16, "input_tokens": 9, "output_tokens": 7}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": CAPTIONER,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": usage | {"compute_ms": 12.5},
    }


def _event(delta: dict[str, str] | None, *, finish_reason: str | None = None, **more: object) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": CAPTIONER}
    return b"data: " + json.dumps({**base, "choices": choices, **more}).encode() + b"\n\n"


def _chunk(data: bytes) -> bytes:
    """A piece of a body whose length is not known (RFC 9112, 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _picture_answer() -> dict[str, object]:
    width, height = SIDES
    return {
        "created": 1_700_000_000,
        "data": [{"b64_json": base64.b64encode(noise_png(width, height)).decode(), "width": width, "height": height}],
        "output_format": "png",
        "size": f"{width}x{height}",
        "model": PAINTER,
        "usage": {"input_tokens": 3, "output_tokens": 0, "total_tokens": 3, "steps": 8, "compute_ms": 12.5},
    }


def noise_png(width: int, height: int) -> bytes:
    """A picture that no format makes smaller."""
    noise = random.Random(1)
    rows = b"".join(b"\0" + noise.randbytes(3 * width) for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_part(name, data) for name, data in parts)


def _png_part(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _metered(model: str, **usage: float) -> str:
    """The header by which a worker of ours says what to meter."""
    return f"x-atelier-metered: {json.dumps({'model': model, 'usage': usage})}\r\n"


def _json(answer: object, more: str = "", *, status: str = "200 OK") -> bytes:
    body = json.dumps(answer).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{more}content-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
