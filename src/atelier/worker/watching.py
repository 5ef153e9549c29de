"""What a worker's scheduler and memory tell those who watch them: metrics and traces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from atelier.worker.residency import Resident
    from atelier.worker.scheduler import Job

Outcome = Literal["succeeded", "refused", "failed", "cancelled", "too_slow", "overloaded"]
"""refused: the request was at fault. cancelled: the client left. overloaded: the queue was full."""

Reason = Literal["room", "idle"]


class Watcher:
    """Hears of everything, and does nothing. It must not fail: all but `queued` and `refused` comes on the engine
    thread."""

    def queued(self, job: Job) -> None:
        """It waits now. Comes from the event loop that sent it, in the context of its request."""

    def refused(self, job: Job) -> None:
        """The queue is full, and it is not in it."""

    def started(self, job: Job) -> None:
        """It is at work from now on."""

    def stepped(self, resident: Resident, jobs: Sequence[Job], seconds: float) -> None:
        """These went through a step together, which has just ended."""

    def ended(self, job: Job, outcome: Outcome) -> None:
        """However that was; it may never have started."""

    def loaded(self, resident: Resident, seconds: float) -> None:
        """It was brought into memory, or could not be: its state says so."""

    def evicted(self, resident: Resident, reason: Reason) -> None:
        """It has left memory."""
