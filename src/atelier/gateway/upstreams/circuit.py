"""A circuit breaker: an upstream that keeps failing is left alone for a while, then tried by one request at a time."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Literal

from atelier.gateway.upstreams.tally import Tally

IN_A_ROW = 5
"""So many failures in a row open it."""

SHARE, SHARE_OF = 0.5, 20
"""So large a share of the last ten seconds' requests opens it, where there were at least `SHARE_OF`."""

FIRST_SECONDS, MOST_SECONDS = 1.0, 30.0
"""How long it stays open: the first time, and at most after doubling each time that a trial fails."""

State = Literal["closed", "open", "half-open"]


class Circuit:
    """closed: requests pass. open: none does. half-open: one request at a time decides.

    `now` is always seconds of a clock that never goes back. noise: a number from 0 to 1, drawn anew each time.
    """

    __slots__ = ("_failures", "_noise", "_seconds", "_tally", "_trying", "_until", "closed")

    def __init__(self, noise: Callable[[], float] = random.random) -> None:
        self.closed = True
        self._failures = 0
        self._tally = Tally()
        self._until = 0.0
        self._seconds = FIRST_SECONDS
        self._trying = False
        self._noise = noise

    def state(self, now: float) -> State:
        if self.closed:
            return "closed"
        return "half-open" if self._trying or now >= self._until else "open"

    def allows(self, now: float) -> bool:
        return self.closed or (now >= self._until and not self._trying)

    def waiting(self, now: float) -> float:
        """Seconds until it may be tried."""
        return 0.0 if self.closed else max(0.0, self._until - now)

    def begin(self) -> bool:
        """A request begins; true where it is the trial that decides. Only after `allows`."""
        if self.closed:
            return False
        self._trying = True
        return True

    def succeeded(self, now: float, *, trial: bool = False) -> None:
        """What began before it opened decides nothing."""
        if self.closed:
            self._failures = 0
            self._tally.add(now, marked=False)
        elif trial:
            self._close()

    def failed(self, now: float, *, trial: bool = False, in_a_row: bool = True) -> bool:
        """True where this opens it. in_a_row: false for a failure that may be the request's own fault."""
        if not self.closed:
            if trial:
                self._seconds = min(MOST_SECONDS, self._seconds * 2)
                self._open(now)
            return False
        self._tally.add(now, marked=True)
        self._failures += in_a_row
        if self._failures < IN_A_ROW and not self._share_is_bad(now):
            return False
        self._open(now)
        return True

    def left(self, *, trial: bool) -> None:
        """A request ended without a verdict: its client went away."""
        if trial:
            self._trying = False

    def came_back(self) -> None:
        """A probe found a server that had been gone: it may be tried at once."""
        self._until = 0.0

    def _share_is_bad(self, now: float) -> bool:
        good, bad = self._tally.sums(now)
        return good + bad >= SHARE_OF and bad >= SHARE * (good + bad)

    def _open(self, now: float) -> None:
        # Spread out, so that gateways that saw the same upstream die do not all come back in the same moment.
        self._until = now + self._seconds * (0.75 + 0.5 * self._noise())
        self.closed = False
        self._trying = False

    def _close(self) -> None:
        self.closed = True
        self._trying = False
        self._failures = 0
        self._seconds = FIRST_SECONDS
        self._tally.clear()
