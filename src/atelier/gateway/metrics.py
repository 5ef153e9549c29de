"""What Prometheus reads: requests by service and status, how long they took, how many are inside."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


class Metrics:
    """Of one gateway process, in a registry of its own."""

    def __init__(self) -> None:
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
            "atelier_requests_in_flight", "Requests of services that are being served.", registry=self._registry
        )
        self._children: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def watch_in_flight(self, count: Callable[[], float]) -> None:
        """`count` is asked when the metrics are read."""
        self._in_flight.set_function(count)

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
        return generate_latest(self._registry)
