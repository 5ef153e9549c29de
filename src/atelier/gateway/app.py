"""The gateway's server: its parts, started and stopped together, and the app in front of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypedDict

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from atelier import __version__
from atelier.errors import AtelierError
from atelier.gateway.answers import create_answer_cache, create_idempotency
from atelier.gateway.artifacts import create_artifacts
from atelier.gateway.auth import create_auth
from atelier.gateway.certificate import Certificate
from atelier.gateway.faces import account, reference
from atelier.gateway.faces import artifacts as artifact_routes
from atelier.gateway.faces import voices as voice_routes
from atelier.gateway.faces.admin import add_admin
from atelier.gateway.faces.endpoints import Gateway, native_endpoint, openai_endpoint
from atelier.gateway.faces.native import NATIVE_ROUTES
from atelier.gateway.fetch import GuardedFetch
from atelier.gateway.front import Direct, Front
from atelier.gateway.limits import create_limits
from atelier.gateway.metrics import Metrics
from atelier.gateway.pages import add_pages
from atelier.gateway.pipeline import Pipeline
from atelier.gateway.refusals import fault, nobody, refuse, refuse_http, worded
from atelier.gateway.request_log import Logged, RequestLog
from atelier.gateway.samples import request_samples, state_samples, upstream_samples, usage_samples
from atelier.gateway.tenants import create_tenants
from atelier.gateway.upstreams import create_upstreams
from atelier.gateway.usage import create_ledger
from atelier.gateway.voices import create_voices
from atelier.settings import Settings
from atelier.state.database import open_database
from atelier.tracing import TracedRequests, tracer
from atelier.wire.body_limit import BodyLimit
from atelier.wire.routes import ROUTES
from atelier.wire.speech import SERVICE as SPEECH

DRAIN_SECONDS = 3.0
"""What requests that a stop has cut off are given to be settled."""


_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False, "metrics": False, "logs": False, "operation_spans": False, "auto_configure": False,
}  # fmt: skip
"""The framework's own would tell paths, and words of errors: signed links and what callers wrote among them."""


class State(TypedDict):
    """What every request's `state` begins with."""

    gateway: Gateway


@asynccontextmanager
async def open_gateway(
    settings: Settings, secret: str, metrics: Metrics, processes: Path | None
) -> AsyncGenerator[Gateway, None]:
    """The parts of a gateway, started; stopped at the end, those that others need last."""
    database = await open_database(settings.database_location(), connections=settings.database_connections)
    most_bytes = settings.most_body_mb * 1_000_000
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.dispose)
        artifacts = create_artifacts(settings, database, secret)
        auth = create_auth(settings, secret, database)
        fetch = GuardedFetch(most_bytes=most_bytes, allow=settings.fetch_allow)
        ledger = create_ledger(settings, database)
        limits = create_limits(settings)
        tenants = create_tenants(database)
        upstreams = create_upstreams(settings)
        voices = create_voices(settings, database, artifacts.store)
        stack.push_async_callback(voices.stop)
        idempotency, cache = create_idempotency(settings), create_answer_cache(settings)
        for closed in (fetch, idempotency, cache):
            stack.push_async_callback(closed.close)
        certificate = Certificate(settings.public_url)
        auth.start()
        stack.push_async_callback(auth.stop)
        watch = metrics.gauges.watch
        watch(lambda: upstream_samples(upstreams))
        watch(lambda: usage_samples(ledger))
        watch(lambda: state_samples(database, limits, ledger, artifacts, settings.home))
        watch(certificate.samples)
        for part in (certificate, artifacts, tenants, ledger, limits, upstreams, metrics):
            await part.start()
            stack.push_async_callback(part.stop)
        pipeline = _pipeline()(limits, upstreams, artifacts, ledger, settings.prices)
        stack.push_async_callback(pipeline.drained, DRAIN_SECONDS)
        watch(lambda: request_samples(pipeline))
        yield Gateway(
            auth=auth,
            tenants=tenants,
            database=database,
            limits=limits,
            upstreams=upstreams,
            artifacts=artifacts,
            voices=voices,
            ledger=ledger,
            pipeline=pipeline,
            fetch=fetch,
            idempotency=idempotency,
            cache=cache,
            metrics=metrics,
            aliases=settings.aliases,
            plans=settings.plans,
            loras=settings.loras,
            retention_days=settings.retention_days,
            public_url=settings.public_url,
            most_body_bytes=most_bytes,
            metrics_token=settings.metrics_token,
            processes=processes,
        )


