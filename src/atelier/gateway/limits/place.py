"""What is asked of the limits, how each stands, and the place in them that an admitted request holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from atelier.gateway.limits.answers import limit_headers
from atelier.gateway.limits.applying import MILLION, Applying, Limit
from atelier.rules import LimitRule, Measure, Per


@dataclass(slots=True)  # not frozen: every request makes one, and freezing trebles the time
class Ask:
    """What a request wants to take, before any work.

    id: the request's, which is also the name of its lease. units: the most that it will take, in the service's unit.
    cost: what that may cost. guessed: which of the two the work alone can tell, `u`, `c` or both: of these it gets
    what it asks for or, where less is left, the rest. plan: the tenant's. own: the tenant's own
    limits, which beat all others of the same measure and window.
    """

    id: str
    tenant: str
    service: str
    units: float = 1.0
    cost: float = 0.0
    guessed: str = ""
    plan: str | None = None
    own: tuple[LimitRule, ...] = ()


@dataclass(frozen=True, slots=True)
class LimitState:
    """One limit as it stands for one tenant.

    service: `*` where it is one sum over all. per: None for concurrent requests. resets_in: seconds until more is
    free: the oldest request leaves the window, or the day or month ends; 0 where nothing is taken.
    """

    service: str
    measure: Measure
    unit: str
    allowed: float
    left: float
    per: Per | None
    window_seconds: int
    resets_in: float


class Counters(Protocol):
    """Where limits are counted: in this process, or in Redis for all gateways.

    Replies are whole numbers: 1 where everything fits or else 0; the time; and for each limit what is left, the
    microseconds until more is free, and what was taken (-1 where it does not fit).
    """

    async def take(self, ask: Ask, applying: Applying) -> list[int]: ...

    async def look(self, ask: Ask, applying: Applying) -> list[int]: ...

    def adjust(self, request_id: str, at: int, changes: Sequence[tuple[Limit, int]]) -> None:
        """Correct what was taken `at`: amounts are added, a request leaves its window, a lease ends."""


class Place:
    """An admitted request's place in every limit that applies to it; `settle` or `refund` closes it."""

    __slots__ = ("_reply", "applying", "closed", "counters", "id")

    def __init__(self, request_id: str, applying: Applying, reply: list[int], counters: Counters) -> None:
        self.id = request_id
        self.applying = applying
        self.counters = counters
        self.closed = False
        self._reply = reply

    @property
    def at(self) -> int:
        """When it was admitted, by the clock of the counters, in microseconds."""
        return self._reply[1]

    def taken(self) -> list[tuple[Limit, int]]:
        """What was taken of each limit."""
        return list(zip(self.applying.limits, self._reply[4::3], strict=True))

    def headers(self) -> list[tuple[bytes, bytes]]:
        return limit_headers(self.applying, self._reply)


def standing(applying: Applying, reply: Sequence[int]) -> list[LimitState]:
    """How the limits stand by one reply of the counters."""
    return [
        LimitState(
            service=limit.service,
            measure=limit.measure,
            unit=limit.unit,
            allowed=_shown(limit, limit.most),
            left=_shown(limit, max(0, left)),
            per=limit.per,
            window_seconds=limit.window_seconds,
            resets_in=resets / MILLION,
        )
        for limit, left, resets in zip(applying.limits, reply[2::3], reply[3::3], strict=True)
    ]


def _shown(limit: Limit, counted: int) -> float:
    if limit.measure not in {"units", "cost"}:
        return counted
    return counted // MILLION if counted % MILLION == 0 else counted / MILLION
