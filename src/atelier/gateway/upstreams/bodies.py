"""The bytes of a request: written once, whichever upstreams hear them, and anew for a foreign server."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from atelier.gateway.upstreams.upstream import Upstream
from atelier.wire.aside import aside
from atelier.wire.exchange import Outgoing
from atelier.wire.signatures import kind_of

_PICTURE = {"prompt", "model", "n", "size", "quality", "background", "user", "response_format"}
_DRAWN = _PICTURE | {"output_format", "output_compression", "partial_images", "stream"}
_HEARD = {"model", "prompt", "response_format", "temperature"}

UNDERSTOOD: dict[str, set[str]] = {
    "/v1/images/generations": _DRAWN | {"moderation"},
    "/v1/images/edits": _DRAWN | {"input_fidelity"},
    "/v1/images/variations": _PICTURE - {"prompt", "quality", "background"},
    "/v1/audio/speech": {"input", "model", "voice", "response_format", "speed", "instructions"},
    "/v1/audio/transcriptions": _HEARD
    | {"language", "timestamp_granularities", "stream", "include", "chunking_strategy"},
    "/v1/audio/translations": _HEARD,
    "/v1/chat/completions": {"messages", "model", "stream", "stream_options", "max_tokens", "max_completion_tokens"}
    | {"temperature", "n", "top_p", "seed", "user", "presence_penalty", "frequency_penalty"},
}
"""What servers that are not ours understand: they refuse a request with a field that they do not know.

https://platform.openai.com/docs/api-reference
"""

ANY_VOICE = "alloy"
"""Foreign servers want a voice to be named."""


class Written(NamedTuple):
    """A body and its content type."""

    data: bytes
    content_type: str


async def written(outgoing: Outgoing) -> Written:
    """The body for a worker of ours, where it is not written already."""
    return await aside(_weight(outgoing), _write, outgoing.fields, outgoing.files)


async def written_for(upstream: Upstream, outgoing: Outgoing) -> Written:
    """The body for an upstream that is foreign, or that is to be asked for a model of its own."""
    return await aside(_weight(outgoing), _rewrite, upstream, outgoing)


def _weight(outgoing: Outgoing) -> int:
    return outgoing.weight + len(outgoing.raw or b"") + sum(map(len, outgoing.files.values()))


def _rewrite(upstream: Upstream, outgoing: Outgoing) -> Written:
    if outgoing.otherwise is not None:
        outgoing = outgoing.otherwise()
    fields: Mapping[str, Any] = outgoing.fields
    if not fields and not outgoing.files and outgoing.raw is not None:
        fields = from_json(outgoing.raw)
    if upstream.model is not None:
        fields = {**fields, "model": upstream.model}
    if upstream.foreign:
        fields = _understood(outgoing.path, fields)
    return _write(fields, outgoing.files)


def _understood(path: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    known = UNDERSTOOD[path]
    kept = {name: value for name, value in fields.items() if name in known}
    model = str(kept.get("model", ""))
    if path.startswith("/v1/images/"):
        kept["response_format"] = "b64_json"
        if model.startswith("gpt-image"):  # which never sends anything else, and refuses to be asked
            del kept["response_format"]
    elif path == "/v1/audio/speech":
        kept.setdefault("voice", ANY_VOICE)
    elif path == "/v1/audio/transcriptions" and model.startswith("gpt-4o"):  # these tell no times
        kept["response_format"] = "json"
        kept.pop("timestamp_granularities", None)
    return kept


def _write(fields: Mapping[str, object], files: Mapping[str, bytes]) -> Written:
    if not files:
        return Written(to_json(fields), "application/json")
    boundary = secrets.token_hex(16)
    pieces: list[bytes] = []
    for name, value in fields.items():
        several = value if isinstance(value, list) else None
        for one in [value] if several is None else several:
            head = f'content-disposition: form-data; name="{name}{"" if several is None else "[]"}"'
            pieces += _part(boundary, head, _text(one))
    for name, data in files.items():
        ending, media_type = kind_of(data)  # some servers tell a file's kind by the ending of its name
        head = f'content-disposition: form-data; name="{name}"; filename="{name}{ending}"\r\ncontent-type: {media_type}'
        pieces += _part(boundary, head, data)
    pieces.append(f"--{boundary}--\r\n".encode())
    return Written(b"".join(pieces), f"multipart/form-data; boundary={boundary}")


def _part(boundary: str, head: str, data: bytes) -> tuple[bytes, bytes, bytes]:
    return f"--{boundary}\r\n{head}\r\n\r\n".encode(), data, b"\r\n"


def _text(value: object) -> bytes:
    return (str(value).lower() if isinstance(value, bool) else str(value)).encode()
