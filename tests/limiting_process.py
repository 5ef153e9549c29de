"""A process with limits of its own, as a gateway has: admits when its standard input says so, and holds its places.

    python limiting_process.py SETTINGS      (as JSON)

Each line in is {"tenant": ..., "count": ...}; each line out says how many of those passed at the same time.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from atelier.errors import RateLimited
from atelier.gateway.limits import Ask, Limits, create_limits
from atelier.settings import load_settings


class LimitingProcess:
    """The test's end of it."""

    def __init__(self, **settings: object) -> None:
        command = [sys.executable, str(Path(__file__)), json.dumps(settings)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.passed()

    def admit(self, tenant: str, count: int) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"tenant": tenant, "count": count}) + "\n")
        self._process.stdin.flush()

    def passed(self) -> int:
        """How many passed of those that were last asked for."""
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())

    def kill(self) -> None:
        """At once, as in a crash."""
        self._process.kill()
        self._process.communicate()


async def _admit(limits: Limits, tenant: str, name: str) -> bool:
    try:
        await limits.admit(Ask(name, tenant, "text-to-image"))
    except RateLimited:
        return False
    return True


async def _main(settings: dict[str, object]) -> None:
    limits = create_limits(load_settings(**settings))
    await limits.start()
    print(0, flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        names = [f"{os.getpid()}-{order['tenant']}-{number}" for number in range(order["count"])]
        print(sum(await asyncio.gather(*(_admit(limits, order["tenant"], name) for name in names))), flush=True)


if __name__ == "__main__":
    asyncio.run(_main(json.loads(sys.argv[1])))
