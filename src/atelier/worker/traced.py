"""A worker's part of a trace: what a request waited, and its steps."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from opentelemetry import context as contexts
from opentelemetry.context import Context
from opentelemetry.trace import StatusCode, Tracer

from atelier.worker.residency import Resident
from atelier.worker.scheduler import Job
from atelier.worker.watching import Outcome, Watcher

MOST_STEPS = 64
"""Steps of a run that are told one by one; of the others only how many there were."""

_BAD = frozenset({"failed", "too_slow"})


@dataclass(slots=True)
class _Trace:
    """Of one job. steps: when each ended, how many requests shared it, and how long it took."""

    context: Context
    count: int = 0
    steps: list[tuple[float, int, float]] = field(default_factory=list)


class Traces(Watcher):
    """Two spans for each job, made at its end below the span of its request: `queue`, and `run` with its steps."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._open: dict[Job, _Trace] = {}

    def queued(self, job: Job) -> None:
        self._open[job] = _Trace(contexts.get_current())

    def stepped(self, resident: Resident, jobs: Sequence[Job], seconds: float) -> None:
        now = time.monotonic()
        for job in jobs:
            trace = self._open.get(job)
            if trace is not None:
                trace.count += 1
                if trace.count <= MOST_STEPS:
                    trace.steps.append((now, len(jobs), seconds))

    def ended(self, job: Job, outcome: Outcome) -> None:
        trace = self._open.pop(job, None)
        if trace is None or job.ended is None:
            return
        queue = self._tracer.start_span(
            "queue", trace.context, attributes={"atelier.plan": job.plan}, start_time=_clock(job.arrived)
        )
        queue.end(_clock(job.ended if job.started is None else job.started))
        if job.started is not None:
            self._tell_run(job, trace, outcome, started=job.started, ended=job.ended)

    def _tell_run(self, job: Job, trace: _Trace, outcome: Outcome, *, started: float, ended: float) -> None:
        told: dict[str, str | int] = {
            "atelier.model": job.resident.model,
            "atelier.outcome": outcome,
            "atelier.steps": trace.count,
        }
        run = self._tracer.start_span("run", trace.context, attributes=told, start_time=_clock(started))
        for at, batch, seconds in trace.steps:
            run.add_event("step", {"batch": batch, "seconds": round(seconds, 6)}, timestamp=_clock(at))
        if outcome in _BAD:
            run.set_status(StatusCode.ERROR)
        run.end(_clock(ended))


def _clock(moment: float) -> int:
    """Nanoseconds since 1970 of a moment of the clock that never goes back."""
    return time.time_ns() - round((time.monotonic() - moment) * 1e9)
