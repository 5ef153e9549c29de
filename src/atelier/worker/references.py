"""POST /v1/audio/references: a recording of a voice, for the gateway, which decodes nothing: looked at and copied.

Part `reference` of a form: a recording of any kind. The answer is a WAV file of it, as the engines want it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from atelier.errors import InvalidRequest
from atelier.wire.body import read_body
from atelier.wire.speech import REFERENCE, REFERENCES_PATH, SERVICE

MOST_AT_ONCE = 2
"""Recordings that are decoded at the same time: engines want the processor too."""


def reference_routes(services: Sequence[str], *, most_bytes: int) -> list[Route]:
    """Of a worker of `services`: none where nothing is spoken."""
    if SERVICE not in services:
        return []
    turns = asyncio.Semaphore(MOST_AT_ONCE)

    async def copy(request: Request) -> Response:
        recording = (await read_body(request, most_file_bytes=most_bytes)).file(REFERENCE)
        if recording is None:
            raise InvalidRequest(f"{REFERENCE}: send the recording as this part of a form", field=REFERENCE)
        from atelier.media.reference import copied

        async with turns:
            return Response(await asyncio.to_thread(copied, recording), media_type="audio/wav")

    return [Route(REFERENCES_PATH, copy, methods=["POST"])]
