"""What Prometheus reads: requests by service, status and upstream, how long they took, and how things stand."""

from __future__ import annotations

import asyncio
import os
from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Sequence
from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest

from atelier.gateway.gauges import gateway_gauges
from atelier.gateway.shared_metrics import FOLDER
from atelier.process_numbers import process_samples

LOOK_SECONDS = 1.0
"""How often a process writes down how things stand, for another one that is asked."""

MOST_PENDING = 500
"""Requests that are noted before they are counted: all at once that takes a tenth of the time."""

NO_UPSTREAM = "none"
"""The label of what no upstream was asked for."""

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)

_CALL = ("service", "status", "upstream")


class _Times(Histogram):
    """A histogram that takes many at once: each of its numbers is then written once, into a file that is shared."""

    def observe_all(self, amounts: Sequence[float]) -> None:
        if amounts:
            self._sum.inc(sum(amounts))
            for bucket, found in Tally(bisect_left(self._upper_bounds, amount) for amount in amounts).items():
                self._buckets[bucket].inc(found)


class _Counted:
    """Of one service, status and upstream. noted_…: seconds of the requests that are not counted yet."""

    __slots__ = ("_first_byte", "_requests", "_seconds", "noted_first_bytes", "noted_seconds")

    def __init__(self, requests: Counter, seconds: _Times, first_byte: _Times) -> None:
        self._requests = requests
        self._seconds = seconds
        self._first_byte = first_byte
        self.noted_seconds: list[float] = []
        self.noted_first_bytes: list[float] = []

    def write_down(self) -> None:
        if not self.noted_seconds:
            return
        self._requests.inc(len(self.noted_seconds))
        self._seconds.observe_all(self.noted_seconds)
        self._first_byte.observe_all(self.noted_first_bytes)
        self.noted_seconds.clear()
        self.noted_first_bytes.clear()


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
        self._pending = 0
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
        counted.noted_seconds.append(seconds)
        if first_byte is not None:
            counted.noted_first_bytes.append(first_byte)
        self._pending += 1
        if self._pending >= MOST_PENDING:
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
        self._pending = 0
        for counted in self._children.values():
            counted.write_down()

    def _written(self) -> bytes:
        return generate_latest(self._registry if self._folder is None else _of_all(self._folder))

    def _labelled(self, *labels: str) -> _Counted:
        return _Counted(self._requests.labels(*labels), self._seconds.labels(*labels), self._first_byte.labels(*labels))

    def _histogram(self, name: str, about: str) -> _Times:
        return _Times(name, about, _CALL, registry=self._registry, buckets=_SECONDS)

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
