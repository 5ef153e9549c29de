"""What was found out a moment ago: bounded in number and in time."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Memory(Generic[Found]):
    """Keeps `most` values, each until its seconds are over; the one unused for longest makes room."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: OrderedDict[Hashable, tuple[Found, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._found)

    def get(self, key: Hashable) -> Found | None:
        entry = self._found.get(key)
        if entry is None:
            return None
        found, until = entry
        if time.monotonic() >= until:
            del self._found[key]
            return None
        self._found.move_to_end(key)
        return found

    def forget(self, key: Hashable) -> None:
        self._found.pop(key, None)

    def put(self, key: Hashable, found: Found, seconds: float) -> None:
        if seconds <= 0:
            return
        self._found[key] = (found, time.monotonic() + seconds)
        self._found.move_to_end(key)
        while len(self._found) > self._most:
            self._found.popitem(last=False)
