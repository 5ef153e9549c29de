"""How many requests may be sent a second time: a share of all, so that a dying service is not hammered."""

from __future__ import annotations

from atelier.gateway.upstreams.tally import SECONDS, Tally

SHARE = 0.2
FLOOR = SECONDS
"""Repeats that a quiet service has in ten seconds, whatever the share comes to."""


class Budget:
    """The budget of one service. `now`: seconds of a clock that never goes back."""

    __slots__ = ("_tally",)

    def __init__(self) -> None:
        self._tally = Tally()

    def count(self, now: float) -> None:
        """A request came."""
        self._tally.add(now, marked=False)

    def take(self, now: float) -> bool:
        """Whether one more repeat is within the budget; it is taken where it is."""
        requests, repeats = self._tally.sums(now)
        if repeats >= max(FLOOR, SHARE * requests):
            return False
        self._tally.add(now, marked=True)
        return True
