"""Counts over the last ten seconds, in slots of one second: what circuits and retry budgets look back on."""

from __future__ import annotations

SECONDS = 10


class Tally:
    """Events of two kinds, plain and marked. Adding one takes the same time however many there were."""

    __slots__ = ("_marked", "_plain", "_seconds")

    def __init__(self) -> None:
        self._seconds = [-1] * SECONDS
        self._plain = [0] * SECONDS
        self._marked = [0] * SECONDS

    def add(self, now: float, *, marked: bool) -> None:
        """now: seconds of a clock that never goes back."""
        second = int(now)
        slot = second % SECONDS
        if self._seconds[slot] != second:
            self._seconds[slot] = second
            self._plain[slot] = self._marked[slot] = 0
        if marked:
            self._marked[slot] += 1
        else:
            self._plain[slot] += 1

    def sums(self, now: float) -> tuple[int, int]:
        """(plain, marked) of the last ten seconds."""
        oldest = int(now) - SECONDS
        recent = [slot for slot in range(SECONDS) if self._seconds[slot] > oldest]
        return sum(self._plain[slot] for slot in recent), sum(self._marked[slot] for slot in recent)

    def clear(self) -> None:
        self._seconds = [-1] * SECONDS
