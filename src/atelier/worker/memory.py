"""The memory of a worker: models come in when they are asked for, and those left alone for longest make room.

Everything here runs on the scheduler's thread: a model is loaded once, however many requests want it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import structlog

from atelier.errors import ModelMissing
from atelier.worker.residency import Resident
from atelier.worker.watching import Reason, Watcher

STAY_SECONDS = 5.0
STAY_LOADS = 3.0
"""A model that others want the room of stays at least so long, and so many times as long as it took to load."""

RETRY_SECONDS = 10.0
"""When a model is tried again that was here before and could not come back."""

log = structlog.get_logger()


@dataclass(frozen=True)
class MemoryRules:
    """budget: bytes that the models may take together; None: as many as there are. idle_seconds: after so long without
    a request a model leaves; None: never. pinned: models that never leave. preload: load at the start what has room.
    """

    budget: int | None = None
    idle_seconds: float | None = None
    pinned: frozenset[str] = frozenset()
    preload: bool = True


@dataclass(slots=True)
class _Stay:
    since: float
    used: float
    least: float


class Memory:
    """Which of `residents` are in memory."""

    def __init__(
        self,
        residents: Sequence[Resident],
        rules: MemoryRules,
        clock: Callable[[], float] = time.monotonic,
        *,
        watchers: Sequence[Watcher] = (),
    ) -> None:
        self._residents = residents
        self._rules = rules
        self._clock = clock
        self._watchers = watchers
        self._stays: dict[Resident, _Stay] = {}
        self._not_before: dict[Resident, float] = {}
        self._wanted: Resident | None = None
        self._leaving: frozenset[Resident] = frozenset()

    @property
    def budget(self) -> int | None:
        """Bytes that the models may take together; None: as many as there are."""
        return self._rules.budget

    def first(self) -> list[Resident]:
        """What is loaded at the start: the pinned, then the others in their order, as far as there is room."""
        in_order = sorted(self._residents, key=lambda resident: not self._is_pinned(resident))
        wanted = in_order if self._rules.preload else [r for r in in_order if self._is_pinned(r)]
        chosen: list[Resident] = []
        for resident in wanted:
            if self._room(chosen) >= resident.size:
                chosen.append(resident)
        for resident in self._residents:
            if resident not in chosen:
                resident.rest()
        return chosen

    def load(self, resident: Resident) -> None:
        started = self._clock()
        resident.load()
        now = self._clock()
        for watcher in self._watchers:
            watcher.loaded(resident, now - started)
        if resident.state == "ready":
            self._stays[resident] = _Stay(now, now, max(STAY_SECONDS, STAY_LOADS * (now - started)))
        elif resident.info is not None:  # what kept it from coming back may pass: another program had the memory
            self._not_before[resident] = now + RETRY_SECONDS
            resident.rest()
        if resident is self._wanted:
            self._wanted, self._leaving = None, frozenset()

    def bring(self, resident: Resident, busy: Collection[Resident]) -> bool:
        """Whether requests may start on it now; it is loaded first where it is not in memory and there is room.

        False where it has to wait: for others' runs to end, or for its own turn after a model that waits for its room.
        Raises ModelMissing for a model that is too large, and for one that cannot be loaded.
        """
        if resident in self._leaving:
            return False
        if resident.state == "resting":
            if self._clock() < self._not_before.get(resident, 0.0):
                raise ModelMissing(resident.problem or f"{resident.model} is away", retry_after=RETRY_SECONDS)
            if not self._make_room(resident, busy):
                return False
            self.load(resident)
            if resident.state == "resting":
                raise ModelMissing(resident.problem or f"{resident.model} is away", retry_after=RETRY_SECONDS)
        return True

    def forget_wish(self, wanted: Collection[Resident]) -> None:
        """Who has no waiting request any more wants no room. wanted: those that have one."""
        if self._wanted is not None and self._wanted not in wanted:
            self._wanted, self._leaving = None, frozenset()

    def tidy(self, busy: Collection[Resident]) -> None:
        """Unload what nobody has used in a while. busy: those with requests."""
        now = self._clock()
        for resident, stay in list(self._stays.items()):
            if resident in busy:
                stay.used = now
            elif self._is_left_alone(resident, now - stay.used):
                self._unload(resident, "idle")

    def _is_left_alone(self, resident: Resident, seconds: float) -> bool:
        longest = self._rules.idle_seconds
        return longest is not None and seconds >= longest and not self._is_pinned(resident)

    def _is_pinned(self, resident: Resident) -> bool:
        return resident.model in self._rules.pinned

    def _room(self, taken: Collection[Resident]) -> float:
        if self._rules.budget is None:
            return float("inf")
        return self._rules.budget - sum(resident.size for resident in taken)

    def _make_room(self, resident: Resident, busy: Collection[Resident]) -> bool:
        """Unload the least recently used others until it fits; False while those that must go are at work."""
        self._refuse_too_large(resident)
        staying = list(self._stays)
        now = self._clock()
        going: list[Resident] = []
        for other in sorted(self._stays, key=lambda r: self._stays[r].used):
            if self._room(staying) >= resident.size:
                break
            if not self._is_pinned(other):
                going.append(other)
                staying.remove(other)
        if not going:
            return True
        if any(now < self._stays[other].since + self._stays[other].least for other in going):
            return False
        if any(other in busy for other in going):
            if self._wanted is None or self._wanted is resident:
                # They end what they have begun, and begin nothing new: else a busy model would never leave.
                self._wanted, self._leaving = resident, frozenset(going)
            return False
        for other in going:
            self._unload(other, "room")
        return True

    def _refuse_too_large(self, resident: Resident) -> None:
        pinned = [other for other in self._stays if self._is_pinned(other)]
        room = self._room(pinned)
        if resident.size > room:
            kept = f", with the pinned models beside it {_gigabytes(room)}" if pinned else ""
            raise ModelMissing(
                f"model: {resident.model} needs {_gigabytes(resident.size)} of memory, and this worker's models may "
                f"take {_gigabytes(self._rules.budget or 0)}{kept}; choose a smaller model, or ask the operator for "
                "more (ATELIER_MEMORY_GB)",
                field="model",
            )

    def _unload(self, resident: Resident, reason: Reason) -> None:
        del self._stays[resident]
        resident.unload()
        for watcher in self._watchers:
            watcher.evicted(resident, reason)
        log.info("model unloaded", model=resident.model)


def _gigabytes(size: float) -> str:
    return f"{max(0.0, size) / 1e9:.1f} GB"
