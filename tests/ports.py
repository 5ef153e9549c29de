"""Free ports for servers that are processes of their own, or that come back to the port which they had.

All lie below those that a system gives to whoever connects somewhere (from 32768), and each of the processes that run
tests side by side has a share of its own: what is free when it is looked for is free when it is used.
"""

from __future__ import annotations

import os
import random
import socket

from atelier.catalog import GATEWAY_PORT, SERVICES

PORTS = [GATEWAY_PORT, *(service.port for service in SERVICES.values())]
"""What `atelier serve` listens on, before its offset."""

_SHARES = 8
_SINGLE = (10_000, 19_000)
_OFFSETS = (11_500, 24_500)


def free_port() -> int:
    return _free(_SINGLE, [0])


def free_offset() -> int:
    """A number that moves every port of `atelier serve` to a free one."""
    return _free(_OFFSETS, PORTS)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _free(numbers: tuple[int, int], moved: list[int]) -> int:
    first, last = numbers
    share = (last - first) // _SHARES
    first += share * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _SHARES)
    width = max(moved) - min(moved)  # what lies in the next share
    for _ in range(200):
        number = random.randrange(first, first + share - width)
        if all(is_free(port + number) for port in moved):
            return number
    raise AssertionError("no free ports")
