"""What Prometheus reads: requests by service and status, how long they took, how many are inside."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from atelier.gateway.shared_metrics import FOLDER

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

LOOK_SECONDS = 1.0
"""How often a process writes down how things stand, for another one that is asked."""

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


class Metrics:
    """Of one gateway process, in a registry of its own. One of several writes to a folder that they share."""

    def __init__(self) -> None:
        self._folder = os.environ.get(FOLDER)
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "atelier_requests", "Requests of services that were answered.", ("service", "status"),
            registry=self._registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "atelier_request_seconds", "From the first byte of a request to the last of its answer.", ("service",),
            registry=self._registry, buckets=_SECONDS,
        )  # fmt: skip
        self._in_flight = Gauge(
            "atelier_requests_in_flight", "Requests of services that are being served.",
            registry=self._registry, multiprocess_mode="livesum",
        )  # fmt: skip
        self._count_in_flight: Callable[[], float] = lambda: 0
        self._children: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Of several processes: from now on the others know how things stand here, a second later at most."""
        if self._folder is not None:
            self._looking = asyncio.create_task(self._look_again_and_again())

    async def stop(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking

    def watch_in_flight(self, count: Callable[[], float]) -> None:
        """`count` is asked when the metrics are read."""
        self._count_in_flight = count

    def count(self, service: str, status: int, seconds: float) -> None:
        # The labelled counters are looked up once: doing so takes longer than counting.
        children = self._children.get((service, status))
        if children is None:
            children = self._requests.labels(service, str(status)), self._seconds.labels(service)
            self._children[service, status] = children
        children[0].inc()
        children[1].observe(seconds)

    def text(self) -> bytes:
        """In Prometheus's own format."""
        self._look()
        return generate_latest(self._registry if self._folder is None else _of_all(self._folder))

    def _look(self) -> None:
        self._in_flight.set(self._count_in_flight())

    async def _look_again_and_again(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(LOOK_SECONDS)


def _of_all(folder: str) -> CollectorRegistry:
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    return registry
