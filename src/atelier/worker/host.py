"""The worker's inside: its models, its scheduler, and the choice of a model for a request."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing

from atelier.contracts.base import Contract, Event
from atelier.contracts.image_to_text import ImageToTextRequest
from atelier.errors import AtelierError, InvalidRequest, LicenceForbids, NotFound
from atelier.tracing import tracer
from atelier.wire.exchange import NO_PLAN
from atelier.worker.memory import Memory, MemoryRules
from atelier.worker.metrics import WorkerMetrics
from atelier.worker.outputs import encoded
from atelier.worker.residency import ModelPlan, Resident
from atelier.worker.scheduler import Scheduler
from atelier.worker.watching import Watcher


class Host:
    """Runs requests on the models of its plans. The first plan of a task is the task's default."""

    def __init__(
        self,
        plans: Sequence[ModelPlan],
        *,
        aliases: Mapping[str, str] | None = None,
        most_waiting: int = 64,
        seconds: float = 600.0,
        memory: MemoryRules | None = None,
        on_crash: Callable[[], None] | None = None,
    ) -> None:
        self.residents = [Resident(plan) for plan in plans]
        self._aliases = aliases or {}
        self.metrics = WorkerMetrics()
        watchers = [self.metrics, *_traces()]
        self.memory = Memory(self.residents, memory or MemoryRules(), watchers=watchers)
        self.scheduler = Scheduler(self.memory, most_waiting=most_waiting, on_crash=on_crash, watchers=watchers)
        self._seconds = seconds

    def start(self) -> None:
        """Start the engine thread, which first loads the models that there is room for, in the order of the plans."""
        self.scheduler.start()

    def stop(self) -> None:
        self.scheduler.stop()

    async def run(
        self,
        service: str,
        request: Contract,
        *,
        tenant: str,
        seconds: float | None = None,
        commercial: bool = False,
        plan: str = NO_PLAN,
    ) -> AsyncGenerator[Event, None]:
        """Partial events, then the Result. Raises NotFound for a model that is not here, Overloaded, TooSlow, …

        plan: the class of the tenant, for the metrics.
        """
        resident = self.choose(service, request, commercial=commercial)
        job = self.scheduler.submit(
            resident, request, tenant=tenant, seconds=seconds or self._seconds, service=service, plan=plan
        )
        async with aclosing(encoded(job)) as events:
            async for event in events:
                yield event

    def revision(self, service: str, request: Contract, *, commercial: bool = False) -> str | None:
        """Of the model that does the request; None where it is not known, or no model does it."""
        try:
            return self.choose(service, request, commercial=commercial).plan.source.revision
        except AtelierError:
            return None

    def choose(self, service: str, request: Contract, *, commercial: bool = False) -> Resident:
        """The resident that does the request's task, by the request's model name or by default.

        commercial: it may be used commercially; the default is the first of those. Raises LicenceForbids. Only models
        that can speak with the voice of a recording are asked to. Raises InvalidRequest.
        """
        task = _task(service, request)
        able = [r for r in self.residents if service in r.plan.services and task in r.plan.tasks]
        name: str | None = getattr(request, "model", None)
        name = self._aliases.get(name, name) if name else None
        if name:
            able = [resident for resident in able if resident.model == name]
        elsewhere = next((r for r in self.residents if r.model == name and not able), None)
        if elsewhere is not None:
            does = " and ".join(elsewhere.plan.tasks)
            raise NotFound(f"model: {name} does {does}, not {task}; leave it out for the default", field="model")
        if not able:
            raise NotFound(f"model: {name or task} is not served here; GET /v1/models lists what is", field="model")
        if getattr(request, "reference", None) is not None:
            able = self._cloning(able)
        return _licensed(able) if commercial else able[0]

    def _cloning(self, able: Sequence[Resident]) -> list[Resident]:
        """Raises InvalidRequest."""
        found = [resident for resident in able if resident.plan.clones]
        if not found:
            others = [resident.model for resident in self.residents if resident.plan.clones]
            raise _cannot_clone(able[0].model, others)
        return found


def _traces() -> list[Watcher]:
    found = tracer()
    if found is None:
        return []
    from atelier.worker.traced import Traces

    return [Traces(found)]


def _cannot_clone(model: str, others: Sequence[str]) -> InvalidRequest:
    """The refusal of a tenant's own voice, by a model that has voices of its own alone."""
    instead = f"ask for {' or '.join(others)}" if others else "no model that can is served here"
    return InvalidRequest(f"voice: {model} cannot speak with a voice of yours; {instead}", field="voice")


def _licensed(able: Sequence[Resident]) -> Resident:
    """The first that may be used commercially. Raises LicenceForbids."""
    for resident in able:
        if (resident.plan.licence or {}).get("commercial") != "no":
            return resident
    licence = able[0].plan.licence or {}
    raise LicenceForbids(
        f"model: {able[0].model} may not be used commercially ({licence['name']}), and this account is commercial; "
        "GET /v1/models tells the licences of all models",
        field="model",
    )


def _task(service: str, request: Contract) -> str:
    if not isinstance(request, ImageToTextRequest):
        return service
    if request.task == "both":
        raise InvalidRequest("task: a worker does one thing at a time; ask for caption or ocr", field="task")
    return request.task
