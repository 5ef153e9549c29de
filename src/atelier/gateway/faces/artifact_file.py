"""The bytes of an artifact: whole or in part, not again where the client has them, or by the store itself."""

from __future__ import annotations

from collections.abc import Mapping
from mimetypes import guess_extension

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from atelier.errors import Unauthenticated
from atelier.gateway.artifacts import Artifact
from atelier.gateway.artifacts.byte_range import parse_range
from atelier.gateway.faces.endpoints import gateway_of
from atelier.state.tables import now

FRESH_SECONDS = 3600
"""For so long a browser need not ask again: the bytes of an artifact never change."""

_ENDINGS = {"audio/ogg": ".opus", "audio/wav": ".wav", "audio/aac": ".aac", "audio/flac": ".flac", "audio/pcm": ".pcm"}
"""Where the system's own table is silent or says something else."""


async def content(request: Request) -> Response:
    """The bytes: for a signed link as it is, else for a token of its tenant and service."""
    gateway = gateway_of(request)
    name, query = request.path_params["artifact"], request.query_params
    signed = (query.get("expires", ""), query["signature"]) if "signature" in query else None
    if signed is not None:
        found = await gateway.artifacts.of_link(name, *signed)
    elif "authorization" in request.headers:
        found = await gateway.artifact(request, name)
    else:
        raise Unauthenticated("Open the signed link, or send the header Authorization: Bearer <token or API key>")
    if _is_known(request.headers, found):
        return Response(status_code=304, headers=_caching(found))
    if signed is not None and request.method == "GET":
        elsewhere = await gateway.artifacts.link_to_store(found, *signed)
        if elsewhere is not None:
            return RedirectResponse(elsewhere, status_code=307, headers={"cache-control": "no-store"})
    return await _file(request, found)


async def _file(request: Request, found: Artifact) -> Response:
    gateway = gateway_of(request)
    part = _part(request.headers, found)
    first, end = part or (0, found.bytes)
    headers = {
        **_caching(found),
        "accept-ranges": "bytes",
        "content-length": str(end - first),
        # A made file is never run: the browser is told not to guess, and to run nothing inside it.
        "content-security-policy": "default-src 'none'; sandbox",
        "content-disposition": f'inline; filename="{_file_name(found)}"',
    }
    if part is not None:
        headers["content-range"] = f"bytes {first}-{end - 1}/{found.bytes}"
    status = 200 if part is None else 206
    pieces = await gateway.artifacts.read(found, first, end)
    if request.method == "HEAD":
        return Response(status_code=status, media_type=found.media_type, headers=headers)
    return StreamingResponse(pieces, status_code=status, media_type=found.media_type, headers=headers)


def _part(headers: Mapping[str, str], found: Artifact) -> tuple[int, int] | None:
    """What is asked for of the file, unless it is another than the one that the client has the rest of."""
    if "range" not in headers or headers.get("if-range", _tag(found)) != _tag(found):
        return None
    return parse_range(headers["range"], found.bytes)


def _is_known(headers: Mapping[str, str], found: Artifact) -> bool:
    known = [tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(",")]
    return "*" in known or _tag(found) in known


def _caching(found: Artifact) -> dict[str, str]:
    seconds = FRESH_SECONDS
    if found.expires_at is not None:
        seconds = max(0, min(seconds, int((found.expires_at - now()).total_seconds())))
    return {"etag": _tag(found), "cache-control": f"private, max-age={seconds}, immutable"}


def _tag(found: Artifact) -> str:
    return f'"{found.sha256}"'


def _file_name(found: Artifact) -> str:
    ending = _ENDINGS.get(found.media_type) or guess_extension(found.media_type) or ""
    return f"{found.media_type.partition('/')[0]}-{found.id}{ending}"
