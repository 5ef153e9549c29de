"""What a tenant may ask about itself: usage, limits, models and artifacts; and what anyone may ask: health."""

from __future__ import annotations

from dataclasses import asdict
from mimetypes import guess_extension

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from atelier.errors import Forbidden, NotFound, Unauthenticated
from atelier.gateway.artifacts import Artifact
from atelier.gateway.faces.endpoints import gateway_of
from atelier.gateway.health import health, model_list, process_states
from atelier.gateway.metrics import MEDIA_TYPE


async def usage(request: Request) -> Response:
    gateway = gateway_of(request)
    caller = await gateway.auth.caller(request.headers)
    return JSONResponse(await gateway.ledger.month(caller.tenant, request.query_params.get("month")))


async def limits(request: Request) -> Response:
    gateway = gateway_of(request)
    caller = await gateway.auth.caller(request.headers)
    return JSONResponse({"limits": [asdict(state) for state in await gateway.limits.states(caller.tenant)]})


async def models(request: Request) -> Response:
    gateway = gateway_of(request)
    await gateway.auth.caller(request.headers)
    return JSONResponse({"object": "list", "data": model_list(gateway.upstreams)})


async def model(request: Request) -> Response:
    """One of them, by its id."""
    gateway = gateway_of(request)
    await gateway.auth.caller(request.headers)
    name = request.path_params["model"]
    found = {entry["id"]: entry for entry in model_list(gateway.upstreams)}
    if name not in found:
        raise NotFound(f"model: {name[:200]} is not served here; GET /v1/models lists what is", field="model")
    return JSONResponse(found[name])


async def health_report(request: Request) -> Response:
    gateway = gateway_of(request)
    found = health(gateway.upstreams, process_states(gateway.processes))
    return JSONResponse(found, status_code=503 if found["status"] == "unhealthy" else 200)


async def metrics(request: Request) -> Response:
    """For Prometheus, with an administrator's token or key: the numbers speak of every tenant."""
    gateway = gateway_of(request)
    if not (await gateway.auth.caller(request.headers)).is_admin:
        raise Forbidden("Metrics are for administrators; use a token or key with the role admin")
    return Response(gateway.metrics.text(), media_type=MEDIA_TYPE)


_ENDINGS = {"audio/ogg": ".opus", "audio/wav": ".wav", "audio/aac": ".aac", "audio/flac": ".flac", "audio/pcm": ".pcm"}
"""Where the system's own table is silent or says something else."""


def _file_name(found: Artifact) -> str:
    ending = _ENDINGS.get(found.media_type) or guess_extension(found.media_type) or ""
    return f"{found.media_type.partition('/')[0]}-{found.id}{ending}"


async def artifact(request: Request) -> Response:
    """The bytes, with range requests: for a signed link as it is, else for the owner's token."""
    gateway = gateway_of(request)
    name, query = request.path_params["artifact"], request.query_params
    if "signature" in query:
        found = await gateway.artifacts.of_link(name, query.get("expires", ""), query["signature"])
    elif "authorization" in request.headers:
        caller = await gateway.auth.caller(request.headers)
        found = await gateway.artifacts.of_tenant(name, caller.tenant)
    else:
        raise Unauthenticated("Open the signed link, or send the header Authorization: Bearer <token or API key>")
    if not found.file.is_file():
        raise NotFound("The file of this artifact is gone from the store")
    # A made file is never run: the browser is told not to guess, and to run nothing inside it.
    headers = {
        "cache-control": "private, max-age=3600, immutable",
        "content-security-policy": "default-src 'none'; sandbox",
        "content-disposition": f'inline; filename="{_file_name(found)}"',
    }
    return FileResponse(found.file, media_type=found.media_type, headers=headers)
