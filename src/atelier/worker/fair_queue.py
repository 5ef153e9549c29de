"""The order in which waiting requests are admitted: a fair share to every tenant, first come first served within one.

Start-time fair queueing (Goyal, Vin and Cheng, 1996): each tenant has a virtual time that grows by the cost of what
it was given, and the tenant furthest behind goes next. One tenant's thousand requests cannot push another's aside.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass
class _Line(Generic[Item]):
    served: float
    items: deque[tuple[Item, float]] = field(default_factory=deque)


class FairQueue(Generic[Item]):
    """Not thread safe: the scheduler holds its lock."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line[Item]] = {}
        self._now = 0.0

    def __len__(self) -> int:
        return sum(len(line.items) for line in self._lines.values())

    def __iter__(self) -> Iterator[Item]:
        for line in self._lines.values():
            yield from (item for item, _ in line.items)

    def push(self, tenant: str, item: Item, cost: float) -> None:
        # A tenant that comes back starts at the present: time spent idle is not saved up.
        line = self._lines.setdefault(tenant, _Line(served=self._now))
        line.items.append((item, cost))

    def peek(self) -> Item | None:
        """The next item, left in place."""
        tenant = self._next()
        return None if tenant is None else self._lines[tenant].items[0][0]

    def pop(self) -> Item:
        """Take the next item. Raises IndexError when empty."""
        tenant = self._next()
        if tenant is None:
            raise IndexError("pop from an empty queue")
        line = self._lines[tenant]
        item, cost = line.items.popleft()
        self._now = line.served
        line.served += cost
        self._forget_idle()
        return item

    def remove_if(self, unwanted: Callable[[Item], bool]) -> list[Item]:
        """Take out and return every item that `unwanted` names."""
        removed = [item for item in self if unwanted(item)]
        if removed:
            for line in self._lines.values():
                line.items = deque((item, cost) for item, cost in line.items if not unwanted(item))
            self._forget_idle()
        return removed

    def _next(self) -> str | None:
        waiting = (tenant for tenant, line in self._lines.items() if line.items)
        return min(waiting, key=lambda tenant: self._lines[tenant].served, default=None)

    def _forget_idle(self) -> None:
        """An empty line is kept only while it is ahead of the present: its tenant has had more than its share."""
        for tenant in [t for t, line in self._lines.items() if not line.items and line.served <= self._now]:
            del self._lines[tenant]
