"""The workers as Ray Serve deployments: an application for each service, on as many machines as Ray has.

`deploy/ray/serve.yaml` names `atelier.ray_serve:application` once for each service; docs/ray.md tells the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Literal

import ray
from pydantic import BaseModel, ConfigDict
from ray import serve
from starlette.types import ASGIApp

from atelier.catalog import SERVICES
from atelier.errors import Unavailable
from atelier.gateway.shared_metrics import keep_metrics
from atelier.run import prepare_libraries, worker_app, worker_host
from atelier.settings import Settings, load_settings
from atelier.tracing import start_tracing
from atelier.worker.app import status
from atelier.worker.host import Host

BUSY = 4.0
"""Requests that a replica has on average, running and waiting, where there are as many replicas as are needed."""

LOOK_SECONDS = 0.05

Hosting = Callable[[Settings, Sequence[str], float], Host]
"""Makes the inside of a worker; the number is its share of the device."""


class Served(BaseModel):
    """The `args` of an application: what it serves. All else is said in Ray's own words (`deployments`)."""

    model_config = ConfigDict(extra="forbid")

    service: Literal[tuple(SERVICES)]  # type: ignore[valid-type]


def application(args: dict[str, str]) -> serve.Application:
    """An application that serves one service. Its settings are those of the environment that its replicas have."""
    return bound(Served.model_validate(args).service, load_settings())


def models_host(settings: Settings, services: Sequence[str], share: float) -> Host:
    """With the models that the settings name, or the catalog's."""
    return worker_host(settings, services, share=share)


def bound(service: str, settings: Settings, hosting: Hosting = models_host, **options: Any) -> serve.Application:
    """A deployment of one service. options: Ray's own, in place of those that are chosen here."""
    chosen: dict[str, Any] = {
        "name": "worker",
        # More than that wait in Ray's proxies, for the next replica that is free; then they are refused. A request is
        # counted there even while its replica is being chosen, so that what comes at once needs room.
        "max_ongoing_requests": settings.most_waiting,
        "max_queued_requests": 4 * settings.most_waiting,
        "backpressure_config": {"status_code": 503, "retry_after_s": 1},
        "autoscaling_config": {"min_replicas": 1, "max_replicas": 4, "target_ongoing_requests": BUSY},
        # A replica that is to go ends what it has begun first, and another serves by then.
        "graceful_shutdown_timeout_s": settings.request_seconds,
        "graceful_shutdown_wait_loop_s": 0.5,
        "max_surge_percent": 100,
        "health_check_period_s": 5,
    }
    return serve.deployment(**chosen | options)(Worker).bind(service, hosting)


@serve.ingress()
class Worker:
    """A replica: the app of `atelier worker`, reached through Ray's proxies instead of a port of its own."""

    def __init__(self, service: str, hosting: Hosting) -> None:
        self._settings = load_settings()
        self._service = service
        keep_metrics()
        start_tracing("worker")
        prepare_libraries(self._settings)
        self._host = hosting(self._settings, [service], _share_of_device())

    def __serve_build_asgi_app__(self) -> ASGIApp:
        return worker_app(self._settings, [self._service], self._host)

    async def check_health(self) -> None:
        """Ray asks before a replica gets its first request, and every few seconds then.

        Raises Unavailable where none of its models can serve: Ray then puts another replica in its place.
        """
        while (now := status(self._host)) == "starting":  # noqa: ASYNC110  the engine thread tells nobody
            await asyncio.sleep(LOOK_SECONDS)
        if now == "unhealthy":
            problems = [resident.problem for resident in self._host.residents if resident.problem]
            raise Unavailable("; ".join(problems) or "the engine thread has ended")


def _share_of_device() -> float:
    """The part of a GPU that Ray gave this replica: what it may fill with models. All of it where it has no part."""
    assigned: dict[str, Any] = ray.get_runtime_context().get_assigned_resources()
    return min(1.0, float(assigned.get("GPU", 0))) or 1.0
