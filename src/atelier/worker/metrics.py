"""What Prometheus reads of a worker: its queue, its steps, its models and its machine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest

from atelier.gauges import Gauges, Row, Sample
from atelier.nvidia import GpuReading, read_gpus
from atelier.process_numbers import BUILD_LABELS, process_samples
from atelier.wire.exchange import NO_PLAN, OTHER_PLAN
from atelier.worker.residency import Resident, State
from atelier.worker.watching import Outcome, Reason, Watcher

if TYPE_CHECKING:
    from atelier.worker.host import Host
    from atelier.worker.scheduler import Job

MOST_PLANS = 32
"""Names of plans that are told apart: whoever reaches a worker can make names up."""

_LABEL = re.compile(r"[ -~]{1,60}")

_WAITS = (0.001, 0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_RUNS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_STEPS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_BATCHES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64)
_LOADS = (0.1, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300, 600)

_GPU = ("gpu", "name")

_GAUGES = (
    Row("worker_requests_running", "Requests that a model is at work on.", ("service", "plan")),
    Row("worker_requests_waiting", "Requests in the queue.", ("service", "plan")),
    Row("worker_models", "Models by their state.", ("model", "state")),
    Row("worker_model_memory_bytes", "What a model takes, roughly, while it is in memory.", ("model",)),
    Row("worker_memory_budget_bytes", "What all models may take together."),
    Row("worker_engine_alive", "Whether the thread that runs the models lives."),
    Row("gpu_memory_bytes", "Memory of a GPU.", _GPU),
    Row("gpu_memory_used_bytes", "What all programs take of it.", _GPU),
    Row("gpu_busy_ratio", "Share of the last moment in which it computed.", _GPU),
    Row("gpu_celsius", "How warm it is.", _GPU),
    Row("process_memory_bytes", "Main memory that the process holds."),
    Row("build_info", "Which version this is.", BUILD_LABELS),
)
_TOTALS = (Row("process_cpu_seconds", "Processor time that the process took."),)


class WorkerMetrics(Watcher):
    """In a registry of its own."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._gauges = Gauges(self._registry, _GAUGES, _TOTALS)
        self._gauges.watch(lambda: process_samples("worker"))
        self._gauges.watch(lambda: gpu_samples(read_gpus()))
        self._waits = self._histogram("queue_seconds", "From a request's arrival to its start.", _WAITS, "service")
        self._ends = self._counter("runs", "Requests that ended.", "service", "model", "outcome")
        self._runs = self._histogram("run_seconds", "From a request's start to its end.", _RUNS, "service", "model")
        self._steps = self._counter("steps", "Steps of models.", "model")
        self._step_seconds = self._histogram("step_seconds", "How long one step takes.", _STEPS, "model")
        self._batches = self._histogram("batch_size", "Requests that shared one step.", _BATCHES, "model")
        self._loads = self._counter("model_loads", "Models brought into memory.", "model", "outcome")
        self._load_seconds = self._histogram("model_load_seconds", "How long that takes.", _LOADS, "model")
        self._evictions = self._counter("model_evictions", "Models that left memory.", "model", "reason")

    def watch(self, host: Host, services: Sequence[str]) -> None:
        """What is told beside: how this host stands."""
        self._gauges.watch(lambda: host_samples(host, services))

    def text(self) -> bytes:
        """In Prometheus's own format. It takes milliseconds: the driver of a GPU may be asked."""
        self._gauges.look()
        return generate_latest(self._registry)

    def refused(self, job: Job) -> None:
        self._ends.labels(job.service, job.resident.model, "overloaded").inc()

    def started(self, job: Job) -> None:
        assert job.started is not None
        self._waits.labels(job.service).observe(job.started - job.arrived)

    def stepped(self, resident: Resident, jobs: Sequence[Job], seconds: float) -> None:
        self._steps.labels(resident.model).inc()
        self._step_seconds.labels(resident.model).observe(seconds)
        self._batches.labels(resident.model).observe(len(jobs))

    def ended(self, job: Job, outcome: Outcome) -> None:
        self._ends.labels(job.service, job.resident.model, outcome).inc()
        if job.started is not None and job.ended is not None:
            self._runs.labels(job.service, job.resident.model).observe(job.ended - job.started)

    def loaded(self, resident: Resident, seconds: float) -> None:
        well = resident.state == "ready"
        self._loads.labels(resident.model, "loaded" if well else "failed").inc()
        if well:
            self._load_seconds.labels(resident.model).observe(seconds)

    def evicted(self, resident: Resident, reason: Reason) -> None:
        self._evictions.labels(resident.model, reason).inc()

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"atelier_worker_{name}", about, labels, registry=self._registry)

    def _histogram(self, name: str, about: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(f"atelier_worker_{name}", about, labels, registry=self._registry, buckets=buckets)


class PlanNames:
    """The first so many that came; all later ones are one."""

    def __init__(self) -> None:
        self._known = {NO_PLAN, OTHER_PLAN}

    def named(self, given: str | None) -> str:
        """The label of a plan that a request names; none: `none`."""
        if given is None or given in self._known:
            return given or NO_PLAN
        if len(self._known) >= MOST_PLANS or not _LABEL.fullmatch(given):
            return OTHER_PLAN
        self._known.add(given)
        return given


def host_samples(host: Host, services: Sequence[str]) -> Iterable[Sample]:
    for name, counts in zip(("running", "waiting"), host.scheduler.standing(), strict=True):
        for labels, count in (dict.fromkeys(((service, NO_PLAN) for service in services), 0) | counts).items():
            yield f"worker_requests_{name}", labels, count
    for resident in host.residents:
        for state in get_args(State):
            yield "worker_models", (resident.model, state), resident.state == state
        yield "worker_model_memory_bytes", (resident.model,), resident.size if resident.state == "ready" else 0
    if host.memory.budget is not None:
        yield "worker_memory_budget_bytes", (), host.memory.budget
    yield "worker_engine_alive", (), host.scheduler.is_alive


def gpu_samples(readings: Iterable[GpuReading]) -> Iterable[Sample]:
    for reading in readings:
        labels = (str(reading.index), reading.name)
        yield "gpu_memory_bytes", labels, reading.memory_bytes
        yield "gpu_memory_used_bytes", labels, reading.used_bytes
        if reading.busy is not None:
            yield "gpu_busy_ratio", labels, reading.busy
        if reading.celsius is not None:
            yield "gpu_celsius", labels, reading.celsius
