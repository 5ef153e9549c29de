"""What Prometheus reads: requests by service and status, how long they took, how many are inside."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from atelier.gateway.shared_metrics import FOLDER
from atelier.gateway.upstreams.circuit import State

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

LOOK_SECONDS = 1.0
"""How often a process writes down how things stand, for another one that is asked."""

Circuits = Mapping[tuple[str, int, State], int]
"""How many upstreams there are by service, tier and state."""

_OfAll = Literal["livesum", "livemax"]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


class Metrics:
    """Of one gateway process, in a registry of its own. One of several writes to a folder that they share."""

    def __init__(self) -> None:
        self._folder = os.environ.get(FOLDER)
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "atelier_requests", "Requests of services that were answered or refused.", ("service", "status"),
            registry=self._registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "atelier_request_seconds", "From the first byte of a request to the last of its answer.", ("service",),
            registry=self._registry, buckets=_SECONDS,
        )  # fmt: skip
        self._limits = Counter(
            "atelier_limit_refusals", "Requests refused by a limit, by what it counts.", ("service", "measure"),
            registry=self._registry,
        )  # fmt: skip
        self._in_flight = self._gauge("atelier_requests_in_flight", "Requests of services that are being served.")
        self._arriving = self._gauge("atelier_requests_arriving", "Requests of services whose body is on its way.")
        self._circuits = self._gauge(
            "atelier_upstream_circuits", "Upstreams by the state of their circuit, as each gateway process sees them.",
            ("service", "tier", "state"),
        )  # fmt: skip
        self._usage = {
            "journal_bytes": self._gauge("atelier_usage_journal_bytes", "Usage on the disk, on its way."),
            # The others are the same ones, whichever process looks.
            "stream_batches": self._gauge(
                "atelier_usage_stream_batches", "Batches of usage in Redis, on their way.", of_all="livemax"
            ),
            "dead_records": self._gauge(
                "atelier_usage_dead_records", "Usage records that can never be rows.", of_all="livemax"
            ),
        }
        self._count_requests: Callable[[], tuple[int, int]] = lambda: (0, 0)
        self._read_circuits: Callable[[], Circuits] = dict
        self._read_usage: Callable[[], Mapping[str, int | None]] = dict
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

    def watch_requests(self, count: Callable[[], tuple[int, int]]) -> None:
        """Those in flight, and those arriving. It is asked when the metrics are read, as what the others give."""
        self._count_requests = count

    def watch_circuits(self, read: Callable[[], Circuits]) -> None:
        self._read_circuits = read

    def watch_usage(self, read: Callable[[], Mapping[str, int | None]]) -> None:
        """See Ledger.waiting. What cannot be told just now stays as it was."""
        self._read_usage = read

    def count(self, service: str, status: int, seconds: float, limit: str | None) -> None:
        """One request. limit: the measure of the limit that refused it."""
        # The labelled counters are looked up once: doing so takes longer than counting.
        children = self._children.get((service, status))
        if children is None:
            children = self._requests.labels(service, str(status)), self._seconds.labels(service)
            self._children[service, status] = children
        children[0].inc()
        children[1].observe(seconds)
        if limit is not None:
            self._limits.labels(service, limit).inc()

    def text(self) -> bytes:
        """In Prometheus's own format."""
        self._look()
        return generate_latest(self._registry if self._folder is None else _of_all(self._folder))

    def _look(self) -> None:
        in_flight, arriving = self._count_requests()
        self._in_flight.set(in_flight)
        self._arriving.set(arriving)
        for (service, tier, state), count in self._read_circuits().items():
            self._circuits.labels(service, str(tier), state).set(count)
        for name, amount in self._read_usage().items():
            if amount is not None:
                self._usage[name].set(amount)

    def _gauge(self, name: str, about: str, labels: tuple[str, ...] = (), *, of_all: _OfAll = "livesum") -> Gauge:
        """of_all: what several processes come to together."""
        return Gauge(name, about, labels, registry=self._registry, multiprocess_mode=of_all)

    async def _look_again_and_again(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(LOOK_SECONDS)


def _of_all(folder: str) -> CollectorRegistry:
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    return registry
