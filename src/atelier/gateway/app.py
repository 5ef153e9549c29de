"""The gateway's server: both faces, the account routes, the pages, and errors in each face's own words."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from atelier import __version__
from atelier.catalog import SERVICES
from atelier.errors import (
    AtelierError,
    Internal,
    MethodNotAllowed,
    NotFound,
    native_envelope,
    openai_envelope,
    openai_status,
    whole_seconds,
)
from atelier.gateway.artifacts import create_artifacts
from atelier.gateway.auth import create_auth
from atelier.gateway.faces import account, reference
from atelier.gateway.faces import artifacts as artifact_routes
from atelier.gateway.faces.endpoints import Gateway, native_endpoint, openai_endpoint
from atelier.gateway.faces.native import NATIVE_ROUTES
from atelier.gateway.fetch import GuardedFetch
from atelier.gateway.limits import Limits
from atelier.gateway.pages import add_pages
from atelier.gateway.pipeline import Pipeline
from atelier.gateway.request_log import RequestLog
from atelier.gateway.upstreams import Upstreams
from atelier.gateway.usage import Ledger
from atelier.settings import Settings
from atelier.state.database import open_database
from atelier.wire.body_limit import BodyLimit
from atelier.wire.routes import ROUTES

DRAIN_SECONDS = 3.0
"""What requests that a stop has cut off are given to be settled."""

log = structlog.get_logger()


@asynccontextmanager
async def open_gateway(settings: Settings, secret: str, processes: Path | None) -> AsyncGenerator[Gateway, None]:
    """The parts of a gateway, started; closed at the end."""
    database = await open_database(settings.database_location(), connections=settings.database_connections)
    upstreams = Upstreams(
        {service: [rule.url for rule in settings.upstream_rules(service)] for service in SERVICES},
        request_seconds=settings.request_seconds,
    )
    most_bytes = settings.most_body_mb * 1_000_000
    fetch = GuardedFetch(most_bytes=most_bytes, allow=settings.fetch_allow)
    limits = Limits(settings.limits)
    ledger = Ledger(database)
    artifacts = create_artifacts(settings, database, secret)
    pipeline = Pipeline(limits, upstreams, artifacts, ledger)
    auth = create_auth(settings, secret, database)
    await upstreams.start()
    auth.start()
    await artifacts.start()
    try:
        yield Gateway(
            auth=auth,
            limits=limits,
            upstreams=upstreams,
            artifacts=artifacts,
            ledger=ledger,
            pipeline=pipeline,
            fetch=fetch,
            aliases=settings.aliases,
            public_url=settings.public_url,
            most_body_bytes=most_bytes,
            processes=processes,
        )
    finally:
        await pipeline.drained(DRAIN_SECONDS)
        await upstreams.stop()
        await auth.stop()
        await artifacts.stop()
        await fetch.close()
        await database.dispose()


def create_app(settings: Settings, secret: str, *, processes: Path | None = None) -> FastAPI:
    """The ASGI app. `processes`: where `atelier serve` writes how its child processes are."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        async with open_gateway(settings, secret, processes) as gateway:
            app.state.gateway = gateway
            yield

    app = FastAPI(
        title="Atelier",
        version=__version__,
        summary="Self-hosted AI media: images, speech and text, for many tenants.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(BodyLimit, most_bytes=settings.most_body_mb * 1_000_000)
    app.add_middleware(RequestLog, fault=_fault)
    for problem, handler in _HANDLERS.items():
        app.add_exception_handler(problem, handler)
    _add_routes(app)
    add_pages(app)
    return app


def _add_routes(app: FastAPI) -> None:
    for native in NATIVE_ROUTES:
        reference.add_native(app, native, native_endpoint(native))
    for row in ROUTES:
        reference.add_openai(app, row, openai_endpoint(row))
    reference.add_get(app, "/v1/models", "The models that are ready", account.models, "openai")
    reference.add_get(app, "/v1/models/{model:path}", "One model", account.model, "openai")
    reference.add_get(app, "/api/usage", "What the month came to", account.usage, "account")
    reference.add_get(app, "/api/limits", "The limits and what is left", account.limits, "account")
    artifact_routes.add_routes(app)
    reference.add_get(app, "/health", "How everything is", account.health_report, "health")
    reference.declare_bearer(app)


async def _refuse(request: Request, problem: Exception) -> Response:
    """An error in the words of the face that was asked."""
    assert isinstance(problem, AtelierError)
    headers = dict(problem.headers)
    if problem.retry_after is not None:
        headers["retry-after"] = str(whole_seconds(problem.retry_after))
    if problem.status == 401:
        headers["www-authenticate"] = "Bearer"
    request.state.error = problem.code
    if request.url.path.startswith("/v1/"):
        return JSONResponse(openai_envelope(problem), status_code=openai_status(problem), headers=headers)
    envelope = native_envelope(problem, request.state.request_id)
    return JSONResponse(envelope, status_code=problem.status, headers=headers)


async def _refuse_http(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    if problem.status_code == 405:
        return await _refuse(request, MethodNotAllowed(f"This address does not answer to {request.method}"))
    return await _refuse(request, NotFound("There is nothing at this address; /docs lists what there is"))


async def _nobody(_: Request, __: Exception) -> Response:
    return Response(status_code=499)


async def _fault(request: Request, problem: Exception) -> Response:
    log.error("request failed", request_id=request.state.request_id, exc_info=problem)
    return await _refuse(
        request, Internal(f"Something went wrong here; request {request.state.request_id} finds it in the log")
    )


_HANDLERS: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    AtelierError: _refuse,
    HTTPException: _refuse_http,
    ClientDisconnect: _nobody,
}
