"""Names that stand for several servers: their addresses are looked up again and again, and each is an upstream."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import structlog
from yarl import URL

from atelier.gateway.upstreams.pool import Pool
from atelier.gateway.upstreams.upstream import Upstream

LookUp = Callable[[str], Awaitable[list[str]]]
"""The addresses of a host, as text. Raises OSError where none is known."""

_THREAD = ThreadPoolExecutor(1, "names")
"""Of its own: while no name server answers, look-ups must not take those that others need."""

log = structlog.get_logger()


async def addresses(host: str) -> list[str]:
    """Of a host that has both kinds those of IPv4 alone: the others are the same servers once more."""
    asked = partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_THREAD, asked)
    of_kind = {kind: [str(place[0]) for family, _, _, _, place in found if family == kind] for kind, *_ in found}
    return of_kind.get(socket.AF_INET) or of_kind.get(socket.AF_INET6) or []


class Names:
    """One task for each name. changed: called after the servers behind one have changed. every: seconds."""

    def __init__(self, pools: Iterable[Pool], changed: Callable[[], None], *, every: float, look_up: LookUp) -> None:
        self._by_host: dict[str, list[tuple[Pool, Upstream]]] = {}
        for pool in pools:
            for name in pool.names:
                self._by_host.setdefault(str(URL(name.url).host), []).append((pool, name))
        self._changed = changed
        self._every = every
        self._look_up = look_up
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._watch(host)) for host in self._by_host]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _watch(self, host: str) -> None:
        while True:
            try:
                self._spread(host, await self._look_up(host))
            except OSError:  # who was known stays: the probes tell how they are
                log.debug("a name was not found", host=host)
            except Exception as fault:
                log.error("a look-up failed", host=host, exc_info=fault)
            await asyncio.sleep(self._every * (0.8 + 0.4 * random.random()))  # noqa: S311  no secret

    def _spread(self, host: str, found: list[str]) -> None:
        changes = [
            pool.spread(name, [str(URL(name.url).with_host(address)) for address in found])
            for pool, name in self._by_host[host]
        ]
        if any(changes):
            log.info("upstreams changed", host=host, servers=len(found))
            self._changed()
