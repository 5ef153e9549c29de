"""The worker's server: the OpenAI-compatible routes of its services, /v1/models, /health and /metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict

import structlog
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as HttpRoute

from atelier.catalog import SERVICES
from atelier.errors import (
    AtelierError,
    Internal,
    MethodNotAllowed,
    NotFound,
    Unauthenticated,
    openai_envelope,
    openai_status,
)
from atelier.scraper import MEDIA_TYPE, is_scraper
from atelier.tracing import TracedRequests, tracer
from atelier.wire.body import read_body
from atelier.wire.body_limit import BodyLimit
from atelier.wire.call import Route
from atelier.wire.exchange import COMMERCIAL_HEADER, PLAN_HEADER, REVISION_HEADER, SECONDS_HEADER, TENANT_HEADER
from atelier.wire.media import load_data_uri
from atelier.wire.metering import tell
from atelier.wire.routes import ROUTES
from atelier.wire.serving import final_result, respond_in_pieces, until_disconnect
from atelier.worker.host import Host
from atelier.worker.metrics import PlanNames
from atelier.worker.references import reference_routes
from atelier.worker.residency import Resident

_SERVED = frozenset({"ready", "resting"})
"""A model that is resting is loaded when it is asked for."""

log = structlog.get_logger()


def create_app(
    host: Host, services: Sequence[str], *, most_body_bytes: int, metrics_token: SecretStr | None = None,
    metrics_port: int | None = None,
) -> Starlette:  # fmt: skip
    """An ASGI app that serves `services` from `host`, and starts and stops it.

    metrics_token: what /metrics wants as a bearer token; none: it is as open as /health. metrics_port: which of the
    ports tells the numbers, so that who asks all of them counts nothing twice; none: every one.
    """
    host.metrics.watch(host, services)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None, None]:
        host.start()
        try:
            yield
        finally:
            host.stop()

    rows = [row for row in ROUTES if row.service in services]
    routes = [HttpRoute(row.path, _endpoint(host, row, most_body_bytes), methods=["POST"]) for row in rows]
    routes += reference_routes(services, most_bytes=most_body_bytes)
    routes += [
        HttpRoute("/health", lambda _: JSONResponse(health(host, services))),
        HttpRoute("/metrics", _metrics(host, metrics_token, metrics_port)),
        HttpRoute("/ready", lambda _: ready(host)),
        HttpRoute("/v1/models", lambda _: JSONResponse(model_list(host))),
    ]
    found = tracer()
    traced = [] if found is None else [Middleware(TracedRequests, tracer=found, paths=[row.path for row in rows])]
    return Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[*traced, Middleware(BodyLimit, most_bytes=most_body_bytes)],
        exception_handlers={
            AtelierError: _refuse,
            HTTPException: _refuse_http,
            ClientDisconnect: _nobody,
            Exception: _fault,
        },
    )


def _metrics(host: Host, token: SecretStr | None, port: int | None) -> Callable[[Request], Awaitable[Response]]:
    async def metrics(request: Request) -> Response:
        if token is not None and not is_scraper(request.headers, token):
            raise Unauthenticated("metrics want the token of ATELIER_METRICS_TOKEN")
        if port not in {None, request.scope["server"][1]}:
            return Response(f"# This process tells its numbers on port {port}.\n", media_type=MEDIA_TYPE)
        return Response(await asyncio.to_thread(host.metrics.text), media_type=MEDIA_TYPE)

    return metrics


def _endpoint(host: Host, row: Route, most_bytes: int) -> Callable[[Request], Awaitable[Response]]:
    plans, read = PlanNames(), row.read_inside or row.read

    async def endpoint(request: Request) -> Response:
        call = await read(await read_body(request, most_file_bytes=most_bytes), load_data_uri)
        commercial = bool(request.headers.get(COMMERCIAL_HEADER))
        events = host.run(
            row.service,
            call.request,
            tenant=_tenant(request),
            seconds=_seconds(request),
            commercial=commercial,
            plan=plans.named(request.headers.get(PLAN_HEADER)),
        )
        if call.stream:
            response = await respond_in_pieces(request, row.shape, call, events, _no_link)
        else:
            result = await until_disconnect(request, final_result(events))
            response = row.shape.answer(result, call, _no_link)
            tell(response, result, SERVICES[row.service].measure(call.request, result))
        if revision := host.revision(row.service, call.request, commercial=commercial):
            response.headers[REVISION_HEADER] = revision
        return response

    return endpoint


def _tenant(request: Request) -> str:
    return request.headers.get(TENANT_HEADER, "")


def _seconds(request: Request) -> float | None:
    try:
        return float(request.headers[SECONDS_HEADER])
    except (KeyError, ValueError):
        return None


def _no_link(_: str) -> str:
    raise AssertionError("a worker stores no files")


def health(host: Host, services: Sequence[str]) -> dict[str, object]:
    """`healthy` when every task has a model that is ready, `degraded` when some have; `starting`; `unhealthy`."""
    return {
        "status": status(host),
        "services": list(services),
        "models": [_described(resident) for resident in host.residents],
        "queue": host.scheduler.queue(),
        "steps": host.scheduler.steps,
    }


def status(host: Host) -> str:
    """As `health` says it."""
    return _status(host.residents) if host.scheduler.is_alive else "unhealthy"


def ready(host: Host) -> Response:
    """For those who ask for a status alone: 200 where something is served, else 503."""
    now = status(host)
    return JSONResponse({"status": now}, status_code=200 if now in {"healthy", "degraded"} else 503)


def _status(residents: Sequence[Resident]) -> str:
    tasks = {task for resident in residents for task in resident.plan.tasks}
    able = {task for resident in residents if resident.state in _SERVED for task in resident.plan.tasks}
    if able:
        return "healthy" if able == tasks else "degraded"
    loading = any(resident.state in {"waiting", "loading"} for resident in residents)
    return "starting" if loading else "unhealthy"


def _described(resident: Resident) -> dict[str, object]:
    described: dict[str, object] = {
        "id": resident.model,
        "state": resident.state,
        "services": list(resident.plan.services),
        "tasks": list(resident.plan.tasks),
        "note": resident.plan.source.note,
        "licence": resident.plan.licence,
        "memory_gb": round(resident.size / 1e9, 3),
    }
    if resident.plan.clones:
        described["clones"] = True
    if resident.info:
        described |= {k: v for k, v in asdict(resident.info).items() if k != "model" and v not in (None, ())}
    if resident.card:
        described["card"] = resident.card
    if resident.problem:
        described["problem"] = resident.problem
    return described


def model_list(host: Host) -> dict[str, object]:
    served = [_described(resident) for resident in host.residents if resident.state in _SERVED]
    return {"object": "list", "data": [{"object": "model", "created": 0, "owned_by": "atelier", **m} for m in served]}


async def _refuse(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, AtelierError)
    headers = {"retry-after": str(int(problem.retry_after + 0.999))} if problem.retry_after else None
    return JSONResponse(openai_envelope(problem), status_code=openai_status(problem), headers=headers)


async def _refuse_http(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    if problem.status_code == 405:
        return await _refuse(request, MethodNotAllowed("this address does not answer to that method"))
    return await _refuse(request, NotFound("there is nothing at this address"))


async def _nobody(_: Request, __: Exception) -> Response:
    return Response(status_code=499)


async def _fault(request: Request, problem: Exception) -> Response:
    log.error("request failed", path=request.url.path, exc_info=problem)
    return await _refuse(request, Internal("something went wrong here; the worker's log has the details"))