def check_settings(settings: Settings) -> None:
    """Raises SettingsProblem for what cannot be used, before a server has begun: a missing key, a wrong address."""
    create_upstreams(settings)
    create_limits(settings)


def create_app(settings: Settings, secret: str, *, processes: Path | None = None) -> ASGIApp:
    """The ASGI app. `processes`: where `atelier serve` writes how its child processes are.

    Calls of the services go through the front straight to their endpoints. FastAPI serves the rest, behind two thin
    layers (log, bound on the body), and describes all of it.
    """
    metrics = Metrics()
    direct = {
        **{f"/api/{row.service}": Direct(row.service, native_endpoint(row)) for row in NATIVE_ROUTES},
        **{row.path: Direct(row.service, openai_endpoint(row)) for row in ROUTES},
        voice_routes.PATH: Direct(SPEECH, voice_routes.create),  # its uploads take as much memory
    }
    most_body_bytes = settings.most_body_mb * 1_000_000
    log = RequestLog(metrics)
    bounded = BodyLimit(_framework(settings, secret, metrics, direct, processes), most_bytes=most_body_bytes)
    front = Front(
        direct, Logged(bounded, log, fault),
        log=log, most_in_flight=settings.most_in_flight, most_body_bytes=most_body_bytes, refuse=worded,
    )  # fmt: skip
    metrics.gauges.watch(
        lambda: [("requests_in_flight", (), front.in_flight), ("requests_arriving", (), front.arriving)]
    )
    found = tracer()
    return front if found is None else TracedRequests(front, found, direct)


def _pipeline() -> type[Pipeline]:
    if tracer() is None:
        return Pipeline
    from atelier.gateway.traced import TracedPipeline

    return TracedPipeline


def _framework(
    settings: Settings, secret: str, metrics: Metrics, direct: dict[str, Direct], processes: Path | None
) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[State, None]:
        async with open_gateway(settings, secret, metrics, processes) as gateway:
            yield {"gateway": gateway}

    app = FastAPI(
        title="Atelier",
        version=__version__,
        summary="Self-hosted AI media: images, speech and text, for many tenants.",
        lifespan=lifespan,
        telemetry=_NO_TELEMETRY,
        docs_url=None,
        redoc_url=None,
        exception_handlers={AtelierError: refuse, HTTPException: refuse_http, ClientDisconnect: nobody},
    )
    _add_routes(app, direct)
    add_pages(app)
    return app


def _add_routes(app: FastAPI, direct: dict[str, Direct]) -> None:
    for native in NATIVE_ROUTES:
        reference.add_native(app, native, direct[f"/api/{native.service}"].endpoint)
    for row in ROUTES:
        reference.add_openai(app, row, direct[row.path].endpoint)
    reference.add_get(app, "/v1/models", "The models that are ready", account.models, "openai")
    reference.add_get(app, "/v1/models/{model:path}", "One model", account.model, "openai")
    reference.add_get(app, "/api/usage", "What the month came to", account.usage, "account")
    reference.add_get(app, "/api/usage/days", "What each day of the month came to", account.usage_days, "account")
    reference.add_get(app, "/api/caller", "Whom the credentials speak for", account.caller, "account")
    reference.add_get(app, "/api/limits", "The limits and what is left", account.limits, "account")
    artifact_routes.add_routes(app)
    voice_routes.add_routes(app)
    reference.add_get(app, "/metrics", "Numbers for Prometheus", account.metrics, "admin")
    reference.add_get(app, "/health", "How everything is", account.health_report, "health")
    add_admin(app)
    reference.declare_bearer(app)
