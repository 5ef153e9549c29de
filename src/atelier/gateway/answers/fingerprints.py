"""What makes two requests the same one: the name that a client gives, and what it asks for."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping

from atelier.contracts.base import Contract
from atelier.errors import InvalidRequest
from atelier.wire.body import Body

HEADER = "Idempotency-Key"

_LONG_CHARACTERS = 10_000
_PRINTABLE = re.compile(r"[\x20-\x7e]{1,255}")


def idempotency_key(path: str, header: str) -> str:
    """The header's value, for this path alone. Raises InvalidRequest naming the header.

    https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/. The quotes that the draft wants are
    part of the key: every client in use leaves them out.
    """
    if not _PRINTABLE.fullmatch(header):
        raise InvalidRequest(f"{HEADER}: must be 1 to 255 printable ASCII characters; a UUID will do", field=HEADER)
    return f"POST {path} {header}"


def fingerprint(path: str, body: Body, beside: str | None = None) -> bytes:
    """32 bytes that are equal where the same is asked for: the order of fields and a form's boundary do not matter.
    beside: what is asked for that the body does not say.

    Takes about a millisecond for each megabyte.
    """
    return _digest(["POST", path, body.fields, body.files, *([] if beside is None else [beside])])


def cache_key(service: str, request: Contract, worded: Mapping[str, object]) -> bytes:
    """32 bytes that are equal where the answers are: `request` after its model's alias was resolved.

    worded: all that the answer's form depends on and the request does not say: the path, and a call's options.
    """
    return _digest([service, type(request).__name__, request.model_dump(), dict(worded)])


def _digest(parts: list[object]) -> bytes:
    return hashlib.sha256(json.dumps(_shortened(parts), sort_keys=True, separators=(",", ":")).encode()).digest()


def _shortened(value: object) -> object:
    """The same with hashes for files and long texts: quoting a megabyte of base64 takes far longer than hashing it."""
    if isinstance(value, str) and len(value) > _LONG_CHARACTERS:
        return {"text": hashlib.sha256(value.encode(errors="surrogatepass")).hexdigest()}
    if isinstance(value, bytes):
        return {"file": hashlib.sha256(value).hexdigest()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if isinstance(value, dict):
        return {name: _shortened(item) for name, item in value.items()}
    return value
