"""One thread for one device: it drops the cancelled, admits the waiting, and steps the rest in batches."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Callable, Hashable, Sequence
from dataclasses import dataclass, field

import structlog

from atelier.contracts.base import Contract, Result
from atelier.contracts.engine import PicturePreview, PicturesMade, RawEvent, Run, SpeechMade
from atelier.errors import AtelierError, Cancelled, Internal, Overloaded, TooSlow, Unavailable
from atelier.wire.exchange import NO_PLAN
from atelier.worker.fair_queue import FairQueue
from atelier.worker.memory import Memory
from atelier.worker.residency import Resident
from atelier.worker.watching import Outcome, Watcher

MOST_UNREAD = 8
"""A run whose client reads slower than it is made pauses at so many unread outputs; previews are left out instead."""

PAUSE_SECONDS = 30.0
"""A client that reads nothing for so long has lost its run. One that plays sound as it comes reads sooner."""

_ENDS = (PicturesMade, SpeechMade, Result)

log = structlog.get_logger()


@dataclass(eq=False)
class Job:
    """A request in the scheduler's hands, seen from the event loop that sent it.

    plan: the class of its tenant. arrived, started, ended: by the clock that never goes back.
    """

    resident: Resident
    request: Contract
    tenant: str
    deadline: float
    scheduler: Scheduler
    loop: asyncio.AbstractEventLoop
    service: str = ""
    plan: str = NO_PLAN
    arrived: float = field(default_factory=time.monotonic)
    started: float | None = None
    ended: float | None = None
    inbox: asyncio.Queue[RawEvent | Exception] = field(default_factory=asyncio.Queue)
    run: Run | None = None
    cost: float = 1.0
    compute_ms: float = 0.0
    unread: int = 0
    paused_since: float | None = None
    answered: bool = False
    cancelled: bool = False

    async def outputs(self) -> AsyncGenerator[RawEvent, None]:
        """Everything the engine gives out, in order; leaving early cancels the job. Raises what failed it."""
        try:
            while True:
                output = await self.inbox.get()
                if isinstance(output, Exception):
                    raise output
                self.scheduler.taken(self)
                yield output
                if isinstance(output, _ENDS):
                    return
        finally:
            self.scheduler.cancel(self)

    @property
    def warnings(self) -> list[str]:
        return self.run.warnings if self.run else []

    @property
    def paused(self) -> bool:
        return self.paused_since is not None

    def is_lost(self, now: float) -> bool:
        return self.cancelled or now > self.deadline or self.reads_too_slowly(now)

    def reads_too_slowly(self, now: float) -> bool:
        return self.paused_since is not None and now > self.paused_since + self.scheduler.most_pause_seconds


class Scheduler:
    """`submit` from any event loop; engines are only ever called from the one thread that `start` makes.

    `on_crash` is called should that thread ever end by a fault of its own: nothing can be served after that.
    """

    def __init__(
        self,
        memory: Memory,
        *,
        most_waiting: int = 64,
        on_crash: Callable[[], None] | None = None,
        watchers: Sequence[Watcher] = (),
    ) -> None:
        self._memory = memory
        self._most_waiting = most_waiting
        self.most_pause_seconds = PAUSE_SECONDS
        self._on_crash = on_crash
        self._watchers = watchers
        self._wake = threading.Condition()
        self._queues: defaultdict[Resident, FairQueue[Job]] = defaultdict(FairQueue)
        self._running: list[Job] = []
        self._loads = memory.first()
        self._stopping = False
        self._changed = True  # something came or went: there may be work where there was none
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self.steps = 0
        self.step_seconds = 0.0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the step it is in; what runs or waits fails with Cancelled."""
        with self._wake:
            self._stopping = True
            self._notice()
        self._thread.join(timeout=30)

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def submit(
        self,
        resident: Resident,
        request: Contract,
        *,
        tenant: str,
        seconds: float,
        service: str = "",
        plan: str = NO_PLAN,
    ) -> Job:
        """Queue a request; `seconds` from now it is given up. Raises Overloaded when the queue is full."""
        deadline, loop = time.monotonic() + seconds, asyncio.get_running_loop()
        job = Job(resident, request, tenant, deadline, self, loop, service, plan)
        with self._wake:
            if not self.is_alive:
                raise Unavailable("the worker has failed and is being started again", retry_after=5)
            waiting = self._count_waiting()
            if waiting >= self._most_waiting:
                for watcher in self._watchers:
                    watcher.refused(job)
                raise Overloaded(
                    f"{waiting} requests are waiting already; try again soon", retry_after=self._expected_wait(waiting)
                )
            for watcher in self._watchers:
                watcher.queued(job)
            self._queues[resident].push(tenant, job, cost=1.0)
            self._notice()
        return job

    def cancel(self, job: Job) -> None:
        """Harmless for a job that has ended."""
        with self._wake:
            job.cancelled = True
            self._notice()

    def taken(self, job: Job) -> None:
        """The client read one output."""
        with self._wake:
            job.unread -= 1
            if job.paused and job.unread < MOST_UNREAD:
                job.paused_since = None
                self._notice()

    def _notice(self) -> None:
        """Call with the lock held."""
        self._changed = True
        self._wake.notify_all()

    def queue(self) -> dict[str, int]:
        with self._wake:
            return {"running": len(self._running), "waiting": self._count_waiting()}

    def standing(self) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
        """How many requests run and how many wait, by service and plan."""
        with self._wake:
            running, waiting = list(self._running), [job for queue in self._queues.values() for job in queue]
        return Counter((job.service, job.plan) for job in running), Counter((job.service, job.plan) for job in waiting)

    def _count_waiting(self) -> int:
        return sum(len(queue) for queue in self._queues.values())

    def _expected_wait(self, waiting: int) -> float:
        """A rough guess for Retry-After: as many steps as requests wait, each as long as the mean so far."""
        mean = self.step_seconds / self.steps if self.steps else 1.0
        return min(60.0, max(1.0, mean * waiting))

    # Everything below runs on the engine thread.

    def _work(self) -> None:
        try:
            while self._turn():
                continue
            self._end_all(Cancelled("the worker is shutting down"))
        except Exception as problem:
            log.critical("the engine thread has ended", exc_info=problem)
            self._end_all(Internal("the worker failed; it is being started again"))
            if self._on_crash is not None:
                self._on_crash()

    def _turn(self) -> bool:
        """One round of dropping, admitting and stepping; False when it is time to stop."""
        with self._wake:
            # A deadline passes without a word from anyone: hence the timeout.
            self._wake.wait_for(self._has_work, timeout=1.0)
            self._changed = False
            stopping, loads, self._loads = self._stopping, self._loads, []
        if stopping:
            return False
        for resident in loads:
            self._memory.load(resident)
        self._drop_lost()
        self._admit()
        self._memory.tidy(self._busy())
        self._step_all()
        return True

    def _has_work(self) -> bool:
        return self._changed or any(not job.paused for job in self._running)

    def _drop_lost(self) -> None:
        now = time.monotonic()
        with self._wake:
            lost = self._take_waiting(lambda job: job.is_lost(now))
        lost += [job for job in self._running if job.is_lost(now)]
        for job in lost:
            self._end(job, _why_lost(job, now))

    def _take_waiting(self, unwanted: Callable[[Job], bool]) -> list[Job]:
        return [job for queue in self._queues.values() for job in queue.remove_if(unwanted)]

    def _busy(self) -> set[Resident]:
        """Those with a run, and those with a request that waits."""
        with self._wake:
            wanted = {resident for resident, queue in self._queues.items() if len(queue)}
        return wanted | {job.resident for job in self._running}

    def _admit(self) -> None:
        with self._wake:
            queues = [(resident, queue) for resident, queue in self._queues.items() if len(queue)]
        self._memory.forget_wish([resident for resident, _ in queues])
        # Those out of memory first: for each of them others may have to stop before they take more.
        queues.sort(key=lambda found: found[0].state != "resting")
        for resident, queue in queues:
            try:
                if self._memory.bring(resident, {job.resident for job in self._running}):
                    self._admit_from(queue)
            except AtelierError as problem:
                self._refuse_all(queue, problem)

    def _refuse_all(self, queue: FairQueue[Job], problem: AtelierError) -> None:
        with self._wake:
            waiting = queue.remove_if(lambda _: True)
        for job in waiting:
            self._end(job, problem)

    def _admit_from(self, queue: FairQueue[Job]) -> None:
        """Take waiting jobs in their fair order for as long as the next one fits."""
        while True:
            with self._wake:
                job = queue.peek()
                if job is None or not self._fits(job):
                    return
                queue.pop()
            try:
                job.run = job.resident.engine.start(job.request)
            except Exception as problem:
                self._end(job, _in_words(problem))
            else:
                job.started = time.monotonic()
                self._running.append(job)
                for watcher in self._watchers:
                    watcher.started(job)

    def _fits(self, job: Job) -> bool:
        if job.resident.state != "ready":
            return True  # its start will say so
        try:
            job.cost = job.resident.engine.cost(job.request)
        except Exception:
            return True  # likewise: start raises it again, in the job's own name
        # A paused run does not hold others up: it waits for its client, not for the device.
        used = sum(other.cost for other in self._running if other.resident is job.resident and not other.paused)
        return used == 0 or used + job.cost <= 1.0

    def _step_all(self) -> None:
        """Each group of equal keys advances by one step: no group waits for another one's end."""
        groups: dict[tuple[Resident, Hashable], list[Job]] = defaultdict(list)
        for job in self._running:
            if job.run is not None and not job.paused:
                groups[job.resident, job.run.key].append(job)
        for (resident, _), jobs in groups.items():
            self._step(resident, jobs)

    def _step(self, resident: Resident, jobs: list[Job]) -> None:
        runs = [job.run for job in jobs if job.run is not None]
        started = time.perf_counter()
        try:
            resident.engine.step(runs)
        except Exception as problem:
            for run in runs:
                run.error = run.error or problem
        spent = time.perf_counter() - started
        self.steps += 1
        self.step_seconds += spent
        for watcher in self._watchers:
            watcher.stepped(resident, jobs, spent)
        for job, run in zip(jobs, runs, strict=True):
            job.compute_ms += spent * 1000 / len(runs)
            self._publish(job, run)

    def _publish(self, job: Job, run: Run) -> None:
        outputs, run.outputs = run.outputs, []
        for output in outputs:
            if not (isinstance(output, PicturePreview) and job.unread >= MOST_UNREAD):
                self._send(job, output)
        if run.error is not None:
            self._end(job, _in_words(run.error))
        elif run.done:
            self._end(job, None if job.answered else _in_words(RuntimeError("the engine ended without a result")))

    def _send(self, job: Job, output: RawEvent | Exception) -> None:
        with self._wake:
            job.unread += 1
            job.answered = job.answered or isinstance(output, _ENDS)
            if job.unread >= MOST_UNREAD and not isinstance(output, PicturePreview):
                job.paused_since = job.paused_since or time.monotonic()
        try:
            job.loop.call_soon_threadsafe(job.inbox.put_nowait, output)
        except RuntimeError:  # the loop is closed: nobody is left to read
            job.cancelled = True

    def _end(self, job: Job, problem: AtelierError | None) -> None:
        if job in self._running:
            self._running.remove(job)
        if job.run is not None:
            try:
                job.resident.engine.close(job.run)
            except Exception as fault:
                log.error("engine failed to close a run", model=job.resident.model, exc_info=fault)
        job.ended = time.monotonic()
        outcome = _outcome(job, problem)
        for watcher in self._watchers:
            watcher.ended(job, outcome)
        if problem is not None:
            self._send(job, problem)
        with self._wake:
            self._changed = True  # there is room for the next

    def _end_all(self, problem: AtelierError) -> None:
        with self._wake:
            waiting = self._take_waiting(lambda _: True)
        for job in [*waiting, *self._running]:
            self._end(job, problem)


def _why_lost(job: Job, now: float) -> AtelierError | None:
    if job.cancelled:
        return None
    if job.reads_too_slowly(now):
        return TooSlow(f"nothing of the answer was read for {job.scheduler.most_pause_seconds:.0f} s")
    return TooSlow("the request took longer than its time limit")


def _outcome(job: Job, problem: AtelierError | None) -> Outcome:
    if problem is None:
        return "succeeded" if job.answered else "cancelled"
    if isinstance(problem, Cancelled):
        return "cancelled"
    if isinstance(problem, TooSlow):
        return "too_slow"
    return "refused" if problem.status < 500 else "failed"


def _in_words(problem: Exception) -> AtelierError:
    if isinstance(problem, AtelierError):
        return problem
    log.error("engine failed", exc_info=problem)
    return Internal("the engine failed on this request; the worker's log has the details")
