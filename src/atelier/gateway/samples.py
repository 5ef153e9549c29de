"""What a gateway's parts tell the metrics of how they stand; see gauges.py for the names."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from atelier.gateway.artifacts import Artifacts
from atelier.gateway.limits import Limits
from atelier.gateway.pipeline import Pipeline
from atelier.gateway.upstreams import Upstream, Upstreams
from atelier.gateway.upstreams.circuit import State
from atelier.gateway.usage import Ledger
from atelier.process_numbers import Sample
from atelier.state.database import Database


def upstream_samples(upstreams: Upstreams) -> Iterable[Sample]:
    """Of every service: whether it is up, and its upstreams by probe, by circuit and at work."""
    now = time.monotonic()
    for service, pool in upstreams.pools.items():
        yield "service_up", (service,), any(upstream.is_serving(now) for upstream in pool)
        yield from _of_pool(service, pool, now)
    for service, retries in upstreams.retries().items():
        yield "upstream_retries", (service,), retries


def _of_pool(service: str, pool: Iterable[Upstream], now: float) -> Iterable[Sample]:
    probed: Counter[tuple[str, str]] = Counter()
    at_work: Counter[str] = Counter()
    circuits = {(str(upstream.tier), state): 0 for upstream in pool for state in get_args(State)}
    for upstream in pool:
        probed[upstream.label, upstream.status] += 1
        at_work[upstream.label] += upstream.in_flight
        circuits[str(upstream.tier), upstream.circuit.state(now)] += 1
    for (label, status), count in probed.items():
        yield "upstreams", (service, label, status), count
    for label, count in at_work.items():
        yield "upstream_in_flight", (service, label), count
    for (tier, state), count in circuits.items():
        yield "upstream_circuits", (service, tier, state), count


def request_samples(pipeline: Pipeline) -> Iterable[Sample]:
    for (service, plan), count in pipeline.running().items():
        yield "requests_running", (service, plan), count


def usage_samples(ledger: Ledger) -> Iterable[Sample]:
    """What cannot be told just now is left out."""
    yield "usage_lag_seconds", (), ledger.lag_seconds()
    for name, amount in ledger.waiting().items():
        if amount is not None:
            yield f"usage_{name}", (), amount


def state_samples(
    database: Database, limits: Limits, ledger: Ledger, artifacts: Artifacts, home: Path
) -> Iterable[Sample]:
    yield "database_up", (), not database.away
    yield "redis_up", (), limits.counted == "healthy" and not ledger.stream_away
    for action, failures in artifacts.store_failures().items():
        yield "artifact_failures", (action,), failures
    disk = shutil.disk_usage(home)
    yield "disk_free_bytes", (), disk.free
    yield "disk_bytes", (), disk.total
