"""What Prometheus reads: requests by service, status and upstream, how long they took, and how things stand."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest

from atelier.gateway.gauges import gateway_gauges
from atelier.gateway.shared_metrics import FOLDER
from atelier.process_numbers import process_samples

LOOK_SECONDS = 1.0
"""How often a process writes down how things stand, for another one that is asked."""

MOST_PENDING = 50
"""Requests that are noted before they are counted: one after another that takes a fraction of the time."""

NO_UPSTREAM = "none"
"""The label of what no upstream was asked for."""

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)

_CALL = ("service", "status", "upstream")


class _Counted(NamedTuple):
    """Of one service, status and upstream."""

    requests: Counter
    seconds: Histogram
    first_byte: Histogram


class Metrics:
    """Of one gateway process, in a registry of its own. One of several writes to a folder that they share."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # when a counter began: as many lines again, and several processes cannot tell it
        self._folder = os.environ.get(FOLDER)
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "atelier_requests", "Requests of services that were answered or refused.", _CALL, registry=self._registry
        )
        self._seconds = self._histogram(
            "atelier_request_seconds", "From the first byte of a request to the last of its answer."
        )
        self._first_byte = self._histogram(
            "atelier_first_byte_seconds", "From the first byte of a request to the begin of its answer."
        )
        self._limits = Counter(
            "atelier_limit_refusals", "Requests refused by a limit, by what it counts.", ("service", "measure"),
            registry=self._registry,
        )  # fmt: skip
        self._lookups = Counter(
            "atelier_cache_lookups", "Requests that a kept answer could have served.", ("service", "result"),
            registry=self._registry,
        )  # fmt: skip
        self.gauges = gateway_gauges(self._registry)
        self.gauges.watch(lambda: process_samples("gateway"))
        self.gauges.watch(lambda: [("processes", (), 1)])
        self._children: dict[tuple[str, int, str], _Counted] = {}
        self._pending: list[tuple[_Counted, float, float | None]] = []
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
        self._write_down()

    def count(
        self, service: str, status: int, upstream: str, *, seconds: float, first_byte: float | None, limit: str | None
    ) -> None:
        """One request. first_byte: seconds until its answer began. limit: the measure of the limit that refused it."""
        # The labelled ones are looked up once: doing so takes longer than counting.
        counted = self._children.get((service, status, upstream))
        if counted is None:
            counted = self._children[service, status, upstream] = self._labelled(service, str(status), upstream)
        self._pending.append((counted, seconds, first_byte))
        if len(self._pending) >= MOST_PENDING:
            self._write_down()
        if limit is not None:
            self._limits.labels(service, limit).inc()

    def count_lookup(self, service: str, *, hit: bool) -> None:
        """One look for a kept answer to an equal request."""
        self._lookups.labels(service, "hit" if hit else "miss").inc()

    async def text(self) -> bytes:
        """In Prometheus's own format; written aside, for it takes longer than most requests do."""
        self._write_down()
        self.gauges.look()
        return await asyncio.to_thread(self._written)

    def _write_down(self) -> None:
        pending, self._pending = self._pending, []
        for counted, seconds, first_byte in pending:
            counted.requests.inc()
            counted.seconds.observe(seconds)
            if first_byte is not None:
                counted.first_byte.observe(first_byte)

    def _written(self) -> bytes:
        return generate_latest(self._registry if self._folder is None else _of_all(self._folder))

    def _labelled(self, *labels: str) -> _Counted:
        return _Counted(self._requests.labels(*labels), self._seconds.labels(*labels), self._first_byte.labels(*labels))

    def _histogram(self, name: str, about: str) -> Histogram:
        return Histogram(name, about, _CALL, registry=self._registry, buckets=_SECONDS)

    async def _look_again_and_again(self) -> None:
        while True:
            self._write_down()
            self.gauges.look()
            await asyncio.sleep(LOOK_SECONDS)


def _of_all(folder: str) -> CollectorRegistry:
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    return registry
